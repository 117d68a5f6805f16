"""Bounds that a column's name and values justify together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tilth.tables import AUDIO_STATISTICS, IMAGE_STATISTICS

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile

__all__ = ["media_bounds", "media_statistic", "natural_range"]

_RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "latitude": ((-90, 90),),
    "lat": ((-90, 90),),
    "longitude": ((-180, 180),),
    "lon": ((-180, 180),),
    "lng": ((-180, 180),),
    "hour": ((0, 23), (1, 24)),
    "hr": ((0, 23), (1, 24)),
    "minute": ((0, 59),),
    "second": ((0, 59),),
    "month": ((1, 12), (0, 11)),
    "mnth": ((1, 12), (0, 11)),
    "quarter": ((1, 4),),
    "percent": ((0, 100),),
    "percentage": ((0, 100),),
    "pct": ((0, 100),),
    "probability": ((0, 1),),
    "prob": ((0, 1),),
    "share": ((0, 1),),
    "fraction": ((0, 1),),
    "proportion": ((0, 1),),
}
_PLACES = ("latitude", "lat", "longitude", "lon", "lng")
_MOMENTS = ("hour", "hr", "minute", "second", "month", "mnth", "quarter")
_NO_MOMENTS = frozenset(
    (
        *("last", "previous", "prev", "next", "this", "each", "every", "first", "n", "num", "number"),
        *("duration", "elapsed", "tenure", "since", "wait", "waiting"),
        *("total", "sum", "mean", "average", "avg"),
    )
)
"""Beside these words, a month or an hour is a length of time, or the time in which something happened."""

_CHANGES = frozenset(
    (
        *("change", "growth", "diff", "difference", "delta", "increase", "decrease", "return", "yield"),
        *("margin", "roi", "gain", "profit", "cpu", "utilization", "utilisation", "of", "over", "vs"),
    )
)
"""Shares of these may be negative or more than all."""

_WEEKDAYS = ("weekday", "dow", "dayofweek")
_QUANTITIES = frozenset(
    (
        *("age", "count", "counts", "depth", "distance", "duration", "height", "kilometers"),
        *("length", "mass", "mileage", "miles", "population", "qty", "quantity", "size", "weight", "width"),
    )
)
"""What is never negative: counts, and lengths, masses and times between two ends."""

_UNITS = frozenset(("mm", "cm", "m", "km", "ft", "g", "kg", "lb", "lbs", "s", "ms", "sec", "h", "years"))
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")

_SHARE = {"low": 0.0, "high": 1.0}
_STATISTICS: dict[str, dict[str, float]] = {
    "width": {"low": 1.0},
    "height": {"low": 1.0},
    "channels": {"low": 1.0},
    "sample_rate": {"low": 1.0},
    "brightness": _SHARE,
    "contrast": {"low": 0.0, "high": 0.5},
    "sharpness": {"low": 0.0},
    "duration": {"low": 0.0},
    "silence": _SHARE,
    "clipping": _SHARE,
}
_FIXED = ("width", "height", "channels", "sample_rate")
_MOST_FORMATS = 3


def natural_range(
    name: str, low: float, high: float, *, is_whole: bool = True
) -> tuple[float | None, float | None]:
    """The range that a column's name suggests, if its values lie in it; None for no bound.

    Args:
        name: the column's name; its last word counts, units aside.
        low: its least value.
        high: its greatest value.
        is_whole: whether all its values are whole numbers, as those of hours, months and the like are.

    Example:
        >>> natural_range("pickup_latitude", 41.6, 42.1), natural_range("month", 1, 202405)
        ((-90, 90), (None, None))
        >>> natural_range("flipper_length_mm", 172, 231), natural_range("income", 0, 9999)
        ((0, None), (None, None))
    """
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    last = words[-1] if words else ""
    if not _is_plain(words, last, is_whole) or (last in _PLACES and not name.lower().endswith(last)):
        return None, None
    for least, most in _RANGES.get(last, ()):
        if least <= low and high <= most:
            return least, most
    if last in _WEEKDAYS or words[-3:] == ["day", "of", "week"]:
        return _weekdays(low, high)
    return (0, None) if last in _QUANTITIES and low >= 0 else (None, None)


def _is_plain(words: list[str], last: str, is_whole: bool) -> bool:
    """Whether the words before the last leave it its usual meaning, and the values too."""
    others = set(words[:-1])
    if last in _QUANTITIES:
        return not others & {"change", "diff", "difference", "delta"}
    if "per" in others:
        return False
    if last in _MOMENTS:
        return is_whole and not others & _NO_MOMENTS
    return not (last in _RANGES and last not in _PLACES and others & _CHANGES)


def _weekdays(low: float, high: float) -> tuple[float | None, float | None]:
    """0 to 6 or 1 to 7, where the values tell which."""
    if low == 0 and high <= 6:
        return 0, 6
    return (1, 7) if low >= 1 and high == 7 else (None, None)


def media_statistic(name: str, columns: Mapping[str, ColumnProfile]) -> str | None:
    """Which statistic of an image or recording a column is, or None.

    Args:
        name: the column's name, such as `photo.width`.
        columns: all columns of its table.

    Example:
        >>> from tilth.profiles import profile
        >>> columns = profile({"photo": [b"GIF89a"], "a": [1], "a.width": [2]}).columns
        >>> media_statistic("photo.width", columns), media_statistic("a.width", columns)
        ('width', None)
    """
    media, _, field = name.rpartition(".")
    kind = columns[media].type if media in columns else None
    known = {"image": IMAGE_STATISTICS, "audio": AUDIO_STATISTICS}.get(kind or "", {})
    return field if field in known else None


def media_bounds(field: str, found: ColumnProfile) -> dict[str, Any]:
    """What the schema says of a statistic, as arguments of Column.

    All that were readable must be; few formats are a domain; a size that never varies is fixed; the other
    bounds are those that the statistic has by its definition.
    """
    if field == "readable":
        return {"domain": ("true",)} if found.min == 1 else {}
    if field == "format":
        return {"domain": tuple(found.counts())} if 0 < found.distinct <= _MOST_FORMATS else {}
    if field in _FIXED and found.count > 1 and found.min is not None and found.min == found.max:
        return {"low": found.min, "high": found.max}
    return dict(_STATISTICS.get(field, {}))
