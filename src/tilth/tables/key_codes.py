"""The keys of a table as small whole numbers, and those of another table as the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.tables.table import Table
from tilth.types import SCALAR_TYPES, ColumnType

__all__ = ["Codes", "KeyCodes"]

Codes = npt.NDArray[np.int64]

_NUMBERS = ("int", "float")


class KeyCodes:
    """Numbers for the keys of a table: equal keys, and only they, have the same; -1 lacks a part of its key.

    Holds each different key once and 8 bytes a row.

    Args:
        table: n rows.
        names: its key columns.
        other: the table that is to be joined.
        others: that one's key columns, in the same order.

    Raises:
        DataError: key columns whose values can never be equal, such as numbers and texts.

    Example:
        >>> from tilth.tables import open_table
        >>> people = open_table({"id": [7, 8, 7, None]})
        >>> visits = open_table({"id": [8.0, 9.0]})
        >>> codes = KeyCodes(people, ["id"], visits, ["id"])
        >>> codes.own.tolist(), codes.of(visits.batches()).tolist()
        ([0, 1, 0, -1], [1, -1])
    """

    def __init__(self, table: Table, names: Sequence[str], other: Table, others: Sequence[str]) -> None:
        self._kinds = [_common(table, name, other, its) for name, its in zip(names, others, strict=True)]
        self._names = tuple(others)
        columns = _columns(table.select(list(dict.fromkeys(names))).batches(), names, self._kinds)
        self._values = [pc.drop_null(pc.unique(column)) for column in columns]
        self._pairs: list[Codes] = []
        codes = self._code(columns[0], 0)
        for position in range(1, len(columns)):
            both = self._together(codes, self._code(columns[position], position), position)
            self._pairs.append(np.unique(both[both >= 0]))
            codes = _place(both, self._pairs[-1])
        self.own = codes

    def of(self, batches: Iterable[pa.RecordBatch]) -> Codes:
        """The numbers of the other table's keys; -1 also for a key that this table does not have."""
        columns = _columns(batches, self._names, self._kinds)
        codes = self._code(columns[0], 0)
        for position in range(1, len(columns)):
            both = self._together(codes, self._code(columns[position], position), position)
            codes = _place(both, self._pairs[position - 1])
        return codes

    def _code(self, column: pa.ChunkedArray, position: int) -> Codes:
        codes = pc.index_in(column, value_set=self._values[position], skip_nulls=True)
        return np.asarray(pc.fill_null(codes, -1).to_numpy(), np.int64)

    def _together(self, codes: Codes, more: Codes, position: int) -> Codes:
        """One number for two; fewer than 2**31 of each, so that it fits."""
        both = codes * max(len(self._values[position]), 1) + more
        both[(codes < 0) | (more < 0)] = -1
        return both


def _common(table: Table, name: str, other: Table, its: str) -> ColumnType:
    """The type in which the keys of two columns are compared."""
    kind, its_kind = table.columns[name], other.columns[its]
    if name in table.empty or its in other.empty:  # without any value the type is a guess
        kind = its_kind = its_kind if name in table.empty else kind
    if kind in SCALAR_TYPES and (kind == its_kind or (kind in _NUMBERS and its_kind in _NUMBERS)):
        return kind if kind == its_kind else "int"
    shown = f"'{name}'" if name == its else f"'{name}' = '{its}'"
    raise DataError(
        f"the key {shown} is {kind} in one table and {its_kind} in the other",
        where=f"{table.name}, {other.name}",
        expected="one type, with one value a row",
        mend=f"read both as the same: open_table(data, types={{'{name}': 'string'}})",
    )


def _columns(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], kinds: Sequence[ColumnType]
) -> list[pa.ChunkedArray]:
    chunks: list[list[pa.Array]] = [[] for _ in names]
    for batch in batches:
        for position, name in enumerate(names):
            chunks[position].append(_comparable(batch.column(name), kinds[position]))
    return [pa.chunked_array(found, _ARROW[kind]) for found, kind in zip(chunks, kinds, strict=True)]


_ARROW = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.large_string(),
    "bool": pa.bool_(),
    "datetime": pa.timestamp("us"),
}


def _comparable(values: pa.Array, kind: ColumnType) -> pa.Array:
    """Values of which equal ones look the same; null where missing, or equal to nothing of the kind."""
    if values.null_count == len(values):
        return pa.nulls(len(values), _ARROW[kind])
    if not pa.types.is_floating(values.type):
        return values.cast(_ARROW[kind])
    numbers = np.array(values.to_numpy(zero_copy_only=False), np.float64) + 0.0  # no negative zero
    fits = ~np.isnan(numbers)
    if kind == "int":
        fits &= (np.trunc(numbers) == numbers) & (numbers >= -(2.0**63)) & (numbers < 2.0**63)
        return pa.array(np.where(fits, numbers, 0.0).astype(np.int64), mask=~fits)
    return pa.array(numbers, mask=~fits)


def _place(values: Codes, known: Codes) -> Codes:
    """The position of each value in ascending known ones; -1 where it is not among them."""
    if not len(known):
        return np.full(len(values), -1, np.int64)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where((values >= 0) & (known[places] == values), places, -1)
