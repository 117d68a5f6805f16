"""The difference between two schemas in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from tilth.schemas.column import Column
from tilth.schemas.drift_bound import DriftBound
from tilth.schemas.rule import Rule
from tilth.schemas.severities import Severities
from tilth.schemas.writing import number_text

__all__ = ["column_changes", "rule_changes", "table_changes"]

_KEYS = {"low": "min", "high": "max", "severities": "severity by kind"}


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
            whole = before.item_type == "int" and after.item_type == "int"
            sentences.append(f"{place}{key} was {_words(old, whole)}, is {_words(new, whole)}")
    return sentences


def table_changes(
    before: Mapping[str, int | float | None],
    after: Mapping[str, int | float | None],
    severities_before: Severities,
    severities_after: Severities,
) -> list[str]:
    """One sentence for each key of the table as a whole that changed."""
    sentences = [
        f"{key} was {_number(before[key])}, is {_number(after[key])}"
        for key in before
        if before[key] != after[key]
    ]
    if severities_before != severities_after:
        old, new = _words(severities_before, False), _words(severities_after, False)
        sentences.append(f"severity by kind was {old}, is {new}")
    return sentences


def rule_changes(before: Sequence[Rule], after: Sequence[Rule]) -> list[str]:
    """One sentence for each rule that came, went, or changed."""
    old, new = ({rule.title: rule for rule in rules} for rules in (before, after))
    sentences = [f"rule '{title}' is gone" for title in old if title not in new]
    for title, rule in new.items():
        if title not in old:
            sentences.append(f"rule '{title}' is new")
            continue
        for field in fields(Rule):
            was, now = getattr(old[title], field.name), getattr(rule, field.name)
            if was != now:
                words = f"{_words(was, False)}, is {_words(now, False)}"
                sentences.append(f"rule '{title}': {field.name} was {words}")
    return sentences


def _domain_change(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    known, wanted = set(old), set(new)
    added = [value for value in new if value not in known]
    removed = [value for value in old if value not in wanted]
    parts = [f"gained {_list(added)}"] if added else []
    parts += [f"lost {_list(removed)}"] if removed else []
    return f"domain {' and '.join(parts)}"


def _list(values: list[str]) -> str:
    return ", ".join(repr(value) for value in values[:5]) + (", ..." if len(values) > 5 else "")


def _number(value: float | None) -> str:
    return "none" if value is None else repr(value)


def _words(value: object, whole: bool) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value, whole)
    if isinstance(value, DriftBound):
        return f"{value.measure} {value.threshold:g}"
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        return ", ".join(f"{kind} {severity}" for kind, severity in value)
    return _list(list(value)) if isinstance(value, tuple) else str(value)
