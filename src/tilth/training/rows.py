"""Rows: what an estimator learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

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

    Example:
        >>> rows = Rows(np.array([[1.0], [2.0], [3.0]], np.float32), np.array([0, 1, 0]))
        >>> rows.take(np.array([2, 0])).X.tolist()
        [[3.0], [1.0]]
    """

    X: Floats
    y: Labels
    weights: npt.NDArray[np.float64] | None = None
    groups: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, positions: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Self:
        """The rows at some positions, or where a mask is true."""
        return replace(
            self,
            X=self.X[positions],
            y=self.y[positions],
            weights=None if self.weights is None else self.weights[positions],
            groups=None if self.groups is None else self.groups[positions],
        )
