"""Reading schema.toml: every mistake named by file, column and key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from tilth.errors import SchemaError, closest
from tilth.schemas.column import Column, DriftBound

__all__ = ["read_schema"]


class _Mistake(Exception):  # noqa: N818 - never leaves this module; it becomes a SchemaError with its place
    """A value of the wrong type: what was expected."""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Mistake("a number")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Mistake("a text in quotes")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Mistake("true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Mistake("a list of texts")
    return tuple(_text(item) for item in value)


def _domain(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Mistake("a list of texts")
    return tuple(_domain_value(item) for item in value)


def _domain_value(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (str, int)):
        return str(item)
    raise _Mistake("a list of texts")


def _bound(value: object) -> DriftBound:
    if not isinstance(value, dict) or set(value) != {"measure", "threshold"}:
        raise _Mistake('a table such as { measure = "l_infinity", threshold = 0.01 }')
    measure: Any = _text(value["measure"])  # DriftBound itself refuses what is not a measure
    return DriftBound(measure, _number(value["threshold"]))


_READERS: dict[str, tuple[str, Callable[[object], object]]] = {
    "type": ("type", _text),
    "kind": ("kind", _text),
    "required": ("required", _truth),
    "min_present": ("min_present", _number),
    "min": ("low", _number),
    "max": ("high", _number),
    "domain": ("domain", _domain),
    "min_domain_mass": ("min_domain_mass", _number),
    "unique": ("unique", _truth),
    "not_in": ("not_in", _texts),
    "drift": ("drift", _bound),
    "skew": ("skew", _bound),
    "severity": ("severity", _text),
}


def read_schema(text: str, where: str) -> tuple[tuple[Column, ...], int]:
    """The columns and the least number of rows that a schema's text declares.

    Raises:
        SchemaError: a mistake, with its place.
    """
    document = _parse(text, where)
    _refuse_unknown(document, ("min_rows", "columns"), where)
    min_rows = document.get("min_rows", 0)
    if isinstance(min_rows, bool) or not isinstance(min_rows, int) or min_rows < 0:
        raise SchemaError(
            f"min_rows is {min_rows!r}",
            where=f"{where}, key 'min_rows'",
            expected="a whole number, 0 or more",
        )
    tables = document.get("columns", {})
    if not isinstance(tables, dict):
        raise SchemaError("columns is not a table", where=where, expected='[columns."name"] for each column')
    return tuple(_column(name, table, where) for name, table in tables.items()), min_rows


def _parse(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"not TOML: {error}", where=where, expected="TOML as tilth writes it") from error


def _column(name: str, table: object, where: str) -> Column:
    place = f"{where}, column '{name}'"
    if not isinstance(table, dict):
        raise SchemaError(
            f"columns.{name} is not a table", where=place, expected=f'[columns."{name}"] and keys below it'
        )
    _refuse_unknown(table, tuple(_READERS), place)
    if "type" not in table:
        raise SchemaError("the type is missing", where=place, expected='such as type = "int"')
    fields: dict[str, Any] = {}
    for key, value in table.items():
        field, read = _READERS[key]
        fields[field] = _read(read, value, f"{place}, key '{key}'")
    try:
        return Column(name, **fields)
    except SchemaError as error:
        error.where = f"{where}, {error.where}"
        raise


def _read(read: Callable[[object], object], value: object, place: str) -> object:
    try:
        return read(value)
    except _Mistake as mistake:
        raise SchemaError(f"{value!r} will not do", where=place, expected=str(mistake)) from None
    except SchemaError as error:
        error.where = place
        raise


def _refuse_unknown(table: Mapping[str, object], known: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in known:
            near = closest(key, known)
            raise SchemaError(
                f"unknown key '{key}'",
                where=place,
                expected=f"one of {', '.join(known)}",
                mend=f"did you mean '{near}'?" if near else None,
            )
