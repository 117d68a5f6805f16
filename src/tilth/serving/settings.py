"""What an owner can set about the prediction server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ServingSettings"]


@dataclass(frozen=True)
class ServingSettings:
    """Limits and manners of the prediction server.

    Args:
        unexpected_values: "accept" answers a value outside of the schema's domain, range or shape with a
            warning beside the prediction; "reject" answers 400; "unknown" predicts as if a value outside of
            the domain were missing, with the warning.
        missing: texts that stand for a missing value, as in the training data ("?").
        max_rows: rows allowed in one request.
        max_items: items allowed in one list.
        max_image_pixels: pixels allowed in the images of one request, all together.
        max_recording_s: seconds allowed in the recordings of one request, all together.
        max_body_bytes: size allowed for one request; a larger one is answered 413.
        batch_rows: rows of small requests that are predicted together when they wait at the same moment.
        poll_interval_s: how often the model source is asked for a newer champion.
        look_interval_s: how often the newest look of `tilth monitor` is read for the metrics.
        retry_interval_s: how long a model version that failed to load is left alone before it is tried again.
        offload_bytes: larger requests are computed in a thread, so that small ones do not wait.
        offload_threads: threads for large requests.
        offload_waiting: large requests in work or waiting at once; more are answered 503.
        max_waiting: requests that may wait for a prediction at once; more are answered 429.
        deadline_s: how long an answer is of use; what waited longer is answered 503.
        body_timeout_s: how long a client may take to send its request.
        shutdown_timeout_s: how long requests in work may take to finish after SIGTERM.
        drain_s: how long after SIGTERM new requests are still answered, while health says "not ready".
        max_connections: connections open at once; more are told 503 and closed.
        sample: the share of requests whose predictions are logged.
        when_full: what becomes of a prediction that cannot be logged: "stop" answers 503, "count" answers it
            without an id and counts the loss.
        access_log: a line in the log for every request, with its route, status and time, not what was in it.

    Example:
        >>> ServingSettings(unexpected_values="reject").max_rows
        10000
    """

    unexpected_values: Literal["accept", "reject", "unknown"] = "accept"
    missing: tuple[str, ...] = ()
    max_rows: int = 10_000
    max_items: int = 100_000
    max_image_pixels: int = 33_554_432
    max_recording_s: float = 1_800.0
    max_body_bytes: int = 32 * 1024 * 1024
    batch_rows: int = 256
    poll_interval_s: float = 0.5
    look_interval_s: float = 10.0
    retry_interval_s: float = 30.0
    offload_bytes: int = 64 * 1024
    offload_threads: int = 2
    offload_waiting: int = 16
    max_waiting: int = 1024
    deadline_s: float = 10.0
    body_timeout_s: float = 30.0
    shutdown_timeout_s: int = 10
    drain_s: float = 1.0
    max_connections: int = 4096
    sample: float = 1.0
    when_full: Literal["stop", "count"] = "stop"
    access_log: bool = False
