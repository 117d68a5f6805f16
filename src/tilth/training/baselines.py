"""Baselines: what a model must beat before anyone should care for it."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.metrics import LabelEncoding
from tilth.training.estimators import fit_estimator, outputs_of

__all__ = ["BaselineAnswers", "baselines"]

BaselineAnswers: TypeAlias = "tuple[npt.NDArray[np.generic], npt.NDArray[np.float64] | None]"
"""Predicted labels or numbers (n,), and probabilities (n, classes) or None."""


def baselines(
    encoding: LabelEncoding,
    X_train: npt.NDArray[np.floating],
    y_train: npt.NDArray[np.number],
    X_test: npt.NDArray[np.floating],
    *,
    threshold: float = 0.5,
) -> dict[str, BaselineAnswers]:
    """What two baselines answer for the test rows.

    "majority" always says the most frequent class with the classes' shares as probabilities, or the mean
    number. "linear" is a logistic (or ridge) regression on standardized features, missing ones at the mean.
    Both are the same bit for bit for the same training rows in any order.

    Args:
        encoding: the task and its classes.
        X_train: (n, f), the features to learn from.
        y_train: (n,), codes of classes or numbers.
        X_test: (m, f), the rows to answer for.
        threshold: of two classes the positive one is said where its probability is greater than this.

    Returns:
        For each baseline the answers in the values of the label column, and the probabilities (m, classes) in
        the order of the classes, None for regression.

    Example:
        >>> encoding = LabelEncoding("binary", ("no", "yes"))
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 0, 1])
        >>> labels, probabilities = baselines(encoding, X, y, X[:2])["majority"]
        >>> labels.tolist(), probabilities.tolist()
        (['no', 'no'], [[0.75, 0.25], [0.75, 0.25]])
    """
    if not len(y_train):
        raise TrainingError("there are no rows to learn a baseline from")
    if encoding.task == "regression":
        mean = float(np.sort(np.asarray(y_train, np.float64)).mean())
        linear = _linear(encoding, X_train, y_train, X_test).ravel()
        return {"majority": (np.full(len(X_test), mean), None), "linear": (linear, None)}
    shares = np.bincount(y_train.astype(np.int64), minlength=len(encoding.classes)) / len(y_train)
    constant = np.tile(shares, (len(X_test), 1))
    most = np.full(len(X_test), int(np.argmax(shares)))
    found = _linear(encoding, X_train, y_train, X_test)
    codes = (found[:, 1] > threshold).astype(np.int64) if encoding.task == "binary" else found.argmax(axis=1)
    values = np.array(encoding.classes, object if isinstance(encoding.classes[0], str) else None)
    return {"majority": (values[most], constant), "linear": (values[codes], found)}


def _linear(
    encoding: LabelEncoding,
    X_train: npt.NDArray[np.floating],
    y_train: npt.NDArray[np.number],
    X_test: npt.NDArray[np.floating],
) -> npt.NDArray[np.float64]:
    """Probabilities (m, classes) or numbers (m, 1)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    regresses = encoding.task == "regression"
    learned = y_train.astype(np.float64) if regresses else y_train.astype(np.int64)
    estimator = Ridge(random_state=0) if regresses else LogisticRegression(max_iter=1000, random_state=0)
    train, test = _standardized(X_train, X_test)
    with warnings.catch_warnings():
        # A baseline is what is found in a thousand steps; that more would find a little more is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = fit_estimator(estimator, train, learned)
    return outputs_of(fitted, test, len(encoding.classes))


def _standardized(
    X_train: npt.NDArray[np.floating], X_test: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Features at mean 0 and deviation 1 of the training rows; what is missing or infinite becomes 0."""
    train, test = (np.where(np.isfinite(X), X, np.nan).astype(np.float64) for X in (X_train, X_test))
    ordered = np.sort(train, axis=0)  # sums in sorted order do not depend on the order of rows
    known = np.isfinite(ordered)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, ordered, 0.0).sum(axis=0) / counts
    deviations = np.sqrt((np.where(known, ordered - means, 0.0) ** 2).sum(axis=0) / counts)
    scale = np.where(deviations > 0, deviations, 1.0)
    return np.nan_to_num((train - means) / scale, nan=0.0), np.nan_to_num((test - means) / scale, nan=0.0)
