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

from tilth.metrics.contributions import Contributions, average, mean, ratio
from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.ranked_groups import RankedGroups, group_keys

__all__ = ["PAIRED_METRICS", "Answered", "measured", "paired_difference"]

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]

_Z = 1.959963984540054
_UNBOUNDED = frozenset({"log_loss", "mae", "mse", "r2", "rmse"})
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Answered:
    """The truth of n rows and what a model says of them.

    Args:
        truth: (n,), codes of classes, or numbers; for several labels (n, c), 0 or 1.
        predictions: the same of what is predicted.
        scores: (n, c), the probability of each class; None for numbers.
        groups: (n,), for ranking: rows of one number are ranked together.

    Example:
        >>> rows = Answered(np.array([0, 1]), np.array([0, 0]), np.array([[0.9, 0.1], [0.7, 0.3]]))
        >>> rows.take(np.array([1])).truth
        array([1])
    """

    truth: Numbers
    predictions: Numbers
    scores: npt.NDArray[np.floating] | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Answered:
        """Some of the rows."""
        scores = None if self.scores is None else self.scores[rows]
        groups = None if self.groups is None else self.groups[rows]
        return Answered(self.truth[rows], self.predictions[rows], scores, groups)


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
    if metric in ("accuracy", "subset_accuracy"):
        return _of_hits(other[1] + other[0] - one[1] - one[0], value)
    return _normal(other[1] - one[1], value, math.inf if metric in _UNBOUNDED else 1.0)


def measured(metric: str, answers: Answered) -> float | None:
    """The value of one of `PAIRED_METRICS`; None where it is undefined.

    Example:
        >>> measured("recall", Answered(np.array([1, 1, 0]), np.array([1, 0, 0])))
        0.5
    """
    contribute = _CONTRIBUTIONS.get(metric)
    found = contribute(answers) if contribute is not None and len(answers) else None
    return None if found is None else found[0]


def _normal(differences: Floats, value: float, most: float) -> Estimate:
    """The normal interval; a difference cannot be greater than `most`."""
    size = len(differences)
    spread = math.sqrt(float(np.sort(differences**2).sum()))
    if size < 2 or spread == 0:
        return Estimate(value)
    half = _Z * spread / math.sqrt(size * (size - 1))
    return Estimate(value, max(-most, value - half), min(most, value + half))


def _of_hits(differences: Floats, value: float) -> Estimate:
    """Rows that only one of two models gets right, one added to each side (Bonett and Price 2012)."""
    size = len(differences) + 2
    won, lost = ((int((np.rint(differences) == sign).sum()) + 1) / size for sign in (1, -1))
    half = _Z * math.sqrt((won + lost - (won - lost) ** 2) / size)
    ends = (min(value, won - lost - half), max(value, won - lost + half))
    return Estimate(value, max(-1.0, ends[0]), min(1.0, ends[1]))


def _is(values: Numbers, code: int) -> Floats:
    found: Floats = (values == code).astype(np.float64)
    return found


def _accuracy(rows: Answered) -> Contributions:
    right = rows.truth == rows.predictions
    return mean((right if right.ndim == 1 else right.all(axis=1)).astype(np.float64))


def _precision(rows: Answered, code: int = 1) -> Contributions | None:
    said = _is(rows.predictions, code)
    return ratio(said * _is(rows.truth, code), said)


def _recall(rows: Answered, code: int = 1) -> Contributions | None:
    true = _is(rows.truth, code)
    return ratio(true * _is(rows.predictions, code), true)


def _f1(rows: Answered, code: int = 1) -> Contributions | None:
    said, true = _is(rows.predictions, code), _is(rows.truth, code)
    return ratio(2 * said * true, said + true)


def _macro_f1(rows: Answered) -> Contributions | None:
    if rows.truth.ndim > 1:
        columns = (Answered(true, said) for true, said in zip(rows.truth.T, rows.predictions.T, strict=True))
        return average([_f1(column) for column in columns if column.truth.any() or column.predictions.any()])
    codes = np.union1d(rows.truth, rows.predictions)
    return average([_f1(rows, code) for code in codes.astype(np.int64).tolist()])


def _balanced_accuracy(rows: Answered) -> Contributions | None:
    codes = [0, 1] if _is_binary(rows) else np.unique(rows.truth).astype(np.int64).tolist()
    return average([_recall(rows, code) for code in codes])


