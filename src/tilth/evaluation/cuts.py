"""Cut: the values of a column as a few cells, and the SQL conditions that select runs of cells."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Condition", "Cut", "cut_column", "sql_name"]

_CELLS = 12
"""A column of numbers is cut into so many ranges with about equally many rows."""

_MOST_VALUES = 50
"""Of a column of texts so many values are looked at, the most frequent ones."""

_MOST_DISTINCT = 1000
"""A column of texts with more values is taken for an identifier or free text."""

_LONGEST = 200
"""Longer texts are no values that people would slice by."""

_IDENTIFIER = re.compile(r"(?:^|[\W_])(?:id|ids|uuid|guid|key|index|rownum|row)$|[a-z]Id$", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DAY_US = 86_400_000_000

Codes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Condition:
    """A run of cells and the SQL that selects the same rows.

    Args:
        first: its first cell.
        last: its last cell, included.
        expression: such as `age >= 30 and age < 45`.
    """

    first: int
    last: int
    expression: str


@dataclass(frozen=True)
class Cut:
    """A column as cells.

    Args:
        column: its name.
        codes: (n,), the cell of each row.
        cells: how many there are.
        conditions: the runs of cells that are worth to look at.
    """

    column: str
    codes: Codes
    cells: int
    conditions: tuple[Condition, ...]


def cut_column(column: str, values: pa.Array, minimum_rows: int = 1) -> Cut | str:
    """The cells of a column, or why there are none.

    Numbers and times are cut where about equally many rows lie between, values that many rows share by
    themselves; every run of neighbouring ranges is a condition. Each frequent value of texts and of true and
    false is one, and so is a missing value.

    Args:
        column: its name.
        values: (n,), in the normal types of a table.
        minimum_rows: rarer values are no condition.

    Example:
        >>> found = cut_column("sex", pa.array(["f", "m", None, "m"]))
        >>> [condition.expression for condition in found.conditions], found.codes.tolist()
        (["sex = 'f'", "sex = 'm'", 'sex is null'], [0, 1, 2, 1])
        >>> cut_column("name", pa.array([f"person {n}" for n in range(30)]))
        '30 different values in 30 rows, as an identifier or free text has'
    """
    kind = values.type
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _cut_values(column, values, minimum_rows)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _cut_numbers(column, values, minimum_rows)
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return _cut_times(column, values, minimum_rows)
    return f"{kind} is neither a value nor a number to slice by"


@cache
def sql_name(column: str) -> str:
    """A column's name in SQL: as it stands where that reads as a column, or else in quotes.

    Example:
        >>> sql_name("age"), sql_name("hours-per-week"), sql_name("order")
        ('age', '"hours-per-week"', '"order"')
    """
    import polars as pl

    quoted = '"' + column.replace('"', '""') + '"'
    if not _BARE.fullmatch(column) or column.lower() in ("date", "time", "timestamp", "interval"):
        return quoted
    try:
        names = pl.sql_expr(f"{column} >= 1 and {column} is null").meta.root_names()
    except (pl.exceptions.PolarsError, TypeError, ValueError):
        return quoted
    return column if names == [column, column] else quoted


def _cut_values(column: str, values: pa.Array, minimum_rows: int) -> Cut | str:
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    refused = _refusal(column, len(texts), len(values), texts=True)
    if refused:
        return refused
    found = pc.fill_null(encoded.indices, len(texts)).to_numpy(zero_copy_only=False)
    counts = np.bincount(found, minlength=len(texts) + 1)
    ranked = sorted(range(len(texts)), key=lambda at: (-counts[at], str(texts[at])))
    frequent = (at for at in ranked[:_MOST_VALUES] if counts[at] >= minimum_rows)
    kept = sorted((at for at in frequent if len(str(texts[at])) <= _LONGEST), key=lambda at: str(texts[at]))
    name = sql_name(column)
    cell_of = np.full(len(texts) + 1, len(kept) + 1, np.uint8)
    cell_of[kept] = np.arange(len(kept))
    cell_of[len(texts)] = len(kept)
    conditions = [Condition(cell, cell, f"{name} = {_literal(texts[at])}") for cell, at in enumerate(kept)]
    if counts[len(texts)] >= minimum_rows:
        conditions.append(Condition(len(kept), len(kept), f"{name} is null"))
    return Cut(column, cell_of[found], len(kept) + 2, tuple(conditions))


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + str(value).replace("'", "''") + "'"


def _cut_numbers(column: str, values: pa.Array, minimum_rows: int) -> Cut | str:
    whole = pa.types.is_integer(values.type)
    there = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), bool)
    numbers = np.asarray(
        pc.fill_null(pc.cast(values, pa.float64(), safe=False), 0.0).to_numpy(zero_copy_only=False)
    )
    known = there & np.isfinite(numbers)
    ordered = np.sort(numbers[known])
    distinct = int((np.diff(ordered) != 0).sum()) + 1 if len(ordered) else 0
    refused = _refusal(column, distinct, len(ordered), texts=False)
    if not refused and whole and _counts_rows(ordered, distinct):
        refused = "whole numbers that count the rows, as an identifier does"
    if refused:
        return refused
    at = _starts(ordered, distinct)
    bounds = ordered[at] if whole else np.array([float(f"{bound:.4g}") for bound in ordered[at]])
    shown = [_number(bound) for bound in bounds]
    ends = (_number(ordered[0]), _number(ordered[-1])) if (there & ~known).any() else None
    return _cut(column, numbers, known, ordered, (bounds, shown), ends, minimum_rows, _number)


def _cut_times(column: str, values: pa.Array, minimum_rows: int) -> Cut | str:
    times = pc.cast(values, pa.timestamp("us")).cast(pa.int64())
    known = np.asarray(times.is_valid().to_numpy(zero_copy_only=False), bool)
    numbers = np.asarray(pc.fill_null(times, 0).to_numpy(zero_copy_only=False), np.int64)
    ordered = np.sort(numbers[known])
    distinct = int((np.diff(ordered) != 0).sum()) + 1 if len(ordered) else 0
    refused = _refusal(column, distinct, len(ordered), texts=False)
    if refused:
        return refused
    bounds = ordered[_starts(ordered, distinct)]
    if ordered[-1] - ordered[0] > 30 * _DAY_US:  # the day is enough, and easier to read
        bounds = bounds // _DAY_US * _DAY_US
    shown = [_time(bound) for bound in bounds]
    return _cut(column, numbers, known, ordered, (bounds, shown), None, minimum_rows, _time)


def _refusal(column: str, distinct: int, rows: int, *, texts: bool) -> str:
    """Why a column with so many distinct values is not to be sliced by; "" where it may be."""
    if distinct < (1 if texts else 2):
        return "it has one value only" if distinct else "it has no values"
    many = distinct > _MOST_DISTINCT or distinct > max(rows / 2, 20)
    if (texts and many) or (distinct > _MOST_VALUES and _IDENTIFIER.search(column)):
        return f"{distinct:,} different values in {rows:,} rows, as an identifier or free text has"
    return ""


def _counts_rows(ordered: npt.NDArray[np.float64], distinct: int) -> bool:
    """Whether whole numbers tell rows apart: all different, and from few more than there are."""
    return distinct == len(ordered) >= 50 and distinct >= 0.05 * (ordered[-1] - ordered[0])


def _starts(ordered: Numbers, distinct: int) -> list[int]:
    """Where ranges begin in ascending values, but for the first: of few values each is a range."""
    if distinct <= _CELLS:
        return [int(at) + 1 for at in np.flatnonzero(np.diff(ordered))]
    at, found = 0, []
    for left in range(_CELLS, 1, -1):
        middle = at + -(-(len(ordered) - at) // left)
        if middle >= len(ordered):
            break
        value = ordered[middle]
        before, after = (int(np.searchsorted(ordered, value, side)) for side in ("left", "right"))
        at = before if before > at else after
        if at >= len(ordered):
            break
        found.append(at)
    return found


def _cut(
    column: str,
    numbers: Numbers,
    known: npt.NDArray[np.bool_],
    ordered: Numbers,
    given: tuple[Numbers, list[str]],
    ends: tuple[str, str] | None,
    minimum_rows: int,
    shown_as: object,
) -> Cut:
    assert callable(shown_as)
    starts = np.searchsorted(ordered, given[0], "left")
    starts, first = np.unique(starts, return_index=True)  # rounded bounds may have no rows between them
    first = first[(starts > 0) & (starts < len(ordered))]
    bounds, shown = given[0][first], [given[1][at] for at in first]
    edges = [0, *np.searchsorted(ordered, bounds, "left").tolist(), len(ordered)]
    cells = len(edges) - 1
    name = sql_name(column)
    conditions = []
    for low in range(cells):
        for high in range(low, cells):
            if (low, high) == (0, cells - 1) or edges[high + 1] - edges[low] < minimum_rows:
                continue
            if ordered[edges[low]] == ordered[edges[high + 1] - 1]:
                text = f"{name} = {shown_as(ordered[edges[low]])}"
            else:
                parts = [f"{name} >= {shown[low - 1]}"] if low else [f"{name} >= {ends[0]}"] if ends else []
                parts += [f"{name} < {shown[high]}"] if high < cells - 1 else []
                parts += [f"{name} <= {ends[1]}"] if ends and high == cells - 1 else []
                text = " and ".join(parts)
            conditions.append(Condition(low, high, text))
    if int((~known).sum()) >= minimum_rows:
        beyond = f" or {name} < {ends[0]} or {name} > {ends[1]}" if ends else ""
        conditions.append(Condition(cells, cells, f"({name} is null{beyond})" if ends else f"{name} is null"))
    codes = np.searchsorted(bounds, numbers, "right").astype(np.uint8)
    codes[~known] = cells
    return Cut(column, codes, cells + 1, tuple(conditions))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _time(value: int) -> str:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(value))
    if value % _DAY_US == 0:
        return f"DATE '{moment.date().isoformat()}'"
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
