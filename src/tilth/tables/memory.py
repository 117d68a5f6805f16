"""Tables from what is in memory: Arrow, data frames, columns, rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import column_types, row_labels
from tilth.tables.normal_form import normalize
from tilth.tables.read_options import ReadOptions
from tilth.tables.struct_columns import Spread
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
_ALL = ReadOptions()


def table_from_arrow(
    data: pa.Table, name: str = MEMORY, notes: Sequence[str] = (), options: ReadOptions = _ALL
) -> Table:
    """A table over an Arrow table.

    Raises:
        DataError: no columns, two of one name, or a type that no column has.
    """
    data = Spread(data.schema).table(data)
    kept = options.kept(data.column_names, name)
    if options.exclude:
        data = data.select([n for n, column in enumerate(data.column_names) if column in kept])

    def peek(column: str) -> list[pa.Array]:
        chunks: list[pa.Array] = data.column(column).chunks
        return chunks

    columns, empty = column_types(data.schema, name, peek=peek, chosen=options.types)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for batch in data.select(list(names)).to_batches(max_chunksize=size):
            arrays = [normalize(batch.column(n), columns[n], column=n, where=name) for n in names]
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    return Table(name, columns, read, rows=data.num_rows, notes=notes, empty=empty)


def table_from_columns(data: Mapping[str, object], options: ReadOptions = _ALL) -> Table:
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
    return table_from_arrow(pa.table(arrays), options=options)


def table_from_rows(data: Sequence[Mapping[str, object]], options: ReadOptions = _ALL) -> Table:
    """A table over rows given as mappings; a column that a row lacks is missing there.

    Raises:
        DataError: values of types that do not go together.
    """
    names = list(dict.fromkeys(name for row in data for name in row))
    return table_from_columns({name: [row.get(name) for row in data] for name in names}, options)


def is_rows(data: object) -> bool:
    """Whether this is a non-empty list or tuple of mappings."""
    return isinstance(data, (list, tuple)) and bool(data) and all(isinstance(row, Mapping) for row in data)


def table_from_frame(data: object, options: ReadOptions = _ALL) -> Table | None:
    """A table over a data frame of any library, or None when this is not one.

    Accepts what has an Arrow C interface, structured arrays of NumPy, and what narwhals knows.

    Raises:
        DataError: values that Arrow has no type for, or what `table_from_arrow` raises.
    """
    if isinstance(data, np.ndarray) and data.dtype.names:
        return table_from_columns({name: data[name] for name in data.dtype.names}, options)
    collect = getattr(data, "collect", None)
    if collect is not None and type(data).__name__ == "LazyFrame":
        data = collect()
    try:
        read = _arrow(data)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"the values cannot be read as Arrow: {str(error)[:500]}",
            where=f"a {type(data).__name__}",
            mend="give each column values of one type",
        ) from error
    if read is None:
        return None
    labels = row_labels(read.column_names)
    return table_from_arrow(read.drop_columns(list(labels)), MEMORY, list(labels.values()), options)


def _arrow(data: object) -> pa.Table | None:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(data).read_all()
    if hasattr(data, "__arrow_c_array__"):
        return pa.Table.from_batches([pa.record_batch(data)])
    import narwhals as nw

    frame: Any = nw.from_native(data, pass_through=True, eager_only=True)
    return frame.to_arrow() if isinstance(frame, nw.DataFrame) else None


def _array(name: str, values: object) -> pa.Array:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise DataError(
            f"column '{name}' is a {type(values).__name__}", where=MEMORY, expected="a list of values"
        )
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    try:
        return pa.array(values if _is_plain(values) else list(values))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"the values of column '{name}' do not go together: {error}",
            where=MEMORY,
            expected="values of one type, whole numbers of at most 64 bits",
        ) from error


def _is_plain(values: object) -> bool:
    """Whether Arrow takes an array as it is: one dimension, and no objects that it would look into."""
    return isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biufMU"
