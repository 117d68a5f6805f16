"""Parquet and Arrow files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from tilth.errors import DataError
from tilth.tables.arrow_types import column_types, normalize, row_labels
from tilth.tables.files import SourceFile
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["open_arrow", "open_parquet"]

Batches = Callable[[Sequence[str], int], Iterator[pa.RecordBatch]]


def open_parquet(file: SourceFile) -> Table:
    """A table over a Parquet file.

    Raises:
        DataError: not a Parquet file, damaged, or with columns that cannot be used.
    """
    with _said_of(file, "Parquet"), closing(_parquet(file)) as parquet:
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows

    def batches(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        with closing(_parquet(file)) as parquet:
            yield from parquet.iter_batches(batch_size=size, columns=list(names))

    return _table(file, schema, rows, batches, "Parquet")


def _parquet(file: SourceFile) -> pq.ParquetFile:
    return pq.ParquetFile(file.path, page_checksum_verification=True)


def open_arrow(file: SourceFile) -> Table:
    """A table over an Arrow IPC file or stream (.arrow, .feather).

    Raises:
        DataError: not an Arrow file, damaged, or with columns that cannot be used.
    """

    def batches(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - as the file has them
        with pa.memory_map(str(file.path)) as mapped:
            for batch in _arrow_batches(mapped):
                yield batch.select(list(names))

    with _said_of(file, "Arrow"), pa.memory_map(str(file.path)) as mapped:
        schema = _arrow_schema(mapped)
    return _table(file, schema, None, batches, "Arrow")


def _is_stream(mapped: pa.MemoryMappedFile) -> bool:
    magic = mapped.read(6)
    mapped.seek(0)
    return bool(magic != b"ARROW1")


def _arrow_schema(mapped: pa.MemoryMappedFile) -> pa.Schema:
    opened = pa.ipc.open_stream(mapped) if _is_stream(mapped) else pa.ipc.open_file(mapped)
    return opened.schema


def _arrow_batches(mapped: pa.MemoryMappedFile) -> Iterator[pa.RecordBatch]:
    if _is_stream(mapped):
        yield from pa.ipc.open_stream(mapped)
        return
    opened = pa.ipc.open_file(mapped)
    for position in range(opened.num_record_batches):
        yield opened.get_batch(position)


def _table(file: SourceFile, schema: pa.Schema, rows: int | None, batches: Batches, form: str) -> Table:
    columns = column_types(schema, file.name)
    labels = row_labels(columns)
    kept: dict[str, ColumnType] = {name: kind for name, kind in columns.items() if name not in labels}
    if not kept:
        raise DataError("there are no columns", where=file.name, expected="at least one column")

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        file.check_unchanged()
        with _said_of(file, form):
            for batch in batches(names, size):
                arrays = [
                    normalize(batch.column(name), kept[name], column=name, where=file.name) for name in names
                ]
                yield pa.RecordBatch.from_arrays(arrays, list(names))

    empty = frozenset(field.name for field in schema if pa.types.is_null(field.type))
    return Table(file.name, kept, read, rows=rows, notes=list(labels.values()), empty=empty)


@contextmanager
def _said_of(file: SourceFile, form: str) -> Iterator[None]:
    """Turn what Arrow says about a damaged file into our own words."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"the file cannot be read as {form}: {error}",
            where=file.name,
            expected=f"a complete {form} file",
            mend="it may be damaged or cut short: write or copy it again",
        ) from error
