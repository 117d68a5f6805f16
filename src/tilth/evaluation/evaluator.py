"""Evaluator: streams rows through statistics, one for each slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import UsageError, counted
from tilth.evaluation.custom_slices import CustomSlices
from tilth.evaluation.differences import against_whole
from tilth.evaluation.rare_classes import rare_classes
from tilth.evaluation.result import Evaluation
from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import (
    BinaryStatistics,
    CustomMetric,
    LabelEncoding,
    MulticlassStatistics,
    MultilabelStatistics,
    RankingStatistics,
    RegressionStatistics,
)
from tilth.tables.slicing import groups as slice_groups
from tilth.tables.slicing import refuse_many, slice_order

__all__ = ["Evaluator"]

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Statistics = (
    BinaryStatistics | MulticlassStatistics | MultilabelStatistics | RegressionStatistics | RankingStatistics
)


class Evaluator:
    """Takes rows in batches and gives their evaluation; two of them merge.

    Args:
        encoding: the task and its classes.
        slices: groups of columns whose crossed values make slices.
        threshold: what the score of a row must exceed to count as a positive prediction.
        detailed: whether what metrics of one's own are computed from is kept too.

    Example:
        >>> evaluator = Evaluator(LabelEncoding("binary", ("no", "yes")))
        >>> evaluator.update(np.array([0, 1, 1]), scores=np.array([0.1, 0.8, 0.4]))
        >>> evaluator.result().slices[0].confusion
        [[1, 0], [1, 1]]
    """

    def __init__(
        self,
        encoding: LabelEncoding,
        slices: Sequence[Sequence[str]] = (),
        *,
        threshold: float = 0.5,
        detailed: bool = False,
    ) -> None:
        self.encoding = encoding
        self.slices = tuple(tuple(names) for names in slices)
        self.threshold = threshold
        self._whole = _statistics(encoding)
        self._parts: list[dict[tuple[str, ...], Statistics]] = [{} for _ in self.slices]
        self._details = CustomSlices(encoding, slices, threshold=threshold) if detailed else None

    def update(
        self,
        labels: Numbers,
        *,
        predictions: Numbers | None = None,
        scores: npt.NDArray[np.floating] | None = None,
        columns: Mapping[str, pa.Array | pa.ChunkedArray] | None = None,
        groups: npt.NDArray[np.int64] | None = None,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Count rows.

        Args:
            labels: (n,), codes of the true classes, or numbers; for several labels (n, c), 1 or 0.
            predictions: the same of what was predicted; may be left out for two classes when there are
                scores.
            scores: the probability of the positive class, (n,); of each where there are several, (n, c).
            columns: the columns to slice by, n rows each. A slice ranks those of a group's rows that it has.
            groups: (n,), for ranking: rows of one number are ranked together.
            weights: (n,), at least 0, how much each row counts; default: 1 each. Not for rankings.
        """
        everything = np.arange(len(labels))
        if self._details is not None:
            self._details.update(
                labels,
                predictions=predictions,
                scores=scores,
                columns=columns,
                groups=groups,
                weights=weights,
            )
        self._add(self._whole, labels, predictions, scores, groups, weights, everything)
        for names, parts in zip(self.slices, self._parts, strict=True):
            for values, rows in slice_groups(columns or {}, names) if len(labels) else ():
                if values not in parts:
                    refuse_many(names, len(parts) + 1)
                    parts[values] = _statistics(self.encoding)
                self._add(parts[values], labels, predictions, scores, groups, weights, rows)

    def merge(self, other: Evaluator) -> None:
        """Add the rows that another evaluator of the same task and slices has counted."""
        if (self.encoding, self.slices) != (other.encoding, other.slices):
            raise UsageError("evaluators of different tasks or slices cannot be merged")
        _merge(self._whole, other._whole)
        for mine, theirs in zip(self._parts, other._parts, strict=True):
            for values, statistics in theirs.items():
                _merge(mine.setdefault(values, _statistics(self.encoding)), statistics)
        if self._details is not None and other._details is not None:
            self._details.merge(other._details)

    def result(
        self,
        *,
        unlabeled: int = 0,
        notes: Sequence[str] = (),
        custom: Mapping[str, CustomMetric] | None = None,
    ) -> Evaluation:
        """The evaluation of all rows so far.

        Args:
            unlabeled: how many rows were left out.
            notes: sentences for people.
            custom: metrics of one's own by name; of a `detailed` evaluator only.
        """
        results = [_with_curves(_slice_result({}, self._whole), self._whole)]
        for names, parts in zip(self.slices, self._parts, strict=True):
            results += [
                _slice_result(dict(zip(names, values, strict=True)), parts[values])
                for values in sorted(parts, key=lambda values: [*map(slice_order, values)])
            ]
        if custom:
            if self._details is None:
                raise UsageError("metrics of one's own need a detailed evaluator")
            results = self._details.beside(results, custom)
        told = (*notes, *_without_relevant(self._whole), *_rare(self.encoding, self._whole))
        held = against_whole(results, self.encoding.names)
        return Evaluation(self.encoding.without_notes(), held, unlabeled, told)

    def _add(
        self,
        statistics: Statistics,
        labels: Numbers,
        predictions: Numbers | None,
        scores: npt.NDArray[np.floating] | None,
        groups: npt.NDArray[np.int64] | None,
        weights: npt.NDArray[np.float64] | None,
        rows: npt.NDArray[np.int64],
    ) -> None:
        truth = labels[rows]
        said = None if predictions is None else predictions[rows]
        scored = None if scores is None else np.asarray(scores[rows], np.float64)
        weighed = None if weights is None else weights[rows]
        if isinstance(statistics, BinaryStatistics):
            statistics.update(
                truth == 1,
                predictions=None if said is None else said == 1,
                scores=scored,
                weights=weighed,
                threshold=self.threshold,
            )
        elif said is None:
            raise UsageError(f"{self.encoding.task} needs predictions")
        elif isinstance(statistics, MulticlassStatistics | MultilabelStatistics):
            statistics.update(
                truth.astype(np.int64), said.astype(np.int64), probabilities=scored, weights=weighed
            )
        elif isinstance(statistics, RankingStatistics):
            if groups is None or weights is not None:
                raise UsageError("ranking needs the groups of rows, and takes no weights")
            statistics.update(truth.astype(np.float64), said.astype(np.float64), groups[rows])
        else:
            statistics.update(truth.astype(np.float64), said.astype(np.float64), weights=weighed)


