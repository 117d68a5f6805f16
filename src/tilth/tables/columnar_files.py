"""Parquet and Arrow files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from tilth.errors import DataError
from tilth.tables.arrow_types import column_types, row_labels
from tilth.tables.files import SourceFile
from tilth.tables.normal_form import normalize
from tilth.tables.read_options import ReadOptions
from tilth.tables.remote import RemoteFile
from tilth.tables.struct_columns import Spread
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["open_arrow", "open_parquet"]

_PART_BYTES = 1 << 26  # unpacked: a few seconds of work, and little beside the sum of its columns' sketches
_BATCH_BYTES = 1 << 26
_STREAMED_BYTES = 1 << 26  # a column of a row group larger than this is read piece by piece
_GROUPS_MEASURED = 16
_CODED_GROUP_BYTES = 1 << 20
_CODE_BYTES = 5  # a value: a text takes four for its length alone
_ALL_AS_ASKED = ReadOptions()

Batches = Callable[[Sequence[str], int], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class _Found:
    """What a file says of itself."""

    schema: pa.Schema
    rows: int | None
    form: str
    batches: Batches


def open_parquet(file: SourceFile, options: ReadOptions = _ALL_AS_ASKED) -> Table:
    """A table over a Parquet file.

    Raises:
        DataError: not a Parquet file, damaged, or with columns that cannot be used.
    """
    with _said_of(file, "Parquet"), _parquet(file) as parquet:
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        cuts = _row_group_cuts(parquet.metadata)

    def some(groups: range | None, rows: int) -> _Found:
        def batches(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
            with _parquet(file, coded=True) as parquet:
                size = min(size, _rows_at_once(parquet.metadata, names))
                chosen = None if groups is None else list(groups)
                yield from parquet.iter_batches(batch_size=size, row_groups=chosen, columns=list(names))

        return _Found(schema, rows, "Parquet", batches)

    def parts() -> list[Table]:
        return [_table(file, some(groups, rows), options) for groups, rows in cuts]

    return _table(file, some(None, rows), options, parts)


def _row_group_cuts(metadata: pq.FileMetaData) -> list[tuple[range, int]]:
    """Row groups in order, several together up to `_PART_BYTES`, each time with their rows."""
    cuts: list[tuple[range, int]] = []
    first, rows, size = 0, 0, 0
    for position in range(metadata.num_row_groups):
        group = metadata.row_group(position)
        if rows and size + group.total_byte_size > _PART_BYTES:
            cuts.append((range(first, position), rows))
            first, rows, size = position, 0, 0
        rows += group.num_rows
        size += group.total_byte_size
    return [*cuts, (range(first, metadata.num_row_groups), rows)]


def _rows_at_once(metadata: pq.FileMetaData, names: Sequence[str]) -> int:
    """How many rows of these columns are `_BATCH_BYTES` or less, as far as the first row groups tell."""
    rows, size = 0, 0
    for position in range(min(metadata.num_row_groups, _GROUPS_MEASURED)):
        group = metadata.row_group(position)
        rows += group.num_rows
        if group.total_byte_size > _BATCH_BYTES // 4:
            columns = (group.column(c) for c in range(group.num_columns))
            size += sum(c.total_uncompressed_size for c in columns if _top(c.path_in_schema, names))
    return max(1, rows * _BATCH_BYTES // size) if size > 0 else 1 << 40


def _top(path: str, names: Sequence[str]) -> bool:
    return path in names or any(path.startswith(f"{name}.") for name in names)


@contextmanager
def _parquet(file: SourceFile, *, coded: bool = False) -> Iterator[pq.ParquetFile]:
    """The opened file; `coded`: with texts as the dictionaries that the file has them in."""
    remote = isinstance(file, RemoteFile)
    with _opened(file) as source:
        parquet = pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=remote)
        streamed = not remote and _largest_column(parquet.metadata) > _STREAMED_BYTES
        dictionaries = _coded_texts(parquet) if coded else []
        if streamed or dictionaries:
            source.seek(0)
            parquet = pq.ParquetFile(
                source,
                page_checksum_verification=True,
                metadata=parquet.metadata,
                pre_buffer=remote,
                buffer_size=1 << 20 if streamed else 0,
                read_dictionary=dictionaries,
            )
        yield parquet


def _coded_texts(parquet: pq.ParquetFile) -> list[str]:
    """The columns of texts that take so little room that they must be coded by a dictionary."""
    metadata = parquet.metadata
    if not metadata.num_row_groups:
        return []
    group = metadata.row_group(0)
    if group.total_byte_size < _CODED_GROUP_BYTES:
        return []  # not worth it, and what a damaged file says of its columns can end the process
    columns = [group.column(c) for c in range(group.num_columns)]
    texts = {field.name for field in parquet.schema_arrow if pa.types.is_string(field.type)}
    return [
        column.path_in_schema
        for column in columns
        if column.path_in_schema in texts
        and column.total_uncompressed_size < _CODE_BYTES * column.num_values
        and column.dictionary_page_offset is not None
    ]


def _largest_column(metadata: pq.FileMetaData) -> int:
    """Packed bytes of the largest column of the largest row group."""
    groups = [metadata.row_group(position) for position in range(metadata.num_row_groups)]
    largest = max(groups, key=lambda group: int(group.total_byte_size), default=None)
    if largest is None or largest.total_byte_size <= _STREAMED_BYTES:
        return 0
    return max(int(largest.column(c).total_compressed_size) for c in range(largest.num_columns))


def _opened(file: SourceFile, *, mapped: bool = False) -> pa.NativeFile:
    if isinstance(file, RemoteFile):
        return file.open_input()
    return pa.memory_map(str(file.path)) if mapped else pa.OSFile(str(file.path))


def open_arrow(file: SourceFile, options: ReadOptions = _ALL_AS_ASKED) -> Table:
    """A table over an Arrow IPC file or stream (.arrow, .feather).

    Raises:
        DataError: not an Arrow file, damaged, or with columns that cannot be used.
    """

    def batches(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - as the file has them
        with _opened(file, mapped=True) as source:
            for batch in _arrow_batches(source):
                chosen = batch.select(list(names))
                chosen.validate(full=True)  # offsets that point elsewhere would end the process
                yield chosen

    with _said_of(file, "Arrow"), _opened(file, mapped=True) as source:
        schema = _arrow_schema(source)
    return _table(file, _Found(schema, None, "Arrow", batches), options)


def _is_stream(source: pa.NativeFile) -> bool:
    magic = source.read(6)
    source.seek(0)
    return bool(magic != b"ARROW1")


def _arrow_schema(source: pa.NativeFile) -> pa.Schema:
    opened = pa.ipc.open_stream(source) if _is_stream(source) else pa.ipc.open_file(source)
    return opened.schema


def _arrow_batches(source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    if _is_stream(source):
        yield from pa.ipc.open_stream(source)
        return
    opened = pa.ipc.open_file(source)
    for position in range(opened.num_record_batches):
        yield opened.get_batch(position)


def _table(
    file: SourceFile,
    found: _Found,
    options: ReadOptions,
    parts: Callable[[], list[Table]] | None = None,
) -> Table:
    with _said_of(file, found.form):  # names of columns need not be UTF-8
        spread = Spread(found.schema)
        labels = row_labels(spread.schema.names)
    wanted = set(options.kept((name for name in spread.schema.names if name not in labels), file.name))
    fields = pa.schema([field for field in spread.schema if field.name in wanted])

    def peek(name: str) -> Iterable[pa.Array]:
        with _said_of(file, found.form):
            yield from (spread.pick(batch, name) for batch in found.batches(spread.tops([name]), 64))

    columns, empty = column_types(fields, file.name, peek=peek, chosen=options.types)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        file.check_unchanged()
        rows = 0
        with _said_of(file, found.form):
            for batch in found.batches(spread.tops(list(names)), size):
                rows += batch.num_rows
                picked = {name: spread.pick(batch, name) for name in names}
                yield _normal(picked, columns, file)
        if found.rows not in (None, rows):
            raise DataError(
                f"the file says that it has {found.rows} rows, and has {rows}",
                where=file.name,
                mend="it may be damaged: write or copy it again",
            )

    return Table(
        file.name, columns, read, rows=found.rows, notes=list(labels.values()), empty=empty, parts=parts
    )


def _normal(picked: dict[str, pa.Array], columns: dict[str, ColumnType], file: SourceFile) -> pa.RecordBatch:
    arrays = []
    for name, values in picked.items():
        coded = columns[name] == "string" and pa.types.is_dictionary(values.type)
        plain = values.dictionary if coded else values
        array = normalize(plain, columns[name], column=name, where=file.name)
        if pa.types.is_string(array.type):
            array.validate(full=True)  # neither format promises that its texts are UTF-8
        arrays.append(pa.DictionaryArray.from_arrays(values.indices, array) if coded else array)
    return pa.RecordBatch.from_arrays(arrays, list(picked))


@contextmanager
def _said_of(file: SourceFile, form: str) -> Iterator[None]:
    """Turn what Arrow says about a damaged file into our own words."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise DataError(
            f"the file cannot be read as {form}: {error}",
            where=file.name,
            expected=f"a complete {form} file",
            mend="it may be damaged or cut short: write or copy it again",
        ) from error
