"""Quantiles of weighted numbers and their intervals, without a word on how the numbers are spread."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate

__all__ = ["quantiles"]

Floats = npt.NDArray[np.float64]

_Z = 1.959963984540054


def quantiles(values: Floats, shares: Floats, size: float, wanted: tuple[float, ...]) -> list[Estimate]:
    """Quantiles, the mean of the two middle values where the mass falls between them.

    The interval is from the order of the values: those ranks between which the quantile lies with 95 %
    confidence, by the normal approximation of the binomial distribution (Conover 1999, section 3.2). There
    is none where a rank would lie outside.

    Args:
        values: (k,), in any order.
        shares: (k,), the share of the weight that each has, summing to 1.
        size: the number of rows, effective if weighted.
        wanted: which quantiles, each from 0 to 1.

    Example:
        >>> print(quantiles(np.arange(1.0, 101.0), np.full(100, 0.01), 100.0, (0.5,))[0])
        50.5 [41, 60]
    """
    kept = shares > 0
    if not kept.any():
        return [UNDEFINED] * len(wanted)
    order = np.argsort(values[kept], kind="stable")
    ordered, mass = values[kept][order], np.cumsum(shares[kept][order])
    return [_quantile(ordered, mass, size, each) for each in wanted]


def _quantile(ordered: Floats, mass: Floats, size: float, wanted: float) -> Estimate:
    value = _at(ordered, mass, wanted)
    half = _Z * math.sqrt(wanted * (1 - wanted) / size)
    if wanted - half <= 0 or wanted + half >= 1:
        return Estimate(value)
    low, high = (_at(ordered, mass, wanted + side) for side in (-half, half))
    return Estimate(value, min(low, value), max(high, value))


def _at(ordered: Floats, mass: Floats, share: float) -> float:
    """The value at a share of the mass; sums of shares are not exact, so a little is let pass."""
    last = len(ordered) - 1
    lower = min(int(np.searchsorted(mass, share * float(mass[-1]) - 1e-12)), last)
    upper = min(int(np.searchsorted(mass, share * float(mass[-1]) + 1e-12, side="right")), last)
    return float(ordered[lower]) / 2 + float(ordered[upper]) / 2
