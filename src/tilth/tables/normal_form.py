"""Any Arrow array brought to the normal form of its column type."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES, item_type
from tilth.types import ColumnType, ScalarType

__all__ = ["normalize"]

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_MOST_ITEMS = 2**31 - 1


def normalize(array: pa.Array, kind: ColumnType, *, column: str, where: str) -> pa.Array:
    """An array in the normal form of its column type.

    Times lose what is below a microsecond and are told in UTC.

    Raises:
        DataError: a whole number beyond 64 bits with sign, a date out of range, media that are not there.

    Example:
        >>> normalize(pa.array([1, 2], pa.int8()), "int", column="x", where="<memory>").type
        DataType(int64)
    """
    if array.type == ARROW_TYPES[kind]:
        return array
    if isinstance(array.type, pa.BaseExtensionType):
        if isinstance(array.type, pa.UuidType):
            return _uuids(array.storage)
        return normalize(array.storage, kind, column=column, where=where)
    if pa.types.is_dictionary(array.type):
        values = normalize(array.dictionary, kind, column=column, where=where)
        return pa.DictionaryArray.from_arrays(array.indices, values).dictionary_decode()
    if pa.types.is_run_end_encoded(array.type):
        return normalize(pc.run_end_decode(array), kind, column=column, where=where)
    item = item_type(kind)
    if item is not None and pa.types.is_nested(array.type):
        return _lists(array, item, column, where)
    if kind in MEDIA_TYPES and pa.types.is_struct(array.type):
        array = _embedded(array, column, where)
    return _cast(array, kind, column, where)


def _cast(array: pa.Array, kind: ColumnType, column: str, where: str) -> pa.Array:
    arrow = array.type
    try:
        if pa.types.is_time(arrow):
            return _times_of_day(array)
        if pa.types.is_duration(arrow):
            return pc.divide(array.cast(pa.int64()).cast(pa.float64(), safe=False), _PER_SECOND[arrow.unit])
        if pa.types.is_date(arrow):
            array = array.cast(pa.timestamp("s" if pa.types.is_date32(arrow) else "ms"))
        finer = pa.types.is_timestamp(arrow) and arrow.unit == "ns"
        return array.cast(ARROW_TYPES[kind], safe=not finer)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"column '{column}' holds a value that does not fit {kind}: {error}",
            where=where,
            expected="whole numbers of at most 64 bits, sign included" if kind == "int" else None,
        ) from error


def _times_of_day(array: pa.Array) -> pa.Array:
    """Times of day as ISO 8601 texts, with as much of a second as there is."""
    texts = pc.replace_substring_regex(array.cast(pa.string()), r"(\.[0-9]*?)0+$", r"\1")
    return pc.replace_substring_regex(texts, r"\.$", "")


def _uuids(stored: pa.Array) -> pa.Array:
    texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in stored.to_pylist()]
    return pa.array(texts, pa.string())


def _lists(array: pa.Array, item: ScalarType, column: str, where: str) -> pa.Array:
    """Lists of any Arrow form as plain lists of normal items; a missing list stays missing."""
    items = normalize(array.flatten(), item, column=column, where=where)
    if len(items) > _MOST_ITEMS:
        raise DataError(f"the lists of column '{column}' hold {len(items)} items at once", where=where)
    lengths = pc.list_value_length(array).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    absent = array.is_null() if array.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=absent)


def _embedded(array: pa.Array, column: str, where: str) -> pa.Array:
    """The bytes of media that are kept beside the path they came from."""
    content, path = array.field("bytes"), array.field("path")
    present = array.is_valid()
    lost = pc.and_(present, pc.and_(content.is_null(), path.is_valid()))
    if pc.any(lost).as_py():
        row = pc.index(lost, True).as_py()
        raise DataError(
            f"column '{column}' names the file {path[row].as_py()!r} and does not hold it",
            where=where,
            expected="the bytes of each file in the table",
            mend="write the data set again with its files embedded, or open their folder",
        )
    if array.null_count:
        return pc.if_else(present, content, pa.scalar(None, content.type))
    return content
