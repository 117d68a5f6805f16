"""One route as a small ASGI application: reads the body, does the work, answers, counts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from tilth.errors import DataError, RequestError
from tilth.serving.answers import Answer, ClientGone, Refusal, json_answer, read_body, refuse_encoded, refused
from tilth.serving.batching import Batcher, too_late, too_many
from tilth.serving.metering import Meters
from tilth.serving.predictor import Call
from tilth.serving.request import Request
from tilth.serving.settings import ServingSettings
from tilth.serving.structured_logs import request_id_of
from tilth.serving.tracing import RequestSpan, Tracer, trace_id_of

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
    "SlowEndpoint",
    "Work",
    "send_answer",
]

_log = logging.getLogger("tilth.serving")

Ask = Callable[[Request], Call]
"""The reading of a prediction request; raises RequestError or Refusal."""

Work = Callable[[Request], Answer]
"""The work of a route: from a request to an answer; raises RequestError or Refusal."""

Result = TypeVar("Result")

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

    async def run(self, work: Callable[[Request], Result], request: Request) -> Result:
        """Do the work in a thread.

        Raises:
            Refusal: 503 when too many large requests are waiting.
        """
        if self._in_work >= self._waiting_allowed:
            raise Refusal(
                503,
                "too many large requests at once; try again",
                headers=((b"retry-after", b"1"),),
                reason="too_many_waiting",
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
        tracer: makes the spans of requests; None makes none.
        asks_in_thread: the reading of a request waits for other machines, so that it is done in a thread.
    """

    settings: ServingSettings
    meters: Meters
    offload: Offload
    batcher: Batcher
    gate: Gate | None = None
    tracer: Tracer | None = None
    asks_in_thread: bool = False


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
        # Probes and scrapes would be most of the traces, and say nothing.
        self._tracer = None if permission is None or name == "/metrics" else shared.tracer
        self._tells_all = shared.settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        headers = dict(scope["headers"])
        span = None if self._tracer is None else self._tracer.request(scope["method"], self._name, headers)
        self._meters.began()
        try:
            answer = await self._answer(scope, receive, started, headers, span)
        except BaseException as gone:
            self._meters.ended()
            if span is not None:
                span.end(None)
            if isinstance(gone, ClientGone):
                return
            raise
        seconds = time.perf_counter() - started
        self._meters.answered(self._name, answer.status, seconds)
        if span is not None:
            span.end(answer.status)
        if self._tells_all:
            about = {"method": scope["method"], "endpoint": self._name, "status": answer.status}
            _log.info("answered", extra={**about, "seconds": seconds, **_names(headers, span)})
        await send_answer(answer, send)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        started: float,
        headers: Mapping[bytes, bytes],
        span: RequestSpan | None,
    ) -> Answer:
        try:
            request = Request(headers, started=started, timeout_s=self._deadline_s, scope=scope, span=span)
            self._admit()
            if self._gate is not None and self._permission is not None:
                self._gate(request, self._permission)
            if b"content-encoding" in headers:
                refuse_encoded(headers[b"content-encoding"])
            request.body = await read_body(scope, receive, self._max_bytes, self._timeout_s)
            if len(request.body) > self._offload.over_bytes:
                return await self._offload.run(self._work, request)
            return await self._small(request)
        except RequestError as error:
            self._meters.refused("invalid")
            return refused(error)
        except Refusal as refusal:
            self._meters.refused(refusal.reason)
            return refusal.answer()
        except DataError as error:
            self._meters.refused("log")
            _log.error("%s: %s", self._name, error, extra=_names(headers, span))
            return Refusal(503, error.what, headers=((b"retry-after", b"5"),)).answer()
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - one bad request must not stop the server; it is logged
            return self._failed(_names(headers, span))

    def _failed(self, names: dict[str, str]) -> Answer:
        """What was not foreseen: the log has where it happened, under the name that the client is told."""
        _log.exception("%s failed", self._name, extra=names)
        what = "the server failed at this request; its log says why"
        answer = json_answer({"error": what, "request_id": names["request_id"]}, 500)
        return answer._replace(headers=((b"x-request-id", names["request_id"].encode()),))

    def _admit(self) -> None:
        """Refuse before anything is read what would be refused later; this route takes everything."""

    async def _small(self, request: Request) -> Answer:
        return self._work(request)


class SlowEndpoint(Endpoint):
    """A route whose work takes longer than others should wait: it is done in a thread."""

    async def _small(self, request: Request) -> Answer:
        return await self._offload.run(self._work, request)


class PredictionEndpoint(Endpoint):
    """A route that predicts: small requests together with those that wait beside them, large ones alone."""

    def __init__(self, name: str, ask: Ask, shared: Shared) -> None:
        super().__init__(name, self._alone, shared, "predict")
        self._ask = ask
        self._batcher = shared.batcher
        self._asks_in_thread = shared.asks_in_thread

    def _admit(self) -> None:
        if self._batcher.is_full:
            raise too_many()

    async def _small(self, request: Request) -> Answer:
        if self._asks_in_thread:
            call = await asyncio.to_thread(self._ask, request)
        else:
            call = self._ask(request)
        predicted = await self._batcher.predict(call.accepted)
        if call.is_slow:
            return await self._offload.run(lambda _: call.answer(predicted), request)
        return call.answer(predicted)

    def _alone(self, request: Request) -> Answer:
        if request.deadline <= time.perf_counter():
            raise too_late()
        call = self._ask(request)
        if request.deadline <= time.perf_counter():
            raise too_late()
        (predicted,) = call.accepted.predictor.complete([call.accepted])
        return call.answer(predicted)


def _names(headers: Mapping[bytes, bytes], span: RequestSpan | None) -> dict[str, str]:
    """By which names a request is found again in logs and traces."""
    trace = trace_id_of(headers) if span is None else span.trace_id
    return {"request_id": request_id_of(headers)} | ({} if trace is None else {"trace_id": trace})


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
