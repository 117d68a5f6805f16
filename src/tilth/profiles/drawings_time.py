"""Axes for dates, with bins that begin where people begin to count: hours, days, months, years."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np

from tilth.profiles.drawings_axes import BINS, Axis, apart, linear_axis
from tilth.profiles.page_figures import moment

__all__ = ["time_axis"]

_TICKS = 4
_DAY = 86_400.0
_YEAR = 365.2425 * _DAY
_FARTHEST = 8e18  # microseconds; beyond, calendars end
_LADDER: tuple[tuple[str, float, tuple[int, ...]], ...] = (
    ("ms", 1e-3, (1, 10, 100)),
    ("s", 1.0, (1, 5, 15, 30)),
    ("m", 60.0, (1, 5, 15, 30)),
    ("h", 3600.0, (1, 3, 6, 12)),
    ("D", _DAY, (1, 7)),
    ("M", _YEAR / 12, (1, 3, 6)),
    ("Y", _YEAR, tuple(factor * 10**power for power in range(6) for factor in (1, 2, 5))),
)
_WEEK = 7
_MONDAY = 4  # days from 1970-01-01, a Thursday, to a Monday


def time_axis(low: float, high: float, *, bins: int = BINS) -> Axis:
    """Bins of one unit of the calendar between two moments.

    Args:
        low: the earliest moment, in microseconds since 1970.
        high: the latest.
        bins: how many bins at most, or one more.

    Example:
        >>> day = 86_400_000_000
        >>> time_axis(0, 364 * day).names[:2], time_axis(0, 9 * day).names[1]
        (('1970-01', '1970-02'), '1970-01-01 06:00 to 12:00')
    """
    if low == high or max(abs(low), abs(high)) > _FARTHEST:
        axis = linear_axis(low, high, bins=bins)
        names = (moment(low),) if low == high else axis.names
        return replace(axis, names=names, ticks=((0.5, moment(low)),) if low == high else ())
    unit, many = _unit((high - low) / 1e6, bins)
    offset = _MONDAY if many == _WEEK else (-1970 % many if unit == "Y" else 0)
    first, last = (
        int(np.datetime64(math.floor(at), "us").astype(f"datetime64[{unit}]").astype(np.int64))
        for at in (low, high)
    )
    starts = np.arange((first - offset) // many, (last - offset) // many + 2) * many + offset
    dates = starts.astype(f"datetime64[{unit}]")
    edges = dates.astype("datetime64[us]").astype(np.int64).astype(np.float64)
    names = tuple(_name(a, b, unit, many) for a, b in pairwise(dates))
    every = math.ceil((len(dates) - 1) / _TICKS)
    axis = Axis(edges, names)
    places = axis.place(edges[:-1:every]).tolist()
    return replace(axis, ticks=apart(places, _marks(dates[:-1:every], unit)))


def _unit(seconds: float, bins: int) -> tuple[str, int]:
    steps = [(unit, many, size * many) for unit, size, multiples in _LADDER for many in multiples]
    return next(((unit, many) for unit, many, size in steps if seconds / size < bins), ("Y", 1_000_000))


def _name(start: np.datetime64, end: np.datetime64, unit: str, many: int) -> str:
    if unit in "YMD":
        return str(start) if many == 1 else f"{start} to {end - 1}"
    first, last = _clock(start), _clock(end)
    return f"{first} to {last.removeprefix(first[: first.index(' ') + 1])}"


def _clock(date: np.datetime64) -> str:
    unit = np.datetime_data(date.dtype)[0]
    return str(date.astype("datetime64[m]") if unit == "h" else date).replace("T", " ")


def _marks(dates: np.ndarray, unit: str) -> list[str]:
    if unit in "YMD":
        return [str(date) for date in dates]
    texts = [_clock(date) for date in dates]
    days = [text.split(" ")[0] for text in texts]
    return [text if i == 0 or days[i] != days[i - 1] else text.split(" ")[1] for i, text in enumerate(texts)]
