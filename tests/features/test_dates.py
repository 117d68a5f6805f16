"""Parts of datetimes against Python's own calendar, cycles, differences and comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from graph_checks import assert_close, column
from hypothesis import example, given
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform

moments = st.datetimes(datetime(1600, 1, 1), datetime(2400, 12, 31))
some_moments = st.lists(st.none() | moments, min_size=1, max_size=6)

PARTS: dict[str, Callable[[datetime], float]] = {
    "second": lambda t: t.second,
    "minute": lambda t: t.minute,
    "hour": lambda t: t.hour,
    "weekday": lambda t: t.weekday(),
    "hour_of_week": lambda t: t.weekday() * 24 + t.hour,
    "day": lambda t: t.day,
    "day_of_year": lambda t: t.timetuple().tm_yday,
    "week": lambda t: t.isocalendar().week,
    "month": lambda t: t.month,
    "quarter": lambda t: (t.month + 2) // 3,
    "year": lambda t: t.year,
    "is_weekend": lambda t: t.weekday() >= 5,
}
FIRST_AND_PERIOD = {
    "hour": (0, 24),
    "weekday": (0, 7),
    "day": (1, 31),
    "month": (1, 12),
    "minute": (0, 60),
    "second": (0, 60),
    "hour_of_week": (0, 168),
    "day_of_year": (1, 366),
    "week": (1, 53),
    "quarter": (1, 4),
}


@given(some_moments)
@example(
    [datetime(year, month, day) for year in (2020, 2021, 1900, 2000) for month, day in ((1, 1), (12, 31))]
)
@example([datetime(2024, 2, 29, 23, 59, 59), datetime(1969, 12, 31, 23, 59, 59, 999_999), None])
def test_parts(found: list[datetime | None]) -> None:
    def features(x: Inputs) -> dict[str, Expression]:
        return {part: getattr(x["t"], part)() for part in PARTS}

    transform = Transform(features).fit({"t": [datetime(2024, 1, 1)]})
    given_rows = pa.table({"t": pa.array(found, pa.timestamp("us"))})
    expected = [[np.nan if t is None else part(t) for part in PARTS.values()] for t in found]
    np.testing.assert_array_equal(transform.transform(given_rows), np.array(expected, dtype=np.float32))


@pytest.mark.parametrize("part", FIRST_AND_PERIOD)
@given(some_moments)
def test_cycles(part: str, found: list[datetime | None]) -> None:
    first, period = FIRST_AND_PERIOD[part]
    angles = [np.nan if t is None else 2 * math.pi * (PARTS[part](t) - first) / period for t in found]
    expected = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    rows = {"t": found}
    assert_close(column(lambda x: x["t"].cyclic(part), {"t": [datetime(2024, 1, 1)]}, rows), expected)


@given(moments, st.timedeltas(timedelta(days=-90_000), timedelta(days=90_000)))
def test_the_time_between_two(then: datetime, between: timedelta) -> None:
    first, zoned = datetime(2000, 1, 1) + between, then.replace(tzinfo=UTC)
    rows = {"t": [first]}
    seconds = (first - then) / timedelta(seconds=1)
    for unit, length in (("seconds", 1), ("hours", 3_600), ("days", 86_400)):
        for other in (then, zoned, then.isoformat(), f"{then.isoformat()}Z"):
            found = column(lambda x, u=unit, o=other: getattr(x["t"], f"{u}_since")(o), rows, rows)
            assert found[0, 0] == pytest.approx(seconds / length, rel=1e-6, abs=1e-5)


def test_two_columns_of_datetimes() -> None:
    day, hour = datetime(2024, 5, 1), timedelta(hours=1)
    data = pa.table({"out": [day + 36 * hour, day, None], "back": [day, day + hour, day]})
    transform = Transform(
        lambda x: {
            "days": x["out"].days_since(x["back"]),
            "hours": x["out"].hours_since(x["back"]),
            "later": x["out"] > x["back"],
            "same": x["out"] == x["back"],
            "in may": (x["back"] >= "2024-05-01") & (x["back"] < datetime(2024, 6, 1)),
        }
    ).fit(data)
    expected = np.array([[1.5, 36, 1, 0, 1], [-1 / 24, -1, 0, 0, 1], [np.nan] * 4 + [1]], dtype=np.float32)
    np.testing.assert_array_equal(transform.transform(data), expected)


def test_a_constant_with_a_zone_is_moved_to_utc() -> None:
    east = datetime(2024, 5, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    rows = {"t": [datetime(2024, 5, 1)]}
    for constant in (east, "2024-05-01T02:00:00+02:00"):
        assert column(lambda x, c=constant: x["t"] == c, rows, rows).tolist() == [[1]]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (lambda x: x["t"] - x["t"], "days_since"),
        (lambda x: x["t"] < "soon", "is no datetime"),
        (lambda x: x["t"] < 3, "needs a datetime"),
        (lambda x: x["a"] < datetime(2024, 1, 1), "needs a datetime"),
        (lambda x: x["a"].days_since("2024-01-01"), "needs a datetime"),
        (lambda x: x["t"].days_since(x["a"]), "needs a datetime"),
        (lambda x: x["t"].cyclic("hours"), "did you mean 'hour'"),
        (lambda x: x["t"].cyclic("year"), "comes again"),
        (lambda x: x["t"].cyclic(24), "needs a number"),
        (lambda x: x["a"].cyclic("hour"), "needs a datetime"),
        (lambda x: x["a"].quarter(), "needs a datetime"),
        (lambda x: x["a"].is_weekend(), "needs a datetime"),
    ],
)
def test_mistakes(expression: Callable[[Inputs], Expression], message: str) -> None:
    x = Inputs({"a": "float", "t": "datetime"})
    with pytest.raises(FeatureError, match=message) as found:
        expression(x)
    assert "test_dates.py, line" in str(found.value)
