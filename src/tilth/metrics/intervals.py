"""Confidence intervals in closed form; the level is 95 % everywhere.

The size of a sample is the effective one, (sum of weights)^2 / sum of squared weights (Kish 1965), which
is the number of rows when all weights are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tilth.metrics.estimate import UNDEFINED, Estimate

__all__ = [
    "LEVEL",
    "average",
    "delta",
    "difference_of_apart",
    "log_normal",
    "logit_normal",
    "mean",
    "share",
    "wilson",
]

LEVEL = 0.95
_Z = 1.959963984540054


def wilson(share: float, size: float) -> Estimate:
    """A proportion and its Wilson score interval (Wilson 1927).

    Args:
        share: the observed proportion, 0 to 1.
        size: the number of trials, effective if weighted; 0 makes the proportion undefined.

    Example:
        >>> print(wilson(0.0, 10))
        0 [0, 0.2775]
    """
    if size <= 0:
        return UNDEFINED
    shrink = 1 + _Z**2 / size
    center = (share + _Z**2 / (2 * size)) / shrink
    half = _Z / shrink * math.sqrt(max(share * (1 - share), 0.0) / size + _Z**2 / (4 * size**2))
    return Estimate(share, max(0.0, min(share, center - half)), min(1.0, max(share, center + half)))


def mean(value: float, variance: float, size: float, *, least: float = -math.inf) -> Estimate:
    """A mean and its normal interval.

    Args:
        value: the mean.
        variance: the population variance of what was averaged.
        size: the number of values, effective if weighted.
        least: what the quantity cannot fall below; the interval is cut there.

    Example:
        >>> print(mean(0.5, 0.25, 101))
        0.5 [0.402, 0.598]
    """
    if size <= 1:
        return Estimate(value)
    half = _Z * math.sqrt(variance / (size - 1))
    return Estimate(value, max(least, value - half), value + half)


def average(parts: Sequence[Estimate], shares: Sequence[float] | None = None) -> Estimate:
    """The average of independent estimates, its interval from theirs (MOVER, Zou and Donner 2008).

    Undefined when there is no part or when one of them is undefined.

    Args:
        parts: what is averaged.
        shares: how much each counts, at least 0 and not all 0; default: all alike.

    Example:
        >>> print(average([wilson(0.5, 10), wilson(0.9, 10)]))
        0.7 [0.4988, 0.838]
        >>> print(average([wilson(0.5, 10), wilson(0.9, 10)], [1, 3]))
        0.8 [0.5626, 0.8902]
    """
    values = [part.value for part in parts if part.value is not None]
    if not parts or len(values) < len(parts):
        return UNDEFINED
    counted = [1.0] * len(parts) if shares is None else shares
    total = math.fsum(counted)
    value = math.fsum(each * share for each, share in zip(values, counted, strict=True)) / total
    below, above = [], []
    for part, share in zip(parts, counted, strict=True):
        if part.value is None or part.low is None or part.high is None:
            return Estimate(value)
        below.append((share * (part.value - part.low)) ** 2)
        above.append((share * (part.high - part.value)) ** 2)
    return Estimate(
        value, value - math.sqrt(math.fsum(below)) / total, value + math.sqrt(math.fsum(above)) / total
    )


def difference_of_apart(one: Estimate, other: Estimate) -> Estimate:
    """A metric on some rows minus the same on others, with its 95 % interval.

    The ends are put together from those of the two intervals (MOVER; of two Wilson intervals this is the
    tenth method of Newcombe 1998, Interval estimation for the difference between independent proportions).

    Example:
        >>> print(difference_of_apart(Estimate(0.5, 0.4, 0.6), Estimate(0.2, 0.16, 0.25)))
        0.3 [0.1882, 0.4077]
    """
    if one.value is None or other.value is None:
        return UNDEFINED
    value = one.value - other.value
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Estimate(value)
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, value - below, value + above)


def delta(
    formula: Callable[[Sequence[complex]], complex | None],
    shares: Sequence[float],
    size: float,
    *,
    least: float = -math.inf,
    greatest: float = math.inf,
) -> Estimate:
    """A smooth function of multinomial shares and its interval by the delta method.

    The derivatives are exact to rounding: they are taken with a complex step (Squire and Trapp 1998). Where
    the estimated variance is 0 (a perfect score), no interval is given rather than one of no width.

    Args:
        formula: the function of the shares; None where it is undefined. It must accept complex numbers.
        shares: the observed shares, summing to 1.
        size: the number of trials, effective if weighted.
        least: the least possible value, where the interval is cut.
        greatest: the greatest possible value.

    Example:
        >>> print(delta(lambda p: p[0] * p[1], [0.5, 0.5], 100))
        0.25
        >>> print(delta(lambda p: p[0] / p[1], [0.4, 0.6], 100))
        0.6667 [0.3999, 0.9334]
    """
    value = formula([complex(share) for share in shares]) if size > 0 else None
    if value is None:
        return UNDEFINED
    step = 1e-30
    slopes = []
    for index in range(len(shares)):
        moved = [complex(share, step if at == index else 0.0) for at, share in enumerate(shares)]
        slopes.append((formula(moved) or 0j).imag / step)
    slope = math.fsum(p * s for p, s in zip(shares, slopes, strict=True))
    variance = math.fsum(p * (s - slope) ** 2 for p, s in zip(shares, slopes, strict=True)) / size
    if variance <= 1e-30:
        return Estimate(value.real)
    half = _Z * math.sqrt(variance)
    return Estimate(value.real, max(least, value.real - half), min(greatest, value.real + half))


def logit_normal(value: float, variance: float) -> Estimate:
    """A quantity between 0 and 1 and its interval, normal on the logit scale, so that it stays inside.

    Args:
        value: the quantity, strictly between 0 and 1.
        variance: the variance of its estimate.

    Example:
        >>> print(logit_normal(0.9, 0.001))
        0.9 [0.8188, 0.9471]
    """
    center = math.log(value / (1 - value))
    half = _Z * math.sqrt(variance) / (value * (1 - value))
    return Estimate(value, _expit(center - half), _expit(center + half))


def share(value: float, variance: float, size: float) -> Estimate:
    """A quantity from 0 to 1 and its interval, which stays inside: logit-normal, at the ends Wilson's.

    Args:
        value: the quantity.
        variance: the variance of its estimate; 0 where all that was averaged is alike.
        size: the number of what was averaged, effective if weighted.

    Example:
        >>> print(share(0.9, 0.001, 100), "|", share(1.0, 0.0, 100))
        0.9 [0.8188, 0.9471] | 1 [0.963, 1]
    """
    if size <= 1:
        return Estimate(value)
    return logit_normal(value, variance) if 0 < value < 1 and variance > 0 else wilson(value, size)


def log_normal(value: float, log_variance: float) -> Estimate:
    """A positive quantity and its interval, normal on the log scale.

    Example:
        >>> print(log_normal(2.0, 0.01))
        2 [1.644, 2.433]
    """
    half = _Z * math.sqrt(log_variance)
    return Estimate(value, value * math.exp(-half), value * math.exp(half))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
