"""RegressionStatistics: everything that is measured of a predicted number, mergeable."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import mean
from tilth.metrics.order_quantiles import quantiles
from tilth.metrics.tally import Tally
from tilth.metrics.weights import as_weights, effective_size

__all__ = ["RegressionStatistics"]

Floats = npt.NDArray[np.float64]

_Z = 1.959963984540054
_NAMES = (
    "mae",
    "mse",
    "rmse",
    "mean_error",
    "median_absolute_error",
    "p90_absolute_error",
    "mape_percent",
    "msle",
    "r2",
    "explained_variance",
    "pearson",
    "pearson_squared",
    "mean_prediction",
    "mean_label",
)


class RegressionStatistics:
    """The distinct pairs of label and prediction, from which all metrics follow in any order of rows.

    Memory grows with the number of distinct pairs, at most that of rows.

    Example:
        >>> statistics = RegressionStatistics()
        >>> statistics.update(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 2.0]))
        >>> {name: round(statistics.metrics()[name].value, 4) for name in ("mae", "rmse", "r2")}
        {'mae': 0.5, 'rmse': 0.6455, 'r2': 0.375}
    """

    __slots__ = ("_pairs", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._pairs = Tally(3, 1)

    def update(self, labels: Floats, predictions: Floats, *, weights: Floats | None = None) -> None:
        """Count rows.

        Args:
            labels: (n,), the true numbers, finite.
            predictions: (n,), the predicted numbers, finite.
            weights: (n,), at least 0; default: 1 each.
        """
        weighed = as_weights(weights, len(labels))
        self.rows += len(labels)
        self._pairs.add(np.column_stack((labels, predictions, weighed)), np.zeros(len(labels), np.int64))

    def merge(self, other: RegressionStatistics) -> None:
        """Add the rows that another one has counted."""
        self.rows += other.rows
        self._pairs.merge(other._pairs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RegressionStatistics):
            return NotImplemented
        return self.rows == other.rows and self._pairs == other._pairs

    __hash__ = None  # type: ignore[assignment]

    def metrics(self) -> dict[str, Estimate]:
        """All metrics by name.

        `mean_error` is prediction minus label; `mape_percent` is undefined when a label is 0, `msle` when a
        label or prediction is -1 or less, `r2` and `explained_variance` when all labels are equal, the
        correlation `pearson` when all predictions are too. `p90_absolute_error` is what nine of ten absolute
        errors do not exceed.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows becomes undefined in Estimate
            return self._metrics()

    def _metrics(self) -> dict[str, Estimate]:
        labels, predictions, weights = self._pairs.keys.T
        counts = self._pairs.counts[:, 0]
        share = weights * counts
        if not share.sum():
            return dict.fromkeys(_NAMES, UNDEFINED)
        size = effective_size(weights, counts)
        share = share / share.sum()
        errors = predictions - labels
        squared = _mean(errors**2, share, size, least=0.0)
        median, ninth_decile = quantiles(np.abs(errors), share, size, (0.5, 0.9))
        correlation = _pearson(labels, predictions, share, size)
        return {
            "mae": _mean(np.abs(errors), share, size, least=0.0),
            "mse": squared,
            "rmse": _root(squared),
            "mean_error": _mean(errors, share, size),
            "median_absolute_error": median,
            "p90_absolute_error": ninth_decile,
            "mape_percent": _mape(labels, errors, share, size),
            "msle": _msle(labels, predictions, share, size),
            "r2": _r2(labels, errors, share, size),
            "explained_variance": _explained(labels, errors, share, size),
            "pearson": correlation,
            "pearson_squared": _squared(correlation),
            "mean_prediction": _mean(predictions, share, size),
            "mean_label": _mean(labels, share, size),
        }


def _mean(values: Floats, share: Floats, size: float, *, least: float = -math.inf) -> Estimate:
    value = float((share * values).sum())
    return mean(value, float((share * (values - value) ** 2).sum()), size, least=least)


def _root(squared: Estimate) -> Estimate:
    ends = (squared.value, squared.low, squared.high)
    return Estimate(*(None if end is None else math.sqrt(end) for end in ends))


def _mape(labels: Floats, errors: Floats, share: Floats, size: float) -> Estimate:
    if np.any(labels == 0):
        return UNDEFINED
    return _mean(100 * np.abs(errors / labels), share, size, least=0.0)


def _msle(labels: Floats, predictions: Floats, share: Floats, size: float) -> Estimate:
    if min(labels.min(), predictions.min()) <= -1:
        return UNDEFINED
    return _mean((np.log1p(predictions) - np.log1p(labels)) ** 2, share, size, least=0.0)


def _r2(labels: Floats, errors: Floats, share: Floats, size: float) -> Estimate:
    """1 - mean squared error / variance of the labels; the interval is the delta method's."""
    centered = labels - (share * labels).sum()
    variance = float((share * centered**2).sum())
    if labels.min() == labels.max() or variance == 0:
        return UNDEFINED
    # In units of the labels' deviation; a square of the variance itself could vanish.
    with np.errstate(over="ignore", invalid="ignore"):
        missed = (errors / math.sqrt(variance)) ** 2
        error = float((share * missed).sum())
        influence = missed - error * (centered / math.sqrt(variance)) ** 2
        found = mean(1 - error, float((share * influence**2).sum()), size)
    return Estimate(found.value, found.low, None if found.high is None else min(1.0, found.high))


def _explained(labels: Floats, errors: Floats, share: Floats, size: float) -> Estimate:
    """1 - variance of the errors / variance of the labels: R2 of predictions that are right on average."""
    return _r2(labels, errors - float((share * errors).sum()), share, size)


def _pearson(labels: Floats, predictions: Floats, share: Floats, size: float) -> Estimate:
    """The correlation; the interval is normal on Fisher's scale, its spread that of the influence function.

    So it holds without normal labels too (Devlin, Gnanadesikan and Kettenring 1975). There is none for a
    correlation of 1 or -1.
    """
    one, other = (_standardized(values, share) for values in (labels, predictions))
    if one is None or other is None:
        return UNDEFINED
    value = max(-1.0, min(1.0, float((share * one * other).sum())))
    influence = one * other - value / 2 * (one**2 + other**2)
    variance = float((share * influence**2).sum())
    if size <= 1 or 1 - value**2 <= 1e-12 or not math.isfinite(variance):
        return Estimate(value)
    half = _Z * math.sqrt(variance / (size - 1)) / (1 - value**2)
    center = math.atanh(value)
    return Estimate(value, math.tanh(center - half), math.tanh(center + half))


def _standardized(values: Floats, share: Floats) -> Floats | None:
    """The values less their mean, over their standard deviation; None where all are equal."""
    largest = float(np.abs(values).max())
    if values.min() == values.max() or not math.isfinite(largest):
        return None
    centered = values / largest - float((share * (values / largest)).sum())
    deviation = math.sqrt(float((share * centered**2).sum()))
    return centered / deviation if deviation else None


def _squared(correlation: Estimate) -> Estimate:
    """The square, with the ends of the squares of what lies in the interval."""
    value, low, high = correlation.value, correlation.low, correlation.high
    if value is None or low is None or high is None:
        return Estimate(None if value is None else value**2)
    least = 0.0 if low < 0 < high else min(low**2, high**2)
    return Estimate(value**2, least, max(low**2, high**2))
