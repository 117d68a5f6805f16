"""Drift and skew: is the current table still like the reference?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tilth.errors import SchemaError, UsageError
from tilth.profiles import ColumnProfile, Profile, profile
from tilth.profiles.significance import fisher_exact, two_proportion_z
from tilth.validation.comparison import ColumnComparison, Comparison
from tilth.validation.differences import categorical_difference, numeric_difference
from tilth.validation.infer_schema import has_key_name, looks_like_identifier
from tilth.validation.validate import OWN_PREFIX

if TYPE_CHECKING:
    from tilth.schemas import Column, DriftBound, Schema
    from tilth.validation.comparison import Moment

__all__ = ["compare"]

_LEAST_EXPECTED = 5
_UNJUDGED = {"identifier": "identifiers are not judged", "text": "free text is not judged"}


def compare(
    reference: object,
    current: object,
    schema: Schema | None = None,
    *,
    threshold: float = 0.1,
    significance: float = 0.01,
    moment: Moment = "drift",
) -> Comparison:
    """Compare two tables column by column, from their profiles alone.

    A column drifted when the change is both large and not by chance: its effect (numbers: Wasserstein-1
    distance in standard deviations of the reference; categories: total variation beyond sampling noise) is at
    least `threshold`, and the p-value (Kolmogorov-Smirnov, chi-square on the contingency table) is below
    `significance` divided by the number of tests (Bonferroni). So the verdict does not depend on the number
    of rows once there are enough, and data that did not change alarms in at most a share `significance` of
    comparisons, whatever the number of columns. The share of missing values is judged the same way. A bound
    in the schema replaces all that for its column: the measure above its threshold is drift.

    Args:
        reference: known-good data, or its profile.
        current: the data under test, or its profile.
        schema: kinds and bounds of the columns; default: guessed, no bounds.
        threshold: the least effect that is drift, above 0.
        significance: how often unchanged data may alarm, in (0, 1).
        moment: "drift" uses the schema's drift bounds, "skew" its skew bounds.

    Raises:
        DataError: data that cannot be read.
        SchemaError: a bound on a measure that does not apply to its column.
        UsageError: a threshold or significance out of range.

    Example:
        >>> before = {"size": ["S"] * 60 + ["M"] * 40, "n": list(range(100))}
        >>> after = {"size": ["S"] * 20 + ["M"] * 80, "n": list(range(100))}
        >>> found = compare(before, after)
        >>> found.drifted
        ('size',)
        >>> print(found.columns["size"].reason)
        total variation 0.4 (effect 0.396 >= 0.1), p 7.76e-09
    """
    if not threshold >= 0 or not 0 < significance < 1:
        raise UsageError(
            f"threshold {threshold} and significance {significance}",
            expected="a threshold of 0 or more and a significance between 0 and 1",
        )
    old, new = profile(reference), profile(current)
    names = [name for name in _own(old) if name in new.columns]
    rules = {name: schema[name] for name in names if schema is not None and name in schema.names}
    judged = {
        name: _column(old.columns[name], new.columns[name], rules.get(name), moment, threshold)
        for name in names
    }
    missing_p = {name: _missing_p(old.columns[name], new.columns[name]) for name in names}
    tests = sum(c.measure == "effect" and c.p_value is not None for c in judged.values())
    tests += sum(p is not None for p in missing_p.values())
    level = significance / max(tests, 1)
    return Comparison(
        {name: _decide(judged[name], missing_p[name], level, threshold) for name in names},
        tuple(name for name in _own(new) if name not in old.columns),
        tuple(name for name in _own(old) if name not in new.columns),
        moment,
    )


def _own(found: Profile) -> list[str]:
    return [name for name in found.columns if not name.startswith(OWN_PREFIX)]


def _column(
    old: ColumnProfile, new: ColumnProfile, rule: Column | None, moment: Moment, threshold: float
) -> ColumnComparison:
    categorical = "string" in (old.type, new.type) or old.type == "bool" or _is_category(rule)
    empty = ColumnComparison(
        kind="categorical" if categorical else "numeric",
        effect=None,
        p_value=None,
        measure="effect",
        threshold=threshold,
        drifted=False,
        reason="nothing to compare",
        missing=(_unusable(old), _unusable(new)),
    )
    if not old.count or not new.count:
        return empty
    if (old.type == "string") != (new.type == "string"):
        return replace(empty, drifted=True, measure="type", reason=f"type {old.type} became {new.type}")
    bound = getattr(rule, moment) if rule is not None else None
    excuse = None if bound else _excuse(old, rule)
    if excuse:
        return replace(empty, measure="none", reason=excuse)
    difference = categorical_difference if categorical else numeric_difference
    found = difference(empty, old, new)
    return found if bound is None else _bounded(found, bound, old.name)


def _is_category(rule: Column | None) -> bool:
    return rule is not None and rule.kind in ("category", "flag") and rule.type != "float"


def _excuse(old: ColumnProfile, rule: Column | None) -> str | None:
    if rule is not None:
        return _UNJUDGED.get(rule.kind) or ("dates move on by themselves" if rule.kind == "date" else None)
    if old.type == "datetime":
        return "dates move on by themselves"
    if old.type == "string" and old.distinct * 2 > old.count:
        return "hardly any value repeats: an identifier or free text, not judged"
    return _UNJUDGED["identifier"] if has_key_name(old.name) and looks_like_identifier(old) else None


def _bounded(found: ColumnComparison, bound: DriftBound, name: str) -> ColumnComparison:
    value = {
        "l_infinity": found.l_infinity and found.l_infinity[0],
        "jensen_shannon": found.jensen_shannon,
        "ks": found.ks and found.ks[0],
        "psi": found.psi,
        "effect": found.wasserstein if found.kind == "numeric" else found.total_variation,
    }[bound.measure]
    if value is None:
        fitting = ("effect, ks, jensen_shannon or psi", "effect, l_infinity, jensen_shannon or psi")
        raise SchemaError(
            f"{bound.measure} is not defined for this {found.kind} column",
            where=f"column '{name}', drift or skew",
            expected=fitting[found.kind == "categorical"],
        )
    drifted = value > bound.threshold
    at = f" at '{found.l_infinity[1]}'" if bound.measure == "l_infinity" and found.l_infinity else ""
    reason = f"{bound.measure} {value:.4g}{at} {'>' if drifted else '<='} {bound.threshold:g}"
    return replace(
        found, measure=bound.measure, threshold=bound.threshold, drifted=drifted, reason=reason, p_value=None
    )


def _unusable(column: ColumnProfile) -> float:
    return (column.missing + column.infinite) / column.rows if column.rows else 0.0


def _missing_p(old: ColumnProfile, new: ColumnProfile) -> float | None:
    gone, now_gone = old.missing + old.infinite, new.missing + new.infinite
    if not (gone + now_gone) or not old.rows or not new.rows:
        return None
    rare = min(gone + now_gone, old.rows + new.rows - gone - now_gone)
    least = rare * min(old.rows, new.rows) / (old.rows + new.rows)
    test = fisher_exact if least < _LEAST_EXPECTED else two_proportion_z
    return test(gone, old.rows, now_gone, new.rows)


def _decide(
    found: ColumnComparison, missing_p: float | None, level: float, threshold: float
) -> ColumnComparison:
    moved = found.drifted
    if found.measure == "effect" and found.p_value is not None and found.effect is not None:
        moved = found.effect >= threshold and found.p_value < level
    apart = abs(found.missing[1] - found.missing[0])
    if missing_p is not None and apart >= threshold and missing_p < level:
        words = f"missing values went from {found.missing[0]:.1%} to {found.missing[1]:.1%}"
        return replace(found, drifted=True, reason=f"{words}; {found.reason}" if moved else words)
    return replace(found, drifted=moved)
