"""MulticlassStatistics: everything that is measured of a prediction among several classes, mergeable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError
from tilth.metrics.confusion import ConfusionMatrix
from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import average, mean
from tilth.metrics.tally import Tally
from tilth.metrics.weights import as_weights

__all__ = ["MulticlassStatistics"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


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

    __slots__ = ("_cells", "_probabilities", "names", "rows", "scored_rows")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.rows = 0
        self.scored_rows = 0
        self._cells = Tally(1, len(self.names) ** 2)
        self._probabilities = Tally(2, 1)

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
            of_truth = np.asarray(probabilities, np.float64)[np.arange(len(truth)), truth]
            self._probabilities.add(np.column_stack((of_truth, weighed)), np.zeros(len(truth), np.int64))

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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MulticlassStatistics):
            return NotImplemented
        counted = (self.names, self.rows, self.scored_rows) == (other.names, other.rows, other.scored_rows)
        return counted and self._cells == other._cells and self._probabilities == other._probabilities

    __hash__ = None  # type: ignore[assignment]

    @property
    def confusion(self) -> list[list[int]]:
        """Rows by true class (down) and predicted class (across), weights aside."""
        size = len(self.names)
        counts: list[list[int]] = self._cells.counts.sum(axis=0).reshape(size, size).tolist()
        return counts

    def metrics(self) -> dict[str, Estimate]:
        """All metrics by name; those of one class are called "recall.NAME".

        Macro averages are over the classes that occur (as label or prediction); they are undefined when the
        quantity is undefined for one of those. Balanced accuracy averages recall over the classes that occur
        as labels. The interval of macro F1 takes the classes as independent.
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
            **{f"macro_{name}": average([m[name] for m in seen]) for name in ("precision", "recall", "f1")},
            "log_loss": self._log_loss(),
            **{
                f"{name}.{label}": m[name]
                for label, m in zip(self.names, by_class, strict=True)
                for name in ("precision", "recall", "f1", "prevalence")
            },
        }

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
