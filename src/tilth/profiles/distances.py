"""Distances between two distributions: of categories by their counts, of numbers by how often each came.

Each function takes the reference first. Counts may be shares: only their proportions matter, unless said
otherwise. Missing values are no category here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from tilth.profiles.alignment import NumberPair

__all__ = [
    "Counts",
    "finite",
    "hellinger",
    "histogram_shares",
    "jensen_shannon",
    "jensen_shannon_histograms",
    "ks_statistic",
    "l_infinity",
    "normalized_absolute_difference",
    "psi",
    "quantile_bins",
    "total_variation",
    "wasserstein",
]

Counts: TypeAlias = "Mapping[str, float] | Sequence[float] | np.ndarray"
"""Counts by category, or two aligned sequences of counts."""

_LEAST_SHARE = 1e-4


def _align(reference: Counts, current: Counts) -> tuple[Sequence[object], np.ndarray, np.ndarray]:
    if isinstance(reference, Mapping) and isinstance(current, Mapping):
        names = sorted({*reference, *current})
        first = np.array([reference.get(name, 0) for name in names], dtype=np.float64)
        return names, first, np.array([current.get(name, 0) for name in names], dtype=np.float64)
    first, second = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    return range(len(first)), first, second


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    return counts / total if total > 0 else counts


def finite(number: float) -> float | None:
    """The number, or None where it is infinite or NaN.

    Example:
        >>> finite(1.5), finite(math.inf)
        (1.5, None)
    """
    return number if math.isfinite(number) else None


def l_infinity(reference: Counts, current: Counts) -> tuple[float, str | None]:
    """The greatest difference of a category's shares, and that category (of equal ones the first in order).

    In [0, 1]. Of aligned sequences the category is its position. Source: TensorFlow Data Validation.

    Example:
        >>> l_infinity({"a": 3, "b": 1}, {"a": 1, "b": 1})
        (0.25, 'a')
    """
    names, first, second = _align(reference, current)
    if not names:
        return 0.0, None
    apart = np.abs(_shares(first) - _shares(second))
    at = int(np.argmax(apart))
    return float(apart[at]), str(names[at])


def normalized_absolute_difference(reference: Counts, current: Counts) -> float:
    """The greatest difference of a category's counts, divided by all counts of both; in [0, 1].

    Unlike the others this one looks at the counts themselves, so it sees that there are more rows.

    Example:
        >>> normalized_absolute_difference({"a": 3, "b": 1}, {"a": 1, "b": 1})
        0.3333333333333333
    """
    _, first, second = _align(reference, current)
    total = first.sum() + second.sum()
    return float(np.abs(first - second).max() / total) if total > 0 else 0.0


def total_variation(reference: Counts, current: Counts) -> float:
    """Half the sum of the differences of the shares: the share of rows that changed category; in [0, 1].

    Example:
        >>> total_variation([3, 1], [1, 1])
        0.25
    """
    _, first, second = _align(reference, current)
    return float(np.abs(_shares(first) - _shares(second)).sum() / 2)


def hellinger(reference: Counts, current: Counts) -> float:
    """The Hellinger distance, sqrt(1 - sum sqrt(p q)); in [0, 1].

    Example:
        >>> hellinger([1, 0], [0, 1])
        1.0
    """
    _, first, second = _align(reference, current)
    if not first.sum() and not second.sum():
        return 0.0
    apart = np.sqrt(_shares(first)) - np.sqrt(_shares(second))
    return min(1.0, math.sqrt(float(np.square(apart).sum()) / 2))


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """The Jensen-Shannon divergence to base 2 (not its square root); in [0, 1].

    Example:
        >>> jensen_shannon([1, 0], [0, 1])
        1.0
    """
    _, first, second = _align(reference, current)
    p, q = _shares(first), _shares(second)
    middle = (p + q) / 2
    return max(0.0, (_divergence(p, middle) + _divergence(q, middle)) / 2)


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())


def psi(reference: Counts, current: Counts) -> float:
    """The population stability index, sum (q - p) ln(q / p); from 0 up.

    Empty categories count as a share of 0.0001, so that the index stays finite.

    Example:
        >>> round(psi([1, 1], [1, 3]), 4)
        0.2747
    """
    _, first, second = _align(reference, current)
    if not first.sum() or not second.sum():
        return 0.0
    p, q = np.maximum(_shares(first), _LEAST_SHARE), np.maximum(_shares(second), _LEAST_SHARE)
    return float(((q - p) * np.log(q / p)).sum())


def histogram_shares(
    reference: Sequence[Sequence[float]], current: Sequence[Sequence[float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two histograms brought to common bins: (edges, reference counts, current counts).

    Args:
        reference: bins as (low, high, count), ascending; counts are spread evenly within a bin.
        current: the same; the edges need not agree.

    Example:
        >>> histogram_shares([(1, 2, 2), (2, 3, 2)], [(2, 4, 2), (4, 6, 2)])[0].tolist()
        [1.0, 2.0, 3.0, 4.0, 6.0]
    """
    bins = [*reference, *current]
    edges = np.unique(np.array([edge for low, high, _ in bins for edge in (low, high)], dtype=np.float64))
    return edges, _rebin(reference, edges), _rebin(current, edges)


