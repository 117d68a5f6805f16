"""The metrics of the server: one table of names, kinds, labels and meanings.

What counts reads it, /metrics writes it, `tilth monitor export` draws it, and a test holds the documentation
to it. Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for counters, `_info`
for facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "Metric", "Unit"]

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal["requests", "rows", "seconds", "bytes", "files", "values", "flag", "time", "count"]
Merge = Literal["sum", "max", "min"]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SHORT = (0.0001, 0.00025, *_SECONDS[:-2])
_ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1_000.0, 10_000.0)
_SERVED = ("model", "version", "role")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        name: as it stands in /metrics; of a histogram, without `_bucket`, `_sum` and `_count`.
        kind: what it is.
        help: one sentence.
        labels: the names of its labels; values come from routes, schemas and models, never from clients.
        unit: what its values are, for the axes of a dashboard.
        buckets: of a histogram, the upper bounds but for infinity, ascending.
        merge: of a gauge, what several workers' values make together.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: Unit = "count"
    buckets: tuple[float, ...] = ()
    merge: Merge = "sum"

    @property
    def size(self) -> int:
        """How many numbers a series keeps: of a histogram each bucket, beyond all of them, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("tilth_requests_total", "counter", "Requests answered.", ("endpoint", "status"), "requests"),
        Metric(
            "tilth_request_duration_seconds",
            "histogram",
            "Time from a request's headers to its answer.",
            ("endpoint",),
            "seconds",
            _SECONDS,
        ),
        Metric("tilth_requests_in_flight", "gauge", "Requests that are being answered.", (), "requests"),
        Metric(
            "tilth_refused_total",
            "counter",
            "Requests refused, by the reason.",
            ("reason",),
            "requests",
        ),
        Metric("tilth_predictions_total", "counter", "Rows predicted and answered.", _SERVED, "rows"),
        Metric(
            "tilth_prediction_duration_seconds",
            "histogram",
            "Time from the headers of a request to its predictions in the log.",
            _SERVED,
            "seconds",
            _SECONDS,
        ),
        Metric(
            "tilth_queue_wait_seconds",
            "histogram",
            "Time that a request waited after it was validated until its batch began.",
            _SERVED,
            "seconds",
            _SHORT,
        ),
        Metric(
            "tilth_graph_duration_seconds",
            "histogram",
            "Time of one prediction of a batch by a model's graph.",
            ("model", "version"),
            "seconds",
            _SHORT,
        ),
        Metric(
            "tilth_batch_rows",
            "histogram",
            "Rows in one run of a model's graph.",
            ("model", "version"),
            "rows",
            _ROWS,
        ),
        Metric(
            "tilth_rejected_total",
            "counter",
            "Requests refused for what was in a column; column is empty where none was to blame.",
            ("model", "column"),
            "requests",
        ),
        Metric(
            "tilth_unexpected_values_total",
            "counter",
            "Values outside of the schema's domain or range that were answered.",
            ("model", "column"),
            "values",
        ),
        Metric("tilth_feedback_total", "counter", "Outcomes accepted.", ("model",), "rows"),
        Metric(
            "tilth_log_failures_total",
            "counter",
            "Writes of the prediction log that failed: answered 503, or lost and counted.",
            ("model",),
        ),
        Metric(
            "tilth_log_lost_total",
            "counter",
            "Predictions that were answered and could not be logged.",
            ("model",),
            "rows",
        ),
        Metric(
            "tilth_lookup_missing_total",
            "counter",
            "Keys that an online look-up did not find.",
            ("lookup",),
            "rows",
        ),
        Metric(
            "tilth_lookup_freshness_seconds",
            "gauge",
            "Age of the newest row of an online look-up.",
            ("lookup",),
            "seconds",
            merge="max",
        ),
        Metric(
            "tilth_model_info",
            "gauge",
            "1 for each model version that is served; role is live or beside.",
            _SERVED,
            "flag",
            merge="max",
        ),
        Metric(
            "tilth_model_ready",
            "gauge",
            "1 while every worker answers with the model.",
            ("model",),
            "flag",
            merge="min",
        ),
        Metric(
            "tilth_model_load_failures_total",
            "counter",
            "Model versions that failed to load.",
            ("model",),
        ),
        Metric(
            "tilth_check_value",
            "gauge",
            "What a live check measured when `tilth monitor` last looked; absent where it is undefined.",
            ("model", "check"),
            "values",
            merge="max",
        ),
        Metric(
            "tilth_check_passed",
            "gauge",
            "1 where a live check held when `tilth monitor` last looked, 0 where it did not.",
            ("model", "check"),
            "flag",
            merge="min",
        ),
        Metric(
            "tilth_monitor_time_seconds",
            "gauge",
            "When `tilth monitor` last looked, in seconds since 1970.",
            ("model",),
            "time",
            merge="max",
        ),
        Metric("tilth_workers", "gauge", "Worker processes that are alive."),
        Metric(
            "tilth_worker_starts_total", "counter", "Worker processes started, those in place of others too."
        ),
        Metric(
            "tilth_build_info",
            "gauge",
            "1, with the versions of Tilth, Python and ONNX Runtime.",
            ("version", "python", "onnxruntime"),
            "flag",
            merge="max",
        ),
        Metric("process_cpu_seconds_total", "counter", "User and system time of all workers.", (), "seconds"),
        Metric(
            "process_resident_memory_bytes",
            "gauge",
            "Memory of all workers; what they share counts for each.",
            (),
            "bytes",
        ),
        Metric("process_virtual_memory_bytes", "gauge", "Address space of all workers.", (), "bytes"),
        Metric("process_open_fds", "gauge", "Open files and connections of all workers.", (), "files"),
        Metric(
            "process_max_fds", "gauge", "How many files one worker may have open.", (), "files", merge="min"
        ),
        Metric(
            "process_start_time_seconds",
            "gauge",
            "When the server started, in seconds since 1970.",
            (),
            "time",
            merge="min",
        ),
    )
}
"""Every metric by its name."""
