"""Timing: how long each of many calls takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from tilth.types import JSONObject

__all__ = ["Timing", "timed"]

_LEAST_CALLS = 30
_WARM_UP = 10


@dataclass(frozen=True)
class Timing:
    """What calls of a number of rows took, one after the other.

    Args:
        rows: in each call.
        calls: how many there were.
        p50_ms: half of the calls took this or less; so `p90_ms` and `p99_ms`.
        max_ms: what the longest took.
        rows_per_s: the rows of all calls by their time together.
    """

    rows: int
    calls: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    rows_per_s: float

    @classmethod
    def of(cls, rows: int, seconds: Sequence[float]) -> Timing:
        """The summary of calls; quantiles are linear between the two nearest.

        Args:
            rows: in each call.
            seconds: what each took, one or more.

        Example:
            >>> Timing.of(2, [0.001, 0.003]).p50_ms, Timing.of(2, [0.001, 0.003]).rows_per_s
            (2.0, 1000.0)
        """
        taken = np.asarray(seconds, np.float64)
        p50, p90, p99, most = (float(1e3 * q) for q in np.quantile(taken, [0.5, 0.9, 0.99, 1.0]))
        return cls(rows, len(taken), p50, p90, p99, most, float(rows * len(taken) / taken.sum()))

    def to_json(self) -> JSONObject:
        """All of it as JSON values."""
        return asdict(self)

    def line(self) -> str:
        """The same for people."""
        quantiles = " ".join(
            f"{_spelled(v):>9}" for v in (self.p50_ms, self.p90_ms, self.p99_ms, self.max_ms)
        )
        return f"{self.rows:>6} {quantiles} {self.rows_per_s:>13,.0f} {self.calls:>9,}"


def timed(call: Callable[[int], object], rows: int, seconds: float) -> Timing:
    """Call again and again for so long, 30 times at least, after some calls that do not count.

    Args:
        call: given the number of the call.
        rows: in each call.
        seconds: how long.
    """
    for number in range(_WARM_UP):
        call(number)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end or len(taken) < _LEAST_CALLS:
        call(len(taken))
        taken.append(time.perf_counter() - begun)
    return Timing.of(rows, taken)


def _spelled(milliseconds: float) -> str:
    return f"{milliseconds:.3f}" if milliseconds < 10 else f"{milliseconds:.1f}"
