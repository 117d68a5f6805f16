"""An order of training rows that depends on their contents only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["canonical_order", "hash_rows"]

_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_STEP = 0x9E3779B97F4A7C15


def canonical_order(
    X: npt.NDArray[np.floating], y: npt.NDArray[np.number], weights: npt.NDArray[np.floating] | None = None
) -> npt.NDArray[np.int64]:
    """Positions that put rows into one shuffled order, whatever order they came in.

    Estimators sum and sample in the order of rows; in this order they learn the same model, bit for bit, from
    the same rows however these were stored. Rows are sorted by a 64-bit hash (the mixing of SplitMix64); rows
    of one hash are alike.

    Args:
        X: (n, f), the features.
        y: (n,), the labels.
        weights: (n,), how much each row counts.

    Example:
        >>> X, y = np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 0])
        >>> X[canonical_order(X, y)].tolist() == X[::-1][canonical_order(X[::-1], y[::-1])].tolist()
        True
    """
    hashes = hash_rows((*X.T, y) if weights is None else (*X.T, y, weights), len(y))
    return np.argsort(hashes, kind="stable")


def hash_rows(columns: Sequence[npt.NDArray[np.number]], rows: int) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row over some columns of numbers, the same wherever the row stands.

    Args:
        columns: (n,) each.
        rows: n.

    Example:
        >>> one, other, again = hash_rows([np.array([1.0, 2.0, 1.0])], 3)
        >>> bool(one == again), bool(one == other)
        (True, False)
    """
    hashes = np.zeros(rows, np.uint64)
    for at, column in enumerate(columns):
        bits = (np.asarray(column, np.float64) + 0.0).view(np.uint64)
        hashes = _mix(hashes ^ _mix(bits + np.uint64(_STEP * (at + 1) % 2**64)))
    return hashes


def _mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * _MULTIPLIER
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))
