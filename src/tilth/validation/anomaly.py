"""Anomaly: one broken expectation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tilth.schemas import AnomalyKind, Severity

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Anomaly", "AnomalyKind"]


@dataclass(frozen=True)
class Anomaly:
    """One broken expectation: where, what, and what was expected.

    Args:
        column: the column's name; None for the table as a whole.
        kind: which expectation.
        values: values that broke it, most frequent first, where there are such.
        observed: what was found, in words.
        expected: what should have been, in words.
        share: the share of the column's present values (of its items for lists, of the rows for
            too_many_missing and rule_broken) concerned, or None.
        severity: "error" or "warning".
        message: one sentence that says it all.
        slice: the values that the rows have in common, where only some were judged; else empty.

    Example:
        >>> anomaly = Anomaly("age", "out_of_range", (1000,), "at most 1000", "at most 90", 0.01, "error", "")
        >>> anomaly.to_json()["values"]
        [1000]
    """

    column: str | None
    kind: AnomalyKind
    values: tuple[str | int | float | bool, ...]
    observed: str
    expected: str
    share: float | None
    severity: Severity
    message: str
    slice: Mapping[str, str] = field(default_factory=dict, hash=False)

    def to_json(self) -> JSONObject:
        """The anomaly as JSON values."""
        return {
            "column": self.column,
            "kind": self.kind,
            "values": list(self.values),
            "observed": self.observed,
            "expected": self.expected,
            "share": self.share,
            "severity": self.severity,
            "message": self.message,
            "slice": dict(self.slice),
        }

    def __str__(self) -> str:
        return self.message
