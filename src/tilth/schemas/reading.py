"""Reading schema.toml: every mistake named by file, column and key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from tilth.errors import SchemaError, closest
from tilth.schemas.column import Column
from tilth.schemas.drift_bound import DriftBound
from tilth.schemas.rule import Rule

__all__ = ["COLUMN_KEYS", "RULE_KEYS", "TABLE_KEYS", "read_schema"]

_Made = TypeVar("_Made", Column, Rule)


class _Mistake(Exception):  # noqa: N818 - never leaves this module; it becomes a SchemaError with its place
    """A value of the wrong type: what was expected."""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Mistake("a number")
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Mistake("a whole number, 0 or more")
    return value


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


def _severities(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Mistake('a table such as { new_column = "error" }')
    return {kind: _text(severity) for kind, severity in value.items()}


def _severity(value: object) -> str | dict[str, str]:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise _Mistake('"error", "warning" or a table such as { unexpected_values = "warning" }')
    return _severities(value)


_Reader = tuple[str, Callable[[object], object]]

COLUMN_KEYS: dict[str, _Reader] = {
    "type": ("type", _text),
    "kind": ("kind", _text),
    "required": ("required", _truth),
    "min_present": ("min_present", _number),
    "min": ("low", _number),
    "max": ("high", _number),
    "domain": ("domain", _domain),
    "min_domain_mass": ("min_domain_mass", _number),
    "pattern": ("pattern", _text),
    "min_length": ("min_length", _whole),
    "max_length": ("max_length", _whole),
    "min_distinct": ("min_distinct", _whole),
    "max_distinct": ("max_distinct", _whole),
    "unique": ("unique", _truth),
    "finite": ("finite", _truth),
    "personal": ("personal", _text),
    "not_in": ("not_in", _texts),
    "drift": ("drift", _bound),
    "skew": ("skew", _bound),
    "severity": ("severity", _severity),
}

RULE_KEYS: dict[str, _Reader] = {
    "expression": ("expression", _text),
    "name": ("name", _text),
    "min_share": ("min_share", _number),
    "severity": ("severity", _text),
}

TABLE_KEYS: dict[str, _Reader] = {
    "min_rows": ("min_rows", _whole),
    "max_rows": ("max_rows", _whole),
    "min_rows_ratio": ("min_rows_ratio", _number),
    "max_rows_ratio": ("max_rows_ratio", _number),
    "severity": ("severities", _severities),
}


def read_schema(text: str, where: str) -> dict[str, Any]:
    """The arguments of the Schema that a text declares.

    Raises:
        SchemaError: a mistake, with its place.
    """
    document = _parse(text, where)
    _refuse_unknown(document, (*TABLE_KEYS, "columns", "rules"), where)
    fields = _fields({key: value for key, value in document.items() if key in TABLE_KEYS}, TABLE_KEYS, where)
    tables = document.get("columns", {})
    if not isinstance(tables, dict):
        raise SchemaError("columns is not a table", where=where, expected='[columns."name"] for each column')
    fields["columns"] = tuple(_column(name, table, where) for name, table in tables.items())
    rules = document.get("rules", [])
    if not isinstance(rules, list):
        raise SchemaError("rules is not a list of tables", where=where, expected="[[rules]] for each rule")
    fields["rules"] = tuple(_rule(number, table, where) for number, table in enumerate(rules, 1))
    return fields


def _parse(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"not TOML: {error}", where=where, expected="TOML as tilth writes it") from error


def _column(name: str, table: object, where: str) -> Column:
    place = f"{where}, column '{name}'"
    if not isinstance(table, dict):
        raise SchemaError(
            f"columns.{name} is not a table", where=place, expected=f'[columns."{name}"] and keys below it'
        )
    _refuse_unknown(table, tuple(COLUMN_KEYS), place)
    if "type" not in table:
        raise SchemaError("the type is missing", where=place, expected='such as type = "int"')
    fields = _fields(table, COLUMN_KEYS, place)
    if isinstance(fields.get("severity"), dict):
        single = fields.pop("severity")
        fields["severity"] = single.pop("default", "error")
        fields["severities"] = single
    return _placed(partial(Column, name, **fields), where)


def _rule(number: int, table: object, where: str) -> Rule:
    place = f"{where}, rule {number}"
    if not isinstance(table, dict):
        raise SchemaError(
            f"rule {number} is not a table", where=place, expected="[[rules]] and keys below it"
        )
    if isinstance(table.get("expression"), str):
        place += f" '{table['expression']}'"
    _refuse_unknown(table, tuple(RULE_KEYS), place)
    if "expression" not in table:
        raise SchemaError(
            "the expression is missing", where=place, expected='such as expression = "end >= start"'
        )
    return _placed(partial(Rule, **_fields(table, RULE_KEYS, place)), where)


def _fields(table: Mapping[str, object], readers: Mapping[str, _Reader], place: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in table.items():
        field, read = readers[key]
        fields[field] = _read(read, value, f"{place}, key '{key}'")
    return fields


def _placed(make: Callable[[], _Made], where: str) -> _Made:
    """What is made, or its error with the file's name before its place."""
    try:
        return make()
    except SchemaError as error:
        error.where = f"{where}, {error.where}"
        raise


def _read(read: Callable[[object], object], value: object, place: str) -> object:
    try:
        return read(value)
    except _Mistake as mistake:
        key = place.rpartition("key ")[2].strip("'")
        raise SchemaError(f"{key} is {value!r}", where=place, expected=str(mistake)) from None
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
