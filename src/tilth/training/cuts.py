"""Cuts: all thresholds that make a difference on some rows of two classes, and what each would say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.metrics import ConfusionMatrix

__all__ = ["Cuts"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cuts:
    """The k + 1 ways in which a threshold can part k distinct scores: number i calls the i greatest positive.

    Args:
        scores: (k,), the distinct scores, falling.
        true: (k + 1,), the weight of the true positives of each cut.
        false: (k + 1,), that of the false positives.
        squares: (k + 1, 2), the sums of squared weights of both.
        rows: how many rows there are.

    Example:
        >>> cuts = Cuts.of(np.array([0.2, 0.8, 0.8]), np.array([0, 0, 1]), np.ones(3))
        >>> cuts.precision().tolist(), cuts.threshold(1), cuts.threshold(2)
        ([nan, 0.5, 0.3333333333333333], 0.5, 0.1)
    """

    scores: Floats
    true: Floats
    false: Floats
    squares: Floats
    rows: int

    @classmethod
    def of(cls, scores: Floats, truth: npt.NDArray[np.int64], weights: Floats) -> Cuts:
        """The cuts of n rows, one at least.

        Args:
            scores: (n,), from 0 to 1.
            truth: (n,), 0 or 1.
            weights: (n,), above 0.
        """
        distinct, group = np.unique(-scores, return_inverse=True)

        def sums(of: Floats, wanted: int) -> Floats:
            found = np.bincount(group, np.where(truth == wanted, of, 0.0), minlength=len(distinct))
            return np.concatenate([[0.0], np.cumsum(found)])

        squares = np.stack([sums(weights**2, 1), sums(weights**2, 0)], axis=1)
        return cls(-distinct, sums(weights, 1), sums(weights, 0), squares, len(scores))

    @property
    def positive(self) -> float:
        """The weight of the positive rows."""
        return float(self.true[-1])

    @property
    def negative(self) -> float:
        """The weight of the negative rows."""
        return float(self.false[-1])

    @property
    def size(self) -> float:
        """The effective number of rows (Kish 1965)."""
        return (self.positive + self.negative) ** 2 / float(self.squares[-1].sum())

    def precision(self) -> Floats:
        """Of each cut (k + 1,); NaN where nothing is said to be positive."""
        said = self.true + self.false
        return np.where(said > 0, self.true / np.where(said > 0, said, 1.0), np.nan)

    def recall(self) -> Floats:
        """Of each cut (k + 1,); there must be a positive row."""
        return np.asarray(self.true / self.positive, np.float64)

    def f1(self) -> Floats:
        """Of each cut (k + 1,); there must be a positive row."""
        return np.asarray(2 * self.true / (self.true + self.false + self.positive), np.float64)

    def worth(self, values: Floats) -> Floats:
        """The summed value of each cut's answers (k + 1,), given values (2, 2) by true and said class."""
        said = self.true * values[1, 1] + self.false * values[0, 1]
        unsaid = (self.positive - self.true) * values[1, 0] + (self.negative - self.false) * values[0, 0]
        return np.asarray(said + unsaid, np.float64)

    def roomiest(self, among: npt.NDArray[np.bool_]) -> int:
        """Of some cuts the one between the scores that are farthest apart, the highest of those that tie."""
        ends = self._ends()
        return int(np.argmax(np.where(among, ends[:-1] - ends[1:], -np.inf)))

    def threshold(self, cut: int) -> float:
        """The middle of the room of a cut; a score above it is positive."""
        ends = self._ends()
        return float((ends[cut] + ends[cut + 1]) / 2)

    def matrix(self, cut: int) -> ConfusionMatrix:
        """What a cut's answers amount to."""
        true, false, squares = self.true[cut], self.false[cut], self.squares
        weights = (self.negative - false, false, self.positive - true, true)
        rest = squares[-1] - squares[cut]
        spread = (rest[1], squares[cut, 1], rest[0], squares[cut, 0])
        return ConfusionMatrix(tuple(map(float, weights)), tuple(map(float, spread)))

    def _ends(self) -> Floats:
        """What lies on both sides of each cut (k + 2,): the scores, and beyond them 1 and 0, or what serves.

        Above a score of 1 nothing is needed, since a score must exceed the threshold; below one of 0 a
        negative threshold is.
        """
        return np.concatenate([[1.0], self.scores, [0.0 if self.scores[-1] > 0 else -1.0]])
