"""The column types as Arrow types, and which column type any Arrow type becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import NamedTuple, cast

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.media import media_type
from tilth.types import COLUMN_TYPES, MEDIA_TYPES, SCALAR_TYPES, ColumnType, ScalarType

__all__ = [
    "ARROW_TYPES",
    "MEDIA_TYPES",
    "ColumnTypes",
    "Peek",
    "arrow_schema",
    "column_type",
    "column_types",
    "holds_bytes",
    "item_type",
    "row_labels",
]

_ROW_LABELS = re.compile(r"__index_level_\d+__")
_TYPE_KEY = b"tilth.type"
_LOOKED_AT = 100
_MAGIC_BYTES = 64

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "list[int]": pa.list_(pa.int64()),
    "list[float]": pa.list_(pa.float64()),
    "list[string]": pa.list_(pa.string()),
    "list[bool]": pa.list_(pa.bool_()),
    "list[datetime]": pa.list_(pa.timestamp("us")),
    "image": pa.large_binary(),
    "audio": pa.large_binary(),
}

Peek = Callable[[str], Iterable[pa.Array]]
"""The values of one column from the first on, as many as are asked for."""


class ColumnTypes(NamedTuple):
    """The columns of a source with their types, and those that are known to have no value at all."""

    columns: dict[str, ColumnType]
    empty: frozenset[str]


def arrow_schema(columns: Mapping[str, ColumnType]) -> pa.Schema:
    """The Arrow schema of columns in their normal form.

    Columns of images and recordings are both bytes, so their fields say which they are.
    """
    return pa.schema(
        [
            pa.field(name, ARROW_TYPES[kind], metadata={_TYPE_KEY: kind} if kind in MEDIA_TYPES else None)
            for name, kind in columns.items()
        ]
    )


def row_labels(names: Iterable[str]) -> dict[str, str]:
    """The columns in which pandas keeps a frame's row labels, each with a note on leaving it out.

    Example:
        >>> row_labels(["x", "__index_level_0__"])
        {'__index_level_0__': "column '__index_level_0__' holds a data frame's row labels and is left out"}
    """
    return {
        name: f"column '{name}' holds a data frame's row labels and is left out"
        for name in names
        if _ROW_LABELS.fullmatch(name)
    }


def item_type(kind: ColumnType) -> ScalarType | None:
    """The type of a list column's items, or None for a column that holds no lists.

    Example:
        >>> item_type("list[int]"), item_type("int")
        ('int', None)
    """
    return cast(ScalarType, kind[5:-1]) if kind.startswith("list[") else None


def column_type(arrow: pa.DataType) -> ColumnType | None:
    """The column type that an Arrow type becomes, or None where its type alone does not say.

    Decimal numbers and lengths of time (in seconds) are numbers; times of day and UUIDs are texts. What holds
    bytes is an image or a recording, which only its values tell (see `column_types`).

    Example:
        >>> column_type(pa.int8()), column_type(pa.date32()), column_type(pa.large_list(pa.int8()))
        ('int', 'datetime', 'list[int]')
    """
    types = pa.types
    if isinstance(arrow, pa.BaseExtensionType):
        return "string" if isinstance(arrow, pa.UuidType) else column_type(arrow.storage_type)
    if types.is_dictionary(arrow) or types.is_run_end_encoded(arrow):
        return column_type(arrow.value_type)
    if _is_list(arrow):
        item = column_type(arrow.value_type)
        return cast(ColumnType, f"list[{item}]") if item in SCALAR_TYPES else None
    rules: list[tuple[bool, ColumnType]] = [
        (types.is_boolean(arrow), "bool"),
        (types.is_integer(arrow), "int"),
        (types.is_floating(arrow) or types.is_decimal(arrow) or types.is_duration(arrow), "float"),
        (types.is_timestamp(arrow) or types.is_date(arrow), "datetime"),
        (types.is_string(arrow) or types.is_large_string(arrow) or types.is_string_view(arrow), "string"),
        (types.is_null(arrow) or types.is_time(arrow), "string"),
    ]
    return next((kind for applies, kind in rules if applies), None)


def _is_list(arrow: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_list(arrow)
        or types.is_large_list(arrow)
        or types.is_fixed_size_list(arrow)
        or types.is_list_view(arrow)
        or types.is_large_list_view(arrow)
    )


def holds_bytes(arrow: pa.DataType) -> bool:
    """Whether values are bytes: alone, or beside the path they came from, as Hugging Face writes media."""
    types = pa.types
    if types.is_dictionary(arrow):
        return holds_bytes(arrow.value_type)
    if types.is_struct(arrow):
        fields = {field.name: field.type for field in arrow}
        return set(fields) == {"bytes", "path"} and holds_bytes(fields["bytes"])
    return bool(
        types.is_binary(arrow)
        or types.is_large_binary(arrow)
        or types.is_binary_view(arrow)
        or types.is_fixed_size_binary(arrow)
    )


def column_types(
    schema: pa.Schema,
    where: str,
    *,
    peek: Peek | None = None,
    chosen: Mapping[str, ColumnType] | None = None,
) -> ColumnTypes:
    """The column types of an Arrow schema.

    Args:
        schema: the fields.
        where: the file or table, for messages.
        peek: the first values of a column of bytes, which tell whether it holds images or recordings.
        chosen: types that were asked for; of these, image and audio count here.

    Raises:
        DataError: no columns, two of one name, or a type that has no column type.
    """
    if not len(schema):
        raise DataError("there are no columns", where=where, expected="at least one column")
    columns: dict[str, ColumnType] = {}
    empty = {field.name for field in schema if pa.types.is_null(field.type)}
    for field in schema:
        if field.name in columns:
            raise DataError(
                f"two columns are called '{field.name}'", where=where, mend="rename or drop one of them"
            )
        if not holds_bytes(field.type):
            columns[field.name] = column_type(field.type) or _refused(field, where)
            continue
        known = _marked(field) or _media(chosen or {}, field.name)
        if known is None:
            known, has_values = _found(field.name, peek, where)
            empty |= set() if has_values else {field.name}
        columns[field.name] = known
    return ColumnTypes(columns, frozenset(empty))


def _marked(field: pa.Field) -> ColumnType | None:
    """What a file that Tilth wrote says of its column of bytes."""
    text = (field.metadata or {}).get(_TYPE_KEY, b"").decode("utf-8", "replace")
    return next((kind for kind in COLUMN_TYPES if kind == text and kind in MEDIA_TYPES), None)


def _media(chosen: Mapping[str, ColumnType], name: str) -> ColumnType | None:
    kind = chosen.get(name)
    return kind if kind in MEDIA_TYPES else None


def _found(name: str, peek: Peek | None, where: str) -> tuple[ColumnType, bool]:
    """What the first values of a column of bytes are, and whether there are any."""
    looked_at = 0
    for array in peek(name) if peek is not None else ():
        for content in _first_bytes(array):
            kind = media_type(content)
            if kind is not None:
                return kind, True
            looked_at += 1
        if looked_at >= _LOOKED_AT:
            break
    if looked_at:
        raise DataError(
            f"column '{name}' holds bytes that are neither an image nor a recording",
            where=where,
            expected="PNG, JPEG, GIF, WebP, BMP or TIFF; WAV, FLAC, OGG or MP3",
            mend=f"leave it out: exclude=['{name}'], or say what it is: types={{'{name}': 'image'}}",
        )
    return "image", False


def _first_bytes(array: pa.Array) -> list[bytes]:
    """The beginnings of the first values of an array of bytes."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_struct(array.type):
        array = array.field("bytes")
    present = (value for value in array.slice(0, 4096) if value.is_valid)
    return [value.as_buffer()[:_MAGIC_BYTES].to_pybytes() for value in islice(present, _LOOKED_AT)]


def _refused(field: pa.Field, where: str) -> ColumnType:
    leave = f"leave it out: exclude=['{field.name}']"
    nested = pa.types.is_nested(field.type)
    raise DataError(
        f"column '{field.name}' is of type {_short(field.type)}",
        where=where,
        expected="numbers, texts, true/false, dates, lists of one of these, images or recordings",
        mend=f"{leave}, or make columns of what is in it" if nested else leave,
    )


def _short(arrow: pa.DataType) -> str:
    text = str(arrow)
    return text if len(text) <= 80 else f"{text[:77]}..."
