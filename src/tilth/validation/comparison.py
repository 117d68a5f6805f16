"""Comparison: how far two tables are apart, column by column, and what of it is drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from tilth.validation.anomaly import Anomaly

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["ColumnComparison", "Comparison", "Moment"]

Moment: TypeAlias = Literal["drift", "skew"]
"""Drift: the same source over time. Skew: training against serving."""


@dataclass(frozen=True)
class ColumnComparison:
    """How far a column of the current table is from the reference's.

    Distances that do not apply to the kind of column, or cannot be had, are None.

    Args:
        kind: "numeric" or "categorical".
        effect: how large the change is, free of the number of rows: for numbers `wasserstein`; for categories
            the total variation beyond what sampling alone would show.
        p_value: the chance of so great a difference where nothing changed.
        measure: what decided: "effect" with significance, or the measure that the schema bounds.
        threshold: the bound on the measure.
        drifted: the verdict.
        reason: the verdict in words.
        l_infinity: the greatest difference of a category's share, and the category.
        jensen_shannon: divergence to base 2; numbers in 20 bins that the reference fills equally.
        ks: Kolmogorov-Smirnov statistic and its p-value, for numbers.
        psi: population stability index, natural logarithm; numbers in 10 bins, equally filled likewise.
        wasserstein: how far numbers moved on average, in standard deviations of the reference.
        total_variation: the share of rows that changed category.
        missing: the shares of missing (and infinite) values, reference and current.

    Example:
        >>> from tilth.validation import compare
        >>> moved = compare({"x": list(range(100))}, {"x": list(range(50, 150))}).columns["x"]
        >>> moved.drifted, round(moved.effect, 2)
        (True, 1.73)
    """

    kind: Literal["numeric", "categorical"]
    effect: float | None
    p_value: float | None
    measure: str
    threshold: float
    drifted: bool
    reason: str
    l_infinity: tuple[float, str | None] | None = None
    jensen_shannon: float | None = None
    ks: tuple[float, float] | None = None
    psi: float | None = None
    wasserstein: float | None = None
    total_variation: float | None = None
    missing: tuple[float, float] = (0.0, 0.0)

    def to_json(self) -> JSONObject:
        """The comparison as JSON values."""
        return {
            "kind": self.kind,
            "l_infinity": self.l_infinity and {"distance": self.l_infinity[0], "value": self.l_infinity[1]},
            "jensen_shannon": self.jensen_shannon,
            "ks": self.ks and {"statistic": self.ks[0], "p_value": self.ks[1]},
            "psi": self.psi,
            "wasserstein": self.wasserstein,
            "total_variation": self.total_variation,
            "effect": self.effect,
            "p_value": self.p_value,
            "missing": {"reference": self.missing[0], "current": self.missing[1]},
            "measure": self.measure,
            "threshold": self.threshold,
            "drifted": self.drifted,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Comparison:
    """How far two tables are apart.

    Args:
        columns: the comparisons of the columns that both have, in the reference's order.
        new_columns: columns that only the current table has.
        missing_columns: columns that only the reference has.
        moment: whether this is about drift or skew.

    Example:
        >>> from tilth.validation import compare
        >>> compare({"a": [1, 2]}, {"a": [2, 1], "b": [0, 0]}).new_columns
        ('b',)
    """

    columns: Mapping[str, ColumnComparison]
    new_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    moment: Moment = "drift"

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the columns that drifted, in order."""
        return tuple(name for name, column in self.columns.items() if column.drifted)

    def to_json(self) -> JSONObject:
        """The comparison as JSON values."""
        return {
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "new_columns": list(self.new_columns),
            "missing_columns": list(self.missing_columns),
            "drifted": list(self.drifted),
        }

    def anomalies(self) -> list[Anomaly]:
        """The columns that drifted, as anomalies of kind "drift" or "skew"."""
        return [self._anomaly(name) for name in self.drifted]

    def _anomaly(self, name: str) -> Anomaly:
        column = self.columns[name]
        value = column.l_infinity[1] if column.measure == "l_infinity" and column.l_infinity else None
        return Anomaly(
            column=name,
            kind=self.moment,
            values=(value,) if value is not None else (),
            observed=column.reason,
            expected=f"{column.measure} at most {column.threshold:g}",
            share=None,
            severity="error",
            message=f"{self.moment} in column '{name}': {column.reason}",
        )

    def report(self) -> str:
        """The comparison in plain text, for people: what drifted first."""
        width = max((len(name) for name in self.columns), default=0)
        ordered = sorted(self.columns.items(), key=lambda item: not item[1].drifted)
        lines = [
            f"{len(self.drifted)} of {len(self.columns)} columns show {self.moment}",
            *(
                f"{'!' if column.drifted else ' '} {name.ljust(width)}  {column.reason}"
                for name, column in ordered
            ),
        ]
        lines += [f"! {name.ljust(width)}  new column" for name in self.new_columns]
        return "\n".join(
            [*lines, *(f"! {name.ljust(width)}  missing column" for name in self.missing_columns)]
        )
