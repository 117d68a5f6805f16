"""PerLabel: one estimator for each of several labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from tilth.training.boosting import Estimator, Watch, curves_of
from tilth.training.fitting import fit_ordered, outputs_of
from tilth.training.rows import Floats, Labels, Rows

__all__ = ["PerLabel"]

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


class PerLabel(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """A binary classifier for each label, that knows nothing of the others ("binary relevance").

    A label that all training rows have, or none, has a constant probability of 1, or 0.

    Args:
        estimator: a classifier that is not fitted; each label gets a copy.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> y = np.array([[0, 0, 1], [0, 0, 1], [0, 1, 1], [0, 1, 1]])
        >>> PerLabel(LogisticRegression()).fit(X, y).predict(X[::3]).tolist()
        [[0, 0, 1], [0, 1, 1]]
    """

    def __init__(self, estimator: Estimator) -> None:
        self.estimator = estimator

    def fit(self, X: Floats, y: Labels) -> Self:
        """Learn from features (n, f) and labels (n, c), 1 or 0."""
        rows = Rows(np.asarray(X, np.float32), np.asarray(y, np.int64))
        self.fit_rows(rows.take(rows.order()), None, early_stopping_rounds=0, watch=None)
        return self

    def fit_rows(
        self, train: Rows, dev: Rows | None, *, early_stopping_rounds: int, watch: Watch | None
    ) -> None:
        """Learn from rows in canonical order, label after label.

        `watch` is told after each label the mean log loss on the dev rows over the labels so far.
        """
        self.n_features_in_ = train.X.shape[1]
        self.classes_ = np.arange(train.y.shape[1])
        self.estimators_: list[Estimator | float] = []
        losses: list[float] = []
        for label in self.classes_.tolist():
            known = None if dev is None else _only(dev, label)
            self.estimators_.append(self._fitted(_only(train, label), known, early_stopping_rounds))
            if watch is not None and known is not None and len(known):
                losses.append(_log_loss(_positive(self.estimators_[-1], known.X), known.y))
                watch(label, {"dev.log_loss": float(np.mean(losses))})
        self.curves_ = _mean_curves([curves_of(each) for each in self.estimators_])

    def _fitted(self, train: Rows, dev: Rows | None, rounds: int) -> Estimator | float:
        if train.y.min() == train.y.max():
            return float(train.y[0])
        return fit_ordered(self.estimator, train, dev, early_stopping_rounds=rounds)

    def predict_proba(self, X: Floats) -> npt.NDArray[np.float64]:
        """The probability of each label (n, c)."""
        return np.column_stack([_positive(each, np.asarray(X, np.float32)) for each in self.estimators_])

    def predict(self, X: Floats) -> npt.NDArray[np.int64]:
        """Which labels a row has: (n, c), 1 where a probability is above one half."""
        return (self.predict_proba(X) > 0.5).astype(np.int64)


def _only(rows: Rows, label: int) -> Rows:
    return replace(rows, y=rows.y[:, label].astype(np.int64))


def _positive(fitted: Estimator | float, X: Floats) -> npt.NDArray[np.float64]:
    if isinstance(fitted, float):
        return np.full(len(X), fitted)
    return outputs_of(fitted, X, 2)[:, 1]


def _log_loss(probabilities: npt.NDArray[np.float64], y: Labels) -> float:
    of_truth = np.where(y == 1, probabilities, 1 - probabilities)
    return float(np.mean(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY))))


def _mean_curves(
    found: Sequence[Mapping[str, Mapping[str, list[float]]]],
) -> dict[str, dict[str, list[float]]]:
    """The mean over labels of each curve; a label that has stopped keeps its last value."""
    curves: dict[str, dict[str, list[Any]]] = {}
    for each in found:
        for part, metrics in each.items():
            for name, values in metrics.items():
                curves.setdefault(part, {}).setdefault(name, []).append(values)
    return {
        part: {name: _mean_of(several) for name, several in metrics.items()}
        for part, metrics in curves.items()
    }


def _mean_of(curves: Sequence[list[float]]) -> list[float]:
    longest = max(map(len, curves))
    padded = [[*values, *values[-1:] * (longest - len(values))] for values in curves if values]
    return [float(value) for value in np.mean(padded, axis=0)] if padded else []
