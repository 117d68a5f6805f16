"""Logistic regression of two classes by Newton's method, for thousands of small fits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["fit_logistic", "sigmoid"]

Floats = npt.NDArray[np.float64]

_STEPS = 50
_HALVINGS = 20
_NEAR = 1e-6


def fit_logistic(X: Floats, y: Floats) -> Floats:
    """The constant and the weights that minimize the log loss plus half the sum of the squared weights.

    That is scikit-learn's `LogisticRegression()`, in which looking at arguments takes longer than computing
    where rows are few. Newton's method, halving steps that do not help (Hastie, Tibshirani, Friedman: The
    Elements of Statistical Learning, 2009, section 4.4.1).

    Args:
        X: (n, k), finite, at mean 0 and deviation 1 or so.
        y: (n,), 0 or 1.

    Returns:
        (k + 1,), the constant first.

    Example:
        >>> weights = fit_logistic(np.array([[-1.0], [0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0, 1.0]))
        >>> weights.round(3).tolist()
        [-0.226, 0.453]
    """
    A = np.empty((len(X), X.shape[1] + 1))
    A[:, 0], A[:, 1:] = 1.0, X
    penalty = np.ones(A.shape[1])
    penalty[0] = 0.0
    weights = np.zeros(A.shape[1])
    margins = np.zeros(len(A))
    loss = _loss(margins, y, weights)
    for _ in range(_STEPS):
        shares = sigmoid(margins)
        slope = A.T @ (shares - y) + penalty * weights
        if np.abs(slope).max() <= _NEAR * len(A):
            break
        bend = (A * (shares * (1 - shares))[:, None]).T @ A
        bend.flat[:: len(bend) + 1] += penalty + 1e-12
        step = np.linalg.solve(bend, slope)
        moved = A @ step
        for _ in range(_HALVINGS):
            lower = _loss(margins - moved, y, weights - step)
            if lower <= loss:
                break
            step, moved = step / 2, moved / 2
        else:
            break
        weights, margins, loss = weights - step, margins - moved, lower
    return weights


def sigmoid(margins: Floats) -> Floats:
    """1 / (1 + exp(-margin)), without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * margins)


def _loss(margins: Floats, y: Floats, weights: Floats) -> float:
    return float(np.logaddexp(0.0, margins).sum() - y @ margins + 0.5 * (weights[1:] @ weights[1:]))
