"""Values, domains and ranges of a request in words."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tilth.types import ColumnType

__all__ = ["Absent", "as_text", "describe", "hint_at", "shown_domain", "shown_range"]

_SHOWN_CHARACTERS = 60


class Absent:
    """The value of a column that a row does not have."""


def describe(value: object) -> str:
    """A value from a request in words, shortened.

    Example:
        >>> describe("forty"), describe(3.5), describe(None), describe({"a": 1})
        ('the text "forty"', 'the number 3.5', 'null', 'an object')
    """
    if isinstance(value, str):
        return f"the text {_shorten(json.dumps(value, ensure_ascii=False))}"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return f"the number {_shorten(str(value)) if abs(value) < 10**100 else 'of more than 100 digits'}"
    if isinstance(value, float):
        return f"the number {value!r}"
    return {dict: "an object", list: "a list", bytes: "bytes", Absent: "nothing"}.get(
        type(value), type(value).__name__
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


def hint_at(value: object, wanted: ColumnType) -> str:
    """What would make a value of the wrong type right."""
    if wanted in ("int", "float") and isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return ""
        return ", without quotes"
    if wanted == "string" and isinstance(value, int | float):
        return ", in quotes"
    return ""


def as_text(value: object) -> str:
    """A value as it stands in a domain."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def shown_domain(domain: Sequence[str]) -> str:
    """A domain in words, its first values."""
    shown = ", ".join(_shorten(value) for value in domain[:20])
    return f"one of {shown}" + (f", ... ({len(domain)} values)" if len(domain) > 20 else "")


def shown_range(low: float | None, high: float | None) -> str:
    """A range in words; at least one end is given."""
    if low is not None and high is not None:
        return f"from {low:.15g} to {high:.15g}"
    return f"of at least {low:.15g}" if low is not None else f"of at most {high:.15g}"
