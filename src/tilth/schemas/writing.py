"""Writing schema.toml: short, stable, one line for each thing that a person may change."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tilth.schemas.column import Column, DriftBound

__all__ = ["number_text", "write_schema"]

HEAD = """\
# What the data must be, inferred once and yours to curate; kept in version control.
# Keys of a column: type, kind, required, min_present (share of rows), min, max, domain, min_domain_mass,
# unique, not_in (environments without the column), severity, drift and skew, such as
# drift = { measure = "l_infinity", threshold = 0.01 }.
"""

_LINE = 110
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def write_schema(columns: Sequence[Column], min_rows: int) -> str:
    """The text of a schema."""
    blocks = [HEAD + (f"min_rows = {min_rows}\n" if min_rows else "")]
    blocks += [_column(column) for column in columns]
    return "\n".join(blocks)


def _column(column: Column) -> str:
    return f"[columns.{_key(column.name)}]\n" + "".join(f"{line}\n" for line in _lines(column))


def _lines(column: Column) -> list[str]:
    """The keys that differ from what is usual, in a fixed order."""
    usual_present = 1.0 if column.required else 0.0
    whole = column.type == "int"
    candidates: list[tuple[bool, str]] = [
        (True, f"type = {_text(column.type)}"),
        (column.kind != column.usual_kind, f"kind = {_text(column.kind)}"),
        (not column.required, "required = false"),
        (column.min_present != usual_present, f"min_present = {column.min_present!r}"),
        (column.low is not None, f"min = {number_text(column.low, whole)}"),
        (column.high is not None, f"max = {number_text(column.high, whole)}"),
        (column.domain is not None, _list("domain", column.domain or ())),
        (column.min_domain_mass != 1.0, f"min_domain_mass = {column.min_domain_mass!r}"),
        (column.unique, "unique = true"),
        (bool(column.not_in), _list("not_in", column.not_in)),
        (column.drift is not None, f"drift = {_bound(column.drift)}"),
        (column.skew is not None, f"skew = {_bound(column.skew)}"),
        (column.severity != "error", f"severity = {_text(column.severity)}"),
    ]
    return [line for wanted, line in candidates if wanted]


def number_text(value: float | None, whole: bool) -> str:
    """A bound as TOML: without a point where the column holds whole numbers."""
    if value is None:
        return "none"
    return str(int(value)) if whole and float(value).is_integer() else repr(float(value))


def _bound(bound: DriftBound | None) -> str:
    if bound is None:
        return "none"
    return f"{{ measure = {_text(bound.measure)}, threshold = {bound.threshold!r} }}"


def _list(key: str, values: Sequence[str]) -> str:
    line = f"{key} = [{', '.join(_text(value) for value in values)}]"
    if len(line) <= _LINE:
        return line
    return f"{key} = [\n" + "".join(f"  {_text(value)},\n" for value in values) + "]"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, except that TOML also wants DEL escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
