"""The prediction server as a Starlette application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tilth.schemas import Schema
from tilth.serving.answers import json_answer
from tilth.serving.batching import Batcher
from tilth.serving.endpoint import Endpoint, Gate, Offload, PredictionEndpoint, Shared, SlowEndpoint
from tilth.serving.feedback import FeedbackDesk
from tilth.serving.hub import Hub, ServedProject
from tilth.serving.live import ModelSource
from tilth.serving.metering import Meters
from tilth.serving.routes import Routes
from tilth.serving.settings import ServingSettings
from tilth.serving.tracing import Tracer
from tilth.tables import FeedbackLog, PredictionLog

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tilth.serving.admin import AdminPort

__all__ = ["GrpcAddress", "create_app"]


@dataclass
class GrpcAddress:
    """Where the server answers over gRPC.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one, which stands here once the server answers.
        credentials: for TLS; None for none.
    """

    host: str
    port: int
    credentials: Any = None


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
    meters: Meters | None = None,
    tracer: Tracer | None = None,
    grpc: GrpcAddress | None = None,
    admin: AdminPort | None = None,
    cors: Sequence[str] = (),
    folder: Path | None = None,
    asks_in_thread: bool = False,
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
        meters: what counts; default: for this process alone.
        tracer: makes spans of requests; default: none.
        grpc: where to answer over gRPC as well; default: nowhere.
        admin: where management is answered, and then nowhere else; default: beside everything.
        cors: origins whose pages may read answers in a browser, such as "https://example.org"; "*" for all.
        folder: shared by the workers of one server, for what they agree on; None for a server of one process.
        asks_in_thread: features are looked up on other machines, which others shall not wait for.
    """
    settings = settings or ServingSettings()
    meters = meters or Meters()
    first = ServedProject(models, log, feedback, schema or Schema(()), entity)
    hub = Hub((first, *beside), settings, meters, folder)
    offload = Offload(settings)
    shared = Shared(
        settings,
        meters,
        offload,
        Batcher(settings.batch_rows, settings.max_waiting),
        gate,
        tracer,
        asks_in_thread,
    )
    routes = Routes(hub, FeedbackDesk(hub, meters, settings), meters, has_admin_port=admin is not None)
    endpoints: dict[tuple[str, str], Endpoint] = {
        (route.path, "POST"): PredictionEndpoint(route.path, route.ask, shared)
        for route in routes.predictions()
    }
    management: dict[tuple[str, str], Endpoint] = {}
    for route in routes.others():
        kind = SlowEndpoint if route.is_slow else Endpoint
        endpoint = kind(route.path, route.work, shared, route.permission)
        if admin is None or not route.is_admin:
            endpoints[route.path, route.method] = endpoint
        if route.is_admin or route.permission is None:
            management[route.path, route.method] = endpoint
    handlers: Any = {HTTPException: _plain_refusal(meters)}

    @contextlib.asynccontextmanager
    async def managed() -> AsyncIterator[None]:
        if admin is None:
            yield
            return
        from tilth.serving.admin import admin_server

        async with admin_server(_Application(management, exception_handlers=handlers), admin, settings):
            yield

    app = _Application(
        endpoints,
        cors=cors,
        exception_handlers=handlers,
        lifespan=_lifespan(hub, shared, grpc, managed),
    )
    app.state.drain = hub.drain
    return app


class _Application(Starlette):
    """Routes as Starlette does, except that exact paths go to their endpoint at once.

    Endpoints answer all their errors themselves, so nothing of what Starlette does on the way is missed; it
    would be a third of the time of a small request.
    """

    def __init__(
        self, endpoints: Mapping[tuple[str, str], Endpoint], *, cors: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init__(
            routes=[Route(path, endpoint, methods=[m]) for (path, m), endpoint in endpoints.items()],
            **options,
        )
        self._endpoints = endpoints
        self._across: ASGIApp | None = _across_origins(self._answer, cors) if cors else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._across is None:
            await self._answer(scope, receive, send)
        else:
            await self._across(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = None
        if scope["type"] == "http" and not scope.get("root_path"):
            endpoint = self._endpoints.get((scope["path"], scope["method"]))
        if endpoint is None:
            await super().__call__(scope, receive, send)
        else:
            await endpoint(scope, receive, send)


def _across_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The same, for pages of other origins too (CORS). Cookies are not for them: there are none."""
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "X-Request-Id",
            "X-Request-Timeout-Ms",
            "traceparent",
        ],
        expose_headers=["Retry-After", "X-Request-Id"],
    )


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
    hub: Hub,
    shared: Shared,
    grpc: GrpcAddress | None,
    managed: Callable[[], contextlib.AbstractAsyncContextManager[None]],
) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    """Load the model, keep following its source, and end tidily."""
    settings = shared.settings

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(hub.refresh)
        following = asyncio.create_task(_follow(hub, settings.poll_interval_s))
        try:
            async with _grpc_server(hub, shared, grpc), managed():
                yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            shared.offload.close()
            shared.batcher.close()

    return lifespan


@contextlib.asynccontextmanager
async def _grpc_server(hub: Hub, shared: Shared, address: GrpcAddress | None) -> AsyncIterator[None]:
    if address is None:
        yield
        return
    from tilth.serving.grpc_server import GrpcServer

    server = GrpcServer(hub, shared, address.host, address.port, address.credentials)
    await server.start()
    address.port = server.port
    try:
        yield
    finally:
        await server.stop(shared.settings.shutdown_timeout_s)


async def _follow(hub: Hub, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        await asyncio.to_thread(hub.refresh)
