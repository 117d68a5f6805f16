"""Baselines: what a model must beat before anyone should care for it."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.metrics import LabelEncoding
from tilth.sketches.hashing import mix
from tilth.training.fitting import fit_estimator, outputs_of
from tilth.training.leaks.target import Target
from tilth.training.order import canonical_order, hash_features
from tilth.training.rehearsing import drawn
from tilth.training.rows import Rows

__all__ = ["BaselineAnswers", "baselines", "best_feature"]

_MOST_ROWS = 5000
_MOST_LEAF_ROWS = 50_000
_LEAVES = 8
_LARGEST = 1e38
_HALF = 0.5
_PIECE = 65_536
"""Test rows answered for at once."""

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
    """What simple baselines answer for the test rows.

    "majority" always says the most frequent class with the classes' shares as probabilities, or the mean
    number. "prior" says each class as often as it occurs, whatever the row, with the same probabilities; of
    numbers the median. "single" knows one feature, that of `best_feature`: a tree of eight leaves. "linear"
    is a logistic (or ridge) regression on standardized features, missing ones at the mean. All are the same
    bit for bit for the same training rows in any order.

    Args:
        encoding: the task and its classes.
        X_train: (n, f), the features to learn from.
        y_train: (n,), codes of classes or numbers; of several labels (n, classes), 1 or 0.
        X_test: (m, f), the rows to answer for.
        threshold: of two classes the positive one is said where its probability is greater than this.

    Returns:
        For each baseline the answers in the values of the label column (of several labels whether each is
        said, (m, classes)), and the probabilities (m, classes) in the order of the classes, None for numbers.

    Example:
        >>> encoding = LabelEncoding("binary", ("no", "yes"))
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 0, 1])
        >>> labels, probabilities = baselines(encoding, X, y, X[:2])["majority"]
        >>> labels.tolist(), probabilities.tolist()
        (['no', 'no'], [[0.75, 0.25], [0.75, 0.25]])
    """
    if not len(y_train):
        raise TrainingError("there are no rows to learn a baseline from")
    single = _single(encoding, X_train, y_train, X_test)
    if encoding.task == "multilabel":
        shares = y_train.mean(axis=0)
        drawn_labels = _uniform(X_test, len(shares)) < shares
        constant = np.tile(shares, (len(X_test), 1))
        found = _linear(encoding, X_train, y_train, X_test)
        return {
            "majority": (constant > _HALF, constant),
            "prior": (drawn_labels, constant),
            "single": (single > _HALF, single),
            "linear": (found > _HALF, found),
        }
    if encoding.is_number:
        ordered = np.sort(np.asarray(y_train, np.float64))
        linear = _linear(encoding, X_train, y_train, X_test).ravel()
        return {
            "majority": (np.full(len(X_test), float(ordered.mean())), None),
            "prior": (np.full(len(X_test), float(np.median(ordered))), None),
            "single": (single.ravel(), None),
            "linear": (linear, None),
        }
    shares = np.bincount(y_train.astype(np.int64), minlength=len(encoding.classes)) / len(y_train)
    constant = np.tile(shares, (len(X_test), 1))
    most = np.full(len(X_test), int(np.argmax(shares)))
    found = _linear(encoding, X_train, y_train, X_test)
    values = np.array(encoding.classes, object if isinstance(encoding.classes[0], str) else None)

    def said(scores: npt.NDArray[np.float64]) -> BaselineAnswers:
        binary = encoding.task == "binary"
        codes = (scores[:, 1] > threshold).astype(np.int64) if binary else scores.argmax(axis=1)
        return values[codes], scores

    return {
        "majority": (values[most], constant),
        "prior": (values[_drawn_classes(shares, X_test)], constant),
        "single": said(single),
        "linear": said(found),
    }


def best_feature(
    encoding: LabelEncoding, X: npt.NDArray[np.floating], y: npt.NDArray[np.number]
) -> int | None:
    """The position of the feature that alone tells most of the label; None where none tells anything.

    Told is the mutual information of the feature's levels with the label's, beyond what chance gives, on at
    most 5,000 rows.

    Args:
        encoding: the task and its classes.
        X: (n, f), the features.
        y: (n,), codes of classes or numbers.

    Example:
        >>> X = np.array([[0.0, float(i)] for i in range(100)])
        >>> best_feature(LabelEncoding("binary", ("no", "yes")), X, (X[:, 1] > 40).astype(np.int64))
        1
    """
    rows = drawn(Rows(X, y), _MOST_ROWS, encoding.task)  # type: ignore[arg-type] # codes or numbers
    target = Target(encoding.task, rows.y)
    columns = (np.where(np.isfinite(c), c, np.nan).astype(np.float64) for c in rows.X.T)
    shares = [target.known_share(column) for column in columns]
    best = int(np.argmax(shares)) if shares else 0
    return best if shares and shares[best] > 0 else None


def _single(
    encoding: LabelEncoding,
    X_train: npt.NDArray[np.floating],
    y_train: npt.NDArray[np.number],
    X_test: npt.NDArray[np.floating],
) -> npt.NDArray[np.float64]:
    """Probabilities (m, classes) or numbers (m, 1): the means in the leaves of a small tree on one feature.

    A leaf's means count the mean of all rows as one row more, so that no probability is 0 or 1.
    """
    from sklearn.tree import DecisionTreeRegressor

    classes = len(encoding.classes)
    order = canonical_order(X_train, y_train)[:_MOST_LEAF_ROWS]
    y = y_train[order]
    wide = y.reshape(len(y), -1).astype(np.float64)
    if encoding.task in ("binary", "multiclass"):
        wide = (y[:, None] == np.arange(classes)).astype(np.float64)
    overall = wide.mean(axis=0)
    at = best_feature(encoding, X_train[order], y)
    if at is None:
        return np.tile(overall, (len(X_test), 1))
    train, test = (_as_column(X[:, at]) for X in (X_train[order], X_test))
    tree = DecisionTreeRegressor(max_leaf_nodes=_LEAVES, random_state=0).fit(train, wide)
    leaves = tree.apply(train)
    counts = np.bincount(leaves, minlength=tree.tree_.node_count)[:, None]
    sums = np.zeros((tree.tree_.node_count, wide.shape[1]))
    np.add.at(sums, leaves, wide)
    means: npt.NDArray[np.float64] = ((sums + overall) / (counts + 1))[tree.apply(test)]
    return means


def _as_column(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """One feature for a tree, with what is missing below all else."""
    known = np.where(np.isfinite(values), values, -_LARGEST).astype(np.float64)
    return known.clip(-_LARGEST, _LARGEST)[:, None]


def _drawn_classes(shares: npt.NDArray[np.float64], X: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """A class for each row, drawn with the classes' shares; it depends on what the row holds alone."""
    codes = np.searchsorted(np.cumsum(shares), _uniform(X, 1)[:, 0], side="right")
    return np.asarray(np.minimum(codes, np.flatnonzero(shares)[-1]), np.int64)


