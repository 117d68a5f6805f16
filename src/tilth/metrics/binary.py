"""BinaryStatistics: everything that is measured of a two-class prediction, mergeable."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.metrics.calibration import BINS, CalibrationBin, calibration_bins, calibration_error
from tilth.metrics.confusion import ConfusionMatrix
from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import mean
from tilth.metrics.ranking import auroc, average_precision, pr_auc
from tilth.metrics.tally import Tally
from tilth.metrics.thresholds import ThresholdCounts, confusion_at_thresholds
from tilth.metrics.weights import as_weights, effective_size

__all__ = ["BinaryStatistics"]

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
_OF_RANKS = ("auroc", "average_precision", "pr_auc")
_OF_PROBABILITIES = ("log_loss", "brier", "mean_prediction", "calibration_ratio", "calibration_error")


class BinaryStatistics:
    """Counts from which all two-class metrics follow, whatever the order in which rows arrived.

    Memory grows with the number of distinct scores. Metrics that need scores are None unless every row had
    one; log loss, Brier score and calibration are None when a score is outside 0 to 1.

    Example:
        >>> statistics = BinaryStatistics()
        >>> statistics.update(np.array([True, False, True]), scores=np.array([0.9, 0.2, 0.4]))
        >>> statistics.confusion
        [[1, 0], [1, 1]]
        >>> print(statistics.metrics()["auroc"])
        1
    """

    __slots__ = ("_cells", "_scores", "rows", "scored_rows")

    def __init__(self) -> None:
        self.rows = 0
        self.scored_rows = 0
        self._cells = Tally(1, 4, rounded=(0,))
        self._scores = Tally(2, 2, rounded=(0, 1))

    def update(
        self,
        labels: Booleans,
        *,
        predictions: Booleans | None = None,
        scores: Floats | None = None,
        weights: Floats | None = None,
        threshold: float = 0.5,
    ) -> None:
        """Count rows.

        Args:
            labels: (n,), whether each row is positive.
            predictions: (n,), whether it was said to be; default: score above the threshold.
            scores: (n,), higher for rows more likely positive; no NaN.
            weights: (n,), at least 0; default: 1 each.
            threshold: what a score must exceed to count as a positive prediction.
        """
        if predictions is None:
            if scores is None:
                raise TypeError("update needs predictions, scores or both")
            predictions = scores > threshold
        weighed = as_weights(weights, len(labels))
        truth = np.asarray(labels, np.bool_).astype(np.int64)
        self.rows += len(truth)
        self._cells.add(weighed[:, None], 2 * truth + np.asarray(predictions, np.bool_))
        if scores is not None:
            self.scored_rows += len(truth)
            self._scores.add(np.column_stack((scores, weighed)), truth)

    def merge(self, other: BinaryStatistics) -> None:
        """Add the rows that another one has counted."""
        self.rows += other.rows
        self.scored_rows += other.scored_rows
        self._cells.merge(other._cells)
        self._scores.merge(other._scores)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BinaryStatistics):
            return NotImplemented
        counted = (self.rows, self.scored_rows) == (other.rows, other.scored_rows)
        return counted and self._cells == other._cells and self._scores == other._scores

    __hash__ = None  # type: ignore[assignment]

    @property
    def confusion(self) -> list[list[int]]:
        """Rows as [[tn, fp], [fn, tp]], weights aside."""
        tn, fp, fn, tp = (int(count) for count in self._cells.counts.sum(axis=0))
        return [[tn, fp], [fn, tp]]

    def metrics(self) -> dict[str, Estimate]:
        """All metrics by name: those of the confusion matrix, then those of the scores."""
        weights, counts = self._cells.keys[:, 0], self._cells.counts
        tn, fp, fn, tp = (float((weights * counts[:, cell]).sum()) for cell in range(4))
        squares = (float((weights**2 * counts[:, cell]).sum()) for cell in range(4))
        matrix = ConfusionMatrix((tn, fp, fn, tp), tuple(squares))
        return {**matrix.metrics(), **self._score_metrics()}

    def _score_metrics(self) -> dict[str, Estimate]:
        if not self._all_scored:
            return dict.fromkeys((*_OF_RANKS, *_OF_PROBABILITIES), UNDEFINED)
        scores, weights = self._scores.keys.T
        counts = self._scores.counts
        sizes = [effective_size(weights, counts[:, side]) for side in (0, 1)]
        _, negatives, positives = self._ranked()
        return {
            "auroc": auroc(negatives, positives, (sizes[0], sizes[1])),
            "average_precision": average_precision(negatives, positives, sizes[1]),
            "pr_auc": pr_auc(negatives, positives, sizes[1]),
            **_probability_metrics(scores, weights, counts),
        }

    @property
    def _all_scored(self) -> bool:
        return 0 < self.rows == self.scored_rows

    def _ranked(self) -> tuple[Floats, Floats, Floats]:
        """The distinct scores, ascending, and the weight of negatives and of positives at each."""
        scores, weights = self._scores.keys.T
        starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
        sides = (np.add.reduceat(weights * self._scores.counts[:, side], starts) for side in (0, 1))
        negatives, positives = sides
        return scores[starts], negatives, positives

    def calibration(self, bins: int = BINS) -> list[CalibrationBin]:
        """Mean score beside share of positives, on bins of as equal weight as ties allow.

        Empty where not every row has a score, or one is outside 0 to 1.
        """
        scores, weights = self._scores.keys.T
        if not self._all_scored or not _are_probabilities(scores):
            return []
        return calibration_bins(scores, weights, self._scores.counts, bins)

    def thresholds(self, most: int = 101) -> list[ThresholdCounts]:
        """The confusion where scores above each of some thresholds are called positive, ascending.

        Of more distinct scores so many as cut the ROC curve into even pieces; empty where not every row has
        a score.
        """
        return confusion_at_thresholds(*self._ranked(), most) if self._all_scored else []


def _are_probabilities(scores: Floats) -> bool:
    """Whether scores, ascending, are all from 0 to 1."""
    return bool(scores[0] >= 0 and scores[-1] <= 1)


def _probability_metrics(
    scores: Floats, weights: Floats, counts: npt.NDArray[np.int64]
) -> dict[str, Estimate]:
    size = effective_size(weights, counts.sum(axis=1))
    if not _are_probabilities(scores) or size == 0:
        return dict.fromkeys(_OF_PROBABILITIES, UNDEFINED)
    negative, positive = weights * counts[:, 0], weights * counts[:, 1]
    inside = np.clip(scores, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    total = float(negative.sum()) + float(positive.sum())

    def averaged(*parts: tuple[Floats, Floats]) -> Estimate:
        """The mean of values and its interval, from pairs of (k,) weights and (k,) values."""
        value = sum(float((weighed * values).sum()) for weighed, values in parts) / total
        squares = (float((weighed * (values - value) ** 2).sum()) for weighed, values in parts)
        variance = sum(squares) / total
        return mean(value, variance, size, least=0.0)

    return {
        "log_loss": averaged((negative, -np.log1p(-inside)), (positive, -np.log(inside))),
        "brier": averaged((negative, scores**2), (positive, (1 - scores) ** 2)),
        "mean_prediction": averaged((negative + positive, scores)),
        "calibration_ratio": _calibration(scores, negative, positive, size),
        "calibration_error": calibration_error(scores, weights, counts),
    }


def _calibration(scores: Floats, negative: Floats, positive: Floats, size: float) -> Estimate:
    """The mean score over the share of positives, 1 when calibrated on the whole; delta method."""
    total = float((negative + positive).sum())
    share = float(positive.sum()) / total
    if share == 0:
        return UNDEFINED
    ratio = float(((negative + positive) * scores).sum()) / total / share
    spread = float((negative * scores**2 + positive * (scores - ratio) ** 2).sum()) / total
    return mean(ratio, spread / share**2, size, least=0.0)
