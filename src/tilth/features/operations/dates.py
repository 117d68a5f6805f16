"""Operations on datetimes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tilth.features.operations.operation import RowWise

__all__ = ["PART_PERIODS", "DatePart", "Days", "Part"]

Part = Literal[
    "day",
    "day_of_year",
    "hour",
    "hour_of_week",
    "minute",
    "month",
    "quarter",
    "second",
    "week",
    "weekday",
    "year",
]

PART_PERIODS: dict[Part, tuple[int, int]] = {
    "day": (31, 1),
    "day_of_year": (366, 1),
    "hour": (24, 0),
    "hour_of_week": (168, 0),
    "minute": (60, 0),
    "month": (12, 1),
    "quarter": (4, 1),
    "second": (60, 0),
    "week": (53, 1),
    "weekday": (7, 0),
}
"""Of the parts that come again: how many values there are, and the first one."""


@dataclass(frozen=True)
class DatePart(RowWise):
    """A part of a datetime (UTC, Gregorian calendar), a whole number.

    Weekday 0 is Monday, and so is hour 0 of the week; months, quarters, days of the month and of the year
    count from 1; weeks are those of ISO 8601, the first one holding the year's first Thursday.
    """

    part: Part


@dataclass(frozen=True)
class Days(RowWise):
    """A datetime as days since 1970-01-01, with the time of day as a fraction."""
