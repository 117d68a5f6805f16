"""MultilabelStatistics: everything that is measured of a prediction of any number of labels, mergeable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError
from tilth.metrics.binary import BinaryStatistics
from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import average, mean, share
from tilth.metrics.tally import Tally
from tilth.metrics.weights import as_weights, effective_size

__all__ = ["MultilabelStatistics"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer]

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
_MOST_CELLS = 1 << 22
_BY_LABEL = ("precision", "recall", "f1", "specificity", "auroc", "average_precision", "prevalence")


class MultilabelStatistics:
    """Counts from which all metrics over several labels follow, whatever the order in which rows arrived.

    Args:
        names: the labels' names, in the order of the columns of what is counted.

    Example:
        >>> statistics = MultilabelStatistics(["sea", "sky"])
        >>> statistics.update(np.array([[1, 1], [0, 1], [0, 0]]), np.array([[1, 0], [0, 1], [0, 0]]))
        >>> {name: round(statistics.metrics()[name].value, 3) for name in ("micro_f1", "subset_accuracy")}
        {'micro_f1': 0.8, 'subset_accuracy': 0.667}
    """

    __slots__ = ("_by_label", "_cells", "_scores", "names", "rows", "scored_rows")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.rows = 0
        self.scored_rows = 0
        self._by_label = [BinaryStatistics() for _ in self.names]
        self._cells = Tally(4, 1)
        self._scores = Tally(3, 1)

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
            labels: (n, c), 1 where a row has a label, else 0.
            predictions: (n, c), the same of what is said.
            probabilities: (n, c), the probability of each label; no NaN.
            weights: (n,), at least 0; default: 1 each.
        """
        truth, said = np.asarray(labels, np.bool_), np.asarray(predictions, np.bool_)
        weighed = as_weights(weights, len(truth))
        scores = None if probabilities is None else np.asarray(probabilities, np.float64)
        nothing = np.zeros(len(truth), np.int64)
        self.rows += len(truth)
        cells = [(truth & said).sum(axis=1), (~truth & said).sum(axis=1), (truth & ~said).sum(axis=1)]
        self._cells.add(np.column_stack((*cells, weighed)).astype(np.float64), nothing)
        for at, statistics in enumerate(self._by_label):
            statistics.update(
                truth[:, at],
                predictions=said[:, at],
                scores=None if scores is None else scores[:, at],
                weights=weighed,
            )
        if scores is not None:
            self.scored_rows += len(truth)
            found = np.column_stack((_ranking_precision(truth, scores), _losses(truth, scores), weighed))
            self._scores.add(found, nothing)

    def merge(self, other: MultilabelStatistics) -> None:
        """Add the rows that another one has counted.

        Raises:
            UsageError: it counted other labels.
        """
        if other.names != self.names:
            raise UsageError("statistics of different labels cannot be merged", expected=str(self.names))
        self.rows += other.rows
        self.scored_rows += other.scored_rows
        self._cells.merge(other._cells)
        self._scores.merge(other._scores)
        for mine, theirs in zip(self._by_label, other._by_label, strict=True):
            mine.merge(theirs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultilabelStatistics):
            return NotImplemented
        counted = (self.names, self.rows, self.scored_rows) == (other.names, other.rows, other.scored_rows)
        tallies = self._cells == other._cells and self._scores == other._scores
        return counted and tallies and self._by_label == other._by_label

    __hash__ = None  # type: ignore[assignment]

    @property
    def class_rows(self) -> dict[str, int]:
        """How many rows have each label, weights aside."""
        return {name: sum(s.confusion[1]) for name, s in zip(self.names, self._by_label, strict=True)}

    def metrics(self) -> dict[str, Estimate]:
        """All metrics by name; those of one label are called "recall.NAME".

        `micro_` counts all pairs of row and label alike; `macro_` is the mean over the labels that occur (as
        truth or prediction), `weighted_` that over the labels of rows, each as often as it occurs: both are
        undefined where the quantity is undefined for one of those. `macro_auroc` is over the labels that some
        rows have and some have not. `subset_accuracy` is the share of rows whose labels are all right,
        `hamming_loss` that of wrong pairs. `ranking_average_precision` is how high a row's labels stand among
        all by their probabilities, 1 for a row with none or all (Schapire and Singer 2000, as in
        scikit-learn). `log_loss` is the mean over all pairs. Intervals of micro averages take rows, not
        pairs, as independent; those of macro and weighted averages take labels as independent.
        """
        by_label = [statistics.metrics() for statistics in self._by_label]
        seen = [m for m, s in zip(by_label, self._by_label, strict=True) if _occurs(s)]
        ranked = [m["auroc"] for m in by_label if m["auroc"].value is not None]
        own = zip(self.names, by_label, strict=True)
        return {
            "subset_accuracy": self._subset_accuracy(),
            "hamming_loss": self._hamming_loss(),
            **self._micro(),
            **{f"macro_{name}": average([m[name] for m in seen]) for name in ("precision", "recall", "f1")},
            **{f"weighted_{name}": _weighted(seen, name) for name in ("precision", "recall", "f1")},
            "macro_auroc": average(ranked),
            **self._of_scores(),
            **{f"{name}.{label}": found[name] for label, found in own for name in _BY_LABEL},
        }

    def _rows(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Distinct rows by hits, wrong and missed labels, with their weights and how often they come."""
        hits, wrong, missed, weights = self._cells.keys.T
        return hits, wrong, missed, weights, self._cells.counts[:, 0].astype(np.float64)

    def _subset_accuracy(self) -> Estimate:
        _, wrong, missed, weights, counts = self._rows()
        return _ratio((wrong + missed == 0).astype(np.float64), np.ones(len(wrong)), weights, counts)

    def _hamming_loss(self) -> Estimate:
        _, wrong, missed, weights, counts = self._rows()
        return _ratio(wrong + missed, np.full(len(wrong), float(len(self.names))), weights, counts)

    def _micro(self) -> dict[str, Estimate]:
        hits, wrong, missed, weights, counts = self._rows()
        return {
            "micro_precision": _ratio(hits, hits + wrong, weights, counts),
            "micro_recall": _ratio(hits, hits + missed, weights, counts),
            "micro_f1": _ratio(2 * hits, 2 * hits + wrong + missed, weights, counts),
        }

    def _of_scores(self) -> dict[str, Estimate]:
        names = ("ranking_average_precision", "log_loss")
        if not self.scored_rows or self.scored_rows < self.rows:
            return dict.fromkeys(names, UNDEFINED)
        precision, losses, weights = self._scores.keys.T
        counts = self._scores.counts[:, 0].astype(np.float64)
        size = effective_size(weights, counts)
        if not size:
            return dict.fromkeys(names, UNDEFINED)
        found = {names[0]: _ratio(precision, np.ones(len(precision)), weights, counts), names[1]: UNDEFINED}
        if np.isfinite(losses).all():
            parts = counts * weights / float((counts * weights).sum())
            loss = float((parts * losses).sum())
            found[names[1]] = mean(loss, float((parts * (losses - loss) ** 2).sum()), size, least=0.0)
        return found


def _ratio(part: Floats, whole: Floats, weights: Floats, counts: Floats) -> Estimate:
    """The weighed sum of parts over that of wholes, rows being independent (Cochran 1977)."""
    total = float((whole * weights * counts).sum())
    if not total:
        return UNDEFINED
    value = min(1.0, float((part * weights * counts).sum()) / total)
    rows = float(counts[(weights > 0) & (whole > 0)].sum())
    influence = (weights * (part - value * whole) / total) ** 2
    variance = float((counts * influence).sum()) * rows / max(rows - 1, 1.0)
    size = total**2 / float(((whole * weights) ** 2 * counts).sum())
    return share(value, variance, size)


def _occurs(statistics: BinaryStatistics) -> bool:
    (_, wrong), (missed, hits) = statistics.confusion
    return wrong + missed + hits > 0


def _weighted(seen: Sequence[dict[str, Estimate]], name: str) -> Estimate:
    """The mean over labels, each counting as often as rows have it; the interval is MOVER's."""
    known = [(m[name], m["prevalence"].value) for m in seen]
    labeled = [(found, prevalence) for found, prevalence in known if prevalence]
    return average([found for found, _ in labeled], [prevalence for _, prevalence in labeled])


def _ranking_precision(truth: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    """For each row the mean, over its labels, of the share of its labels among those no less probable."""
    size = max(1, _MOST_CELLS // max(1, truth.shape[1]))
    parts = [_ranked(truth[at : at + size], scores[at : at + size]) for at in range(0, len(truth), size)]
    return np.concatenate(parts) if parts else np.empty(0)


def _ranked(truth: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    order = np.argsort(-scores, axis=1, kind="stable")
    sorted_scores = np.take_along_axis(scores, order, axis=1)
    own = np.take_along_axis(truth, order, axis=1)
    width = truth.shape[1]
    ends = np.broadcast_to(np.arange(width), truth.shape).copy()  # the last place of each tie
    ends[:, :-1][sorted_scores[:, 1:] == sorted_scores[:, :-1]] = width
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    hits = np.take_along_axis(np.cumsum(own, axis=1), ends, axis=1)
    count = own.sum(axis=1)
    found: Floats = (own * hits / (ends + 1)).sum(axis=1) / np.maximum(count, 1)
    return np.where((count == 0) | (count == width), 1.0, found)


def _losses(truth: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    """The mean log loss of each row over its labels; infinite, and so undefined, outside 0 to 1."""
    if len(scores) and (scores.min() < 0 or scores.max() > 1):
        return np.full(len(truth), np.inf)
    of_truth = np.where(truth, scores, 1 - scores)
    losses: Floats = -np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean(axis=1)
    return losses
