"""One route as a small ASGI application: reads the body, does the work, answers, counts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tilth.errors import DataError, RequestError
from tilth.serving.answers import Answer, ClientGone, Refusal, json_answer, read_body, refused
from tilth.serving.batching import Batcher
from tilth.serving.metering import Meters
from tilth.serving.predictor import Call
from tilth.serving.request import Request
from tilth.serving.settings import ServingSettings

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = [
    "Ask",
    "Endpoint",
    "Gate",
    "Offload",
    "Permission",
    "PredictionEndpoint",
    "Shared",
    "Work",
    "send_answer",
]

_log = logging.getLogger("tilth.serving")

Ask = Callable[[Request], Call]
"""The reading of a prediction request; raises RequestError or Refusal."""

Work = Callable[[Request], Answer]
"""The work of a route: from a request to an answer; raises RequestError or Refusal."""

Gate = Callable[[Request, "Permission"], None]
"""Lets a request in to what needs a permission, or raises Refusal; the body has not been read yet."""

Permission = Literal["predict", "feedback", "deploy", "read"]


class Offload:
    """Threads for large requests, with a bound on how many may wait."""

    def __init__(self, settings: ServingSettings) -> None:
        self.over_bytes = settings.offload_bytes
        self._waiting_allowed = settings.offload_waiting
        self._in_work = 0
        self._threads = ThreadPoolExecutor(settings.offload_threads, thread_name_prefix="tilth-large")

    async def run(self, work: Work, request: Request) -> Answer:
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
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, request)
        finally:
            self._in_work -= 1

    def close(self) -> None:
        """Wait for the work that is going on and end the threads."""
        self._threads.shutdown(wait=True)


@dataclass(frozen=True)
class Shared:
    """What all routes of a server have in common.

    Args:
        settings: limits and manners.
        meters: what counts.
        offload: the threads for large requests.
        batcher: what predicts small requests together.
        gate: lets requests in; None lets in every one.
    """

    settings: ServingSettings
    meters: Meters
    offload: Offload
    batcher: Batcher
    gate: Gate | None = None


class Endpoint:
    """An ASGI application for one route.

    Every error that a request can cause ends as an answer in JSON; what was not foreseen is logged with its
    traceback and answered 500 without it.

    Args:
        name: the route, for counting.
        work: what it does.
        shared: what it has in common with the others.
        permission: what a caller must be allowed to do; None for anybody.
    """

    def __init__(self, name: str, work: Work, shared: Shared, permission: Permission | None) -> None:
        self._name = name
        self._work = work
        self._meters = shared.meters
        self._max_bytes = shared.settings.max_body_bytes
        self._timeout_s = shared.settings.body_timeout_s
        self._deadline_s = shared.settings.deadline_s
        self._offload = shared.offload
        self._gate = shared.gate if permission is not None else None
        self._permission = permission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        try:
            answer = await self._answer(scope, receive, started)
        except ClientGone:
            return
        self._meters.request(self._name, answer.status, time.perf_counter() - started)
        await send_answer(answer, send)

    async def _answer(self, scope: Scope, receive: Receive, started: float) -> Answer:
        try:
            request = Request(
                dict(scope["headers"]), started=started, timeout_s=self._deadline_s, scope=scope
            )
            if self._gate is not None and self._permission is not None:
                self._gate(request, self._permission)
            request.body = await read_body(scope, receive, self._max_bytes, self._timeout_s)
            if len(request.body) > self._offload.over_bytes:
                return await self._offload.run(self._work, request)
            return await self._small(request)
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

    async def _small(self, request: Request) -> Answer:
        return self._work(request)


class PredictionEndpoint(Endpoint):
    """A route that predicts: small requests together with those that wait beside them, large ones alone."""

    def __init__(self, name: str, ask: Ask, shared: Shared) -> None:
        super().__init__(name, self._alone, shared, "predict")
        self._ask = ask
        self._batcher = shared.batcher

    async def _small(self, request: Request) -> Answer:
        call = self._ask(request)
        return call.answer(await self._batcher.predict(call.accepted))

    def _alone(self, request: Request) -> Answer:
        call = self._ask(request)
        (predicted,) = call.accepted.predictor.complete([call.accepted])
        return call.answer(predicted)


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