def _is_binary(rows: Answered) -> bool:
    return rows.scores is not None and rows.scores.ndim == 2 and rows.scores.shape[1] == 2


def _auroc(rows: Answered) -> Contributions | None:
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


def _log_loss(rows: Answered) -> Contributions | None:
    if rows.scores is None:
        return None
    if rows.truth.ndim > 1:
        of_labels = np.where(rows.truth == 1, rows.scores, 1 - np.asarray(rows.scores, np.float64))
        return mean(-np.log(np.maximum(of_labels, _LEAST_PROBABILITY)).mean(axis=1))
    of_truth = np.asarray(rows.scores, np.float64)[np.arange(len(rows)), rows.truth.astype(np.int64)]
    return mean(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)))


def _brier(rows: Answered) -> Contributions | None:
    if rows.scores is None or not _is_binary(rows):
        return None
    return mean((np.asarray(rows.scores[:, 1], np.float64) - rows.truth.astype(np.float64)) ** 2)


def _micro(
    rows: Answered, whole: Callable[[Floats, Floats], Floats], hits: float = 1
) -> Contributions | None:
    """Of several labels: the right ones said of each row over some of those that it has and that are said."""
    if rows.truth.ndim == 1:
        return None
    true, said = _is(rows.truth, 1), _is(rows.predictions, 1)
    return ratio(hits * (true * said).sum(axis=1), whole(true, said).sum(axis=1))


def _hamming_loss(rows: Answered) -> Contributions | None:
    if rows.truth.ndim == 1:
        return None
    return mean((rows.truth != rows.predictions).mean(axis=1))


def _of_groups(rows: Answered, value: Callable[[RankedGroups], Floats]) -> Contributions | None:
    """The mean over groups, which are the same for two models: what each group adds."""
    if rows.groups is None:
        return None
    scores, truth = (np.asarray(each, np.float64) for each in (rows.predictions, rows.truth))
    ranked = RankedGroups(group_keys(rows.groups), scores, truth)
    return mean(value(ranked)) if len(ranked.relevant) else None


def _errors(rows: Answered) -> Floats:
    return rows.predictions.astype(np.float64) - rows.truth.astype(np.float64)


def _rmse(rows: Answered) -> Contributions:
    squared, each = mean(_errors(rows) ** 2)
    root = math.sqrt(squared)
    return root, each / (2 * root) if root else each


def _r2(rows: Answered) -> Contributions | None:
    _, centered = mean(rows.truth.astype(np.float64))
    variance = float(np.sort(centered**2).sum()) / len(rows)
    if variance == 0 or rows.truth.min() == rows.truth.max():
        return None
    missed = _errors(rows) ** 2 / variance
    error = float(np.sort(missed).sum()) / len(rows)
    return 1 - error, error * centered**2 / variance - missed


_CONTRIBUTIONS: Mapping[str, Callable[[Answered], Contributions | None]] = {
    "accuracy": _accuracy,
    "auroc": _auroc,
    "micro_f1": lambda rows: _micro(rows, lambda true, said: true + said, 2),
    "ndcg_at_10": lambda rows: _of_groups(rows, lambda ranked: ranked.ndcg(10)),
    "log_loss": _log_loss,
    "f1": _f1,
    "precision": _precision,
    "recall": _recall,
    "macro_f1": _macro_f1,
    "balanced_accuracy": _balanced_accuracy,
    "micro_precision": lambda rows: _micro(rows, lambda _, said: said),
    "micro_recall": lambda rows: _micro(rows, lambda true, _: true),
    "subset_accuracy": lambda rows: _accuracy(rows) if rows.truth.ndim > 1 else None,
    "hamming_loss": _hamming_loss,
    "ndcg": lambda rows: _of_groups(rows, lambda ranked: ranked.ndcg(None)),
    "mrr": lambda rows: _of_groups(rows, lambda ranked: ranked.reciprocal_ranks()),
    "mean_average_precision": lambda rows: _of_groups(rows, lambda ranked: ranked.average_precisions()),
    "specificity": lambda rows: _recall(rows, 0),
    "brier": _brier,
    "r2": _r2,
    "mae": lambda rows: mean(np.abs(_errors(rows))),
    "rmse": _rmse,
    "mse": lambda rows: mean(_errors(rows) ** 2),
}

PAIRED_METRICS = tuple(_CONTRIBUTIONS)
"""The metrics whose difference on the same rows has an interval; those that tell more first."""
