"""What a two-class confusion matrix says: proportions, their combinations, and intervals for each.

Undefined quantities (nothing to divide by) are None. F1 is taken from the counts, 2 TP / (2 TP + FP + FN), so
it is 0, not undefined, for a model that never says "positive" although positives exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import average, delta, log_normal, share, wilson

__all__ = ["ConfusionMatrix", "f1_score"]

_TN, _FP, _FN, _TP = range(4)


def f1_score(precision: float | None, recall: float | None) -> float | None:
    """The harmonic mean of precision and recall; None when one is undefined or both are 0.

    Args:
        precision: share of predicted positives that are positive; any unit that recall has too.
        recall: share of positives that are predicted positive.

    Example:
        >>> round(f1_score(97.0, 7.3), 1)
        13.6
    """
    if precision is None or recall is None or precision + recall == 0:
        return None
    return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts (or sums of weights) of true and false negatives and positives.

    Args:
        weights: the four sums, in the order tn, fp, fn, tp.
        squares: the four sums of squared weights; equal to `weights` when every row weighs 1.

    Example:
        >>> matrix = ConfusionMatrix.from_counts(tn=905, fp=9, fn=18, tp=68)
        >>> print(matrix.metrics()["precision"])
        0.8831 [0.7925, 0.9373]
        >>> print(matrix.metrics()["recall"])
        0.7907 [0.6932, 0.8633]
        >>> print(matrix.metrics()["f1"])
        0.8344 [0.764, 0.8869]
    """

    weights: tuple[float, ...]
    squares: tuple[float, ...]

    @classmethod
    def from_counts(cls, tn: int, fp: int, fn: int, tp: int) -> ConfusionMatrix:
        """The matrix of rows that weigh 1 each."""
        counts = (float(tn), float(fp), float(fn), float(tp))
        return cls(counts, counts)

    def metrics(self) -> dict[str, Estimate]:
        """All that follows from the matrix, by name."""
        shares = self._proportions()
        tpr, tnr, ppv, npv = (shares[name] for name in ("recall", "specificity", "precision", "npv"))
        return {
            **shares,
            "f1": self._f1(shares["threat_score"]),
            "f2": self._f_beta(2.0),
            "f0_5": self._f_beta(0.5),
            "balanced_accuracy": average((tpr, tnr)),
            "informedness": average((tpr, tnr)).scaled(2, -1),
            "markedness": average((ppv, npv)).scaled(2, -1),
            "mcc": self._delta(_mcc, -1.0),
            "cohen_kappa": self._delta(_cohen_kappa, -1.0),
            "fowlkes_mallows": self._delta(_fowlkes_mallows, 0.0),
            "lr_plus": self._likelihood_ratio(_TP, _FN, _FP, _TN),
            "lr_minus": self._likelihood_ratio(_FN, _TP, _TN, _FP),
            "odds_ratio": self._odds_ratio(),
        }

    def _proportions(self) -> dict[str, Estimate]:
        part = self._proportion
        return {
            "accuracy": part((_TN, _TP), (_FP, _FN)),
            "precision": part((_TP,), (_FP,)),
            "recall": part((_TP,), (_FN,)),
            "specificity": part((_TN,), (_FP,)),
            "npv": part((_TN,), (_FN,)),
            "fpr": part((_FP,), (_TN,)),
            "fnr": part((_FN,), (_TP,)),
            "fdr": part((_FP,), (_TP,)),
            "for_": part((_FN,), (_TN,)),
            "threat_score": part((_TP,), (_FP, _FN)),
            "prevalence": part((_FN, _TP), (_TN, _FP)),
            "positive_rate": part((_FP, _TP), (_TN, _FN)),
        }

    def _proportion(self, those: Sequence[int], others: Sequence[int]) -> Estimate:
        """The share of some cells in those and other cells."""
        cells = (*those, *others)
        total = math.fsum(self.weights[cell] for cell in cells)
        if total == 0:
            return UNDEFINED
        share = math.fsum(self.weights[cell] for cell in those) / total
        return wilson(share, total**2 / math.fsum(self.squares[cell] for cell in cells))

    def _f1(self, threat_score: Estimate) -> Estimate:
        """F1 rises with the threat score j as 2j / (1 + j), a proportion, whose Wilson ends are mapped.

        Unlike the delta method this keeps a width at 0 and 1 (Lam, "Confidence Intervals for the F1 Score",
        2023, calls it the indirect Wilson interval).
        """
        if threat_score.value is None or threat_score.low is None or threat_score.high is None:
            return UNDEFINED
        ends = (threat_score.value, threat_score.low, threat_score.high)
        return Estimate(*(2 * j / (1 + j) for j in ends))

    def _f_beta(self, beta: float) -> Estimate:
        """(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), of van Rijsbergen 1979; a ratio of sums."""
        missed = beta**2 / (1 + beta**2)
        parts = {_TP: 1.0, _FN: missed, _FP: 1 - missed}
        total = math.fsum(part * self.weights[cell] for cell, part in parts.items())
        if total == 0:
            return UNDEFINED
        value = self.weights[_TP] / total
        spread = {_TP: (1 - value) ** 2, _FN: (missed * value) ** 2, _FP: ((1 - missed) * value) ** 2}
        variance = math.fsum(spread[cell] * self.squares[cell] for cell in parts) / total**2
        size = total**2 / math.fsum(part**2 * self.squares[cell] for cell, part in parts.items())
        return share(value, variance, size)

    def _delta(self, formula: Callable[[Sequence[complex]], complex | None], least: float) -> Estimate:
        total = math.fsum(self.weights)
        if total == 0:
            return UNDEFINED
        shares = [weight / total for weight in self.weights]
        return delta(formula, shares, total**2 / math.fsum(self.squares), least=least, greatest=1.0)

    def _likelihood_ratio(self, a: int, b: int, c: int, d: int) -> Estimate:
        """(a / (a + b)) / (c / (c + d)), with the log interval of Simel, Samsa and Matchar 1991."""
        w = self.weights
        if w[a] + w[b] == 0 or w[c] == 0:
            return UNDEFINED
        ratio = w[a] / (w[a] + w[b]) / (w[c] / (w[c] + w[d]))
        if ratio == 0:
            return Estimate(0.0)
        spread = self._inverse_size(a) - self._inverse_size(a, b)
        spread += self._inverse_size(c) - self._inverse_size(c, d)
        return log_normal(ratio, max(spread, 0.0))

    def _odds_ratio(self) -> Estimate:
        tn, fp, fn, tp = self.weights
        if fp == 0 or fn == 0:
            return UNDEFINED
        if tn == 0 or tp == 0:
            return Estimate(0.0)
        return log_normal(tp * tn / (fp * fn), math.fsum(self._inverse_size(cell) for cell in range(4)))

    def _inverse_size(self, *cells: int) -> float:
        """1 / the effective number of rows in some cells."""
        return math.fsum(self.squares[c] for c in cells) / math.fsum(self.weights[c] for c in cells) ** 2


def _mcc(shares: Sequence[complex]) -> complex | None:
    tn, fp, fn, tp = shares
    squared = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / squared**0.5 if squared else None


def _fowlkes_mallows(shares: Sequence[complex]) -> complex | None:
    _, fp, fn, tp = shares
    squared = (tp + fp) * (tp + fn)
    return tp / squared**0.5 if squared else None


def _cohen_kappa(shares: Sequence[complex]) -> complex | None:
    tn, fp, fn, tp = shares
    expected = (tp + fp) * (tp + fn) + (tn + fp) * (tn + fn)
    return (tp + tn - expected) / (1 - expected) if expected != 1 else None
