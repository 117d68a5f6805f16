"""Methods of datetimes."""

from __future__ import annotations

from typing import Literal, Self

from tilth.features import operations as op
from tilth.features.expressions.base import Base

__all__ = ["DateMethods"]


class DateMethods(Base):
    """Parts of a datetime."""

    def hour(self) -> Self:
        """The hour of a datetime, 0 to 23 (UTC)."""
        return self._part("hour")

    def weekday(self) -> Self:
        """The weekday of a datetime: 0 is Monday, 6 is Sunday."""
        return self._part("weekday")

    def day(self) -> Self:
        """The day of the month of a datetime, 1 to 31."""
        return self._part("day")

    def month(self) -> Self:
        """The month of a datetime, 1 to 12."""
        return self._part("month")

    def year(self) -> Self:
        """The year of a datetime."""
        return self._part("year")

    def days(self) -> Self:
        """A datetime as days since 1970-01-01, the time of day as a fraction."""
        self._need(("datetime",), "days")
        return self._method(op.Days(), "number", "days")

    def _part(self, part: Literal["hour", "weekday", "day", "month", "year"]) -> Self:
        self._need(("datetime",), part)
        return self._method(op.DatePart(part), "integer", part)
