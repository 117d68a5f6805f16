"""What columns of text hold: the type is found over every cell, and cells become values."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.types import ColumnType

__all__ = ["TypeGuess", "are_in_calendar", "clean_cells", "convert_cells", "converted", "has_codes"]

_CODE = r"^[+-]?0[0-9xX]"
_WHOLE = r"^[+-]?[0-9]+$"
_ZONED = r"[T ][0-9]{2}.*(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_FINE_FRACTION = r"(\.[0-9]{6})[0-9]+"
_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999
_TRUTHS = pa.array(["true", "false"])


@dataclass
class TypeGuess:
    """The type that holds all cells seen so far.

    Whole numbers fit 64 bits and have no leading zeros (007 is a code, thus text); numbers may be written
    1e5, inf or nan; true and false in any case are bool; dates and times are ISO 8601, of the years
    1 to 9999; all else is string.
    Whole numbers too long for 64 bits are string, since a float would not keep their digits.

    Example:
        >>> guess = TypeGuess()
        >>> guess.update(pa.array(["1", None]))
        >>> guess.update(pa.array(["2.5"]))
        >>> guess.type
        'float'
    """

    seen: bool = False
    could_be_int: bool = True
    could_be_float: bool = True
    could_be_bool: bool = True
    could_be_datetime: bool = True
    has_fraction: bool = False

    @property
    def type(self) -> ColumnType:
        """The narrowest type; string while no cell has a value."""
        if not self.seen:
            return "string"
        if self.could_be_int:
            return "int"
        if self.could_be_float and self.has_fraction:
            return "float"
        return "bool" if self.could_be_bool else "datetime" if self.could_be_datetime else "string"

    @property
    def is_overlong(self) -> bool:
        """Whether all cells are whole numbers, of which some do not fit 64 bits."""
        return self.seen and self.could_be_float and not self.could_be_int and not self.has_fraction

    def update(self, cells: pa.Array) -> None:
        """Look at more cells; null is missing and says nothing."""
        if self._is_settled or cells.null_count == len(cells):
            return
        self.seen = True
        if self.could_be_float and self._look_for_numbers(cells):
            self.could_be_bool = self.could_be_datetime = False
            return
        self.could_be_int = self.could_be_float = False
        self.could_be_bool = self.could_be_bool and _fits(cells, "bool")
        self.could_be_datetime = (
            self.could_be_datetime and not self.could_be_bool and _fits(cells, "datetime")
        )

    @property
    def _is_settled(self) -> bool:
        possible = (self.could_be_float, self.could_be_bool, self.could_be_datetime)
        return self.seen and not any(possible)

    def _look_for_numbers(self, cells: pa.Array) -> bool:
        """Whether all cells are numbers, noting whether all are whole."""
        if not _fits(cells, "float") or has_codes(cells):
            return False
        if self.could_be_int and not _fits(cells, "int"):
            self.could_be_int = False
        if not self.could_be_int and not self.has_fraction:
            whole = pc.match_substring_regex(cells, _WHOLE)
            self.has_fraction = not pc.all(whole).as_py()
        return True

    def merge(self, other: TypeGuess) -> TypeGuess:
        """The guess over the cells of both."""
        return TypeGuess(
            self.seen or other.seen,
            self.could_be_int and other.could_be_int,
            self.could_be_float and other.could_be_float,
            self.could_be_bool and other.could_be_bool,
            self.could_be_datetime and other.could_be_datetime,
            self.has_fraction or other.has_fraction,
        )


def clean_cells(cells: pa.Array, missing: pa.Array, guard: str) -> pa.Array:
    """Cells without white space at their ends, missing ones as null.

    Args:
        cells: texts (n,).
        missing: the texts that mean missing.
        guard: the mark that protects quoted white space; it is taken out.
    """
    cells = pc.utf8_trim(cells, characters=" \t")
    if guard:
        cells = pc.replace_substring(cells, guard, "")
    absent = pc.is_in(cells, value_set=missing)
    return pc.if_else(absent, pa.scalar(None, pa.string()), cells) if pc.any(absent).as_py() else cells


def convert_cells(cells: pa.Array, kind: ColumnType) -> pa.Array:
    """Texts as values of a type.

    Raises:
        pa.ArrowInvalid: a cell that does not fit.

    Example:
        >>> convert_cells(pa.array(["2024-05-31T12:00:00+02:00", None]), "datetime")[0].as_py()
        datetime.datetime(2024, 5, 31, 10, 0)
    """
    if kind == "string":
        return cells
    if kind == "bool":
        lower = pc.utf8_lower(cells)
        if not pc.all(pc.is_in(lower, value_set=_TRUTHS), min_count=0).as_py() and _misfit_truth(lower):
            raise pa.ArrowInvalid("neither true nor false")
        return pc.equal(lower, "true")
    if kind == "datetime":
        moments = _moments(cells)
        if not are_in_calendar(moments):
            raise pa.ArrowInvalid("a year before 1 or after 9999")
        return moments
    return _whole(cells) if kind == "int" else cells.cast(pa.float64())


def are_in_calendar(moments: pa.Array) -> bool:
    """Whether all are in the years from 1 to 9999, which is what other libraries can tell.

    Args:
        moments: timestamps in microseconds.

    Example:
        >>> are_in_calendar(pa.array(["0000-01-01"]).cast(pa.timestamp("us")))
        False
    """
    ends = pc.min_max(moments.cast(pa.int64()))
    if not ends["min"].is_valid:
        return True
    return bool(ends["min"].as_py() >= _FIRST_MOMENT and ends["max"].as_py() <= _LAST_MOMENT)


def _whole(cells: pa.Array) -> pa.Array:
    try:
        return cells.cast(pa.int64())
    except pa.ArrowInvalid:
        return pc.replace_substring_regex(cells, r"^\+([0-9])", r"\1").cast(pa.int64())


def _misfit_truth(lower: pa.Array) -> bool:
    present = lower.drop_null()
    return not pc.all(pc.is_in(present, value_set=_TRUTHS), min_count=0).as_py()


def _moments(cells: pa.Array) -> pa.Array:
    zoned = pc.match_substring_regex(cells, _ZONED)
    if not pc.any(zoned).as_py():
        return _naive(cells)
    none = pa.scalar(None, pa.string())
    naive = _naive(pc.if_else(zoned, none, cells))
    aware = _shorten(pc.if_else(zoned, cells, none)).cast(pa.timestamp("us", tz="UTC"))
    return pc.coalesce(naive, aware.cast(pa.timestamp("us")))


def _naive(cells: pa.Array) -> pa.Array:
    try:
        return cells.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return _shorten(cells).cast(pa.timestamp("us"))


def _shorten(cells: pa.Array) -> pa.Array:
    """Fractions of a second cut to microseconds."""
    return pc.replace_substring_regex(cells, _FINE_FRACTION, r"\1")


def _fits(cells: pa.Array, kind: ColumnType) -> bool:
    try:
        convert_cells(cells, kind)
    except pa.ArrowInvalid:
        return False
    return True


def has_codes(cells: pa.Array) -> bool:
    """Whether a cell has leading zeros, or is hexadecimal.

    Example:
        >>> has_codes(pa.array(["0.5", "-0", None])), has_codes(pa.array(["-07"]))
        (False, True)
    """
    for start in ("0", "+0", "-0"):
        suspect = pc.starts_with(cells, start)
        if pc.any(suspect).as_py() and pc.any(pc.match_substring_regex(cells.filter(suspect), _CODE)).as_py():
            return True
    return False


def converted(
    cells: pa.Array, kind: ColumnType, *, column: str, where: str, before: int, shown: pa.Array | None = None
) -> pa.Array:
    """Texts as values of a type.

    Args:
        cells: texts (n,).
        kind: the type.
        column: the column's name.
        where: the table's name.
        before: how many rows came before these.
        shown: what the cells were made from, where that is not themselves.

    Raises:
        DataError: a cell that does not fit; it names column, row and value.

    Example:
        >>> converted(pa.array(["1", "x"]), "int", column="a", where="t.csv", before=10)
        Traceback (most recent call last):
        ...
        tilth.errors.DataError: column 'a' has the value 'x'
          where: t.csv, row 12
          expected: a value of type int
          to mend it: correct it, declare it as missing, or choose another type
    """
    try:
        return convert_cells(cells, kind)
    except pa.ArrowInvalid as error:
        position = _first_misfit(cells, kind)
        raise DataError(
            f"column '{column}' has the value {(cells if shown is None else shown)[position].as_py()!r}",
            where=f"{where}, row {before + position + 1}",
            expected=f"a value of type {kind}",
            mend="correct it, declare it as missing, or choose another type",
        ) from error


def _first_misfit(cells: pa.Array, kind: ColumnType) -> int:
    """The position of the first cell that `convert_cells` refuses; there must be one."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        if _fits(cells.slice(low, middle - low), kind):
            low = middle
        else:
            high = middle
    return low
