"""How much better one model is than another on the same rows, with the interval of the difference.

Two intervals that overlap say little: both models meet the same hard rows, so that their difference is known
far better than either. Each metric is written as a mean of contributions of rows, its influence function
(Hampel 1974), and the difference of two models has the variance of the differences of contributions. For
AUROC these are the placements of DeLong, DeLong and Clarke-Pearson (1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate

__all__ = ["PAIRED_METRICS", "Answered", "paired_difference"]

Floats = npt.NDArray[np.float64]

_Z = 1.959963984540054
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Answered:
    """The truth of n rows and what a model says of them.

    Args:
        truth: (n,), codes of classes, or numbers; for several labels (n, c), 0 or 1.
        predictions: the same of what is predicted.
        scores: (n, c), the probability of each class; None for a regression.

    Example:
        >>> rows = Answered(np.array([0, 1]), np.array([0, 0]), np.array([[0.9, 0.1], [0.7, 0.3]]))
        >>> rows.take(np.array([1])).truth
        array([1])
    """

    truth: npt.NDArray[np.number]
    predictions: npt.NDArray[np.number]
    scores: npt.NDArray[np.floating] | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Answered:
        """Some of the rows."""
        scores = None if self.scores is None else self.scores[rows]
        return Answered(self.truth[rows], self.predictions[rows], scores)


def paired_difference(metric: str, before: Answered, after: Answered) -> Estimate:
    """A metric of `after` minus that of `before`, on the same rows, with its 95 % interval.

    The interval is normal; for accuracy that of Bonett and Price (2012), which holds for few rows too. There
    is none where all contributions differ alike.

    Args:
        metric: one of `PAIRED_METRICS`; any other is undefined here.
        before: one model's answers.
        after: another's on the same rows in the same order.

    Example:
        >>> truth = np.array([0, 1] * 50)
        >>> guess = Answered(truth, np.zeros(100, int))
        >>> print(paired_difference("accuracy", guess, Answered(truth, truth)))
        0.5 [0.3894, 0.5909]
    """
    contribute = _CONTRIBUTIONS.get(metric)
    found = [None if contribute is None or not len(rows) else contribute(rows) for rows in (before, after)]
    one, other = found
    if one is None or other is None:
        return UNDEFINED
    value = other[0] - one[0]
    if metric == "accuracy":
        return _of_hits(other[1] + other[0] - one[1] - one[0], value)
    return _normal(other[1] - one[1], value)


def _normal(differences: Floats, value: float) -> Estimate:
    size = len(differences)
    spread = math.sqrt(float(np.sort(differences**2).sum()))
    if size < 2 or spread == 0:
        return Estimate(value)
    half = _Z * spread / math.sqrt(size * (size - 1))
    return Estimate(value, value - half, value + half)


def _of_hits(differences: Floats, value: float) -> Estimate:
    """Rows that only one of two models gets right, one added to each side (Bonett and Price 2012)."""
    size = len(differences) + 2
    won, lost = ((int((np.rint(differences) == sign).sum()) + 1) / size for sign in (1, -1))
    half = _Z * math.sqrt((won + lost - (won - lost) ** 2) / size)
    return Estimate(value, min(value, won - lost - half), max(value, won - lost + half))


_Contributions = tuple[float, Floats]
"""The value of a metric, and what each row adds to it, (n,), of mean 0."""


def _mean(values: Floats) -> _Contributions:
    value = float(np.sort(values).sum()) / len(values)
    return value, values - value


def _ratio(part: Floats, whole: Floats) -> _Contributions | None:
    """The sum of parts over that of wholes; None without a whole."""
    total = float(np.sort(whole).sum())
    if total == 0:
        return None
    value = float(np.sort(part).sum()) / total
    return value, (part - value * whole) * (len(whole) / total)


def _average(parts: list[_Contributions | None]) -> _Contributions | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    value = math.fsum(value for value, _ in known) / len(known)
    return value, np.sum([each for _, each in known], axis=0) / len(known)


def _is(values: npt.NDArray[np.number], code: int) -> Floats:
    return (values == code).astype(np.float64)


def _accuracy(rows: Answered) -> _Contributions:
    right = rows.truth == rows.predictions
    return _mean((right if right.ndim == 1 else right.all(axis=1)).astype(np.float64))


def _precision(rows: Answered, code: int = 1) -> _Contributions | None:
    said = _is(rows.predictions, code)
    return _ratio(said * _is(rows.truth, code), said)


def _recall(rows: Answered, code: int = 1) -> _Contributions | None:
    true = _is(rows.truth, code)
    return _ratio(true * _is(rows.predictions, code), true)


def _f1(rows: Answered, code: int = 1) -> _Contributions | None:
    said, true = _is(rows.predictions, code), _is(rows.truth, code)
    return _ratio(2 * said * true, said + true)


def _macro_f1(rows: Answered) -> _Contributions | None:
    codes = np.union1d(rows.truth, rows.predictions)
    return _average([_f1(rows, code) for code in codes.astype(np.int64).tolist()])


def _balanced_accuracy(rows: Answered) -> _Contributions | None:
    codes = [0, 1] if _is_binary(rows) else np.unique(rows.truth).astype(np.int64).tolist()
    return _average([_recall(rows, code) for code in codes])


def _is_binary(rows: Answered) -> bool:
    return rows.scores is not None and rows.scores.ndim == 2 and rows.scores.shape[1] == 2


def _auroc(rows: Answered) -> _Contributions | None:
    """The placements of each row among those of the other class, ties counting one half."""
    positive = rows.truth == 1
    counts = np.array([(~positive).sum(), positive.sum()], np.float64)
    if rows.scores is None or not _is_binary(rows) or not counts.all():
        return None
    _, at = np.unique(rows.scores[:, 1], return_inverse=True)
    negatives, positives = (np.bincount(at[side], minlength=at.max() + 1) for side in (~positive, positive))
    below = (np.cumsum(negatives) - negatives / 2)[at] / counts[0]
    above = (counts[1] - np.cumsum(positives) + positives / 2)[at] / counts[1]
    value = float(np.sort(below[positive]).sum()) / counts[1]
    placed = np.where(positive, (below - value) / counts[1], (above - value) / counts[0])
    return float(value), placed * len(rows)


def _log_loss(rows: Answered) -> _Contributions | None:
    if rows.scores is None or rows.truth.ndim > 1:
        return None
    of_truth = np.asarray(rows.scores, np.float64)[np.arange(len(rows)), rows.truth.astype(np.int64)]
    return _mean(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)))


def _brier(rows: Answered) -> _Contributions | None:
    if rows.scores is None or not _is_binary(rows):
        return None
    return _mean((np.asarray(rows.scores[:, 1], np.float64) - rows.truth) ** 2)


def _errors(rows: Answered) -> Floats:
    return rows.predictions.astype(np.float64) - rows.truth.astype(np.float64)


def _rmse(rows: Answered) -> _Contributions:
    squared, each = _mean(_errors(rows) ** 2)
    root = math.sqrt(squared)
    return root, each / (2 * root) if root else each


def _r2(rows: Answered) -> _Contributions | None:
    _, centered = _mean(rows.truth.astype(np.float64))
    variance = float(np.sort(centered**2).sum()) / len(rows)
    if variance == 0 or rows.truth.min() == rows.truth.max():
        return None
    missed = _errors(rows) ** 2 / variance
    error = float(np.sort(missed).sum()) / len(rows)
    return 1 - error, error * centered**2 / variance - missed


_CONTRIBUTIONS: Mapping[str, Callable[[Answered], _Contributions | None]] = {
    "accuracy": _accuracy,
    "auroc": _auroc,
    "balanced_accuracy": _balanced_accuracy,
    "brier": _brier,
    "f1": _f1,
    "log_loss": _log_loss,
    "macro_f1": _macro_f1,
    "mae": lambda rows: _mean(np.abs(_errors(rows))),
    "mse": lambda rows: _mean(_errors(rows) ** 2),
    "precision": _precision,
    "r2": _r2,
    "recall": _recall,
    "rmse": _rmse,
    "specificity": lambda rows: _recall(rows, 0),
}

PAIRED_METRICS = tuple(_CONTRIBUTIONS)
"""The metrics whose difference on the same rows has an interval."""