def _statistics(encoding: LabelEncoding) -> Statistics:
    if encoding.task == "multiclass":
        return MulticlassStatistics(encoding.names)
    if encoding.task == "multilabel":
        return MultilabelStatistics(encoding.names)
    if encoding.task == "ranking":
        return RankingStatistics()
    return BinaryStatistics() if encoding.task == "binary" else RegressionStatistics()


def _without_relevant(statistics: Statistics) -> tuple[str, ...]:
    """A sentence on the groups that no ranking can be measured on, if there are any."""
    judged, without = statistics.groups if isinstance(statistics, RankingStatistics) else (0, 0)
    if not without:
        return ()
    return (f"{without:,} of {counted(judged + without, 'group')} have no relevant row and are left out",)


def _merge(mine: Statistics, theirs: Statistics) -> None:
    mine.merge(theirs)  # type: ignore[arg-type] # of one kind, since their evaluators have the same task


def _slice_result(slice_: Mapping[str, str], statistics: Statistics) -> SliceResult:
    confusion = None
    if isinstance(statistics, BinaryStatistics | MulticlassStatistics):
        confusion = statistics.confusion
    return SliceResult(slice_, statistics.rows, statistics.metrics(), confusion)


def _with_curves(result: SliceResult, statistics: Statistics) -> SliceResult:
    if not isinstance(statistics, BinaryStatistics):
        return result
    bins, thresholds = tuple(statistics.calibration()), tuple(statistics.thresholds())
    return replace(result, calibration=bins, thresholds=thresholds)


def _rare(encoding: LabelEncoding, statistics: Statistics) -> tuple[str, ...]:
    """Sentences on the classes that hardly occur."""
    if isinstance(statistics, BinaryStatistics):
        counts = dict(zip(encoding.names, map(sum, statistics.confusion), strict=True))
        return rare_classes(counts, statistics.rows)
    if isinstance(statistics, MulticlassStatistics | MultilabelStatistics):
        return rare_classes(statistics.class_rows, statistics.rows)
    return ()
