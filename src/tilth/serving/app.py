"""The prediction server as a Starlette application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tilth.schemas import Schema
from tilth.serving.answers import json_answer
from tilth.serving.batching import Batcher
from tilth.serving.endpoint import Endpoint, Gate, Offload, PredictionEndpoint, Shared
from tilth.serving.feedback import FeedbackDesk
from tilth.serving.hub import Hub, ServedProject
from tilth.serving.live import ModelSource
from tilth.serving.metering import Meters
from tilth.serving.routes import Routes
from tilth.serving.settings import ServingSettings
from tilth.tables import FeedbackLog, PredictionLog

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

__all__ = ["create_app"]


def create_app(
    models: ModelSource,
    log: PredictionLog,
    feedback: FeedbackLog,
    schema: Schema | None = None,
    *,
    entity: str | None = None,
    beside: Sequence[ServedProject] = (),
    settings: ServingSettings | None = None,
    gate: Gate | None = None,
) -> Starlette:
    """The server's application: /predict, /feedback, /v2, /metrics, /openapi.json.

    Models are loaded, and swapped whenever their source names another version, while the application's
    lifespan runs. The logs belong to the caller, who closes them after the application has ended.

    Args:
        models: where the served model comes from.
        log: where each prediction is written before it is answered.
        feedback: where outcomes are written.
        schema: the contract on the columns of models that bring none of their own; its environment "serving"
            is what a request must satisfy.
        entity: the column with the key of whom a prediction is about.
        beside: other projects that are served as well, each by its model's name.
        settings: limits and manners.
        gate: lets requests in; None lets in every one.
    """
    settings = settings or ServingSettings()
    meters = Meters()
    first = ServedProject(models, log, feedback, schema or Schema(()), entity)
    hub = Hub((first, *beside), settings, meters)
    offload = Offload(settings)
    shared = Shared(settings, meters, offload, Batcher(settings.batch_rows), gate)
    routes = Routes(hub, FeedbackDesk(hub, meters, settings), meters)
    endpoints: dict[tuple[str, str], Endpoint] = {
        (route.path, "POST"): PredictionEndpoint(route.path, route.ask, shared)
        for route in routes.predictions()
    }
    for route in routes.others():
        endpoints[route.path, route.method] = Endpoint(route.path, route.work, shared, route.permission)
    return _Application(
        endpoints,
        exception_handlers={HTTPException: _plain_refusal(meters)},
        lifespan=_lifespan(hub, offload, settings),
    )


class _Application(Starlette):
    """Routes as Starlette does, except that exact paths go to their endpoint at once.

    Endpoints answer all their errors themselves, so nothing of what Starlette does on the way is missed; it
    would be a third of the time of a small request.
    """

    def __init__(self, endpoints: Mapping[tuple[str, str], Endpoint], **options: Any) -> None:
        super().__init__(
            routes=[Route(path, endpoint, methods=[m]) for (path, m), endpoint in endpoints.items()],
            **options,
        )
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = None
        if scope["type"] == "http" and not scope.get("root_path"):
            endpoint = self._endpoints.get((scope["path"], scope["method"]))
        if endpoint is None:
            await super().__call__(scope, receive, send)
        else:
            await endpoint(scope, receive, send)


def _plain_refusal(meters: Meters) -> Callable[[Request, Exception], Response]:
    """Unknown paths and wrong methods, answered in JSON."""

    def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        meters.request("other", error.status_code, 0.0)
        what = f"{request.method} {request.url.path[:200]}: {error.detail}"
        content = json_answer({"error": what, "expected": "one of the endpoints that GET / lists"})
        return Response(content.body, error.status_code, error.headers, media_type="application/json")

    return answer


def _lifespan(
    hub: Hub, offload: Offload, settings: ServingSettings
) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    """Load the model, keep following its source, and end tidily."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(hub.refresh)
        following = asyncio.create_task(_follow(hub, settings.poll_interval_s))
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            offload.close()

    return lifespan


async def _follow(hub: Hub, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        await asyncio.to_thread(hub.refresh)
