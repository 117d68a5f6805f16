"""Embedded methods: what a model that has learned from all columns makes of each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.training.estimators import make_estimator
from tilth.training.fitting import fit_estimator
from tilth.training.selection.filters import best_of
from tilth.training.selection.models import Learner, losses
from tilth.training.selection.training import INNER_FOLDS, TrainingRows

__all__ = ["lasso", "permutation_importance", "tree_importance"]

Floats = npt.NDArray[np.float64]

_TREES = 50
_PENALTIES = 40
_LEAST_PENALTY = 1e-3


def tree_importance(rows: TrainingRows) -> Floats:
    """The share of the gain of 50 boosted trees (LightGBM) that is due to each candidate's features.

    Returns:
        (c,), adding up to 1; NaN for a candidate that does not vary.
    """
    used = rows.features_of(rows.usable)
    parameters = {"n_estimators": _TREES, "importance_type": "gain"}
    made = make_estimator("lightgbm", parameters, task=rows.task, seed=rows.seed)
    fitted = fit_estimator(made, rows.X[:, used].astype(np.float32), rows.labels)  # type: ignore[arg-type]
    gains = np.zeros(len(rows.Z[0]))
    gains[used] = fitted.feature_importances_  # type: ignore[attr-defined]
    whole = gains.sum() or 1.0
    found = np.full(len(rows.groups), np.nan)
    for at in rows.usable:
        found[at] = gains[rows.groups[at]].sum() / whole
    return found


def lasso(rows: TrainingRows) -> Floats:
    """The greatest L1 penalty, as a share of that which leaves nothing, at which a feature has a weight.

    The least squares regression of the label, classes as columns of 0 and 1, with an L1 penalty (Tibshirani
    1996) on 40 penalties down to a thousandth, by coordinate descent. Candidates that enter at the same
    penalty are told apart by the size of their weights at the least one.

    Returns:
        (c,), in [0, 1]; 0 for one that never enters, NaN for a candidate that does not vary.
    """
    from sklearn.linear_model import lasso_path

    used = rows.features_of(rows.usable)
    products, toward = np.ascontiguousarray(rows.gram[np.ix_(used, used)]), rows.toward[used]
    entered, size = np.zeros(len(used)), np.zeros(len(used))
    shares = np.geomspace(1.0, _LEAST_PENALTY, _PENALTIES)
    for column in range(toward.shape[1]):
        greatest = float(np.abs(toward[:, column]).max())
        if not greatest:
            continue
        _, weights, _ = lasso_path(
            rows.Z[:, used],
            rows.targets[:, column],
            alphas=greatest * shares,
            precompute=products * rows.rows,
            Xy=np.ascontiguousarray(toward[:, column] * rows.rows),
            tol=1e-3,
            max_iter=200,
        )
        there = weights != 0
        first = np.where(there.any(axis=1), shares[there.argmax(axis=1)], 0.0)
        entered, size = np.maximum(entered, first), np.maximum(size, np.abs(weights[:, -1]))
    # Less than a step between two penalties.
    scores = entered * (1 + 1e-3 * size / max(float(size.max()), 1e-300)) / (1 + 1e-3)
    wide = np.zeros(len(rows.Z[0]))
    wide[used] = scores
    return best_of(rows, wide)


def permutation_importance(rows: TrainingRows, learner: Learner, candidates: list[int]) -> Floats:
    """How much worse the estimator does on held-out rows when a candidate's features are shuffled there.

    The estimator learns from two of three folds of the training rows and is tried on the third; all features
    of a candidate are shuffled together (Breiman 2001). Worse is by squared error, see `losses`.

    Args:
        rows: the training rows.
        learner: the estimator.
        candidates: which to look at.

    Returns:
        (c,), near 0 where nothing is lost; NaN for all others.
    """
    found = np.full(len(rows.groups), np.nan)
    used = rows.features_of(candidates)
    if not len(used):
        return found
    found[candidates] = 0.0
    for fold in range(INNER_FOLDS):
        held = rows.folds == fold
        fitted = learner.fit(rows.X[~held], rows.labels[~held], used)
        X, labels = rows.X[held], rows.labels[held]
        base = losses(fitted.outputs(X), labels, rows.task)
        shuffled = np.random.default_rng((rows.seed, fold)).permutation(len(X))
        for at in candidates:
            mixed = X.copy()
            mixed[:, rows.groups[at]] = X[np.ix_(shuffled, rows.groups[at])]
            found[at] += float((losses(fitted.outputs(mixed), labels, rows.task) - base).sum()) / rows.rows
    return found
