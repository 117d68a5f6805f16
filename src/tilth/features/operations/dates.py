"""Operations on datetimes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tilth.features.operations.operation import RowWise

__all__ = ["DatePart", "Days"]


@dataclass(frozen=True)
class DatePart(RowWise):
    """A part of a datetime (UTC, Gregorian calendar): weekday 0 is Monday, months and days count from 1."""

    part: Literal["hour", "weekday", "day", "month", "year"]


@dataclass(frozen=True)
class Days(RowWise):
    """A datetime as days since 1970-01-01, with the time of day as a fraction."""
