"""TargetSums: how many rows each value of a category has in each fold, and the sum of their labels."""

from __future__ import annotations

from typing import Self

import numpy as np

from tilth.sketches import GroupedSums, KeyNumbers

__all__ = ["FOLDS", "TargetSums"]

FOLDS = 5
"""Into how many folds the training rows are dealt."""


class TargetSums:
    """Exact counts and label sums by value and fold.

    Example:
        >>> sums = TargetSums()
        >>> texts, labels = np.array(["a", "b", "a"], dtype=object), np.array([[1.0], [0.0], [0.0]])
        >>> sums.update(texts, labels, np.array([0, 1, 1]))
        >>> keys, counts, totals = sums.tables()
        >>> keys, counts[:, :2].tolist(), [units[0] / 2**1074 for units in totals[0]]
        (['a', 'b'], [[1, 1], [0, 1]], [1.0, 0.0])
    """

    needs_label = True

    def __init__(self) -> None:
        self.keys = KeyNumbers()
        self._counts = np.zeros((0, FOLDS), dtype=np.int64)
        self._sums: list[GroupedSums] = []

    @property
    def is_full(self) -> bool:
        """Whether there were too many different values."""
        return self.keys.is_full

    def update(self, texts: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> None:
        """Take in rows.

        Args:
            texts: objects, shape (n,); "" is a value like any other.
            labels: float64, shape (n, k).
            folds: int64, shape (n,), 0 to `FOLDS` - 1.
        """
        self._have(labels.shape[1])
        groups = self.keys.of(texts) * FOLDS + folds
        if self._grown():
            size = len(self.keys) * FOLDS
            self._counts += np.bincount(groups, minlength=size).reshape(-1, FOLDS)
            for column, sums in enumerate(self._sums):
                sums.add(groups, np.ascontiguousarray(labels[:, column]), size)

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; it is not to be used any more."""
        self._have(len(other._sums))
        numbers = self.keys.numbers(other.keys.texts)
        self.keys.is_full = self.keys.is_full or other.keys.is_full
        if self._grown():
            self._counts[numbers] += other._counts
            places = (numbers[:, None] * FOLDS + np.arange(FOLDS)).ravel()
            for mine, theirs in zip(self._sums, other._sums, strict=True):
                mine.merge(theirs, places, len(self.keys) * FOLDS)

    def _have(self, labels: int) -> None:
        self._sums += [GroupedSums() for _ in range(labels - len(self._sums))]

    def _grown(self) -> bool:
        """Make room for new keys; says whether anything is kept at all."""
        if self.is_full:
            self._counts = np.zeros((0, FOLDS), dtype=np.int64)
            self._sums = [GroupedSums() for _ in self._sums]
            return False
        more = len(self.keys) - len(self._counts)
        self._counts = np.concatenate([self._counts, np.zeros((more, FOLDS), dtype=np.int64)])
        return True

    def tables(self) -> tuple[list[str], np.ndarray, list[list[list[int]]]]:
        """What was seen.

        Returns:
            The values in order; how many rows each has in each fold, int64 (values, folds); and for each
            column of the label the sums of each value in each fold, in units of 2**-1074.
        """
        texts = self.keys.texts
        order = sorted(range(len(texts)), key=texts.__getitem__)
        found = []
        for sums in self._sums:
            units = sums.units(len(texts) * FOLDS)
            found.append([units[place * FOLDS : (place + 1) * FOLDS] for place in order])
        return [texts[place] for place in order], self._counts[order], found
