"""An order of training rows that depends on their contents only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["canonical_order", "hash_features", "hash_rows"]

_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_STEP = 0x9E3779B97F4A7C15

_ROWS = 8_192
"""Rows hashed at once: what is computed for one column of them then stays in the processor's cache."""


def canonical_order(
    X: npt.NDArray[np.floating],
    y: npt.NDArray[np.number],
    weights: npt.NDArray[np.floating] | None = None,
    *,
    hashes: npt.NDArray[np.uint64] | None = None,
) -> npt.NDArray[np.int64]:
    """Positions that put rows into one shuffled order, whatever order they came in.

    Estimators sum and sample in the order of rows; in this order they learn the same model, bit for bit, from
    the same rows however these were stored. Rows are sorted by a 64-bit hash (the mixing of SplitMix64); rows
    of one hash are alike.

    Args:
        X: (n, f), the features.
        y: (n,), the labels; of several labels (n, k).
        weights: (n,), how much each row counts.
        hashes: (n,), what `hash_features` gives for X, if that is known.

    Example:
        >>> X, y = np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 0])
        >>> X[canonical_order(X, y)].tolist() == X[::-1][canonical_order(X[::-1], y[::-1])].tolist()
        True
    """
    found = hash_features(X) if hashes is None else hashes.copy()
    labels = (y,) if y.ndim == 1 else tuple(y.T)
    for at, column in enumerate(labels if weights is None else (*labels, weights), X.shape[1]):
        found = _with_column(found, at, column)
    return np.argsort(found, kind="stable")


def hash_features(X: npt.NDArray[np.floating]) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each row of features (n, f), the same wherever the row stands.

    Numbers of single precision are taken two at a time.

    Example:
        >>> one, other, again = hash_features(np.array([[1.0, 2.0, -0.0], [3.0, 4.0, 0.0], [1.0, 2.0, 0.0]]))
        >>> bool(one == again), bool(one == other)
        (True, False)
    """
    found = np.zeros(len(X), np.uint64)
    for start in range(0, len(X), _ROWS):
        for at, words in enumerate(_words(X[start : start + _ROWS])):
            found[start : start + _ROWS] = _with_words(found[start : start + _ROWS], at, words)
    return found


def _words(piece: npt.NDArray[np.floating]) -> npt.NDArray[np.uint64]:
    """(words of a row, n), the bits of the features; -0 is 0."""
    kind = np.float32 if piece.dtype == np.float32 else np.float64
    numbers = np.zeros((len(piece), piece.shape[1] + (kind == np.float32) * piece.shape[1] % 2), kind)
    np.add(piece, kind(0), out=numbers[:, : piece.shape[1]])
    return np.ascontiguousarray(numbers.view(np.uint64).T)


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
        hashes = _with_column(hashes, at, column)
    return hashes


def _with_column(
    hashes: npt.NDArray[np.uint64], at: int, column: npt.NDArray[np.number]
) -> npt.NDArray[np.uint64]:
    return _with_words(hashes, at, (np.asarray(column, np.float64) + 0.0).view(np.uint64))


def _with_words(
    hashes: npt.NDArray[np.uint64], at: int, words: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    mixed = _mix(words + np.uint64(_STEP * (at + 1) % 2**64))
    mixed ^= hashes
    return _mix(mixed)


def _mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    found = words >> np.uint64(30)
    found ^= words
    found *= _MULTIPLIER
    shifted = found >> np.uint64(27)
    found ^= shifted
    found *= _SECOND
    np.right_shift(found, np.uint64(31), out=shifted)
    found ^= shifted
    return found
