"""CustomSlices: what metrics of one's own are computed from, over all rows and on slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import CustomMetric, CustomStatistics, LabelEncoding
from tilth.tables.slicing import groups as slice_groups

__all__ = ["CustomSlices"]

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Key = tuple[tuple[str, str], ...]


class CustomSlices:
    """Takes rows in batches, as an Evaluator does; two of them merge.

    Args:
        encoding: the task and its classes.
        slices: groups of columns whose crossed values make slices.
        threshold: what the score of a row must exceed to count as a positive prediction.

    Example:
        >>> rows = CustomSlices(LabelEncoding("regression"))
        >>> rows.update(np.array([1.0, 2.0]), predictions=np.array([1.5, 2.0]))
        >>> greatest = {"most": lambda counts: counts.predictions.max()}
        >>> (found,) = rows.beside([SliceResult({}, 2, {})], greatest)
        >>> found.metrics["custom.most"].value
        2.0
    """

    def __init__(
        self, encoding: LabelEncoding, slices: Sequence[Sequence[str]] = (), *, threshold: float = 0.5
    ) -> None:
        self._encoding = encoding
        self._slices = tuple(dict.fromkeys(tuple(names) for names in slices))
        self._threshold = threshold
        self._found: dict[Key, CustomStatistics] = {}

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
        """Count rows; see `Evaluator.update` for the arguments."""
        binary = self._encoding.task == "binary"
        scored = None if scores is None or not binary else np.asarray(scores, np.float64)

        def count(key: Key, rows: npt.NDArray[np.int64]) -> None:
            statistics = self._found.setdefault(
                key, CustomStatistics(self._encoding.task, self._encoding.names)
            )
            statistics.update(
                labels[rows],
                predictions=None if predictions is None else predictions[rows],
                scores=None if scored is None else scored[rows],
                weights=None if weights is None else weights[rows],
                groups=None if groups is None else groups[rows],
                threshold=self._threshold,
            )

        count((), np.arange(len(labels)))
        for names in self._slices if len(labels) else ():
            for values, rows in slice_groups(columns or {}, names):
                count(tuple(zip(names, values, strict=True)), rows)

    def merge(self, other: CustomSlices) -> None:
        """Add the rows that another one of the same task and slices has counted."""
        for key, statistics in other._found.items():
            mine = self._found.setdefault(key, CustomStatistics(self._encoding.task, self._encoding.names))
            mine.merge(statistics)

    def beside(
        self, results: Sequence[SliceResult], functions: Mapping[str, CustomMetric]
    ) -> list[SliceResult]:
        """The results of slices with one's own metrics beside the others.

        Raises:
            UsageError: a function fails.
        """
        nothing = CustomStatistics(self._encoding.task, self._encoding.names)
        made = []
        for result in results:
            own = self._found.get(tuple(result.slice.items()), nothing).metrics(functions)
            made.append(replace(result, metrics={**result.metrics, **own}))
        return made
