"""Whether probabilities mean what they say: bins of scores, and the error over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import wilson
from tilth.types import JSONObject, JSONValue

__all__ = ["BINS", "CalibrationBin", "calibration_bins", "calibration_error"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BINS = 10
"""How many bins of equal weight the calibration error is measured on."""

_REPLICATES = 500
_HALVINGS = 8
_LEAST_ROWS = 5
"""With fewer rows in a bin the error has no interval."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The rows whose scores lie in one stretch.

    Args:
        low: the least score.
        high: the greatest score.
        rows: how many rows there are, weights aside.
        mean_score: the mean score.
        positive: the share of positives, with its Wilson interval.

    Example:
        >>> CalibrationBin(0.1, 0.3, 4, 0.2, Estimate(0.25, 0.05, 0.7)).to_json()["mean_score"]
        0.2
    """

    low: float
    high: float
    rows: int
    mean_score: float
    positive: Estimate

    def to_json(self) -> JSONObject:
        """The bin as JSON values."""
        return {
            "low": self.low,
            "high": self.high,
            "rows": self.rows,
            "mean_score": self.mean_score,
            "positive": self.positive.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> CalibrationBin:
        """The bin that `to_json` wrote."""
        low, high, rows, mean_score = (data[name] for name in ("low", "high", "rows", "mean_score"))
        numbers = cast("tuple[float, float, int, float]", (low, high, rows, mean_score))
        return cls(*numbers, Estimate.from_json(cast("JSONObject", data["positive"])))


def calibration_bins(scores: Floats, weights: Floats, counts: Integers, bins: int) -> list[CalibrationBin]:
    """Bins of as nearly equal weight as scores that tie allow; fewer than asked for where few scores differ.

    Args:
        scores: (k,), ascending; equal ones fall into one bin.
        weights: (k,), of the rows beside.
        counts: (k, 2), how many negatives and positives have that score and weight.
        bins: how many, at least 1.

    Returns:
        The bins that have weight, scores ascending.

    Example:
        >>> scores, counts = np.array([0.25, 0.5, 0.75]), np.array([[3, 1], [4, 0], [1, 7]])
        >>> [(found.rows, found.mean_score) for found in calibration_bins(scores, np.ones(3), counts, 2)]
        [(8, 0.375), (8, 0.75)]
    """
    starts, sums = _binned(scores, weights, counts, bins)
    ends = np.append(starts[1:], len(scores))[: len(starts)] - 1
    found = []
    for start, end, (total, positive, scored, squares, rows) in zip(starts, ends, sums.T, strict=True):
        if total > 0:
            mean = min(max(float(scored / total), float(scores[start])), float(scores[end]))
            share = wilson(min(1.0, float(positive / total)), float(total**2 / squares))
            found.append(CalibrationBin(float(scores[start]), float(scores[end]), int(rows), mean, share))
    return found


def calibration_error(scores: Floats, weights: Floats, counts: Integers) -> Estimate:
    """The expected calibration error: the mean over bins of |mean score - share of positives|, by weight.

    On bins of equal weight (Nguyen and O'Connor 2015); 0 is perfect, and a well calibrated model has a little
    more, since shares differ from their expectation. The interval takes that into account, so that it may
    begin at 0: it holds those errors under which the value is not among the 2.5 % least or greatest. To this
    end the bins' differences are scaled, and normal noise is added with the spread of label minus score,
    seeded (a parametric bootstrap that is inverted, Davison and Hinkley 1997, section 5.6). There is none
    with a bin of under 5 rows.

    Args:
        scores: (k,), ascending probabilities.
        weights: (k,), of the rows beside.
        counts: (k, 2), how many negatives and positives have that score and weight.

    Example:
        >>> scores, counts = np.array([0.2, 0.9]), np.array([[70, 30], [20, 80]])
        >>> print(calibration_error(scores, np.ones(2), counts))
        0.1 [0.0377, 0.1623]
    """
    starts, (total, positive, scored, squares, _) = _binned(scores, weights, counts, BINS)
    if not total.sum():
        return UNDEFINED
    kept = total > 0
    residuals = weights * (counts[:, 0] * scores**2 + counts[:, 1] * (1 - scores) ** 2)
    residual = np.add.reduceat(residuals, starts)[kept] / total[kept]
    gaps = (positive[kept] - scored[kept]) / total[kept]
    sizes, shares = total[kept] ** 2 / squares[kept], total[kept] / total.sum()
    value = float((shares * np.abs(gaps)).sum())
    if sizes.min() < _LEAST_ROWS:
        return Estimate(value)
    spread = np.sqrt(np.maximum(residual - gaps**2, 0.0) / (sizes - 1))
    noise = spread * _normal_draws(len(gaps))
    if value == 0:
        return Estimate(0.0, 0.0, _quantile((np.abs(noise) * shares).sum(axis=1), 0.975))
    low, high = (_scale(gaps, noise, shares, value, share) for share in (0.975, 0.025))
    return Estimate(value, min(value, low * value), max(value, min(1.0, high * value)))


def _scale(gaps: Floats, noise: Floats, shares: Floats, value: float, share: float) -> float:
    """How much the differences must be scaled for a share of the errors with noise to be below the value."""

    def quantile(scale: float) -> float:
        return _quantile((np.abs(scale * gaps + noise) * shares).sum(axis=1), share)

    low, high = 0.0, 1.0
    if quantile(low) >= value:
        return low
    while quantile(high) < value:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if quantile(middle) >= value else (middle, high)
    return (low + high) / 2


def _quantile(values: Floats, share: float) -> float:
    at = int(share * len(values))
    return float(np.partition(values, at)[at])


def _binned(scores: Floats, weights: Floats, counts: Integers, bins: int) -> tuple[Integers, Floats]:
    """Where each bin starts, and of each the sums (5, bins) of weight, positives, scores, squares, rows."""
    rows = (counts[:, 0] + counts[:, 1]).astype(np.float64)
    mass = weights * rows
    total = float(mass.sum())
    if not total:
        return np.zeros(0, np.int64), np.zeros((5, 0))
    first = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
    of_scores = np.add.reduceat(mass, first)
    middles = np.cumsum(of_scores) - of_scores / 2
    bounds = np.searchsorted(middles, total * np.arange(bins) / bins)
    starts = first[np.unique(bounds[bounds < len(first)])]
    columns: Sequence[Floats] = (mass, weights * counts[:, 1], mass * scores, weights * mass, rows)
    return starts, np.array([np.add.reduceat(column, starts) for column in columns])


@cache
def _normal_draws(bins: int) -> Floats:
    """(replicates, bins), the same each time, each bin's as many above 0 as below."""
    half = np.random.default_rng(0).normal(size=(_REPLICATES // 2, bins))
    return np.concatenate((half, -half))
