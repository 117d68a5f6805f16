"""The routes of the server: path, method, work, and what a caller must be allowed to do."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version as package_version

from tilth.serving.answers import Answer, json_answer
from tilth.serving.endpoint import Ask, Permission, Work
from tilth.serving.feedback import FeedbackDesk
from tilth.serving.hub import Hub
from tilth.serving.invocations import invoke
from tilth.serving.metering import Meters
from tilth.serving.open_inference import infer, model_metadata, repository_index, server_metadata
from tilth.serving.openapi import describe_api
from tilth.serving.predict import predict
from tilth.serving.predictor import Call, Predictor
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer

__all__ = ["PredictionRoute", "Route", "Routes"]

_MODEL = "/v2/models/{model}"
_REPOSITORY = "/v2/repository/models/{model}"
_VERSION = _MODEL + "/versions/{version}"


@dataclass(frozen=True)
class Route:
    """One route.

    Args:
        path: with names in braces.
        method: such as "GET".
        work: from a request to an answer.
        permission: what a caller must be allowed to do; None for anybody.
        is_admin: it belongs to the port for management, where there is one.
        is_slow: it is done in a thread.
    """

    path: str
    method: str
    work: Work
    permission: Permission | None = "read"
    is_admin: bool = False
    is_slow: bool = False


@dataclass(frozen=True)
class PredictionRoute:
    """One route that predicts: its path, and how its requests are read."""

    path: str
    ask: Ask


class Routes:
    """All routes of a server.

    Args:
        hub: the models.
        desk: what takes outcomes.
        meters: what counts.
        has_admin_port: what is for management is answered on a port of its own.
    """

    def __init__(self, hub: Hub, desk: FeedbackDesk, meters: Meters, *, has_admin_port: bool = False) -> None:
        self._hub = hub
        self._desk = desk
        self._meters = meters
        self._has_admin_port = has_admin_port

    def predictions(self) -> list[PredictionRoute]:
        """The routes that predict."""
        return [
            PredictionRoute("/predict", self._predict),
            PredictionRoute("/predict/{model}", self._predict),
            PredictionRoute("/predict/{model}/versions/{version}", self._predict),
            PredictionRoute("/invocations", self._invoke),
            PredictionRoute(_MODEL + "/infer", self._infer),
            PredictionRoute(_VERSION + "/infer", self._infer),
        ]

    def others(self) -> list[Route]:
        """The other routes."""
        return [
            Route("/feedback", "POST", lambda r: json_answer(self._desk.accept(r.body)), "feedback"),
            Route("/v2/health/live", "GET", lambda _: self._health(200), None),
            Route("/v2/health/ready", "GET", lambda _: self._health(503), None),
            Route("/ping", "GET", lambda _: self._health(503), None),
            Route("/health", "GET", lambda _: self._health(503), None),
            Route("/version", "GET", lambda _: Answer(200, package_version("tilth").encode(), b"text/plain")),
            Route("/v2", "GET", lambda _: json_answer(server_metadata())),
            Route("/v2/models", "GET", self._models),
            Route(_MODEL, "GET", self._metadata),
            Route(_VERSION, "GET", self._metadata),
            Route(_MODEL + "/ready", "GET", self._model_ready, None),
            Route(_VERSION + "/ready", "GET", self._model_ready, None),
            Route("/v2/repository/index", "POST", self._index, "read", is_admin=True),
            Route(_REPOSITORY + "/load", "POST", self._load, "deploy", is_admin=True, is_slow=True),
            Route(_REPOSITORY + "/unload", "POST", self._unload, "deploy", is_admin=True, is_slow=True),
            Route("/metrics", "GET", self._metrics, "read", is_admin=True),
            Route("/openapi.json", "GET", self._openapi, is_admin=True),
            Route("/", "GET", self._home),
        ]

    def _named(self, request: Request) -> tuple[Predictor, Scorer]:
        """Who answers, and with which version."""
        named = request.path_params
        version = named.get("version")
        predictor = self._hub.named(named.get("model"), version)
        return predictor, predictor.live.find(version)

    def _predict(self, request: Request) -> Call:
        predictor, scorer = self._named(request)
        return predict(predictor, scorer, request)

    def _invoke(self, request: Request) -> Call:
        predictor, scorer = self._named(request)
        return invoke(predictor, scorer, request)

    def _infer(self, request: Request) -> Call:
        predictor, scorer = self._named(request)
        return infer(predictor, scorer, request)

    def _metadata(self, request: Request) -> Answer:
        predictor, scorer = self._named(request)
        return json_answer(model_metadata(predictor.live, scorer))

    def _health(self, unready: int) -> Answer:
        ready = self._hub.ready
        content: dict[str, object] = {"live": True, "ready": ready}
        if self._hub.problems:
            content["problem"] = "; ".join(self._hub.problems)
        return json_answer(content, 200 if ready else unready)

    def _models(self, _: Request) -> Answer:
        scorers = [each.live.scorer for each in self._hub.predictors]
        return json_answer({"models": [scorer.model.name for scorer in scorers if scorer is not None]})

    def _model_ready(self, request: Request) -> Answer:
        return json_answer({"name": self._named(request)[1].model.name, "ready": True})

    def _index(self, _: Request) -> Answer:
        return json_answer(repository_index(each.live for each in self._hub.predictors))

    def _load(self, request: Request) -> Answer:
        self._hub.repository.load(request.path_params["model"])
        return json_answer({})

    def _unload(self, request: Request) -> Answer:
        self._hub.repository.unload(request.path_params["model"])
        return json_answer({})

    def _metrics(self, request: Request) -> Answer:
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        return Answer(200, self._meters.exposition(accept), self._meters.content_type_for(accept).encode())

    def _openapi(self, _: Request) -> Answer:
        live = [each.live for each in self._hub.predictors]
        served = [scorer for each in live for scorer in each.versions.values()]
        first = live[0].scorer
        return json_answer(describe_api(self._hub.schema if first is None else first.schema, first, served))

    def _home(self, _: Request) -> Answer:
        scorer = self._hub.first.live.scorer
        return json_answer(
            {
                "name": "tilth",
                "tilth_version": package_version("tilth"),
                "model": None if scorer is None else scorer.model.name,
                "version": None if scorer is None else scorer.model.version,
                "endpoints": [
                    *(f"POST {route.path}" for route in self.predictions()),
                    *(
                        f"{route.method} {route.path}"
                        for route in self.others()
                        if not (self._has_admin_port and route.is_admin)
                    ),
                ],
            }
        )
