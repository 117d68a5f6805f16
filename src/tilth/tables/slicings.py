"""What slices are made by: columns, ranges and quantiles of numbers, SQL expressions on columns."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.tables.table import Table

__all__ = ["Slicing", "slicing_of", "split_keys"]

_CALL = re.compile(r"(ranges|quantiles)\((.+)\)", re.DOTALL)
_BARE = re.compile(r"[^\W\d]\w*")
_MOST_QUANTILES = 100
_OF_MANY_ROWS = re.compile(r'"(Agg|Over)":|:"Len"')
"""Aggregates and windows in a parsed expression; the rows that are tried find the others."""

_TRIED = 16

Arrays = Mapping[str, pa.Array | pa.ChunkedArray]


@dataclass(frozen=True)
class _Ranges:
    """The half-open ranges of a column of numbers between some bounds, ascending."""

    column: str
    bounds: tuple[float, ...]

    def of(self, columns: Arrays) -> pa.Array:
        """The range that each row is in, in words: "< 30", "[30, 50)", ">= 50"."""
        values = _whole(columns[self.column])
        numbers = _numbers(values, self.column)
        names = self.names
        known = np.isfinite(numbers)
        found = np.searchsorted(np.array(self.bounds), np.where(known, numbers, 0.0), side="right")
        return pa.DictionaryArray.from_arrays(
            pa.array(found.astype(np.int32), mask=~known), pa.array(names)
        ).cast(pa.string())

    @property
    def names(self) -> list[str]:
        """The ranges in words, ascending."""
        shown = [f"{bound:.12g}" for bound in self.bounds]
        between = [f"[{low}, {high})" for low, high in itertools.pairwise(shown)]
        return [f"< {shown[0]}", *between, f">= {shown[-1]}"]


@dataclass(frozen=True)
class _Expression:
    """A SQL expression on columns, one value a row."""

    text: str
    columns: tuple[str, ...]

    def of(self, columns: Arrays) -> pa.Array:
        """The value of each row; missing where SQL says NULL."""
        import polars as pl

        frame = pl.DataFrame({name: pl.from_arrow(_whole(columns[name])) for name in self.columns})
        try:
            found, *single = (
                part.select(pl.sql_expr(self.text).alias("value"))
                for part in (frame, *(frame[row : row + 1] for row in range(min(frame.height, _TRIED))))
            )
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            raise _wrong(self.text, str(error).splitlines()[0]) from error
        alone = [part.item() for part in single if part.height == 1]
        if found.height != frame.height or alone != found["value"].head(len(single)).to_list():
            raise _wrong(self.text, "the value of a row depends on other rows")
        return found.to_arrow().column(0).combine_chunks()


_Key = _Ranges | _Expression


@dataclass(frozen=True)
class Slicing:
    """What slices are made by: columns, of which some are computed from others.

    Args:
        slices: for each slicing the names of what is crossed.
        sources: the columns of the table that are needed.
        computed: how what is no column is computed, by the text that names it.
    """

    slices: tuple[tuple[str, ...], ...] = ()
    sources: tuple[str, ...] = ()
    computed: Mapping[str, _Key] = field(default_factory=dict)

    def of(self, columns: Arrays) -> dict[str, pa.Array]:
        """The columns to slice by: of some rows, from the `sources` of these rows."""
        return {
            name: self.computed[name].of(columns) if name in self.computed else _whole(columns[name])
            for name in dict.fromkeys(name for names in self.slices for name in names)
        }


def slicing_of(table: Table, slices: Iterable[Sequence[str]], *, where: str | None = None) -> Slicing:
    """What the slices of a table are made by.

    Args:
        table: whose rows are sliced; read here only for `quantiles`, one column at a time.
        slices: for each slicing what is crossed: a column; `ranges(age, 30, 50)`, half-open ranges between
            bounds; `quantiles(age, 4)`, ranges with equally many rows; or a SQL expression with one value a
            row, such as `age > 60 and sex = 'Female'` or `floor(age / 10) * 10`. A column's own name goes
            before anything else that it could mean.
        where: the slices are declared; default: on the command line, and an error names the table.

    Raises:
        ColumnNotFoundError: a column that the table does not have.
        UsageError: neither a column nor an expression; bounds that are no ascending numbers; a column that
            holds no numbers.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"age": [20, 40, 60], "sex": ["f", "m", "f"]})
        >>> found = slicing_of(table, [["sex"], ["ranges(age, 30, 50)"], ["age > 50 and sex = 'f'"]])
        >>> rows = found.of(dict(zip(table.columns, table.to_arrow().columns)))
        >>> rows["ranges(age, 30, 50)"].to_pylist(), rows["age > 50 and sex = 'f'"].to_pylist()
        (['< 30', '[30, 50)', '>= 50'], [False, False, True])
    """
    given = tuple(tuple(names) for names in slices)
    names = tuple(dict.fromkeys(name for keys in given for name in keys))
    try:
        computed = {
            name: _key(table, name, where or table.name) for name in names if name not in table.columns
        }
    except UsageError as error:
        if error.where is not None:
            raise
        raise UsageError(error.what, where=where, expected=error.expected, mend=error.mend) from error
    sources = [name for name in names if name not in computed]
    for key in computed.values():
        sources += key.columns if isinstance(key, _Expression) else (key.column,)
    return Slicing(given, tuple(dict.fromkeys(sources)), computed)


def split_keys(text: str) -> list[str]:
    """What is crossed, from one text: parted at commas outside of parentheses and quotes.

    Example:
        >>> split_keys("sex, ranges(age, 30, 50)")
        ['sex', 'ranges(age, 30, 50)']
    """
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character == "(") - (character == ")")
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _key(table: Table, text: str, where: str) -> _Key:
    if _BARE.fullmatch(text):
        raise ColumnNotFoundError(text, list(table.columns), where=where)
    called = _CALL.fullmatch(text)
    if called is None:
        return _expression(table, text, where)
    column, *numbers = split_keys(called[2])
    if column not in table.columns:
        raise ColumnNotFoundError(column, list(table.columns), where=where)
    bounds = _bounds(text, numbers)
    if called[1] == "ranges":
        return _Ranges(column, bounds)
    if len(bounds) != 1 or bounds[0] != int(bounds[0]) or not 2 <= bounds[0] <= _MOST_QUANTILES:
        raise _wrong(text, "how many?", f"quantiles(column, n) with a whole n from 2 to {_MOST_QUANTILES}")
    return _Ranges(column, _quantiles(table, column, int(bounds[0])))


def _bounds(text: str, numbers: Sequence[str]) -> tuple[float, ...]:
    expected = "ranges(column, bound, bound, ...) with ascending numbers"
    try:
        bounds = tuple(float(number) for number in numbers)
    except ValueError as error:
        raise _wrong(text, "a bound is no number", expected) from error
    ascending = all(low < high for low, high in itertools.pairwise(bounds))
    if not bounds or not ascending or not all(map(math.isfinite, bounds)):
        raise _wrong(text, "no ascending bounds", expected)
    return bounds


def _quantiles(table: Table, column: str, parts: int) -> tuple[float, ...]:
    """Bounds that leave equally many rows between them, as far as equal values can be parted at all."""
    numbers = _numbers(_whole(table.select([column]).to_arrow().column(0)), column)
    known = np.sort(numbers[np.isfinite(numbers)])
    if not len(known):
        raise UsageError(f"quantiles({column}, {parts}): the column has no values")
    at = [len(known) * part // parts for part in range(1, parts)]
    found = tuple(float(bound) for bound in np.unique(known[at]) if bound > known[0])
    return found or (float(known[0]),)


def _expression(table: Table, text: str, where: str) -> _Expression:
    import polars as pl

    try:
        parsed = pl.sql_expr(text)
        used = tuple(dict.fromkeys(parsed.meta.root_names()))
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise _wrong(text, str(error).splitlines()[0]) from error
    for name in used:
        if name not in table.columns:
            whole = next((each for each in table.columns if name in each and each in text), None)
            if whole is not None:
                raise _wrong(text, f"no column '{name}'", f'names like "{whole}" in double quotes')
            raise ColumnNotFoundError(name, list(table.columns), where=f"{where}, slice {text!r}")
    if not used:
        raise _wrong(text, "it names no column")
    if _OF_MANY_ROWS.search(parsed.meta.serialize(format="json")):
        raise _wrong(text, "the value of a row depends on other rows")
    return _Expression(text, used)


def _wrong(text: str, why: str, expected: str | None = None) -> UsageError:
    return UsageError(
        f"the slice {text!r} cannot be used: {why}",
        expected=expected
        or "a column, ranges(column, 30, 50), quantiles(column, 4), or an expression such as age > 60",
    )


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(values: pa.Array, column: str) -> npt.NDArray[np.float64]:
    """The numbers of a column, NaN where there is none."""
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise UsageError(
            f"'{column}' is {values.type}, and ranges are of numbers",
            expected="a column of numbers",
            mend=f"slice by '{column}' itself, or by an expression",
        )
    found = pc.fill_null(pc.cast(values, pa.float64(), safe=False), math.nan)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.float64)
