"""Dates: the range of a datetime column, its usual step, its gaps and repeats."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilth.sketches import NumberSummary
    from tilth.types import JSONObject

__all__ = ["Dates", "Gap", "dates_of", "iso_text"]

_EPOCH = datetime.datetime(1970, 1, 1)
_GAPS = 3
_USUAL_SHARE = 0.5
_SECOND = 1_000_000
_LAST = 2**63 - 1
_LARGEST = 2.0**63 - 1024  # the last double that an int64 holds


@dataclass(frozen=True)
class Gap:
    """A stretch of time without a value.

    Args:
        start: the value before it, microseconds since 1970.
        end: the value after it.
    """

    start: int
    end: int

    @property
    def length(self) -> int:
        """In microseconds."""
        return self.end - self.start


@dataclass(frozen=True)
class Dates:
    """What is particular to a column of dates; times are microseconds since 1970.

    Args:
        earliest: the first moment.
        latest: the last one.
        step: the time between most neighbors, in microseconds; None where there is no such, or it is not
            known because there are more than 65,536 different moments.
        gaps: the largest stretches without a value, longest first, longer than the usual step.
        repeats: how many values equal another one.
        is_exact: whether gaps and repeats are exact; else gaps are too short by less than 1/1,000 of the
            distance to 1970, and repeats are estimated.

    Example:
        >>> from tilth.profiles import profile
        >>> days = [datetime.datetime(2024, 1, day) for day in (1, 2, 3, 4, 8)]
        >>> found = profile({"day": days})["day"].dates
        >>> found.step // 86_400_000_000, [gap.length // 86_400_000_000 for gap in found.gaps]
        (1, [4])
    """

    earliest: int
    latest: int
    step: int | None
    gaps: tuple[Gap, ...]
    repeats: int
    is_exact: bool

    @property
    def span(self) -> int:
        """From the first to the last moment, in microseconds."""
        return self.latest - self.earliest

    def to_dict(self) -> JSONObject:
        """As JSON values: moments as ISO texts, times in seconds."""
        return {
            "earliest": iso_text(self.earliest),
            "latest": iso_text(self.latest),
            "span": self.span / _SECOND,
            "step": None if self.step is None else self.step / _SECOND,
            "gaps": [[iso_text(gap.start), iso_text(gap.end), gap.length / _SECOND] for gap in self.gaps],
            "repeats": self.repeats,
            "exact": self.is_exact,
        }


def dates_of(numbers: NumberSummary) -> Dates | None:
    """The dates that a summary of microseconds holds; None without values."""
    moments = numbers.moments
    if moments.low is None or moments.high is None:
        return None
    values = np.clip(numbers.table.table()[0], -_LARGEST, _LARGEST).astype(np.int64)
    values = np.clip(values, int(moments.low), int(moments.high))
    steps = np.diff(values)
    step = _usual(steps) if numbers.is_exact else None
    order = np.argsort(-steps, kind="stable")[:_GAPS]
    gaps = tuple(Gap(int(values[i]), int(values[i + 1])) for i in order if int(steps[i]) > (step or 0))
    return Dates(
        earliest=int(moments.low),
        latest=int(moments.high),
        step=step,
        gaps=gaps,
        repeats=numbers.repeats,
        is_exact=numbers.is_exact,
    )


def _usual(steps: np.ndarray) -> int | None:
    if not len(steps):
        return None
    found, counts = np.unique(steps, return_counts=True)
    at = int(np.argmax(counts))
    return int(found[at]) if counts[at] >= _USUAL_SHARE * len(steps) else None


def iso_text(moment: float) -> str:
    """Microseconds since 1970 as an ISO text; years before 1 and after 9999 in astronomical counting.

    Example:
        >>> iso_text(0), iso_text(253_402_300_800_000_000)
        ('1970-01-01T00:00:00', '+10000-01-01T00:00:00')
    """
    try:
        return (_EPOCH + datetime.timedelta(microseconds=round(moment))).isoformat()
    except OverflowError:
        ticks = max(-_LAST, min(_LAST, round(moment)))
        text = str(np.datetime64(ticks, "us")).removesuffix(".000000")
        return text if text.startswith("-") else f"+{text}"
