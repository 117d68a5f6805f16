"""RankingStatistics: everything that is measured of rows ranked within groups, mergeable."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import share
from tilth.metrics.ranked_groups import RankedGroups, group_keys
from tilth.metrics.tally import Tally

__all__ = ["CUTOFFS", "RankingStatistics"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CUTOFFS = (1, 5, 10)
"""How many of the first rows of a group the metrics "..._at_K" look at."""


class RankingStatistics:
    """The rows of each group with label and score, from which all metrics of a ranking follow.

    Rows arrive in any order, those of a group in any batch. Memory grows with the number of distinct rows.

    Example:
        >>> statistics = RankingStatistics()
        >>> groups, labels = np.array([7, 7, 7, 8, 8]), np.array([2.0, 0.0, 1.0, 0.0, 1.0])
        >>> statistics.update(labels, np.array([0.9, 0.5, 0.1, 0.3, 0.8]), groups)
        >>> {name: round(statistics.metrics()[name].value, 4) for name in ("ndcg", "mrr", "precision_at_1")}
        {'ndcg': 0.9751, 'mrr': 1.0, 'precision_at_1': 1.0}
    """

    __slots__ = ("_rows", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._rows = Tally(4, 1)

    def update(self, labels: Floats, predictions: Floats, groups: Integers) -> None:
        """Count rows.

        Args:
            labels: (n,), how relevant each row is, finite and at least 0; above 0 it counts as relevant.
            predictions: (n,), what rows are ranked by, the greatest first; finite.
            groups: (n,), rows of one number are ranked together.
        """
        keys = np.column_stack([group_keys(groups), predictions, labels])
        self.rows += len(labels)
        self._rows.add(keys, np.zeros(len(labels), np.int64))

    def merge(self, other: RankingStatistics) -> None:
        """Add the rows that another one has counted."""
        self.rows += other.rows
        self._rows.merge(other._rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RankingStatistics):
            return NotImplemented
        return self.rows == other.rows and self._rows == other._rows

    __hash__ = None  # type: ignore[assignment]

    def _ranked(self) -> RankedGroups:
        keys = np.repeat(self._rows.keys, self._rows.counts[:, 0], axis=0)
        return RankedGroups(keys[:, :2], keys[:, 2], keys[:, 3])

    @property
    def groups(self) -> tuple[int, int]:
        """How many groups have a relevant row, and how many have none."""
        found = self._ranked()
        return len(found.relevant), found.without

    def metrics(self) -> dict[str, Estimate]:
        """All metrics by name: means over the groups that have a relevant row, each group counting alike.

        Rows that tie are taken as in random order, so that a metric is its mean over all orders of them
        (McSherry and Najork 2008). `ndcg` is that of Järvelin and Kekäläinen (2002), whose gain is the label
        itself, over all rows of a group or the first K; `mrr` one over the place of the first relevant row;
        `precision_at_K` the share of relevant rows among K places, also where a group has fewer;
        `recall_at_K` the share of the relevant rows that the first K places hold.
        """
        found = self._ranked()
        return {
            "ndcg": _mean(found.ndcg(None)),
            **{f"ndcg_at_{k}": _mean(found.ndcg(k)) for k in CUTOFFS},
            "mrr": _mean(found.reciprocal_ranks()),
            "mean_average_precision": _mean(found.average_precisions()),
            **{f"precision_at_{k}": _mean(found.relevant_among(k) / k) for k in CUTOFFS},
            **{f"recall_at_{k}": _mean(found.relevant_among(k) / found.relevant) for k in CUTOFFS},
        }


def _mean(values: Floats) -> Estimate:
    """The mean over groups, whose spread is what the interval is from."""
    if not len(values):
        return UNDEFINED
    ordered = np.sort(values)
    value = min(1.0, float(ordered.mean()))
    spread = float(((ordered - value) ** 2).sum())
    return share(value, spread / (len(values) * max(len(values) - 1, 1)), len(values))
