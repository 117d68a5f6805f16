"""Weights of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError

__all__ = ["as_weights", "effective_size"]


def as_weights(weights: npt.NDArray[np.float64] | None, rows: int) -> npt.NDArray[np.float64]:
    """The weights of rows, 1 each when none are given.

    Raises:
        UsageError: a weight that is negative, infinite or missing, or not one for each row.

    Example:
        >>> as_weights(None, 2)
        array([1., 1.])
    """
    if weights is None:
        return np.ones(rows)
    given = np.asarray(weights, np.float64)
    if given.shape != (rows,) or not np.all(np.isfinite(given)) or np.any(given < 0):
        raise UsageError("weights that cannot be used", expected=f"{rows} finite numbers of at least 0")
    return given


def effective_size(weights: npt.NDArray[np.float64], counts: npt.NDArray[np.number]) -> float:
    """How many rows of equal weight say as much (Kish 1965); 0 without any.

    Args:
        weights: (k,), the distinct weights.
        counts: (k,), how many rows have each.

    Example:
        >>> effective_size(np.array([1.0, 3.0]), np.array([3, 1]))
        3.0
    """
    squares = float((weights**2 * counts).sum())
    return float((weights * counts).sum()) ** 2 / squares if squares else 0.0
