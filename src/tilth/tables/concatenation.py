"""Tables one below the other, columns matched by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from tilth.errors import DataError, UsageError
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["concat_tables", "wider_type"]


def concat_tables(tables: Sequence[Table]) -> Table:
    """One table of the rows of all, in order.

    Columns are matched by name and keep the order of their first appearance. Whole numbers and numbers
    together are numbers; where a table lacks a column, or has no value in it, its rows are missing there.

    Args:
        tables: at least one.

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
    if len(tables) == 1:
        return tables[0]
    columns = _columns(tables)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for table in tables:
            yield from _conformed(table, {name: columns[name] for name in names}, size)

    known = all(table._rows is not None for table in tables)
    return Table(
        tables[0].name if len({t.name for t in tables}) == 1 else ", ".join(t.name for t in tables),
        columns,
        read,
        rows=sum(table.rows for table in tables) if known else None,
        notes=list(dict.fromkeys(note for table in tables for note in table.notes)),
        empty=frozenset(
            name for name in columns if all(name in t.empty or name not in t.columns for t in tables)
        ),
    )


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
    return "float" if {first, second} == {"int", "float"} else None


def _conformed(table: Table, columns: Mapping[str, ColumnType], size: int) -> Iterator[pa.RecordBatch]:
    """The rows of one table in the columns of all."""
    here = [name for name in columns if name in table.columns]
    for batch in table.select(here or list(table.columns)[:1]).batches(size):
        arrays = [
            batch.column(name).cast(ARROW_TYPES[kind], safe=False)
            if name in table.columns
            else pa.nulls(batch.num_rows, ARROW_TYPES[kind])
            for name, kind in columns.items()
        ]
        yield pa.RecordBatch.from_arrays(arrays, list(columns))
