"""A table with what was asked for: texts that mean missing, columns left out, other types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES, item_type
from tilth.tables.read_options import ReadOptions
from tilth.tables.table import Table
from tilth.tables.text_types import converted
from tilth.types import SCALAR_TYPES, ColumnType

__all__ = ["adjusted"]


def adjusted(table: Table, options: ReadOptions) -> Table:
    """The table with texts that mean missing as null, and columns turned into other types or left out.

    Raises:
        ColumnNotFoundError: a column to leave out, or of a type, that is not there.
        DataError: a type that a column cannot become; when read, a value that does not fit.
    """
    kept = options.kept(table.columns, table.name)
    if len(kept) < len(table.columns):
        table = table.select(kept)
    return _retyped(table, ReadOptions(options.missing, options.types))


def _retyped(table: Table, options: ReadOptions) -> Table:
    missing, types = options.missing, options.types
    changed = {name: kind for name, kind in types.items() if table.columns.get(name, kind) != kind}
    if not changed and not (missing and "string" in table.columns.values()):
        return table
    for name, kind in changed.items():
        _check_possible(table, name, kind)
    absent = pa.array(missing, pa.string())
    columns = {name: changed.get(name, kind) for name, kind in table.columns.items()}

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        before = 0
        for batch in table.select(names).batches(size):
            arrays = []
            for name in names:
                array = batch.column(name)
                if pa.types.is_string(array.type) and missing:
                    array = pc.if_else(pc.is_in(array, value_set=absent), pa.scalar(None, pa.string()), array)
                arrays.append(_converted(array, columns[name], name, before, table))
            before += batch.num_rows
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    # A cell that cannot be converted is told with its row, which a part does not know.
    return Table(
        table.name,
        columns,
        read,
        rows=table._rows,
        notes=table.notes,
        empty=table.empty - set(types),
        parts=None if changed else lambda: [_retyped(part, options) for part in table.parts()],
        is_untyped=table.is_untyped,
    )


def _check_possible(table: Table, name: str, kind: ColumnType) -> None:
    """Refuse what has no meaning: lists as numbers, numbers as images."""
    held = table.columns[name]
    lists = {item_type(held), item_type(kind)} == {"int", "float"} and kind == "list[float]"
    media = held in MEDIA_TYPES and kind in MEDIA_TYPES
    if name in table.empty or lists or media or (held in SCALAR_TYPES and kind in SCALAR_TYPES):
        return
    raise DataError(f"column '{name}' is {held} and cannot be read as {kind}", where=table.name)


def _converted(array: pa.Array, kind: ColumnType, name: str, before: int, table: Table) -> pa.Array:
    held = table.columns[name]
    if kind == held:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), ARROW_TYPES[kind])
    if kind not in SCALAR_TYPES or (held == "int" and kind == "float"):
        return array.cast(ARROW_TYPES[kind], safe=False)
    cells = pc.utf8_lower(array.cast(pa.string())) if kind == "bool" else array.cast(pa.string())
    return converted(cells, kind, column=name, where=table.name, before=before, shown=array)
