"""Whether the metrics of two runs differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tilth.metrics import UNDEFINED, Answered, Estimate, paired_difference
from tilth.metrics.intervals import difference_of_apart
from tilth.types import JSONObject

__all__ = ["MetricChange", "metric_changes"]

_CLOSE = 1e-6
_FOLLOWS = {
    "fdr": ("precision", -1.0),
    "fnr": ("recall", -1.0),
    "fpr": ("specificity", -1.0),
    "informedness": ("balanced_accuracy", 2.0),
}
"""Metrics whose change is that of another one, times a factor."""


@dataclass(frozen=True)
class MetricChange:
    """A metric of the second run minus that of the first.

    Args:
        estimate: the difference with its 95 % interval; no interval where none is known.
        is_paired: whether both models were held against each other row by row. Otherwise the interval is
            that of two samples, which is too wide, never too narrow, where the samples share rows.
    """

    estimate: Estimate
    is_paired: bool

    @property
    def is_beyond_chance(self) -> bool | None:
        """Whether the interval excludes 0; None where there is none.

        Example:
            >>> MetricChange(Estimate(0.02, 0.01, 0.03), is_paired=True).is_beyond_chance
            True
        """
        low, high = self.estimate.low, self.estimate.high
        if self.estimate.value == 0:
            return False
        return None if low is None or high is None else low > 0 or high < 0

    def to_json(self) -> JSONObject:
        """The change as JSON values."""
        return {
            **self.estimate.to_json(),
            "paired": self.is_paired,
            "beyond_chance": self.is_beyond_chance,
        }


def metric_changes(
    first: Mapping[str, Estimate],
    second: Mapping[str, Estimate],
    answers: tuple[Answered, Answered] | None = None,
) -> dict[str, MetricChange]:
    """The changes of all metrics that both runs define.

    Args:
        first: the metrics of one run, on all rows of its test part.
        second: those of the other.
        answers: of both models, where they were judged on the same rows in the same order.
    """
    found = {}
    for name, before in first.items():
        after = second.get(name)
        if after is None or before.value is None or after.value is None:
            continue
        found[name] = _change(before, after, UNDEFINED if answers is None else _paired(name, *answers))
    return found


def _paired(name: str, before: Answered, after: Answered) -> Estimate:
    known, factor = _FOLLOWS.get(name, (name, 1.0))
    return paired_difference(known, before, after).scaled(factor)


def _change(before: Estimate, after: Estimate, paired: Estimate) -> MetricChange:
    """Row by row where that gives the recorded difference again; from the two intervals otherwise."""
    apart = difference_of_apart(after, before)
    if paired.value is None or paired.low is None or apart.value is None:
        return MetricChange(apart, is_paired=False)
    if not math.isclose(paired.value, apart.value, rel_tol=_CLOSE, abs_tol=_CLOSE):
        return MetricChange(apart, is_paired=False)  # it is measured with weights, or otherwise
    return MetricChange(Estimate(apart.value, paired.low, paired.high), is_paired=True)
