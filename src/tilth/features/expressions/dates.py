"""Methods of datetimes."""

from __future__ import annotations

from typing import Self

from tilth.errors import FeatureError, closest
from tilth.features import operations as op
from tilth.features.expressions.base import Base, Operand, as_node
from tilth.features.nodes import NUMERIC, Node
from tilth.features.operators import moment, since
from tilth.features.requirements import finite
from tilth.features.source_lines import caller_line

__all__ = ["DateMethods"]


class DateMethods(Base):
    """Parts of a datetime (UTC, Gregorian calendar), and the time between two."""

    def second(self) -> Self:
        """The second of the minute, 0 to 59."""
        return self._part("second")

    def minute(self) -> Self:
        """The minute of the hour, 0 to 59."""
        return self._part("minute")

    def hour(self) -> Self:
        """The hour of a datetime, 0 to 23 (UTC)."""
        return self._part("hour")

    def weekday(self) -> Self:
        """The weekday of a datetime: 0 is Monday, 6 is Sunday."""
        return self._part("weekday")

    def is_weekend(self) -> Self:
        """1 on a Saturday or Sunday, else 0."""
        return self._of(
            Node(
                op.AtLeast(),
                (self._part("weekday").node, as_node(5)),
                "flag",
                f"{self}.is_weekend()",
                caller_line(),
            )
        )

    def hour_of_week(self) -> Self:
        """The hour of the week, 0 to 167: 0 is the first hour of Monday."""
        return self._part("hour_of_week")

    def day(self) -> Self:
        """The day of the month of a datetime, 1 to 31."""
        return self._part("day")

    def day_of_year(self) -> Self:
        """The day of the year, 1 to 366."""
        return self._part("day_of_year")

    def week(self) -> Self:
        """The week of ISO 8601, 1 to 53: weeks begin on Monday, the first holds the year's first Thursday."""
        return self._part("week")

    def month(self) -> Self:
        """The month of a datetime, 1 to 12."""
        return self._part("month")

    def quarter(self) -> Self:
        """The quarter of the year, 1 to 4."""
        return self._part("quarter")

    def year(self) -> Self:
        """The year of a datetime."""
        return self._part("year")

    def days(self) -> Self:
        """A datetime as days since 1970-01-01, the time of day as a fraction."""
        self._need(("datetime",), "days")
        return self._method(op.Days(), "number", "days")

    def seconds_since(self, other: Operand) -> Self:
        """The seconds from another datetime to this one, negative if that is later.

        Args:
            other: an expression, a `datetime`, or a text such as "2024-05-01" or "2024-05-01T12:00:00Z";
                without a zone it is UTC.

        Raises:
            FeatureError: one of the two is no datetime.
        """
        return self._since(other, "seconds", 1.0)

    def hours_since(self, other: Operand) -> Self:
        """The hours from another datetime to this one, as `seconds_since`."""
        return self._since(other, "hours", 3_600.0)

    def days_since(self, other: Operand) -> Self:
        """The days (of 24 hours) from another datetime to this one, as `seconds_since`."""
        return self._since(other, "days", 86_400.0)

    def cyclic(self, period: float | str) -> Self:
        """Two columns, the sine and the cosine of where the value stands in a period.

        sin(2 pi (value - first) / period) and the cosine of it, so that the end of a period is near its
        beginning. Both are rounded to multiples of 2**-24.

        Args:
            period: for numbers, after how much everything begins again, above 0 (`first` is 0). For
                datetimes the name of a part: hour, weekday, day (period 31), month, minute, second,
                hour_of_week, day_of_year (366), week (53), quarter; `first` is its least value.

        Raises:
            FeatureError: neither a number nor a datetime, or no such period.
        """
        self._need(("datetime",) if isinstance(period, str) else NUMERIC, "cyclic")
        if isinstance(period, str):
            if period not in op.PART_PERIODS:
                near = closest(period, op.PART_PERIODS)
                raise FeatureError(
                    f"{self}.cyclic({period!r}): there is no such part of a datetime that comes again",
                    where=caller_line(),
                    expected="one of " + ", ".join(op.PART_PERIODS),
                    mend=f"did you mean '{near}'?" if near else None,
                )
            node = self._part(period).node
            length, first = map(float, op.PART_PERIODS[period])
        else:
            length, first, node = finite(period, "cyclic"), 0.0, self._node
        if length <= 0:
            raise FeatureError(
                f"{self}.cyclic({period!r})", where=caller_line(), expected="a period above 0, such as 24"
            )
        text = f"{self}.cyclic({period!r})"
        return self._of(Node(op.Cyclic(length, first), (node,), "vector", text, caller_line()))

    def _since(self, other: Operand, unit: str, seconds: float) -> Self:
        self._need(("datetime",), f"{unit}_since")
        text = f"{self}.{unit}_since({other!r})"
        return self._of(since(self._node, moment(as_node(other), text), seconds, text))

    def _part(self, part: op.Part) -> Self:
        self._need(("datetime",), part)
        return self._method(op.DatePart(part), "integer", part)
