"""Feature skew: rows joined on a key, and what differs between the two sides of one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.tables import Table, open_table
from tilth.tables.picking import rows_at
from tilth.tables.row_hashes import row_hashes
from tilth.validation.joining import match_rows
from tilth.validation.skewed import Cell, Difference, FeatureSkew, SkewedColumn
from tilth.validation.transformations import guess_transformation
from tilth.validation.validate import OWN_PREFIX

if TYPE_CHECKING:
    from tilth.types import ColumnType

__all__ = ["feature_skew"]

_TOLERANCE = 1e-6
_CELLS_AT_ONCE = 1 << 24
_EXAMPLES = 5

Flags = npt.NDArray[np.bool_]
Keys: TypeAlias = "tuple[tuple[Cell, ...], ...]"


def feature_skew(
    reference: object,
    current: object,
    key: Sequence[str],
    *,
    tolerance: float | Mapping[str, float] = _TOLERANCE,
    columns: Sequence[str] | None = None,
) -> FeatureSkew:
    """Join the rows of two tables on a key and say which columns differ, in how many rows, and perhaps how.

    Made for the transformation that was applied on one side only: distributions may look alike while every
    row is wrong. Rows whose key comes twice in a table, or has a missing part, cannot be joined: they are
    counted and left out, so that nothing depends on the order of rows. Keys are compared by a 64-bit hash:
    two different ones among n are taken for one with a chance of n**2 / 2**65. Memory: 16 bytes a row, and
    some columns at a time.

    Args:
        reference: one side, such as the training data.
        current: the other side, such as the features logged in serving.
        key: the columns that together say which row is which.
        tolerance: by which share of the greater of two numbers they may differ, for all columns or by column;
            it counts where at least one side is float. Whole numbers, texts and dates must be equal.
        columns: which columns to compare; default: all that both have, but the key.

    Raises:
        DataError: data that cannot be read, or a key of different types.
        ColumnNotFoundError: a column that is not in both tables.
        UsageError: no key, or a tolerance that is negative or of a column that is not compared.

    Example:
        >>> stored = {"id": [1, 2, 3, 4], "height": [1.5, 1.75, 1.8, 1.6]}
        >>> served = {"id": [3, 2, 1, 9], "height": [180.0, 175.0, 150.0, 170.0]}
        >>> found = feature_skew(stored, served, ["id"])
        >>> found.matched, found.columns["height"].differing, found.columns["height"].guess
        (3, 3, 'multiplied by 100')
        >>> found.columns["height"].examples[0]
        Difference(key=(1,), before=1.5, after=150.0)
    """
    key = (key,) if isinstance(key, str) else tuple(key)
    old, new = open_table(reference), open_table(current)
    matches = match_rows(old, new, key)
    names = _compared(old, new, key, columns)
    limits = _limits(tolerance, names)
    found: dict[str, SkewedColumn] = {}
    for group in _groups(names, len(matches.reference)):
        before, after = rows_at(old, group, matches.reference), rows_at(new, group, matches.current)
        for name in group:
            pair = _Pair(_array(before, name), _array(after, name), (old.columns[name], new.columns[name]))
            found[name] = pair.skew(limits[name], lambda rows: _keys_at(old, key, matches.reference[rows]))
    return FeatureSkew(
        key,
        found,
        (old.rows, new.rows),
        len(matches.reference),
        (len(matches.only_reference), len(matches.only_current)),
        (
            _keys_at(old, key, matches.only_reference[:_EXAMPLES]),
            _keys_at(new, key, matches.only_current[:_EXAMPLES]),
        ),
        (matches.keys[0].repeated, matches.keys[1].repeated),
        (matches.keys[0].missing, matches.keys[1].missing),
    )


def _compared(old: Table, new: Table, key: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        shared = (name for name in old.columns if name in new.columns and name not in key)
        return [name for name in shared if not name.startswith(OWN_PREFIX)]
    for name in columns:
        for table in (old, new):
            if name not in table.columns:
                raise ColumnNotFoundError(name, table.columns, where=table.name)
    return list(dict.fromkeys(columns))


def _limits(tolerance: float | Mapping[str, float], names: Sequence[str]) -> Mapping[str, float]:
    given = tolerance if isinstance(tolerance, Mapping) else dict.fromkeys(names, tolerance)
    for name, limit in given.items():
        if not 0 <= limit < 1:
            raise UsageError(
                f"a tolerance of {limit}", expected="a share, 0 or more and below 1, such as 1e-6"
            )
        if name not in names:
            raise UsageError(f"a tolerance for '{name}', which is not compared")
    return {name: given.get(name, _TOLERANCE) for name in names}


def _groups(names: Sequence[str], rows: int) -> Iterator[Sequence[str]]:
    """As many columns at a time as fit."""
    size = max(1, _CELLS_AT_ONCE // max(rows, 1))
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _keys_at(table: Table, key: Sequence[str], rows: npt.NDArray[np.int64]) -> tuple[tuple[Cell, ...], ...]:
    if not len(rows):
        return ()
    found = rows_at(table, key, rows)
    return tuple(zip(*(_cells(_array(found, name)) for name in key), strict=True))


def _cells(values: pa.Array) -> list[Cell]:
    shown = values.to_pylist()
    if pa.types.is_list(values.type) or pa.types.is_large_binary(values.type):
        return [None if value is None else f"{len(value):,} {_UNITS[type(value)]}" for value in shown]
    return [None if isinstance(value, float) and value != value else value for value in shown]


_UNITS: dict[type, str] = {list: "items", bytes: "bytes"}


@dataclass(frozen=True, eq=False)
class _Pair:
    """One column of the matched rows, from both sides, shape (n,)."""

    before: pa.Array
    after: pa.Array
    types: tuple[ColumnType, ColumnType]

    def skew(self, tolerance: float, keys_at: Callable[[npt.NDArray[np.int64]], Keys]) -> SkewedColumn:
        gone, lost = _missing(self.before), _missing(self.after)
        differs = gone != lost
        both = np.flatnonzero(~gone & ~lost)
        before, after = self.before.take(pa.array(both)), self.after.take(pa.array(both))
        differs[both] = _unequal(before, after, tolerance)
        rows = np.flatnonzero(differs)
        old, new = self.before.take(pa.array(rows)), self.after.take(pa.array(rows))
        return SkewedColumn(
            self.types,
            len(rows),
            int(gone[rows].sum()),
            int(lost[rows].sum()),
            len(rows) / len(differs) if len(differs) else None,
            _examples(keys_at(rows[:_EXAMPLES]), old[:_EXAMPLES], new[:_EXAMPLES]),
            guess_transformation(old, new) if len(rows) else None,
        )


def _examples(keys: Keys, before: pa.Array, after: pa.Array) -> tuple[Difference, ...]:
    found: list[Any] = sorted(zip(keys, _cells(before), _cells(after), strict=True), key=lambda each: each[0])
    return tuple(Difference(*each) for each in found)


def _missing(values: pa.Array) -> Flags:
    missing = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type))
    return np.array(missing.to_numpy(zero_copy_only=False))


def _unequal(before: pa.Array, after: pa.Array, tolerance: float) -> Flags:
    """Where two arrays without missing values differ."""
    if before.type != after.type:
        before, after = _alike(before, after)
    if before.type != after.type:
        return np.ones(len(before), np.bool_)
    if pa.types.is_list(before.type) or pa.types.is_large_binary(before.type):
        return np.not_equal(_words(before), _words(after))
    if not pa.types.is_floating(before.type):
        return np.array(pc.not_equal(before, after).to_numpy(zero_copy_only=False))
    a, b = before.to_numpy(), after.to_numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        far: Flags = np.abs(a - b) > tolerance * np.maximum(np.abs(a), np.abs(b))
    far |= (a != b) & ~(np.isfinite(a) & np.isfinite(b))
    return far


def _words(values: pa.Array) -> npt.NDArray[np.uint64]:
    return row_hashes(pa.RecordBatch.from_arrays([values], ["values"]))


def _alike(before: pa.Array, after: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Two arrays of different types as one type, where their values can be told in it."""
    for wanted in (pa.float64(), pa.timestamp("us"), pa.string()):
        try:
            return _as(before, wanted), _as(after, wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    return before, after


def _as(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_string(values.type):
        values = pc.utf8_trim_whitespace(values)
    if pa.types.is_boolean(values.type) and not pa.types.is_string(wanted):
        return values.cast(pa.int8()).cast(wanted)
    return values.cast(wanted, safe=not pa.types.is_integer(values.type))
