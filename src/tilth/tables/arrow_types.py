"""The five column types as Arrow types, and any Arrow data brought to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pyarrow as pa

from tilth.errors import DataError
from tilth.types import ColumnType

__all__ = ["ARROW_TYPES", "arrow_schema", "column_type", "column_types", "normalize", "row_labels"]

_ROW_LABELS = re.compile(r"__index_level_\d+__")

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "datetime": pa.timestamp("us"),
}


def arrow_schema(columns: Mapping[str, ColumnType]) -> pa.Schema:
    """The Arrow schema of columns in their normal form."""
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


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


def column_type(arrow: pa.DataType) -> ColumnType | None:
    """The column type that an Arrow type becomes, or None where there is none.

    Example:
        >>> column_type(pa.int8()), column_type(pa.date32()), column_type(pa.list_(pa.int8()))
        ('int', 'datetime', None)
    """
    types = pa.types
    if types.is_dictionary(arrow):
        return column_type(arrow.value_type)
    rules: list[tuple[bool, ColumnType]] = [
        (types.is_boolean(arrow), "bool"),
        (types.is_integer(arrow), "int"),
        (types.is_floating(arrow) or types.is_decimal(arrow), "float"),
        (types.is_timestamp(arrow) or types.is_date(arrow), "datetime"),
        (types.is_string(arrow) or types.is_large_string(arrow) or types.is_string_view(arrow), "string"),
        (types.is_null(arrow), "string"),
    ]
    return next((kind for applies, kind in rules if applies), None)


def column_types(schema: pa.Schema, where: str) -> dict[str, ColumnType]:
    """The column types of an Arrow schema.

    Raises:
        DataError: no columns, two of one name, or a type that has no column type.
    """
    if not len(schema):
        raise DataError("there are no columns", where=where, expected="at least one column")
    columns: dict[str, ColumnType] = {}
    for field in schema:
        if field.name in columns:
            raise DataError(
                f"two columns are called '{field.name}'", where=where, mend="rename or drop one of them"
            )
        kind = column_type(field.type)
        if kind is None:
            raise DataError(
                f"column '{field.name}' is of type {field.type}",
                where=where,
                expected="whole numbers, numbers, texts, true/false or dates",
                mend=f"drop '{field.name}', or turn it into one of these",
            )
        columns[field.name] = kind
    return columns


def normalize(array: pa.Array, kind: ColumnType, *, column: str, where: str) -> pa.Array:
    """An array in the normal form of its column type.

    Times lose what is below a microsecond and are told in UTC.

    Raises:
        DataError: a whole number beyond 64 bits with sign, or a date out of range.

    Example:
        >>> normalize(pa.array([1, 2], pa.int8()), "int", column="x", where="<memory>").type
        DataType(int64)
    """
    wanted = ARROW_TYPES[kind]
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(array.type):
        values = normalize(array.dictionary, kind, column=column, where=where)
        return pa.DictionaryArray.from_arrays(array.indices, values).dictionary_decode()
    try:
        if pa.types.is_date(array.type):
            array = array.cast(pa.timestamp("s" if pa.types.is_date32(array.type) else "ms"))
        finer = pa.types.is_timestamp(array.type) and array.type.unit == "ns"
        return array.cast(wanted, safe=not finer)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"column '{column}' holds a value that does not fit {kind}: {error}",
            where=where,
            expected="whole numbers of at most 64 bits, sign included" if kind == "int" else None,
        ) from error
