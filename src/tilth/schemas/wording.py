"""The difference between two columns in words."""

from __future__ import annotations

from dataclasses import fields

from tilth.schemas.column import Column, DriftBound
from tilth.schemas.writing import number_text

__all__ = ["column_changes"]

_KEYS = {"low": "min", "high": "max"}


def column_changes(before: Column, after: Column) -> list[str]:
    """One sentence for each key of a column that changed."""
    sentences = []
    for field in fields(Column):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old == new:
            continue
        place = f"column '{before.name}': "
        if field.name == "domain" and old and new and set(old) != set(new):
            sentences.append(place + _domain_change(old, new))
        else:
            key = _KEYS.get(field.name, field.name)
            whole = before.type == "int" and after.type == "int"
            sentences.append(f"{place}{key} was {_words(old, whole)}, is {_words(new, whole)}")
    return sentences


def _domain_change(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    added = [value for value in new if value not in set(old)]
    removed = [value for value in old if value not in set(new)]
    parts = [f"gained {_list(added)}"] if added else []
    parts += [f"lost {_list(removed)}"] if removed else []
    return f"domain {' and '.join(parts)}"


def _list(values: list[str]) -> str:
    return ", ".join(repr(value) for value in values[:5]) + (", ..." if len(values) > 5 else "")


def _words(value: object, whole: bool) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value, whole)
    if isinstance(value, DriftBound):
        return f"{value.measure} {value.threshold:g}"
    if isinstance(value, tuple):
        return _list(list(value))
    return str(value)
