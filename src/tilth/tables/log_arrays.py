"""Logged values as Arrow arrays: of the types that are declared, or of those that the values have."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import cast

import pyarrow as pa

from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES
from tilth.tables.logged_media import LoggedMedia, is_reference
from tilth.types import ColumnType

__all__ = ["REFERENCE", "as_type", "common_type", "input_array", "value_of_type"]

REFERENCE = pa.struct([("sha256", pa.string()), ("bytes", pa.int64())])
"""An image or recording as a log has it: the content is beside the log, in a file named by the digest."""

_PLAIN: dict[ColumnType, frozenset[type]] = {
    "int": frozenset((int, type(None))),
    "float": frozenset((int, float, type(None))),
    "string": frozenset((str, type(None))),
    "bool": frozenset((bool, type(None))),
}


def value_of_type(value: object, kind: ColumnType) -> object:
    """A value from JSON as a column of a type takes it.

    Raises:
        ValueError: it does not fit.

    Example:
        >>> value_of_type(3, "float"), value_of_type([1, None], "list[int]")
        (3.0, [1, None])
    """
    if value is None:
        return None
    if kind.startswith("list[") and isinstance(value, list):
        item = cast("ColumnType", kind[len("list[") : -1])
        return [value_of_type(each, item) for each in value]
    if kind in MEDIA_TYPES and isinstance(value, LoggedMedia):
        return value
    if kind == "datetime" and isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value)
        return moment if moment.tzinfo is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)
    if kind in ("int", "float") and isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "float":
            return float(value)
        if float(value).is_integer():
            return int(value)
    elif (kind == "string" and isinstance(value, str)) or (kind == "bool" and isinstance(value, bool)):
        return value
    raise ValueError(kind)


def input_array(values: Sequence[object], kind: ColumnType | None) -> tuple[pa.Array, ColumnType | None]:
    """The values of an input, as an array of the type that was declared where all of them fit.

    Args:
        values: as JSON has them; images and recordings as what the log says of them.
        kind: the declared type; None to find it out.

    Returns:
        The array and its type: where values do not fit, the type that they have, or text; None where no value
        is present and none was declared.

    Example:
        >>> input_array([1, 2.5, None], None)[1], input_array([1, "a"], "int")[1]
        ('float', 'string')
    """
    types = set(map(type, values))
    for candidate in (kind, _type_of(values, types)):
        if candidate is not None:
            array = _of_type(values, types, candidate)
            if array is not None:
                return array, candidate
    if types <= {type(None)}:
        return pa.nulls(len(values), pa.string()), None
    return pa.array([_text(value) for value in values], pa.string()), "string"


def _of_type(values: Sequence[object], types: set[type], kind: ColumnType) -> pa.Array | None:
    """An array of a type, or None where a value does not fit."""
    try:
        if types <= _PLAIN.get(kind, frozenset()):
            return pa.array(values, ARROW_TYPES[kind])
        if kind in MEDIA_TYPES:
            fits = all(value is None or is_reference(value) for value in values)
            return pa.array(values, REFERENCE) if fits else None
        return pa.array([value_of_type(value, kind) for value in values], ARROW_TYPES[kind])
    except (ValueError, OverflowError, TypeError, pa.ArrowException):
        return None


def _type_of(values: Sequence[object], types: set[type]) -> ColumnType | None:
    """The narrowest type that all values may have."""
    types = types - {type(None)}
    if not types:
        return None
    if types == {dict}:
        return "image" if all(value is None or is_reference(value) for value in values) else "string"
    if types == {list}:
        items = [item for value in values if isinstance(value, list) for item in value]
        item = _type_of(items, set(map(type, items))) or "string"
        return cast("ColumnType", f"list[{item}]") if f"list[{item}]" in ARROW_TYPES else "string"
    usual: dict[type, ColumnType] = {bool: "bool", int: "int", float: "float", str: "string"}
    if types == {int, float}:
        return "float"
    return usual.get(next(iter(types)), "string") if len(types) == 1 else "string"


def _text(value: object) -> str | None:
    """Texts as they are, anything else as JSON."""
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, default=str)


def common_type(one: ColumnType | None, other: ColumnType | None) -> ColumnType | None:
    """The type that values of both types can have.

    Example:
        >>> common_type("int", "float"), common_type("int", "bool"), common_type(None, "image")
        ('float', 'string', 'image')
    """
    if one == other or other is None:
        return one
    if one is None:
        return other
    if {one, other} == {"int", "float"}:
        return "float"
    if {one, other} == {"list[int]", "list[float]"}:
        return "list[float]"
    return "string"


def as_type(array: pa.Array, kind: ColumnType | None, wanted: ColumnType | None) -> pa.Array:
    """An array of one type as one of the common type of that and others.

    Raises:
        ValueError: the type wanted is narrower.

    Example:
        >>> as_type(pa.array([1, None]), "int", "string").to_pylist()
        ['1', None]
    """
    target = REFERENCE if wanted in MEDIA_TYPES else ARROW_TYPES[wanted or "string"]
    if array.type == target:
        return array
    if kind is None:
        return pa.nulls(len(array), target)
    if kind != wanted and wanted == "string":
        return pa.array([_text(value) for value in array.to_pylist()], pa.string())
    if common_type(kind, wanted) != wanted:
        raise ValueError(f"{kind} as {wanted}")
    return array.cast(target, safe=False)  # whole numbers beyond 2**53 become the nearest number
