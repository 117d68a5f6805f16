"""How far apart several groups are in one quantity: the widest gap, and the least ratio, with intervals.

The intervals are made of those of the groups, which are independent, by the method of variance estimates
recovery (MOVER): differences by Zou and Donner 2008, of Wilson intervals Newcombe's method 10 (1998), and
ratios by Donner and Zou 2012. Of several groups the widest gap is a choice among all pairs, so that the
intervals of the groups are first widened until they hold for all pairs at once (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from tilth.metrics import LEVEL, UNDEFINED, Estimate

__all__ = ["least_ratio", "widest_gap"]

Floats = npt.NDArray[np.float64]


def widest_gap(
    groups: Sequence[Estimate], *, least: float | None = 0.0, most: float | None = 1.0
) -> Estimate:
    """The greatest of several independent quantities minus the least.

    The interval holds the true gap with at least 95 % confidence: its lower end is 0 where no two groups are
    surely apart.

    Args:
        groups: one estimate each.
        least: what the quantity cannot fall below; None: anything.
        most: what it cannot exceed.

    Returns:
        Undefined with fewer than two groups, or where one of them is undefined; without an interval where
        one of them has none.

    Example:
        >>> print(widest_gap([Estimate(0.72, 0.69, 0.75), Estimate(0.65, 0.59, 0.7)]))
        0.07 [0.01169, 0.1371]
    """
    values = _values(groups)
    if values is None:
        return UNDEFINED
    gap = float(values.max() - values.min())
    ends = _widened(groups, values, least, most)
    if ends is None:
        return Estimate(gap)
    below, above = values - ends[0], ends[1] - values
    apart = values[:, None] - values[None, :]
    lows = apart - np.hypot(below[:, None], above[None, :])
    highs = apart + np.hypot(above[:, None], below[None, :])
    np.fill_diagonal(lows, 0.0)
    np.fill_diagonal(highs, 0.0)
    widest = highs.max() if least is None or most is None else min(highs.max(), most - least)
    return Estimate(gap, max(0.0, float(lows.max())), float(widest))


def least_ratio(groups: Sequence[Estimate], *, most: float | None = 1.0) -> Estimate:
    """The least of several independent quantities of at least 0, divided by the greatest.

    A ratio of selection rates below 0.8 is what the four-fifths rule asks about (29 CFR 1607.4 D).

    Args:
        groups: one estimate each.
        most: what the quantity cannot exceed; None: anything.

    Returns:
        Undefined with fewer than two groups, where one of them is undefined, or where all are 0; without an
        interval where one of them has none.

    Example:
        >>> print(least_ratio([Estimate(0.72, 0.69, 0.75), Estimate(0.65, 0.59, 0.7)]))
        0.9028 [0.8128, 0.9834]
    """
    values = _values(groups)
    if values is None or not values.max() > 0 or values.min() < 0:
        return UNDEFINED
    ratio = float(values.min() / values.max())
    ends = _widened(groups, values, 0.0, most)
    if ends is None:
        return Estimate(ratio)
    lows, highs = _ratio_ends(values, ends[0], ends[1])
    np.fill_diagonal(lows, 1.0)
    np.fill_diagonal(highs, 1.0)
    return Estimate(ratio, float(lows.min()), float(min(1.0, highs.min())))


def _values(groups: Sequence[Estimate]) -> Floats | None:
    """The values of two groups or more; None where one is undefined."""
    known = [each.value for each in groups if each.value is not None]
    return np.array(known) if len(known) == len(groups) > 1 else None


def _widened(
    groups: Sequence[Estimate], values: Floats, least: float | None, most: float | None
) -> tuple[Floats, Floats] | None:
    """The ends of intervals that hold for all pairs at once."""
    lows = [each.low for each in groups if each.low is not None]
    highs = [each.high for each in groups if each.high is not None]
    if len(lows) < len(groups) or len(highs) < len(groups):
        return None
    pairs = len(groups) * (len(groups) - 1) / 2
    normal = NormalDist()
    factor = normal.inv_cdf(1 - (1 - LEVEL) / 2 / pairs) / normal.inv_cdf(1 - (1 - LEVEL) / 2)
    low, high = values - factor * (values - np.array(lows)), values + factor * (np.array(highs) - values)
    return np.clip(low, least, None), np.clip(high, None, most)


def _ratio_ends(values: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The ends of each group's quantity (down) over each other's (across).

    They are the roots R of (p - R q)^2 = (p - l_p)^2 + R^2 (u_q - q)^2, and of the same with the other ends.
    """
    p, q = values[:, None], values[None, :]
    product = p * q
    with np.errstate(divide="ignore", invalid="ignore"):
        inner, outer = low * (2 * values - low), high * (2 * values - high)
        root = np.sqrt(np.maximum(product**2 - outer[None, :] * inner[:, None], 0.0))
        lows = inner[:, None] / (product + root)
        root = np.sqrt(np.maximum(product**2 - inner[None, :] * outer[:, None], 0.0))
        highs = (product + root) / inner[None, :]
    return np.nan_to_num(lows, nan=0.0, posinf=np.inf), np.nan_to_num(highs, nan=np.inf, posinf=np.inf)
