"""Rows of a request that come as an Arrow IPC stream or file: the same values that JSON rows would have.

What a few bytes can make large is refused before it is made: compressed bodies, rows that all point to one
long text, lists of nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, RequestError, TilthError
from tilth.schemas import Column
from tilth.serving.tables_in import check_names
from tilth.serving.validation import RequestValidator, Row
from tilth.tables.arrow_types import MEDIA_TYPES, column_type, holds_bytes, row_labels
from tilth.tables.normal_form import normalize
from tilth.types import JSONValue

__all__ = ["arrow_rows"]

_MAGIC = b"ARROW1"
_FILE_HEADER = 8
_CONTINUED = 0xFFFFFFFF
_LARGEST_MESSAGE = 1 << 26
_EXPECTED = "an Arrow IPC stream or file, not compressed"


def arrow_rows(body: bytes, validator: RequestValidator, max_bytes: int = 1 << 25) -> list[Row]:
    """The rows of an Arrow stream or file.

    Args:
        body: its bytes.
        validator: knows the columns, and how many rows there may be.
        max_bytes: so many bytes at most may the texts have when each row has its own.

    Raises:
        RequestError: not Arrow, compressed, an unknown column, a type that cannot be, or too many rows.

    Example:
        >>> from tilth.schemas import Schema
        >>> validator = RequestValidator(Schema((Column("age", "int"), Column("city", "string"))))
        >>> table, sink = pa.table({"age": [39], "city": ["Oslo"]}), pa.BufferOutputStream()
        >>> with pa.ipc.new_stream(sink, table.schema) as writer:
        ...     writer.write_table(table)
        >>> arrow_rows(sink.getvalue().to_pybytes(), validator)
        [{'age': 39, 'city': 'Oslo'}]
    """
    # A file is a stream between a magic word and a directory (Arrow columnar format, "IPC File Format").
    stream = body[_FILE_HEADER:] if body.startswith(_MAGIC) else body
    try:
        _refuse_compressed(stream)
        batches = list(_batches(stream, validator))
    except (pa.ArrowException, struct.error, IndexError, ValueError, OSError) as error:
        if isinstance(error, TilthError):
            raise
        raise RequestError(f"this is no Arrow data: {str(error)[:200]}", expected=_EXPECTED) from None
    rows: list[Row] = []
    for batch in batches:
        rows += _rows(batch, validator, max_bytes)
    return rows


def _batches(stream: bytes, validator: RequestValidator) -> Iterator[pa.RecordBatch]:
    rows = 0
    with pa.ipc.open_stream(pa.BufferReader(stream)) as reader:
        labels = row_labels(reader.schema.names)
        names = [name for name in reader.schema.names if name not in labels]
        check_names(names, validator)
        known = {column.name: column for column in validator.columns}
        for name in names:
            _check_type(known[name], reader.schema.field(name).type)
        for batch in reader:
            rows += batch.num_rows
            if rows:
                validator.check_count(rows)
            batch.validate(full=True)
            yield batch.select(names)


def _refuse_compressed(stream: bytes) -> None:
    """Go through the messages and look at the field of a record batch that says how it is compressed.

    Raises:
        RequestError: compressed.
        ValueError: no such messages.
    """
    at = 0
    while at + 8 <= len(stream):
        mark, length = struct.unpack_from("<Ii", stream, at)
        if mark != _CONTINUED:  # as it was written before Arrow 0.15
            raise ValueError("the first bytes are not those of a message")
        if length == 0:
            return
        if not 0 < length <= min(_LARGEST_MESSAGE, len(stream) - at - 8):
            raise ValueError("a message is cut short")
        flat = stream[at + 8 : at + 8 + length]
        (message,) = struct.unpack_from("<I", flat, 0)
        kind_at, header_at, size_at = (_field(flat, message, number) for number in (1, 2, 3))
        kind = flat[kind_at] if kind_at else 0
        if header_at and kind in (2, 3):  # a dictionary batch, which holds a record batch, or one itself
            header = header_at + struct.unpack_from("<I", flat, header_at)[0]
            if kind == 2:
                inner = _field(flat, header, 1)
                header = inner + struct.unpack_from("<I", flat, inner)[0] if inner else header
            if _field(flat, header, 3):
                raise RequestError("the Arrow data are compressed", got="compression", expected=_EXPECTED)
        size = struct.unpack_from("<q", flat, size_at)[0] if size_at else 0
        if not 0 <= size <= len(stream):
            raise ValueError("a message is cut short")
        at += 8 + length + size


def _field(flat: bytes, table: int, number: int) -> int:
    """Where a field of a FlatBuffers table is; 0 where it is not there."""
    back = struct.unpack_from("<i", flat, table)[0]
    start = table - back
    if start < 0:
        raise ValueError("a message is damaged")
    size = struct.unpack_from("<H", flat, start)[0]
    place = 4 + 2 * number
    offset = struct.unpack_from("<H", flat, start + place)[0] if place + 2 <= size else 0
    return table + offset if offset else 0


def _check_type(column: Column, kind: pa.DataType) -> None:
    """Refuse types that no column has, and those in which a few bytes stand for many values."""
    if _is_plain(kind) or (column.type in MEDIA_TYPES and _holds_files(kind)):
        return
    shown = str(kind)[:80]
    raise RequestError(
        f"column '{column.name}' comes as the Arrow type {shown}",
        column=column.name,
        got=shown,
        expected=f"a type that stands for {column.type}",
    )


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return isinstance(kind, pa.UuidType) or _is_plain(kind.storage_type)
    if types.is_dictionary(kind):
        return _is_value(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_value(kind.value_type)
    return _is_value(kind) or types.is_string_view(kind) or types.is_null(kind)


def _is_value(kind: pa.DataType) -> bool:
    """Whether each value has bytes of its own."""
    types = pa.types
    shared = types.is_string_view(kind) or types.is_null(kind) or types.is_nested(kind)
    encoded = types.is_dictionary(kind) or types.is_run_end_encoded(kind)
    extended = isinstance(kind, pa.BaseExtensionType)
    return not (shared or encoded or extended) and column_type(kind) is not None


def _holds_files(kind: pa.DataType) -> bool:
    """Bytes, or bytes beside the path that they came from."""
    types = pa.types
    if types.is_dictionary(kind):
        return _has_lengths(kind.value_type)
    if types.is_struct(kind):
        return holds_bytes(kind) and all(_has_lengths(field.type) for field in kind)
    return holds_bytes(kind)


def _rows(batch: pa.RecordBatch, validator: RequestValidator, max_bytes: int) -> list[Row]:
    known = {column.name: column for column in validator.columns}
    room = max_bytes
    columns: dict[str, Sequence[JSONValue | bytes]] = {}
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        room -= _spread(array)
        if room < 0:
            raise RequestError(
                f"column '{name}' makes the rows larger than {max_bytes} bytes",
                column=name,
                expected="fewer rows at once",
            )
        columns[name] = _values(array, known[name])
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _spread(array: pa.Array) -> int:
    """How many bytes, about, the values of an array have when each row has its own."""
    types, kind = pa.types, array.type
    if types.is_dictionary(kind):
        if not _has_lengths(kind.value_type):
            return 8 * len(array)
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        if not len(array):
            return 0
        end = array.offset + len(array)
        views = np.frombuffer(array.buffers()[1], np.int32, 4 * end).reshape(-1, 4)
        return int(np.maximum(views[array.offset : end, 0], 0).astype(np.int64).sum())
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return 8 * len(array.flatten())
    return 0


def _has_lengths(kind: pa.DataType) -> bool:
    types = pa.types
    texts = types.is_string(kind) or types.is_large_string(kind)
    return bool(texts or types.is_binary(kind) or types.is_large_binary(kind))


def _values(array: pa.Array, column: Column) -> Sequence[JSONValue | bytes]:
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        # What stands where a value is missing is not validated, and Arrow's cast would look at it.
        array = pa.array(
            array.to_pylist(), pa.string() if pa.types.is_string_view(array.type) else pa.binary()
        )
    kind = column_type(array.type) or column.type
    try:
        normal = normalize(array, kind, column=column.name, where="the request")
    except DataError as error:
        raise RequestError(error.what, column=column.name, expected=error.expected) from None
    if kind == "datetime":
        return [_moment(value) for value in normal]
    if kind == "list[datetime]":
        return [[_moment(item) for item in items.values] if items.is_valid else None for items in normal]
    return [*normal.to_pylist()]


def _moment(value: pa.TimestampScalar) -> str | None:
    """A time as JSON says it; one that no calendar has is a text that the column's judge refuses."""
    if not value.is_valid:
        return None
    try:
        return str(value.as_py().isoformat())
    except OverflowError:
        return "a year before 1 or after 9999"
