"""Anomaly: one broken expectation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Anomaly", "AnomalyKind"]

AnomalyKind: TypeAlias = Literal[
    "unexpected_values",
    "missing_column",
    "new_column",
    "type_mismatch",
    "out_of_range",
    "too_many_missing",
    "not_unique",
    "wrong_shape",
    "too_few_rows",
    "drift",
    "skew",
]


@dataclass(frozen=True)
class Anomaly:
    """One broken expectation: where, what, and what was expected.

    Args:
        column: the column's name; None for the table as a whole.
        kind: which expectation.
        values: values that broke it, most frequent first, where there are such.
        observed: what was found, in words.
        expected: what should have been, in words.
        share: the share of the column's present values (of the rows for too_many_missing) concerned, or None.
        severity: "error" or "warning".
        message: one sentence that says it all.

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
    severity: Literal["error", "warning"]
    message: str

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
        }

    def __str__(self) -> str:
        return self.message
