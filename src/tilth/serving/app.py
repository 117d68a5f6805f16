"""The prediction server as a Starlette application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tilth.schemas import Schema
from tilth.serving.answers import Answer, json_answer
from tilth.serving.batching import Batcher
from tilth.serving.endpoint import Ask, Endpoint, Offload, PredictionEndpoint, Work
from tilth.serving.feedback import FeedbackDesk
from tilth.serving.live import LiveModel, ModelSource
from tilth.serving.metering import Meters
from tilth.serving.open_inference import (
    infer,
    model_metadata,
    no_model,
    repository_index,
    server_metadata,
)
from tilth.serving.openapi import describe_api
from tilth.serving.predict import predict
from tilth.serving.predictor import Call, Predictor
from tilth.serving.scoring import Scorer
from tilth.serving.settings import ServingSettings
from tilth.tables import FeedbackLog, PredictionLog

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

__all__ = ["create_app"]

_MODEL = "/v2/models/{model}"
_VERSION = _MODEL + "/versions/{version}"


def create_app(
    models: ModelSource,
    log: PredictionLog,
    feedback: FeedbackLog,
    schema: Schema | None = None,
    *,
    settings: ServingSettings | None = None,
) -> Starlette:
    """The server's application: /predict, /feedback, /v2, /metrics, /openapi.json.

    The model is loaded, and swapped whenever the source names another version, while the application's
    lifespan runs. The logs belong to the caller, who closes them after the application has ended.

    Args:
        models: where the served model comes from.
        log: where each prediction is written before it is answered.
        feedback: where outcomes are written.
        schema: the contract on the columns of models that bring none of their own; its environment "serving"
            is what a request must satisfy.
        settings: limits and manners.
    """
    settings = settings or ServingSettings()
    schema = schema or Schema(())
    meters = Meters()
    live = LiveModel(models, schema, settings, meters)
    predictor = Predictor(live, log, meters)
    desk = FeedbackDesk(predictor, feedback, meters, settings)
    offload = Offload(settings)
    works = _Works(live, predictor, desk, meters, schema)
    batcher = Batcher(predictor, settings.batch_rows)
    endpoints: dict[tuple[str, str], Endpoint] = {
        (path, "POST"): PredictionEndpoint(path, ask, batcher, meters, settings, offload)
        for path, ask in works.predictions()
    }
    for path, method, work in works.others():
        endpoints[path, method] = Endpoint(path, work, meters, settings, offload)
    return _Application(
        endpoints,
        exception_handlers={HTTPException: _plain_refusal(meters)},
        lifespan=_lifespan(live, offload, settings),
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


class _Works:
    """The work of each route."""

    def __init__(
        self, live: LiveModel, predictor: Predictor, desk: FeedbackDesk, meters: Meters, schema: Schema
    ) -> None:
        self._live = live
        self._predictor = predictor
        self._desk = desk
        self._meters = meters
        self._schema = schema

    def predictions(self) -> list[tuple[str, Ask]]:
        """The routes that predict: path and how a request is read."""
        return [
            ("/predict", lambda _, body: predict(self._predictor, body)),
            (_MODEL + "/infer", self._infer),
            (_VERSION + "/infer", self._infer),
        ]

    def others(self) -> list[tuple[str, str, Work]]:
        """The other routes: path, method, work."""
        return [
            ("/feedback", "POST", lambda _, body: json_answer(self._desk.accept(body))),
            ("/v2/health/live", "GET", lambda _scope, _body: self._health(200)),
            ("/v2/health/ready", "GET", lambda _scope, _body: self._health(503)),
            ("/v2", "GET", lambda _scope, _body: json_answer(server_metadata())),
            ("/v2/models", "GET", self._models),
            (_MODEL, "GET", lambda scope, _: json_answer(model_metadata(self._named(scope)))),
            (_VERSION, "GET", lambda scope, _: json_answer(model_metadata(self._named(scope)))),
            (_MODEL + "/ready", "GET", self._model_ready),
            (_VERSION + "/ready", "GET", self._model_ready),
            ("/v2/repository/index", "POST", self._index),
            ("/metrics", "GET", self._metrics),
            ("/openapi.json", "GET", self._openapi),
            ("/", "GET", self._home),
        ]

    def _named(self, scope: Scope) -> Scorer:
        """The live scorer, if it is the one that the path names."""
        name, version = scope["path_params"]["model"], scope["path_params"].get("version")
        scorer = self._live.scorer
        if scorer is None or scorer.model.name != name or version not in (None, str(scorer.model.version)):
            raise no_model(name, version)
        return scorer

    def _infer(self, scope: Scope, body: bytes) -> Call:
        return infer(self._predictor, self._named(scope), body)

    def _health(self, unready: int) -> Answer:
        ready = self._live.scorer is not None
        content: dict[str, object] = {"live": True, "ready": ready}
        if self._live.problem:
            content["problem"] = self._live.problem
        return json_answer(content, 200 if ready else unready)

    def _models(self, _scope: Scope, _body: bytes) -> Answer:
        scorer = self._live.scorer
        return json_answer({"models": [] if scorer is None else [scorer.model.name]})

    def _model_ready(self, scope: Scope, _body: bytes) -> Answer:
        return json_answer({"name": self._named(scope).model.name, "ready": True})

    def _index(self, _scope: Scope, _body: bytes) -> Answer:
        return json_answer(repository_index(self._live.scorer))

    def _metrics(self, _scope: Scope, _body: bytes) -> Answer:
        return Answer(200, self._meters.exposition(), self._meters.content_type.encode())

    def _openapi(self, _scope: Scope, _body: bytes) -> Answer:
        scorer = self._live.scorer
        return json_answer(describe_api(self._schema if scorer is None else scorer.schema, scorer))

    def _home(self, _scope: Scope, _body: bytes) -> Answer:
        scorer = self._live.scorer
        return json_answer(
            {
                "name": "tilth",
                "tilth_version": package_version("tilth"),
                "model": None if scorer is None else scorer.model.name,
                "version": None if scorer is None else scorer.model.version,
                "endpoints": [
                    *(f"POST {path}" for path, _ in self.predictions()),
                    *(f"{method} {path}" for path, method, _ in self.others()),
                ],
            }
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
    live: LiveModel, offload: Offload, settings: ServingSettings
) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    """Load the model, keep following its source, and end tidily."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(live.refresh)
        following = asyncio.create_task(_follow(live, settings.poll_interval_s))
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            offload.close()

    return lifespan


async def _follow(live: LiveModel, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        await asyncio.to_thread(live.refresh)
