"""Comparison: how far two tables are apart, column by column, and what of it is drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from tilth.errors import counted
from tilth.validation.anomaly import Anomaly

if TYPE_CHECKING:
    from tilth.types import JSONObject
    from tilth.validation.coverage import Coverage
    from tilth.validation.skewed import FeatureSkew

__all__ = ["ColumnComparison", "Comparison", "Moment"]

Moment: TypeAlias = Literal["drift", "skew"]
"""Drift: the same source over time. Skew: training against serving."""

_MOST_SHOWN = 200


@dataclass(frozen=True)
class ColumnComparison:
    """How far a column of the current table is from the reference's.

    Distances that do not apply to the kind of column, or cannot be had, are None. A list column is compared
    by the items of its lists, free text by its lengths.

    Args:
        kind: "numeric" or "categorical".
        effect: how large the change is, free of the number of rows: for numbers `wasserstein` (or, if
            greater, the same with the outermost numbers drawn in); for categories the share of rows that
            changed category beyond what sampling alone would show.
        p_value: the chance of so great a difference where nothing changed.
        measure: what decided: "effect" with significance, the measure that the schema bounds, "type" where
            the type changed, or "none".
        threshold: the bound on the measure.
        drifted: the verdict.
        reason: the verdict in words.
        effect_error: the standard error of the effect.
        l_infinity: the greatest difference of a category's share, and the category.
        chi_squared: the chi-square statistic of the contingency table and its p-value, for categories.
        jensen_shannon: divergence to base 2; numbers in 20 bins that the reference fills equally.
        ks: Kolmogorov-Smirnov statistic and its p-value, for numbers.
        psi: population stability index, natural logarithm; numbers in 10 bins, equally filled likewise.
        wasserstein: how far numbers moved on average, in standard deviations of the reference.
        moved_by: the same in the numbers' own unit.
        total_variation: the share of rows that changed category.
        missing: the shares of missing (and infinite) values, reference and current.
        coverage: what of the current values the reference has seen; None for identifiers and free text.
        length: the comparison of the lengths: of lists in items, of free text in characters.

    Example:
        >>> from tilth.validation import compare
        >>> moved = compare({"x": list(range(100))}, {"x": list(range(50, 150))}).columns["x"]
        >>> moved.drifted, round(moved.effect, 2), moved.moved_by, moved.coverage.share
        (True, 1.73, 50.0, 0.5)
    """

    kind: Literal["numeric", "categorical"]
    effect: float | None
    p_value: float | None
    measure: str
    threshold: float
    drifted: bool
    reason: str
    effect_error: float | None = None
    l_infinity: tuple[float, str] | None = None
    chi_squared: tuple[float, float] | None = None
    jensen_shannon: float | None = None
    ks: tuple[float, float] | None = None
    psi: float | None = None
    wasserstein: float | None = None
    moved_by: float | None = None
    total_variation: float | None = None
    missing: tuple[float, float] = (0.0, 0.0)
    coverage: Coverage | None = None
    length: ColumnComparison | None = None

    def to_json(self) -> JSONObject:
        """The comparison as JSON values."""
        return {
            "kind": self.kind,
            "l_infinity": self.l_infinity and {"distance": self.l_infinity[0], "value": self.l_infinity[1]},
            "chi_squared": _test(self.chi_squared),
            "jensen_shannon": self.jensen_shannon,
            "ks": _test(self.ks),
            "psi": self.psi,
            "wasserstein": self.wasserstein,
            "moved_by": self.moved_by,
            "total_variation": self.total_variation,
            "effect": self.effect,
            "effect_error": self.effect_error,
            "p_value": self.p_value,
            "missing": {"reference": self.missing[0], "current": self.missing[1]},
            "coverage": None if self.coverage is None else self.coverage.to_json(),
            "length": None if self.length is None else self.length.to_json(),
            "measure": self.measure,
            "threshold": self.threshold,
            "drifted": self.drifted,
            "reason": self.reason,
        }

    @property
    def _urgency(self) -> tuple[bool, bool, float]:
        size = self.effect or 0.0
        uncovered = self.coverage is not None and self.coverage.is_notable
        return not self.drifted, not uncovered, -(size / self.threshold if self.threshold else size)


def _test(found: tuple[float, float] | None) -> JSONObject | None:
    return None if found is None else {"statistic": found[0], "p_value": found[1]}


@dataclass(frozen=True)
class Comparison:
    """How far two tables are apart.

    Args:
        columns: the comparisons of the columns that both have, in the reference's order.
        new_columns: columns that only the current table has.
        missing_columns: columns that only the reference has.
        moment: whether this is about drift or skew.
        rows: how many rows the reference and the current table have.
        feature_skew: what joining the rows on a key found, if that was asked for.

    Example:
        >>> from tilth.validation import compare
        >>> compare({"a": [1, 2]}, {"a": [2, 1], "b": [0, 0]}).new_columns
        ('b',)
    """

    columns: Mapping[str, ColumnComparison]
    new_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    moment: Moment = "drift"
    rows: tuple[int, int] = (0, 0)
    feature_skew: FeatureSkew | None = None

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the columns that drifted, in order."""
        return tuple(name for name, column in self.columns.items() if column.drifted)

    def to_json(self) -> JSONObject:
        """The comparison as JSON values; "feature_skew" only where it was asked for."""
        document: JSONObject = {
            "rows": {"reference": self.rows[0], "current": self.rows[1]},
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "new_columns": list(self.new_columns),
            "missing_columns": list(self.missing_columns),
            "drifted": list(self.drifted),
        }
        if self.feature_skew is not None:
            document["feature_skew"] = self.feature_skew.to_json()
        return document

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
        """The comparison in plain text, for people: what matters first."""
        width = max(
            (len(name) for name in (*self.columns, *self.new_columns, *self.missing_columns)), default=0
        )
        ordered = sorted(self.columns.items(), key=lambda item: item[1]._urgency)
        sizes = f"{counted(self.rows[0], 'row')} in the reference, {self.rows[1]:,} in the current data"
        lines = [
            f"{len(self.drifted)} of {len(self.columns)} columns show {self.moment}; {sizes}",
            *(f"! {name.ljust(width)}  missing column" for name in self.missing_columns),
            *(f"! {name.ljust(width)}  new column" for name in self.new_columns),
        ]
        for name, column in ordered[:_MOST_SHOWN]:
            lines.append(f"{'!' if column.drifted else ' '} {name.ljust(width)}  {column.reason}")
            if column.coverage is not None and column.coverage.is_notable:
                lines.append(f"  {' ' * width}  {column.coverage}")
        if len(ordered) > _MOST_SHOWN:
            lines.append(f"  ... and {len(ordered) - _MOST_SHOWN} columns more")
        if self.feature_skew is not None:
            lines += ["", self.feature_skew.report()]
        return "\n".join(lines)
