"""What the server counts, for Prometheus, over all of its workers."""

from __future__ import annotations

import datetime
import logging
import platform
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, choose_encoder

from tilth.checks import Verdict
from tilth.serving.meter_blocks import MeterBlock
from tilth.serving.metric_table import METRICS
from tilth.serving.metric_totals import Totals
from tilth.serving.process_meters import note_process

__all__ = ["Meters"]

_log = logging.getLogger("tilth.serving")

_SECONDS = METRICS["tilth_request_duration_seconds"].buckets
_SHORT = METRICS["tilth_graph_duration_seconds"].buckets
_ROWS = METRICS["tilth_batch_rows"].buckets
_SUM = len(_SECONDS) + 1
_SUM_SHORT = len(_SHORT) + 1
_SUM_ROWS = len(_ROWS) + 1


class Meters:
    """The counters of one server; one object in each of its workers.

    Label values come only from the routes, the schema and the models, never from what clients write. Safe to
    use from several threads.

    Args:
        folder: what `meter_folder` gave, for a server of several workers; None for one of a single process.
            Make the object in the worker, after the fork.

    Example:
        >>> meters = Meters()
        >>> meters.request("/predict", 200, 0.001)
        >>> b'tilth_requests_total{endpoint="/predict",status="200"} 1.0' in meters.exposition()
        True
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, folder: Path | None = None) -> None:
        self._block = MeterBlock(folder)
        self._cells = self._block.cells
        self._lock = self._block.lock
        self._routes: dict[tuple[str, int], tuple[int, int]] = {}
        self._served: dict[tuple[str, int, str], tuple[int, int, int]] = {}
        self._graphs: dict[tuple[str, int], tuple[int, int]] = {}
        self._places: dict[tuple[str, tuple[str, ...]], int] = {}
        self._gauges: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        self._is_told = False
        self._registry = CollectorRegistry()
        self._registry.register(Totals(self._block))
        note_process(self._block)
        self._in_flight = self._place("tilth_requests_in_flight")
        self._cells[self._in_flight] = 0.0
        self._set("tilth_build_info", (_installed("tilth"), platform.python_version(), _runtime()), 1.0)

    # ---- requests

    def began(self) -> None:
        """A request came; `answered` or `ended` follows, whatever becomes of it."""
        with self._lock:
            self._cells[self._in_flight] += 1.0

    def ended(self) -> None:
        """A request is over that began and got no answer."""
        with self._lock:
            self._cells[self._in_flight] -= 1.0

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """A request that never began was answered."""
        self.began()
        self.answered(endpoint, status, seconds)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """A request that began was answered.

        Args:
            endpoint: the route, with names in braces where paths differ.
            status: of HTTP.
            seconds: since its headers.
        """
        route = self._routes.get((endpoint, status))
        if route is None:
            route = (
                self._place("tilth_requests_total", endpoint, str(status)),
                self._place("tilth_request_duration_seconds", endpoint),
            )
            self._routes[endpoint, status] = route
        count, first = route
        cells = self._cells
        with self._lock:
            cells[self._in_flight] -= 1.0
            cells[count] += 1.0
            cells[first + bisect_left(_SECONDS, seconds)] += 1.0
            cells[first + _SUM] += seconds

    def refused(self, reason: str) -> None:
        """A request was refused, for a reason of a small set, such as "deadline"."""
        self._add("tilth_refused_total", (reason,))

    def rejected(self, column: str, model: str = "") -> None:
        """A request was refused because of a column (a name of the schema, or "")."""
        self._add("tilth_rejected_total", (model, column))

    def unexpected(self, column: str, model: str = "") -> None:
        """An unexpected value was answered."""
        self._add("tilth_unexpected_values_total", (model, column))

    def feedback(self, count: int, model: str = "") -> None:
        """Outcomes were accepted."""
        self._add("tilth_feedback_total", (model,), count)

    # ---- predictions

    def predicted(
        self,
        model: str,
        version: int,
        rows: int,
        *,
        role: str = "live",
        waited_s: float = 0.0,
        seconds: float = 0.0,
    ) -> None:
        """The rows of a request were predicted and logged.

        Args:
            model: the model's name.
            version: its version.
            rows: how many.
            role: which part the model plays.
            waited_s: how long the request waited for its batch to begin.
            seconds: since the request's headers.
        """
        served = self._served.get((model, version, role))
        if served is None:
            labels = model, str(version), role
            served = (
                self._place("tilth_predictions_total", *labels),
                self._place("tilth_prediction_duration_seconds", *labels),
                self._place("tilth_queue_wait_seconds", *labels),
            )
            self._served[model, version, role] = served
        count, first, first_wait = served
        cells = self._cells
        with self._lock:
            cells[count] += rows
            cells[first + bisect_left(_SECONDS, seconds)] += 1.0
            cells[first + _SUM] += seconds
            cells[first_wait + bisect_left(_SHORT, waited_s)] += 1.0
            cells[first_wait + _SUM_SHORT] += waited_s

    def batch(self, model: str, version: int, rows: int, seconds: float) -> None:
        """A graph ran over a batch."""
        graph = self._graphs.get((model, version))
        if graph is None:
            labels = model, str(version)
            graph = (
                self._place("tilth_graph_duration_seconds", *labels),
                self._place("tilth_batch_rows", *labels),
            )
            self._graphs[model, version] = graph
        first, first_rows = graph
        cells = self._cells
        with self._lock:
            cells[first + bisect_left(_SHORT, seconds)] += 1.0
            cells[first + _SUM_SHORT] += seconds
            cells[first_rows + bisect_left(_ROWS, rows)] += 1.0
            cells[first_rows + _SUM_ROWS] += rows

    def log_failed(self, model: str = "") -> None:
        """The prediction log could not be written."""
        self._add("tilth_log_failures_total", (model,))

    def lost(self, count: int, model: str = "") -> None:
        """Predictions were answered that are not in the log."""
        self._add("tilth_log_lost_total", (model,), count)

    def lookup_missing(self, lookup: str, count: int = 1) -> None:
        """An online look-up did not have keys that were asked for."""
        self._add("tilth_lookup_missing_total", (lookup,), count)

    def lookup_freshness(self, lookup: str, seconds: float | None) -> None:
        """How old the newest row of an online look-up is; None where it has none."""
        self._set("tilth_lookup_freshness_seconds", (lookup,), seconds)

    # ---- models

    def models(self, name: str, live: int | None, beside: Collection[int] = ()) -> None:
        """What a project serves from now on: the version that is live, and those beside it."""
        served: dict[tuple[str, ...], float] = {
            (name, str(number), "beside"): 1.0 for number in beside if number != live
        }
        if live is not None:
            served[name, str(live), "live"] = 1.0
        for total in ("tilth_log_failures_total", "tilth_log_lost_total", "tilth_model_load_failures_total"):
            # An alert at the first failure needs to see the 0 before it.
            self._place(total, name)
        self._replace("tilth_model_info", name, served)
        self._set("tilth_model_ready", (name,), float(live is not None))

    def load_failed(self, model: str = "") -> None:
        """A model version could not be loaded."""
        self._add("tilth_model_load_failures_total", (model,))

    def looked(self, model: str, verdicts: Iterable[Verdict], moment: datetime.datetime) -> None:
        """What `tilth monitor` found when it last looked, and when that was."""
        found = list(verdicts)
        held: dict[tuple[str, ...], float] = {}
        for verdict in found:
            key = model, verdict.check.name
            held[key] = min(held.get(key, 1.0), float(verdict.passed))
        values: dict[tuple[str, ...], float] = {
            (model, v.check.name): v.value for v in found if v.value is not None
        }
        self._replace("tilth_check_passed", model, held)
        self._replace("tilth_check_value", model, values)
        self._set("tilth_monitor_time_seconds", (model,), moment.timestamp())

    # ---- what is told

    def exposition(self, accept: str = "") -> bytes:
        """Everything in Prometheus' text format, or in OpenMetrics' where that is accepted."""
        encode, _ = choose_encoder(accept)
        return bytes(encode(self._registry))

    def content_type_for(self, accept: str = "") -> str:
        """The media type of what `exposition` gives."""
        return choose_encoder(accept)[1]

    def close(self) -> None:
        """Leave what was counted to the other workers."""
        self._block.close()

    # ---- how

    def _place(self, name: str, *labels: str) -> int:
        key = name, labels
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = self._block.place(METRICS[name], labels)
            if self._block.is_full and not self._is_told:
                self._is_told = True
                _log.error("there are too many metrics: those that come new are not counted")
        return place

    def _add(self, name: str, labels: tuple[str, ...], amount: float = 1.0) -> None:
        place = self._place(name, *labels)
        with self._lock:
            self._cells[place] += amount

    def _set(self, name: str, labels: tuple[str, ...], value: float | None) -> None:
        self._cells[self._place(name, *labels)] = float("nan") if value is None else value

    def _replace(self, name: str, model: str, values: dict[tuple[str, ...], float]) -> None:
        """Set the gauges of a model, and take away those that it had before."""
        before = self._gauges.get((name, model), set())
        for gone in before - set(values):
            self._set(name, gone, None)
        for labels, value in values.items():
            self._set(name, labels, value)
        self._gauges[name, model] = set(values)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _runtime() -> str:
    """ONNX Runtime's version; its packages for other hardware have other names."""
    names: Sequence[str] = ("onnxruntime", "onnxruntime-gpu")
    return next((found for found in map(_installed, names) if found != "unknown"), "unknown")
