"""History: which rows a model is learned from by their age: all, more of the recent, the recent alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError, TrainingError
from tilth.tables import Table
from tilth.tables.event_times import EventTimes, parse_age

__all__ = ["OLDER", "Moments", "age_weights"]

OLDER = "older"
"""The part of rows that are too old to be learned from."""

_WHERE = "[train] time"
_SHOWN = 3


@dataclass(frozen=True)
class Moments:
    """When rows were.

    Args:
        values: (n,), seconds since 1970, or numbers in the unit of the column.
        is_datetime: which of the two.

    Example:
        >>> moments = Moments(np.array([0.0, 10.0, 30.0]), is_datetime=False)
        >>> learned = np.array([True, True, False])
        >>> moments.ages(learned).tolist(), moments.is_recent("5", learned, "recent").tolist()
        ([10.0, 0.0, -20.0], [False, True, True])
    """

    values: npt.NDArray[np.float64]
    is_datetime: bool

    @classmethod
    def of(cls, table: Table, name: str, instead: Sequence[str] = ()) -> Moments:
        """The moments of a table's rows.

        Args:
            table: n rows.
            name: a column of datetimes or numbers.
            instead: columns of datetimes that tell it where the first does not, if the table has them.

        Raises:
            DataError: no such column, no times in it, or rows without one.
        """
        others = [other for other in instead if other in table.columns]
        columns = table.select([name, *others])
        data = columns.to_arrow()
        is_datetime, values, there = _read(data, name, columns)
        for other in others if is_datetime else ():
            _, more, known = _read(data, other, columns)
            values, there = np.where(there, values, more), there | known
        _check_moments(values, there, name)
        return cls(values / 1e6 if is_datetime else values, is_datetime)

    def ages(self, learned: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """How much older each row is than the newest of those learned from; negative where it is newer."""
        if not learned.any():
            return np.zeros(len(self.values))
        return np.asarray(self.values[learned].max() - self.values, np.float64)

    def is_recent(self, span: str, learned: npt.NDArray[np.bool_], where: str) -> npt.NDArray[np.bool_]:
        """Which rows are at most so much older than the newest of those learned from.

        Args:
            span: such as "90d"; a bare number in the column's unit, in seconds for datetimes.
            learned: (n,).
            where: the setting, for messages.

        Raises:
            TrainingError: no span, or one of days for times that are numbers.
        """
        return np.asarray(self.ages(learned) <= self.span(span, where))

    def span(self, text: str, where: str) -> float:
        """A span of time as a number: in seconds for datetimes, else in the unit of the column.

        Raises:
            TrainingError: not above 0, or a duration where times are numbers.
        """
        age = parse_age(text, where)
        if not isinstance(age, float) and not self.is_datetime:
            raise TrainingError(
                f"{text!r} is a duration, and the times are numbers",
                where=where,
                expected="a bare number, in their unit",
            )
        number = age if isinstance(age, float) else age.total_seconds()
        if not number > 0:
            raise TrainingError(f"it is {text!r}", where=where, expected="a span above 0, such as 30d or 12h")
        return number


def age_weights(ages: npt.NDArray[np.float64], half_life: float) -> npt.NDArray[np.float64]:
    """How much rows count by their age: 0.5 ** (age / half-life), so that of two rows the newer counts more.

    Args:
        ages: (n,); negative for rows newer than that to which the weight of 1 belongs.
        half_life: above 0, in the unit of the ages.

    Example:
        >>> age_weights(np.array([0.0, 30.0, 60.0]), 30.0).tolist()
        [1.0, 0.5, 0.25]
    """
    with np.errstate(under="ignore"):
        return np.asarray(np.exp2(np.clip(-ages / half_life, -1100.0, 900.0)), np.float64)


def _read(
    data: pa.Table, name: str, table: Table
) -> tuple[bool, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Whether a column holds datetimes; its times, in microseconds if so, and which of them are there."""
    try:
        times = EventTimes([(table, name)])
    except DataError as error:
        raise DataError(
            error.what,
            where=_WHERE,
            expected=error.expected,
            mend=f'name another column, or read its dates: types = {{ {name} = "datetime" }} under [data]',
        ) from error
    values, there = times.read(data.column(name).combine_chunks(), name, table)
    return times.is_datetime, values.astype(np.float64), there


def _check_moments(values: npt.NDArray[np.float64], there: npt.NDArray[np.bool_], name: str) -> None:
    wrong = ~there | ~np.isfinite(values)
    if not wrong.any():
        return
    rows = np.flatnonzero(wrong)
    more = ", ..." if len(rows) > _SHOWN else ""
    shown = ", ".join(str(row + 1) for row in rows[:_SHOWN].tolist()) + more
    raise DataError(
        f"{len(rows)} of {len(values)} rows have no moment in column '{name}': row {shown}",
        where=_WHERE,
        expected="a time in every row, since by it rows are weighted or left out",
        mend='fill it, leave these rows out, or use history = "all"',
    )
