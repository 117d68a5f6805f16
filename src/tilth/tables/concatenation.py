"""Tables one below the other, columns matched by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pyarrow as pa

from tilth.errors import DataError, UsageError
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["concat_tables", "large_parts", "wider_type"]

_MOST_TOLD = 20


def concat_tables(tables: Sequence[Table], *, name: str | None = None) -> Table:
    """One table of the rows of all, in order.

    Columns are matched by name and keep the order of their first appearance. Whole numbers and numbers
    together are numbers; where a table lacks a column, or has no value in it, its rows are missing there.

    Args:
        tables: at least one.
        name: what to call the table; None for the names of all.

    Raises:
        DataError: a column whose types do not go together.

    Example:
        >>> from tilth.tables import open_table
        >>> both = concat_tables([open_table({"x": [1]}), open_table({"x": [0.5], "y": ["a"]})])
        >>> both.to_arrow().to_pylist()
        [{'x': 1.0, 'y': None}, {'x': 0.5, 'y': 'a'}]
    """
    if not tables:
        raise UsageError("no tables to put together", expected="at least one")
    if len(tables) == 1 and name in (None, tables[0].name):
        return tables[0]
    columns = _columns(tables)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for table in tables:
            yield from _conformed(table, {name: columns[name] for name in names}, size)

    known = all(table._rows is not None for table in tables)
    return Table(
        name or _together(list(dict.fromkeys(table.name for table in tables)), ", "),
        columns,
        read,
        rows=sum(table.rows for table in tables) if known else None,
        notes=_first(list(dict.fromkeys(note for table in tables for note in table.notes))),
        empty=frozenset(
            name for name in columns if all(name in t.empty or name not in t.columns for t in tables)
        ),
        parts=lambda: [
            part if list(part.columns.items()) == list(columns.items()) else _in_columns(part, columns)
            for table in tables
            for part in table.parts()
        ],
        is_untyped=all(table.is_untyped for table in tables),
    )


def _together(names: Sequence[str], joint: str) -> str:
    """Names in one line; many are not all told."""
    return joint.join(_first(names))


def _first(sentences: Sequence[str]) -> list[str]:
    """The first of many, and how many more there are."""
    if len(sentences) <= _MOST_TOLD:
        return list(sentences)
    return [*sentences[:_MOST_TOLD], f"and {len(sentences) - _MOST_TOLD:,} more"]


def large_parts(table: Table, most: int) -> tuple[Table, ...]:
    """The parts of a table, neighbors taken together so that there are at most `most` of about equal number.

    For work whose result is large beside its input, such as a profile: fewer results to send and to merge.

    Args:
        table: any table.
        most: 1 or more.

    Example:
        >>> from tilth.tables import open_table
        >>> table = concat_tables([open_table({"x": [n]}) for n in range(5)])
        >>> [part.to_arrow()["x"].to_pylist() for part in large_parts(table, 2)]
        [[0, 1], [2, 3, 4]]
    """
    parts = table.parts()
    if len(parts) <= most:
        return parts
    ends = [len(parts) * k // most for k in range(most + 1)]
    return tuple(concat_tables(parts[start:end]) for start, end in pairwise(ends))


def _in_columns(table: Table, columns: Mapping[str, ColumnType]) -> Table:
    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        yield from _conformed(table, {name: columns[name] for name in names}, size)

    empty = frozenset(name for name in columns if name in table.empty or name not in table.columns)
    return Table(table.name, columns, read, rows=table._rows, notes=table.notes, empty=empty)


def _columns(tables: Sequence[Table]) -> dict[str, ColumnType]:
    found: dict[str, tuple[ColumnType, Table]] = {}
    for table in tables:
        for name, kind in table.columns.items():
            before = found.get(name)
            if before is None or name in before[1].empty:
                found[name] = (kind, table)
            elif name not in table.empty and kind != before[0]:
                found[name] = (_common(name, before, (kind, table)), before[1])
    return {name: kind for name, (kind, _) in found.items()}


def _common(name: str, first: tuple[ColumnType, Table], second: tuple[ColumnType, Table]) -> ColumnType:
    wide = wider_type(first[0], second[0])
    if wide is None:
        raise DataError(
            f"column '{name}' is {first[0]} in one table and {second[0]} in another",
            where=f"{first[1].name} and {second[1].name}",
            expected="the same type in both, or int and float",
        )
    return wide


def wider_type(first: ColumnType, second: ColumnType) -> ColumnType | None:
    """The type that holds both without loss of meaning, or None.

    Example:
        >>> wider_type("int", "float"), wider_type("int", "string")
        ('float', None)
    """
    if first == second:
        return first
    if {first, second} == {"int", "float"}:
        return "float"
    return "list[float]" if {first, second} == {"list[int]", "list[float]"} else None


def _conformed(table: Table, columns: Mapping[str, ColumnType], size: int) -> Iterator[pa.RecordBatch]:
    """The rows of one table in the columns of all."""
    here = [name for name in columns if name in table.columns]
    for batch in table.select(here or list(table.columns)[:1]).batches(size):
        arrays = [
            _as(batch.column(name), kind)
            if name in table.columns
            else pa.nulls(batch.num_rows, ARROW_TYPES[kind])
            for name, kind in columns.items()
        ]
        yield pa.RecordBatch.from_arrays(arrays, list(columns))


def _as(array: pa.Array, kind: ColumnType) -> pa.Array:
    if array.null_count == len(array):  # of a column without values, whose type was only a guess
        return pa.nulls(len(array), ARROW_TYPES[kind])
    return array.cast(ARROW_TYPES[kind], safe=False)
