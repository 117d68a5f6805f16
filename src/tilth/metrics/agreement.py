"""Agreement of what is true and what is said beyond chance: Cohen's kappa and Matthews' coefficient."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate

__all__ = ["cohen_kappa", "matthews"]

Floats = npt.NDArray[np.float64]

_Z = 1.959963984540054


def cohen_kappa(weights: Floats, squares: Floats) -> Estimate:
    """(observed - expected agreement) / (1 - expected agreement) (Cohen 1960), -1 to 1.

    Undefined where all that is true and all that is said is one class. The interval is the delta method's
    (Fleiss, Cohen and Everitt 1969); there is none for perfect agreement.

    Args:
        weights: (c, c), the sum of weights by true class (down) and said class (across).
        squares: (c, c), the sums of squared weights; equal to `weights` when every row weighs 1.

    Example:
        >>> counts = np.array([[20.0, 5.0], [10.0, 15.0]])
        >>> print(cohen_kappa(counts, counts))
        0.4 [0.1511, 0.6489]
    """
    if not weights.sum():
        return UNDEFINED
    shares, true, said = _margins(weights)
    observed, expected = float(np.trace(shares)), float((true * said).sum())
    if np.count_nonzero(true) == 1 and np.array_equal(true > 0, said > 0):
        return UNDEFINED
    slopes = np.eye(len(true)) * (1 - expected) - (1 - observed) * (said[:, None] + true[None, :])
    return _delta((observed - expected) / (1 - expected), slopes / (1 - expected) ** 2, weights, squares)


def matthews(weights: Floats, squares: Floats) -> Estimate:
    """The correlation of truth and prediction as classes (Matthews 1975; Gorodkin 2004 for several), -1 to 1.

    Undefined where only one class is true, or only one is said. The interval is the delta method's; there is
    none for perfect predictions.

    Args:
        weights: (c, c), as for `cohen_kappa`.
        squares: (c, c), likewise.

    Example:
        >>> counts = np.array([[20.0, 5.0], [10.0, 15.0]])
        >>> print(matthews(counts, counts))
        0.4082 [0.1584, 0.6581]
    """
    if not weights.sum():
        return UNDEFINED
    shares, true, said = _margins(weights)
    if min(np.count_nonzero(true), np.count_nonzero(said)) == 1:
        return UNDEFINED
    spreads = 1 - float((true**2).sum()), 1 - float((said**2).sum())
    root = math.sqrt(spreads[0] * spreads[1])
    covariance = float(np.trace(shares)) - float((true * said).sum())
    slopes = np.eye(len(true)) - said[:, None] - true[None, :]
    slopes += covariance * (true[:, None] / spreads[0] + said[None, :] / spreads[1])
    return _delta(covariance / root, slopes / root, weights, squares)


def _margins(weights: Floats) -> tuple[Floats, Floats, Floats]:
    """The shares of all cells, of true classes and of said classes."""
    shares = weights / weights.sum()
    return shares, shares.sum(axis=1), shares.sum(axis=0)


def _delta(value: float, slopes: Floats, weights: Floats, squares: Floats) -> Estimate:
    total = float(weights.sum())
    mean = float((weights * slopes).sum()) / total
    variance = float((squares * (slopes - mean) ** 2).sum()) / total**2
    if variance <= 1e-30:
        return Estimate(value)
    half = _Z * math.sqrt(variance)
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half))
