"""What the server counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["Meters"]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """The counters of one server, in a registry of their own.

    Label values come only from the routes, the schema and the models, never from what clients write.

    Example:
        >>> meters = Meters()
        >>> meters.request("/predict", 200, 0.001)
        >>> b'tilth_requests_total{endpoint="/predict",status="200"} 1.0' in meters.exposition()
        True
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tilth_requests", "Requests answered.", ["endpoint", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "tilth_request_seconds",
            "Seconds from a request's headers to its answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._predictions = Counter(
            "tilth_predictions", "Predictions answered.", ["model", "version"], registry=self._registry
        )
        self._rejected = Counter(
            "tilth_rejected",
            "Requests refused for what was in a column; column is empty where none was to blame.",
            ["column"],
            registry=self._registry,
        )
        self._unexpected = Counter(
            "tilth_unexpected_values",
            "Values outside of the schema's domain or range that were accepted.",
            ["column"],
            registry=self._registry,
        )
        self._feedback = Counter("tilth_feedback", "Outcomes accepted.", registry=self._registry)
        self._model = Gauge(
            "tilth_model_info", "The model that answers.", ["model", "version"], registry=self._registry
        )
        self._failures = Counter(
            "tilth_model_load_failures", "Model versions that failed to load.", registry=self._registry
        )
        self._answering: tuple[str, int, Counter] | None = None
        self._routes: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        ProcessCollector(registry=self._registry)

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """One request was answered."""
        route = self._routes.get((endpoint, status))
        if route is None:
            route = self._requests.labels(endpoint, str(status)), self._seconds.labels(endpoint)
            self._routes[endpoint, status] = route
        route[0].inc()
        route[1].observe(seconds)

    def predicted(self, model: str, version: int, rows: int) -> None:
        """Predictions were answered."""
        answering = self._answering
        if answering is None or answering[:2] != (model, version):
            answering = model, version, self._predictions.labels(model, str(version))
            self._answering = answering
        answering[2].inc(rows)

    def rejected(self, column: str) -> None:
        """A request was refused because of a column (a name of the schema, or "")."""
        self._rejected.labels(column).inc()

    def unexpected(self, column: str) -> None:
        """An unexpected value was accepted."""
        self._unexpected.labels(column).inc()

    def feedback(self, count: int) -> None:
        """Outcomes were accepted."""
        self._feedback.inc(count)

    def model(self, name: str, version: int) -> None:
        """This model answers from now on."""
        self._model.clear()
        self._model.labels(name, str(version)).set(1)

    def load_failed(self) -> None:
        """A model version could not be loaded."""
        self._failures.inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
