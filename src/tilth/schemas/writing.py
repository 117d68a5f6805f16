"""Writing schema.toml: short, stable, one line for each thing that a person may change."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tilth.schemas.column import Column
from tilth.schemas.drift_bound import DriftBound
from tilth.schemas.rule import Rule
from tilth.schemas.severities import Severities, Severity

__all__ = [
    "ROW_BOUNDS",
    "TOMLValue",
    "column_items",
    "lines",
    "number_text",
    "rule_items",
    "table_items",
    "write_column",
    "write_schema",
]

HEAD = """\
# What the data must be, inferred once and yours to curate; kept in version control.
# Keys of a column: type, kind, required, min_present (share of rows), min, max, domain, min_domain_mass,
# pattern, min_length, max_length, min_distinct, max_distinct, unique, finite, personal (what the prediction
# log keeps of it), not_in (environments without the column), severity, drift and skew, such as
# drift = { measure = "l_infinity", threshold = 0.01 }.
# Keys of the whole: min_rows, max_rows, min_rows_ratio, max_rows_ratio (to the previous data), severity.
# A rule across columns is a table [[rules]]: expression (such as "end >= start"), name, min_share, severity.
"""

ROW_BOUNDS = ("min_rows", "max_rows", "min_rows_ratio", "max_rows_ratio")

TOMLValue: TypeAlias = str | bool | int | float | list[str] | dict[str, Any]
"""What stands behind a key of schema.toml."""

_LINE = 110
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LARGEST_WHOLE = 2**63


def write_schema(
    columns: Sequence[Column],
    bounds: Mapping[str, int | float | None],
    severities: Severities,
    rules: Sequence[Rule],
) -> str:
    """The text of a schema."""
    blocks = [HEAD + lines(table_items(bounds, severities))]
    blocks += [write_column(column) for column in columns]
    blocks += ["[[rules]]\n" + lines(rule_items(rule)) for rule in rules]
    return "\n".join(blocks)


def write_column(column: Column) -> str:
    """The text of one column."""
    return f"[columns.{_key(column.name)}]\n{lines(column_items(column))}"


def table_items(bounds: Mapping[str, int | float | None], severities: Severities) -> dict[str, TOMLValue]:
    """The keys of the table as a whole that differ from what is usual, in a fixed order."""
    found: dict[str, TOMLValue] = {
        key: value for key, value in bounds.items() if value is not None and (key, value) != ("min_rows", 0)
    }
    if severities:
        found["severity"] = dict(severities)
    return found


def column_items(column: Column) -> dict[str, TOMLValue]:
    """The keys of a column that differ from what is usual, in a fixed order.

    Example:
        >>> column_items(Column("age", "int", low=17, unique=True))
        {'type': 'int', 'min': 17, 'unique': True}
    """
    whole = column.item_type == "int"
    usual_present = 1.0 if column.required else 0.0
    candidates: dict[str, TOMLValue | None] = {
        "type": column.type,
        "kind": column.kind if column.kind != column.usual_kind else None,
        "required": None if column.required else False,
        "min_present": column.min_present if column.min_present != usual_present else None,
        "min": _bound(column.low, whole),
        "max": _bound(column.high, whole),
        "domain": None if column.domain is None else list(column.domain),
        "min_domain_mass": column.min_domain_mass if column.min_domain_mass != 1.0 else None,
        "pattern": column.pattern,
        "min_length": column.min_length,
        "max_length": column.max_length,
        "min_distinct": column.min_distinct,
        "max_distinct": column.max_distinct,
        "unique": column.unique or None,
        "finite": column.finite or None,
        "personal": column.personal,
        "not_in": list(column.not_in) or None,
        "drift": _drift(column.drift),
        "skew": _drift(column.skew),
        "severity": _severity(column.severity, column.severities),
    }
    return {key: value for key, value in candidates.items() if value is not None}


def rule_items(rule: Rule) -> dict[str, TOMLValue]:
    """The keys of a rule that differ from what is usual, in a fixed order."""
    candidates: dict[str, TOMLValue | None] = {
        "expression": rule.expression,
        "name": rule.name,
        "min_share": rule.min_share if rule.min_share != 1.0 else None,
        "severity": _severity(rule.severity, ()),
    }
    return {key: value for key, value in candidates.items() if value is not None}


def number_text(value: float | None, whole: bool) -> str:
    """A bound as TOML: without a point where the column holds whole numbers."""
    if value is None:
        return "none"
    return repr(_bound(value, whole))


def _bound(value: float | None, whole: bool) -> int | float | None:
    if value is None or math.isinf(value):
        return value
    # TOML readers need not know whole numbers beyond 64 bits.
    fits = float(value).is_integer() and -_LARGEST_WHOLE <= value < _LARGEST_WHOLE
    return int(value) if whole and fits else float(value)


def _drift(bound: DriftBound | None) -> dict[str, str | float] | None:
    return None if bound is None else {"measure": bound.measure, "threshold": bound.threshold}


def _severity(usual: Severity, single: Severities) -> TOMLValue | None:
    if not single:
        return usual if usual != "error" else None
    return {**({"default": usual} if usual != "error" else {}), **dict(single)}


def lines(items: Mapping[str, TOMLValue]) -> str:
    """Keys and values as lines of TOML."""
    return "".join(f"{_line(key, value)}\n" for key, value in items.items())


def _line(key: str, value: TOMLValue) -> str:
    line = f"{key} = {_value(value)}"
    if not isinstance(value, list) or len(line) <= _LINE:
        return line
    return f"{key} = [\n" + "".join(f"  {_text(item)},\n" for item in value) + "]"


def _value(value: TOMLValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items())} }}"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, except that TOML also wants DEL escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
