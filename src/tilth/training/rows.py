"""Rows: what an estimator learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from tilth.training.order import canonical_order
from tilth.training.stored import MOST_BYTES, gathered

__all__ = ["Floats", "Labels", "Rows"]

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """Features and labels of n rows.

    Args:
        X: (n, f) float32, the features.
        y: (n,), codes of classes or numbers; for several labels a row (n, classes), 0 or 1.
        weights: (n,), how much each row counts, 0 or more; None: all alike.
        groups: (n,), for ranking: rows of one number are ranked together.
        hashes: (n,), what `hash_features` gives for X, where that is known.
        folder: where features too large for memory are kept; None: all are kept in memory.

    Example:
        >>> rows = Rows(np.array([[1.0], [2.0], [3.0]], np.float32), np.array([0, 1, 0]))
        >>> rows.take(np.array([2, 0])).X.tolist()
        [[3.0], [1.0]]
    """

    X: Floats
    y: Labels
    weights: npt.NDArray[np.float64] | None = None
    groups: npt.NDArray[np.int64] | None = None
    hashes: npt.NDArray[np.uint64] | None = None
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, positions: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Self:
        """The rows at some positions, or where a mask is true."""
        return replace(
            self,
            X=self._features(positions),
            y=self.y[positions],
            weights=None if self.weights is None else self.weights[positions],
            groups=None if self.groups is None else self.groups[positions],
            hashes=None if self.hashes is None else self.hashes[positions],
        )

    def order(self) -> npt.NDArray[np.int64]:
        """Positions that put the rows into one order, whatever order they came in: see `canonical_order`.

        Rows of one group come one after the other.
        """
        order = canonical_order(self.X, self.y, self.weights, hashes=self.hashes)
        if self.groups is None:
            return order
        return order[np.argsort(self.groups[order], kind="stable")]

    def some(self, most: int) -> Self:
        """So many of the rows at most, drawn by what they are and not by where they stand.

        Example:
            >>> rows = Rows(np.arange(9, dtype=np.float32)[:, None], np.zeros(9, np.int64))
            >>> backwards = rows.take(np.arange(9)[::-1])
            >>> sorted(rows.some(3).X.ravel()) == sorted(backwards.some(3).X.ravel())
            True
        """
        return self if len(self) <= most else self.take(np.sort(self.order()[:most]))

    def _features(self, positions: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Floats:
        wanted = int(positions.sum()) if positions.dtype == np.bool_ else len(positions)
        if self.folder is None or wanted * self.X.shape[1] * 4 <= MOST_BYTES:
            return self.X[positions]
        places = np.flatnonzero(positions) if positions.dtype == np.bool_ else positions.astype(np.int64)
        return gathered(self.X, places, self.folder)
