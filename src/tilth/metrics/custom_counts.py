"""What metrics of one's own are functions of: for each task the sums that rows come down to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "BinaryCounts",
    "ClassCounts",
    "Counts",
    "GroupCounts",
    "LabelCounts",
    "NumberCounts",
    "RankedRows",
]

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BinaryCounts:
    """Rows of two classes.

    Args:
        tn, fp, fn, tp: sums of weights, the numbers of rows where all weigh 1.
        scores: (k,), the distinct scores, ascending; empty where not every row has one.
        negatives: (k,), the weight of negatives at each score.
        positives: (k,), that of positives.

    Example:
        >>> def cost(counts: BinaryCounts) -> float:
        ...     return 5 * counts.fn + counts.fp
        >>> nothing = np.empty(0)
        >>> cost(BinaryCounts(905.0, 9.0, 18.0, 68.0, nothing, nothing, nothing))
        99.0
    """

    tn: float
    fp: float
    fn: float
    tp: float
    scores: Floats
    negatives: Floats
    positives: Floats

    @property
    def rows(self) -> float:
        """The sum of all weights."""
        return self.tn + self.fp + self.fn + self.tp


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Rows of one of several classes.

    Args:
        classes: their names.
        confusion: (c, c), the sum of weights by true class (down) and said class (across).
    """

    classes: tuple[str, ...]
    confusion: Floats

    @property
    def rows(self) -> float:
        """The sum of all weights."""
        return float(self.confusion.sum())


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """The distinct rows of several labels.

    Args:
        labels: their names.
        truth: (k, c), which labels a row has.
        said: (k, c), which are said of it.
        weights: (k,), how often such a row comes, by weight.
    """

    labels: tuple[str, ...]
    truth: Booleans
    said: Booleans
    weights: Floats

    @property
    def rows(self) -> float:
        """The sum of all weights."""
        return float(self.weights.sum())


@dataclass(frozen=True, eq=False)
class NumberCounts:
    """The distinct pairs of a number and what was predicted, sorted.

    Args:
        labels: (k,), the true numbers.
        predictions: (k,), the predicted ones.
        weights: (k,), how often such a pair comes, by weight.

    Example:
        >>> found = NumberCounts(np.array([1.0, 2.0]), np.array([2.0, 2.0]), np.array([3.0, 1.0]))
        >>> float(np.average(found.predictions > found.labels, weights=found.weights))
        0.75
    """

    labels: Floats
    predictions: Floats
    weights: Floats

    @property
    def rows(self) -> float:
        """The sum of all weights."""
        return float(self.weights.sum())


@dataclass(frozen=True, eq=False)
class RankedRows:
    """The rows of one group, the greatest prediction first; of those that tie the least relevant first.

    Args:
        labels: (m,), how relevant each is.
        predictions: (m,), what they are ranked by.
    """

    labels: Floats
    predictions: Floats


@dataclass(frozen=True, eq=False)
class GroupCounts:
    """The groups of a ranking.

    Args:
        groups: the rows of each, g groups.
        weights: (g,), how much each group counts: 1, and other numbers where groups are drawn anew.
    """

    groups: tuple[RankedRows, ...]
    weights: Floats

    @property
    def rows(self) -> float:
        """How many rows there are in all groups."""
        return float(sum(weight * len(g.labels) for g, weight in zip(self.groups, self.weights, strict=True)))


Counts = BinaryCounts | ClassCounts | LabelCounts | NumberCounts | GroupCounts
"""What a metric of one's own gets, by task."""
