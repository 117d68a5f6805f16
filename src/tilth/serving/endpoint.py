"""One route as a small ASGI application: reads the body, does the work, answers, counts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tilth.errors import DataError, RequestError
from tilth.serving.answers import Answer, ClientGone, Refusal, json_answer, read_body, refused
from tilth.serving.batching import Batcher
from tilth.serving.metering import Meters
from tilth.serving.predictor import Call
from tilth.serving.settings import ServingSettings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["Ask", "Endpoint", "Offload", "PredictionEndpoint", "Work", "send_answer"]

_log = logging.getLogger("tilth.serving")

Ask = Callable[["Scope", bytes], Call]
"""The reading of a prediction request; raises RequestError or Refusal."""

Work = Callable[["Scope", bytes], Answer]
"""The work of a route: from scope and body to an answer; raises RequestError or Refusal."""


class Offload:
    """Threads for large requests, with a bound on how many may wait."""

    def __init__(self, settings: ServingSettings) -> None:
        self.over_bytes = settings.offload_bytes
        self._waiting_allowed = settings.offload_waiting
        self._in_work = 0
        self._threads = ThreadPoolExecutor(settings.offload_threads, thread_name_prefix="tilth-large")

    async def run(self, work: Work, scope: Scope, body: bytes) -> Answer:
        """Do the work in a thread.

        Raises:
            Refusal: 503 when too many large requests are waiting.
        """
        if self._in_work >= self._waiting_allowed:
            raise Refusal(
                503, "too many large requests at once; try again", headers=((b"retry-after", b"1"),)
            )
        self._in_work += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, scope, body)
        finally:
            self._in_work -= 1

    def close(self) -> None:
        """Wait for the work that is going on and end the threads."""
        self._threads.shutdown(wait=True)


class Endpoint:
    """An ASGI application for one route.

    Every error that a request can cause ends as an answer in JSON; what was not foreseen is logged with its
    traceback and answered 500 without it.
    """

    def __init__(
        self, name: str, work: Work, meters: Meters, settings: ServingSettings, offload: Offload
    ) -> None:
        self._name = name
        self._work = work
        self._meters = meters
        self._max_bytes = settings.max_body_bytes
        self._timeout_s = settings.body_timeout_s
        self._offload = offload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        self._meters.request(self._name, answer.status, time.perf_counter() - started)
        await send_answer(answer, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            body = await read_body(scope, receive, self._max_bytes, self._timeout_s)
            if len(body) > self._offload.over_bytes:
                return await self._offload.run(self._work, scope, body)
            return await self._small(scope, body)
        except RequestError as error:
            return refused(error)
        except Refusal as refusal:
            return refusal.answer()
        except DataError as error:
            _log.error("%s: %s", self._name, error)
            return Refusal(503, error.what, headers=((b"retry-after", b"5"),)).answer()
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - one bad request must not stop the server; it is logged
            _log.exception("%s failed", self._name)
            return json_answer({"error": "the server failed at this request; its log says why"}, 500)

    async def _small(self, scope: Scope, body: bytes) -> Answer:
        return self._work(scope, body)


class PredictionEndpoint(Endpoint):
    """A route that predicts: small requests together with those that wait beside them, large ones alone."""

    def __init__(
        self,
        name: str,
        ask: Ask,
        batcher: Batcher,
        meters: Meters,
        settings: ServingSettings,
        offload: Offload,
    ) -> None:
        super().__init__(name, self._alone, meters, settings, offload)
        self._ask = ask
        self._batcher = batcher

    async def _small(self, scope: Scope, body: bytes) -> Answer:
        call = self._ask(scope, body)
        return json_answer(call.answer(await self._batcher.predict(call.accepted)))

    def _alone(self, scope: Scope, body: bytes) -> Answer:
        call = self._ask(scope, body)
        (predicted,) = self._batcher.predictor.complete([call.accepted])
        return json_answer(call.answer(predicted))


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer."""
    body = answer.body
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(body)),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
