"""Is a measured change drift? Large enough, and no accident."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

from tilth.errors import SchemaError
from tilth.profiles.significance import fisher_exact, two_proportion_z
from tilth.validation.effects import Effect

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.schemas import DriftBound
    from tilth.validation.comparison import ColumnComparison

__all__ = ["Decision", "bounded", "missing_change", "number_of_tests", "unusable"]

_LEAST_EXPECTED = 25
_APPLIES = {
    "numeric": "effect, wasserstein, ks, jensen_shannon or psi",
    "categorical": "effect, total_variation, l_infinity, jensen_shannon or psi",
}


@dataclass(frozen=True)
class Decision:
    """When a change counts.

    It counts when its p-value is below `level`, so that chance makes few alarms, and its size, give or take
    its one-sided error, reaches `threshold`, so that a true change of just the threshold is found rather than
    lost half of the time.

    Args:
        threshold: the size that counts.
        significance: how often all columns together may alarm though nothing changed, and how often a true
            change of the threshold may be taken for a smaller one; in (0, 1).
        tests: among how many tests the alarms are shared.

    Example:
        >>> decision = Decision(0.1, 0.01, 10)
        >>> decision.counts(0.09, 0.005, 1e-6), decision.counts(0.08, 0.005, 1e-6)
        (True, False)
        >>> decision.counts(0.3, 0.1, 0.01)
        False
    """

    threshold: float
    significance: float
    tests: int

    @property
    def level(self) -> float:
        """The p-value below which a change is no accident (Bonferroni)."""
        return self.significance / max(self.tests, 1)

    def margin(self, error: float) -> float:
        """The one-sided error of a size with this standard error."""
        return NormalDist().inv_cdf(1 - min(self.significance, 0.5)) * error

    def counts(self, size: float, error: float, p_value: float) -> bool:
        """Whether a change of this size, standard error and p-value is drift."""
        return size + self.margin(error) >= self.threshold and p_value < self.level

    def judge(self, column: ColumnComparison, missing: tuple[Effect, float] | None) -> ColumnComparison:
        """The comparison with its verdict; `missing` is the change of missing values and its p-value."""
        length = self._judge_distances(column.length) if column.length is not None else None
        found = replace(self._judge_distances(column), length=length)
        if length is not None:
            reason = f"{found.reason}; lengths {length.reason}" if found.effect is not None else length.reason
            if found.measure == "length":
                reason = f"free text, judged by its length in characters: {length.reason}"
            found = replace(found, drifted=found.drifted or length.drifted, reason=reason)
        if missing is None or not self.counts(missing[0].size, missing[0].error, missing[1]):
            return found
        words = f"missing values went from {column.missing[0]:.1%} to {column.missing[1]:.1%}"
        return replace(found, drifted=True, reason=f"{words}; {found.reason}" if found.drifted else words)

    def _judge_distances(self, column: ColumnComparison) -> ColumnComparison:
        if column.measure != "effect" or column.effect is None or column.p_value is None:
            return column
        drifted = self.counts(column.effect, column.effect_error or 0.0, column.p_value)
        return replace(column, drifted=drifted, reason=self._words(column, column.effect, column.p_value))

    def _words(self, column: ColumnComparison, effect: float, p_value: float) -> str:
        size, margin = _size(column, effect), self.margin(column.effect_error or 0.0)
        if effect >= self.threshold:
            chance = ": may be chance" if p_value >= self.level else ""
            return f"{size} >= {self.threshold:g}, p {p_value:.3g}{chance}"
        if effect + margin >= self.threshold and p_value < self.level:
            return f"{size}, within its error {margin:.2g} of {self.threshold:g}, p {p_value:.3g}"
        return f"{size} < {self.threshold:g}, p {p_value:.3g}"


def _size(column: ColumnComparison, effect: float) -> str:
    if column.total_variation is not None:
        apart = column.total_variation
        beyond = f" ({effect:.3g} beyond noise)" if abs(apart - effect) > 1e-9 else ""
        return f"total variation {apart:.4g}{beyond}"
    if column.wasserstein is None:
        return f"share of rows that moved {effect:.4g}"
    inner = " apart from the outermost" if effect > column.wasserstein else ""
    return f"moved by {effect:.4g} standard deviations{inner}"


def number_of_tests(column: ColumnComparison) -> int:
    """How many p-values decide about a column, missing values apart."""
    own = int(column.measure == "effect" and column.p_value is not None)
    return own + (number_of_tests(column.length) if column.length is not None else 0)


def bounded(found: ColumnComparison, bound: DriftBound, name: str) -> ColumnComparison:
    """The comparison judged by a bound of the schema alone.

    Raises:
        SchemaError: a measure that does not apply to the kind of column.
    """
    is_numeric = found.kind == "numeric"
    values = {
        "l_infinity": None if found.l_infinity is None else found.l_infinity[0],
        "jensen_shannon": found.jensen_shannon,
        "ks": None if found.ks is None else found.ks[0],
        "psi": found.psi,
        "wasserstein": found.wasserstein,
        "total_variation": found.total_variation,
        "effect": found.wasserstein if is_numeric else found.total_variation,
    }
    value, words = values[bound.measure], str(bound.measure)
    if value is None and is_numeric and bound.measure in ("wasserstein", "effect"):
        value, words = found.effect, "the reference is constant; share of rows that moved"
    if value is None:
        raise SchemaError(
            f"{bound.measure} is not defined for this {found.kind} column",
            where=f"column '{name}', drift or skew",
            expected=_APPLIES[found.kind],
        )
    drifted = value > bound.threshold
    at = f" at '{found.l_infinity[1]}'" if bound.measure == "l_infinity" and found.l_infinity else ""
    reason = f"{words} {value:.4g}{at} {'>' if drifted else '<='} {bound.threshold:g}"
    return replace(
        found, measure=bound.measure, threshold=bound.threshold, drifted=drifted, reason=reason, p_value=None
    )


def unusable(column: ColumnProfile) -> float:
    """The share of rows without a value that can be compared: missing or infinite."""
    return (column.missing + column.infinite) / column.rows if column.rows else 0.0


def missing_change(old: ColumnProfile, new: ColumnProfile) -> tuple[Effect, float] | None:
    """By how much the share of missing values changed, and the p-value of that; None where there are none."""
    gone, now_gone = old.missing + old.infinite, new.missing + new.infinite
    if not (gone + now_gone) or not old.rows or not new.rows:
        return None
    rare = min(gone + now_gone, old.rows + new.rows - gone - now_gone)
    least = rare * min(old.rows, new.rows) / (old.rows + new.rows)
    test = fisher_exact if least < _LEAST_EXPECTED else two_proportion_z
    before, now = unusable(old), unusable(new)
    error = math.sqrt(before * (1 - before) / old.rows + now * (1 - now) / new.rows)
    return Effect(abs(now - before), error), test(gone, old.rows, now_gone, new.rows)