def _uniform(X: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.float64]:
    """So many numbers between 0 and 1 for each row (m, count), the same wherever the row stands."""
    words = np.add(hash_features(X)[:, None], np.arange(1, count + 1, dtype=np.uint64), dtype=np.uint64)
    return np.asarray(mix(words) / 2.0**64, np.float64)


def _linear(
    encoding: LabelEncoding,
    X_train: npt.NDArray[np.floating],
    y_train: npt.NDArray[np.number],
    X_test: npt.NDArray[np.floating],
) -> npt.NDArray[np.float64]:
    """Probabilities (m, classes) or numbers (m, 1)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    learned = y_train.astype(np.float64) if encoding.is_number else y_train.astype(np.int64)
    classifier = LogisticRegression(max_iter=1000, random_state=0)
    estimator = Ridge(random_state=0) if encoding.is_number else classifier
    if encoding.task == "multilabel":
        from tilth.training.per_label import PerLabel

        estimator = PerLabel(classifier)
    means, scale = _standard(X_train)
    with warnings.catch_warnings():
        # A baseline is what is found in a thousand steps; that more would find a little more is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = fit_estimator(estimator, _standardized(X_train, means, scale), learned)
    pieces = (X_test[start : start + _PIECE] for start in range(0, len(X_test), _PIECE))
    classes = len(encoding.classes)
    found = [outputs_of(fitted, _standardized(piece, means, scale), classes) for piece in pieces]
    return np.concatenate([np.empty((0, classes or 1)), *found])


def _standard(X: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and deviation of each feature where it is finite; 1 for a deviation of 0."""
    means, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    for at, column in enumerate(X.T):
        # Sums in sorted order do not depend on the order of rows.
        known = np.sort(column[np.isfinite(column)].astype(np.float64))
        if len(known):
            means[at] = known.sum() / len(known)
            scale[at] = np.sqrt(((known - means[at]) ** 2).sum() / len(known)) or 1.0
    return means, scale


def _standardized(
    X: npt.NDArray[np.floating], means: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Features at mean 0 and deviation 1 of the training rows; what is missing or infinite becomes 0."""
    known = np.where(np.isfinite(X), X, np.nan).astype(np.float64)
    known -= means
    known /= scale
    return np.nan_to_num(known, copy=False, nan=0.0)
