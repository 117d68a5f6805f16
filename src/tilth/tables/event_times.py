"""The times of two tables as numbers that can be compared."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError, UsageError
from tilth.tables.adjusting import adjusted
from tilth.tables.read_options import ReadOptions
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["Age", "EventTimes", "Times", "parse_age"]

Age: TypeAlias = "datetime.timedelta | float"
Times: TypeAlias = "npt.NDArray[np.int64] | npt.NDArray[np.float64]"

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EXACT = 2**53
_MOST = 2**64 - 1


class EventTimes:
    """How the times of some columns are told: microseconds since 1970 for datetimes, numbers as they are.

    Args:
        columns: a table and one of its columns, for each column of times.

    Raises:
        DataError: columns that are no times, or datetimes and numbers together.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"at": [datetime.datetime(1970, 1, 1, 0, 0, 1), None]})
        >>> times = EventTimes([(table, "at")])
        >>> times.read(table.to_arrow()["at"].chunk(0), "at", table)
        (array([1000000,       0]), array([ True, False]))
    """

    def __init__(self, columns: Sequence[tuple[Table, str]]) -> None:
        kinds: dict[ColumnType, tuple[Table, str]] = {}
        for table, name in columns:
            if name in table.empty:  # without any value the type is a guess
                continue
            kind = table.columns[name]
            if kind not in ("datetime", "int", "float"):
                raise _no_time(table, name)
            kinds.setdefault(kind, (table, name))
        if len(kinds) > 1 and "datetime" in kinds:
            shown = " and ".join(f"'{name}' is {kind}" for kind, (_, name) in kinds.items())
            raise DataError(
                f"the times cannot be compared: {shown}",
                where=", ".join(dict.fromkeys(table.name for table, _ in kinds.values())),
                expected="datetimes in all of them, or numbers",
            )
        self.is_datetime = not kinds or "datetime" in kinds
        self._is_float = "float" in kinds

    def read(self, values: pa.Array, name: str, table: Table) -> tuple[Times, npt.NDArray[np.bool_]]:
        """The times of a column, and which of them are there.

        Args:
            values: (n,).
            name: the column.
            table: whose it is, for messages.

        Raises:
            DataError: a whole number that a comparison with numbers would round.
        """
        there = np.array(values.is_valid(), np.bool_)
        if values.null_count == len(values):
            return self._typed(np.zeros(len(values), np.int64)), there
        if pa.types.is_floating(values.type):
            numbers = np.asarray(values.fill_null(0.0).to_numpy(zero_copy_only=False), np.float64)
            there &= ~np.isnan(numbers)
            return np.where(there, numbers, 0.0), there
        whole = np.asarray(values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), np.int64)
        if self._is_float and (np.abs(whole.astype(np.float64)) > _EXACT).any():
            raise DataError(
                f"column '{name}' holds whole numbers beyond 2**53, and it is compared with fractions",
                where=table.name,
                expected="whole numbers on both sides",
            )
        return self._typed(whole), there

    def _typed(self, whole: npt.NDArray[np.int64]) -> Times:
        return whole.astype(np.float64) if self._is_float else whole

    def ages(self, later: Times, earlier: Times) -> npt.NDArray[np.float64]:
        """How much later: in seconds for datetimes; 0 or more."""
        gaps = _gaps(later, earlier).astype(np.float64)
        return gaps / 1e6 if self.is_datetime else gaps

    def within(self, later: Times, earlier: Times, age: Age) -> npt.NDArray[np.bool_]:
        """Where the second is not later than the first by more than an age."""
        gaps = _gaps(later, earlier)
        most = self._limit(age)
        if gaps.dtype == np.uint64:
            return np.asarray(gaps <= np.uint64(min(math.floor(most), _MOST)))
        return np.asarray(gaps <= most)

    def check_age(self, age: Age | None) -> None:
        """Refuse what is no age for these times.

        Raises:
            UsageError: negative, not finite, or a duration where times are numbers.
        """
        if age is None:
            return
        if isinstance(age, datetime.timedelta) and not self.is_datetime:
            raise UsageError(
                f"max_age is {age}, and the times are numbers", expected="a number, in their unit"
            )
        number = age.total_seconds() if isinstance(age, datetime.timedelta) else age
        if type(number) not in (int, float) or not 0 <= number < math.inf:
            raise UsageError(f"max_age is {age!r}", expected="a timedelta or seconds, 0 or more")

    def _limit(self, age: Age) -> float:
        if isinstance(age, datetime.timedelta):
            return age // datetime.timedelta(microseconds=1)
        return round(age * 1_000_000) if self.is_datetime else age


def parse_age(text: str, where: str) -> Age:
    """An age as people write it; a bare number is one.

    Args:
        text: such as "7d", "12h", "30m", "90s", "2w" or "1.5".
        where: the setting, for messages.

    Raises:
        UsageError: something else.

    Example:
        >>> parse_age("36h", "--max-age"), parse_age("1.5", "--max-age")
        (datetime.timedelta(days=1, seconds=43200), 1.5)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", text.strip())
    if found is None:
        raise UsageError(f"{where} is {text!r}", expected="such as 7d, 12h, 30m, 90s or 2w")
    number, unit = found.groups()
    if not unit:
        return float(number)
    try:
        return datetime.timedelta(**{_UNITS[unit]: float(number)})
    except OverflowError as error:
        raise UsageError(f"{where} is {text!r}", expected="fewer days") from error


def _no_time(table: Table, name: str) -> DataError:
    """The error of a column that holds no times; texts tell which of them is none."""
    kind = table.columns[name]
    where, why, mend = table.name, "", None
    if kind == "string":
        texts = adjusted(table.select([name]), ReadOptions(types={name: "datetime"}))
        mend = f"read it as what it is: open_table(data, types={{'{name}': 'datetime'}})"
        try:
            for _ in texts.batches():
                pass
        except DataError as error:
            where, why = error.where or where, error.what.partition("has the value ")[2]
            mend = "correct it, or leave the row out"
    return DataError(
        f"column '{name}' is {kind}: it is no time" + (f", and {why} is none" if why else ""),
        where=where,
        expected="datetimes, such as 2024-03-01T12:00:00, or numbers",
        mend=mend,
    )


def _gaps(later: Times, earlier: Times) -> npt.NDArray[np.uint64] | npt.NDArray[np.float64]:
    """Differences that are 0 or more, exact for whole numbers even where they are beyond 63 bits."""
    if later.dtype == np.int64:
        return later.view(np.uint64) - earlier.view(np.uint64)
    with np.errstate(invalid="ignore"):  # of two infinities, which are one moment
        return np.where(later == earlier, 0.0, later - earlier)