def _rebin(bins: Sequence[Sequence[float]], edges: np.ndarray) -> np.ndarray:
    counts = np.zeros(max(len(edges) - 1, 1))
    for low, high, count in bins:
        first, last = int(np.searchsorted(edges, low)), int(np.searchsorted(edges, high))
        if first == last:
            counts[min(first, len(counts) - 1)] += count
        else:
            counts[first:last] += count * np.diff(edges[first : last + 1]) / (high - low)
    return counts


def jensen_shannon_histograms(
    reference: Sequence[Sequence[float]],
    current: Sequence[Sequence[float]],
    *,
    reference_nan: float = 0,
    current_nan: float = 0,
) -> float:
    """The Jensen-Shannon divergence of two histograms with any edges; NaN is a bin of its own.

    Args:
        reference: bins as (low, high, count), ascending.
        current: the same.
        reference_nan: how many NaN the reference has.
        current_nan: how many NaN the current data has.

    Example:
        >>> round(jensen_shannon_histograms([(1, 2, 3)], [(1, 2, 4)], reference_nan=1), 6)
        0.137925
    """
    _, first, second = histogram_shares(reference, current)
    return jensen_shannon(np.append(first, reference_nan), np.append(second, current_nan))


def ks_statistic(pair: NumberPair) -> float:
    """The Kolmogorov-Smirnov statistic: the greatest difference of the distribution functions; in [0, 1].

    Example:
        >>> ks_statistic(NumberPair(np.arange(4.0), np.array([1.0, 1, 0, 0]), np.array([0.0, 0, 1, 1])))
        1.0
    """
    return float(np.abs(pair.apart).max())


def wasserstein(pair: NumberPair) -> float:
    """The Wasserstein-1 distance: how far numbers moved on average, in their own unit.

    The area between the two distribution functions; infinite or NaN where it exceeds what a double can hold.

    Example:
        >>> wasserstein(NumberPair(np.array([0.0, 1, 3]), np.array([1.0, 1, 0]), np.array([0.0, 1, 1])))
        1.5
    """
    return float(pair.moved.sum())


def quantile_bins(pair: NumberPair, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts summed into at most `bins` bins that the reference fills about equally.

    Bins of equal width would put a heavy-tailed column into one bin. Equal numbers never straddle two bins.

    Args:
        pair: the two samples.
        bins: how many bins.

    Example:
        >>> pair = NumberPair(np.arange(4.0), np.array([1.0, 1, 1, 1]), np.array([0.0, 0, 2, 2]))
        >>> quantile_bins(pair, 2)
        (array([2., 2.]), array([0., 4.]))
    """
    until, total = pair.reference_until, pair.rows[0]
    marks = np.array([k * total // bins for k in range(1, bins)], dtype=np.float64)
    starts = {*until.searchsorted(marks, side="right").tolist(), len(until)} - {0}
    ends = np.array(sorted(starts)) - 1
    return _steps(until[ends]), _steps(pair.current_until[ends])


def _steps(until: np.ndarray) -> np.ndarray:
    steps = until.copy()
    steps[1:] -= until[:-1]
    return steps
