"""What can be wrong with data, and how severe each of that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

from tilth.errors import SchemaError, closest

__all__ = ["ANOMALY_KINDS", "AnomalyKind", "Severities", "Severity", "known", "severities", "severity_of"]

AnomalyKind: TypeAlias = Literal[
    "unexpected_values",
    "missing_column",
    "new_column",
    "type_mismatch",
    "out_of_range",
    "too_many_missing",
    "not_unique",
    "wrong_shape",
    "too_few_distinct",
    "too_many_distinct",
    "too_few_rows",
    "too_many_rows",
    "size_changed",
    "rule_broken",
    "drift",
    "skew",
]
"""Which expectation is broken; docs/validation.md tells of each."""

ANOMALY_KINDS: tuple[AnomalyKind, ...] = get_args(AnomalyKind)

TABLE_KINDS: tuple[AnomalyKind, ...] = ("new_column", "too_few_rows", "too_many_rows", "size_changed")
COLUMN_KINDS: tuple[AnomalyKind, ...] = tuple(
    kind for kind in ANOMALY_KINDS if kind not in (*TABLE_KINDS, "rule_broken")
)

Severity = Literal["error", "warning"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

Severities: TypeAlias = tuple[tuple[AnomalyKind, Severity], ...]
"""Severities by kind, in the order of the kinds."""


def severities(
    given: Mapping[AnomalyKind, Severity] | Iterable[tuple[AnomalyKind, Severity]],
    kinds: tuple[AnomalyKind, ...],
    place: str,
) -> Severities:
    """Severities by kind in their normal form.

    Raises:
        SchemaError: a kind that is not one of `kinds`, or an unknown severity.

    Example:
        >>> severities({"out_of_range": "warning"}, COLUMN_KINDS, "column 'age'")
        (('out_of_range', 'warning'),)
    """
    pairs = list(given.items() if isinstance(given, Mapping) else given)
    for kind, severity in pairs:
        known("severity of", kind, kinds, place)
        known("severity", severity, SEVERITIES, place)
    return tuple(sorted(dict(pairs).items(), key=lambda pair: kinds.index(pair[0])))


def severity_of(kind: AnomalyKind, given: Severities, usual: Severity) -> Severity:
    """The severity of a kind: its own, or the usual one.

    Example:
        >>> severity_of("drift", (("drift", "warning"),), "error")
        'warning'
    """
    return next((severity for name, severity in given if name == kind), usual)


def known(key: str, value: str, allowed: Iterable[str], place: str) -> None:
    """Refuse a value that is not one of the allowed.

    Raises:
        SchemaError: with the nearest that is allowed.
    """
    names = tuple(allowed)
    if value in names:
        return
    near = closest(str(value), names)
    raise SchemaError(
        f"{key} {value!r} is not known",
        where=place,
        expected=f"one of {', '.join(names)}",
        mend=f"did you mean '{near}'?" if near else None,
    )
