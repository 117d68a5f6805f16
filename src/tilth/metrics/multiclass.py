"""MulticlassStatistics: everything that is measured of a prediction among several classes, mergeable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError
from tilth.metrics.agreement import cohen_kappa, matthews
from tilth.metrics.confusion import ConfusionMatrix
from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import average, mean, share
from tilth.metrics.tally import Tally
from tilth.metrics.weights import as_weights

__all__ = ["MulticlassStatistics"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
_BY_CLASS = ("precision", "recall", "f1", "specificity", "prevalence")
_AVERAGED = ("precision", "recall", "f1")
_TOP = (2, 3)


class MulticlassStatistics:
    """Counts from which all metrics over several classes follow, whatever the order in which rows arrived.

    Args:
        names: the classes' names; rows speak of classes by their position here.

    Example:
        >>> statistics = MulticlassStatistics(["cat", "dog", "owl"])
        >>> statistics.update(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]))
        >>> print(statistics.metrics()["accuracy"], "|", statistics.metrics()["recall.owl"])
        0.75 [0.3006, 0.9544] | 0.5 [0.09453, 0.9055]
    """

    __slots__ = ("_cells", "_places", "_probabilities", "names", "rows", "scored_rows")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.rows = 0
        self.scored_rows = 0
        self._cells = Tally(1, len(self.names) ** 2, rounded=(0,))
        self._probabilities = Tally(2, 1, rounded=(0, 1))
        self._places = Tally(2, 1, rounded=(1,))

    def update(
        self,
        labels: Integers,
        predictions: Integers,
        *,
        probabilities: Floats | None = None,
        weights: Floats | None = None,
    ) -> None:
        """Count rows.

        Args:
            labels: (n,), the true class's position.
            predictions: (n,), the predicted class's position.
            probabilities: (n, c), the probability of each class; no NaN.
            weights: (n,), at least 0; default: 1 each.
        """
        truth = np.asarray(labels, np.int64)
        weighed = as_weights(weights, len(truth))
        self.rows += len(truth)
        self._cells.add(weighed[:, None], truth * len(self.names) + np.asarray(predictions, np.int64))
        if probabilities is not None:
            self.scored_rows += len(truth)
            shares, nothing = np.asarray(probabilities, np.float64), np.zeros(len(truth), np.int64)
            of_truth = shares[np.arange(len(truth)), truth]
            self._probabilities.add(np.column_stack((of_truth, weighed)), nothing)
            self._places.add(np.column_stack((_place(shares, of_truth), weighed)), nothing)

    def merge(self, other: MulticlassStatistics) -> None:
        """Add the rows that another one has counted.

        Raises:
            UsageError: it counted other classes.
        """
        if other.names != self.names:
            raise UsageError("statistics of different classes cannot be merged", expected=str(self.names))
        self.rows += other.rows
        self.scored_rows += other.scored_rows
        self._cells.merge(other._cells)
        self._probabilities.merge(other._probabilities)
        self._places.merge(other._places)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MulticlassStatistics):
            return NotImplemented
        counted = (self.names, self.rows, self.scored_rows) == (other.names, other.rows, other.scored_rows)
        scored = self._probabilities == other._probabilities and self._places == other._places
        return counted and scored and self._cells == other._cells

    __hash__ = None  # type: ignore[assignment]

    @property
    def confusion(self) -> list[list[int]]:
        """Rows by true class (down) and predicted class (across), weights aside."""
        size = len(self.names)
        counts: list[list[int]] = self._cells.counts.sum(axis=0).reshape(size, size).tolist()
        return counts

    @property
    def class_rows(self) -> dict[str, int]:
        """How many rows each class has, weights aside."""
        return dict(zip(self.names, map(sum, self.confusion), strict=True))

    def metrics(self) -> dict[str, Estimate]:
        """All metrics by name; those of one class are called "recall.NAME".

        Macro averages are over the classes that occur (as label or prediction); they are undefined when the
        quantity is undefined for one of those. Weighted averages are over the classes that occur as labels,
        each as often as it does; weighted recall is the accuracy, and so are micro-averaged precision, recall
        and F1, since a row has one class and is told one. Balanced accuracy averages recall over the classes
        that occur as labels. `top_2_accuracy` is the share of rows whose class is among the two most probable
        ones; classes that tie are taken as in random order. The intervals of averages take the classes as
        independent.
        """
        weights = self._cells.keys
        size = len(self.names)
        sums = (weights * self._cells.counts).sum(axis=0).reshape(size, size)
        squares = (weights**2 * self._cells.counts).sum(axis=0).reshape(size, size)
        each = [_one_against_rest(sums, squares, at) for at in range(size)]
        by_class = [ConfusionMatrix(w, q).metrics() for w, q in each]
        seen = [m for m, (w, _) in zip(by_class, each, strict=True) if sum(w[1:])]
        labeled = [m for m in by_class if m["recall"].value is not None]
        whole = ConfusionMatrix(*_hits_and_misses(sums, squares)).metrics()
        return {
            "accuracy": whole["accuracy"],
            "balanced_accuracy": average([m["recall"] for m in labeled]),
            **{f"macro_{name}": average([m[name] for m in seen]) for name in _AVERAGED},
            **{f"weighted_{name}": _weighted(labeled, name) for name in _AVERAGED},
            "weighted_recall": whole["accuracy"],
            "mcc": matthews(sums, squares),
            "cohen_kappa": cohen_kappa(sums, squares),
            **{f"top_{k}_accuracy": self._top_accuracy(k) for k in _TOP},
            "log_loss": self._log_loss(),
            **{
                f"{name}.{label}": m[name]
                for label, m in zip(self.names, by_class, strict=True)
                for name in _BY_CLASS
            },
        }

    def _top_accuracy(self, k: int) -> Estimate:
        if not self.scored_rows or self.scored_rows < self.rows:
            return UNDEFINED
        places, weights = self._places.keys.T
        counts = self._places.counts[:, 0]
        weighed, squares = weights * counts, weights**2 * counts
        total = float(weighed.sum())
        if total == 0:
            return UNDEFINED
        ties = len(self.names) + 1
        hits = np.clip((k - places // ties) / np.maximum(places % ties, 1), 0.0, 1.0)
        value = min(1.0, float((weighed * hits).sum()) / total)
        variance = float((squares * (hits - value) ** 2).sum()) / total**2
        return share(value, variance, total**2 / float(squares.sum()))

    def _log_loss(self) -> Estimate:
        if not self.scored_rows or self.scored_rows < self.rows:
            return UNDEFINED
        probabilities, weights = self._probabilities.keys.T
        if probabilities[0] < 0 or probabilities[-1] > 1:
            return UNDEFINED
        weighed = weights * self._probabilities.counts[:, 0]
        squares = float((weights**2 * self._probabilities.counts[:, 0]).sum())
        total = float(weighed.sum())
        if total == 0:
            return UNDEFINED
        losses = -np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
        value = float((weighed * losses).sum()) / total
        variance = float((weighed * (losses - value) ** 2).sum()) / total
        return mean(value, variance, total**2 / squares, least=0.0)


def _one_against_rest(sums: Floats, squares: Floats, at: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The four cells (tn, fp, fn, tp) of one class against all others: sums of weights and of squares."""
    cells = []
    for matrix in (sums, squares):
        hit, said, true = float(matrix[at, at]), float(matrix[:, at].sum()), float(matrix[at].sum())
        outside = np.delete(np.delete(matrix, at, axis=0), at, axis=1)
        cells.append((float(outside.sum()), said - hit, true - hit, hit))
    return cells[0], cells[1]


def _hits_and_misses(sums: Floats, squares: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Right and wrong rows as the cells of a matrix whose accuracy is the accuracy over all classes."""
    hits = [float(np.trace(matrix)) for matrix in (sums, squares)]
    misses = [float(m.sum()) - hit for m, hit in zip((sums, squares), hits, strict=True)]
    return (0.0, misses[0], 0.0, hits[0]), (0.0, misses[1], 0.0, hits[1])


def _place(shares: Floats, of_truth: Floats) -> Floats:
    """How many classes are more probable than the true one, times (classes + 1), plus how many tie."""
    before = np.zeros(len(shares), np.int64)
    ties = np.zeros(len(shares), np.int64)
    for column in shares.T:
        before += column > of_truth
        ties += column == of_truth
    beyond = before >= max(_TOP)  # which of the last places it is makes no difference
    width = shares.shape[1] + 1
    place: Floats = np.where(beyond, max(_TOP) * width, before * width + ties).astype(np.float64)
    return place


def _weighted(labeled: Sequence[dict[str, Estimate]], name: str) -> Estimate:
    """The mean over classes, each counting as often as rows have it; the interval is MOVER's."""
    return average([m[name] for m in labeled], [m["prevalence"].value or 0.0 for m in labeled])
