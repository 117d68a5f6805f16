"""Tables from what is in memory: Arrow, data frames, columns, rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import column_types, normalize, row_labels
from tilth.tables.table import Table

__all__ = [
    "MEMORY",
    "is_rows",
    "table_from_arrow",
    "table_from_columns",
    "table_from_frame",
    "table_from_rows",
]

MEMORY = "<memory>"


def table_from_arrow(data: pa.Table, name: str = MEMORY, notes: Sequence[str] = ()) -> Table:
    """A table over an Arrow table.

    Raises:
        DataError: no columns, two of one name, or a type that no column has.
    """
    columns = column_types(data.schema, name)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for batch in data.select(list(names)).to_batches(max_chunksize=size):
            arrays = [normalize(batch.column(n), columns[n], column=n, where=name) for n in names]
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    empty = frozenset(field.name for field in data.schema if pa.types.is_null(field.type))
    return Table(name, columns, read, rows=data.num_rows, notes=notes, empty=empty)


def table_from_columns(data: Mapping[str, object]) -> Table:
    """A table over columns given as lists or arrays.

    Raises:
        DataError: columns of different lengths, or values of types that do not go together.
    """
    for column in data:
        if not isinstance(column, str):
            raise DataError(f"the column name {column!r} is not a text", where=MEMORY)
    arrays = {name: _array(name, values) for name, values in data.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise DataError("the columns have different lengths", where=f"{MEMORY} ({shown})")
    return table_from_arrow(pa.table(arrays))


def table_from_rows(data: Sequence[Mapping[str, object]]) -> Table:
    """A table over rows given as mappings; a column that a row lacks is missing there.

    Raises:
        DataError: values of types that do not go together.
    """
    names = list(dict.fromkeys(name for row in data for name in row))
    return table_from_columns({name: [row.get(name) for row in data] for name in names})


def is_rows(data: object) -> bool:
    """Whether this is a non-empty list or tuple of mappings."""
    return isinstance(data, (list, tuple)) and bool(data) and all(isinstance(row, Mapping) for row in data)


def table_from_frame(data: object) -> Table | None:
    """A table over a data frame of any library, or None when this is not one.

    Accepts what has the Arrow C stream interface and what narwhals knows.
    """
    if isinstance(data, pa.RecordBatch):
        return table_from_arrow(pa.Table.from_batches([data]))
    if isinstance(data, pa.Table):
        return table_from_arrow(data)
    collect = getattr(data, "collect", None)
    if collect is not None and type(data).__name__ == "LazyFrame":
        data = collect()
    if hasattr(data, "__arrow_c_stream__"):
        return _from_stream(data)
    import narwhals as nw

    frame: Any = nw.from_native(data, pass_through=True, eager_only=True)
    return table_from_arrow(frame.to_arrow()) if isinstance(frame, nw.DataFrame) else None


def _from_stream(data: object) -> Table:
    try:
        read = pa.RecordBatchReader.from_stream(data).read_all()
    except pa.ArrowInvalid as error:
        raise DataError(
            f"the Arrow stream cannot be read: {error}", where=f"a {type(data).__name__}"
        ) from error
    labels = row_labels(read.schema.names)
    return table_from_arrow(read.drop_columns(list(labels)), notes=list(labels.values()))


def _array(name: str, values: object) -> pa.Array:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise DataError(
            f"column '{name}' is a {type(values).__name__}", where=MEMORY, expected="a list of values"
        )
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    items = list(values)
    try:
        return pa.array(items)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise DataError(
            f"the values of column '{name}' do not go together: {error}",
            where=MEMORY,
            expected="values of one type, whole numbers of at most 64 bits",
        ) from error
