"""From the profile of numbers to the row-wise operations with its constants."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import groupby

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.profiles import ColumnProfile

__all__ = [
    "center",
    "clip_quantiles",
    "defined",
    "equal_width_buckets",
    "max_abs_scale",
    "no_values",
    "quantile_buckets",
    "quantile_ranks",
    "robust_scale",
    "scale",
    "too_far_apart",
    "zscore",
]


def no_values() -> FeatureError:
    """The error for constants of nothing."""
    return FeatureError(
        "there are no values in the training data to compute its constants from",
        mend="leave the feature out",
    )


def defined(value: float | str | None) -> float:
    """A finite number.

    Raises:
        FeatureError: there is none.
    """
    if value is None or not math.isfinite(float(value)):
        raise no_values()
    return float(value)


def center(_: op.Center, profile: ColumnProfile) -> op.RowWise:
    """`Affine` by the mean."""
    return op.Affine(shift=defined(profile.mean))


def zscore(_: op.ZScore, profile: ColumnProfile) -> op.RowWise:
    """`Affine` by mean and standard deviation."""
    return _spread(defined(profile.mean), defined(profile.std))


def robust_scale(_: op.RobustScale, profile: ColumnProfile) -> op.RowWise:
    """`Affine` by median and quartiles."""
    low, middle, high = (defined(value) for value in profile.quantiles((0.25, 0.5, 0.75)))
    return _spread(middle, _distance(low, high))


def max_abs_scale(_: op.MaxAbsScale, profile: ColumnProfile) -> op.RowWise:
    """`Affine` by the extremes."""
    return _spread(0.0, max(abs(defined(profile.min)), abs(defined(profile.max))))


def _distance(low: float, high: float) -> float:
    if not math.isfinite(high - low):
        raise too_far_apart()
    return high - low


def too_far_apart() -> FeatureError:
    """The error for values whose distance no double can hold."""
    return FeatureError(
        "the least and the greatest value are farther apart than the greatest double",
        mend="clip the values first, or divide them by a constant",
    )


def _spread(middle: float, size: float) -> op.RowWise:
    return op.Affine(shift=middle, factor=0.0) if size == 0 else op.Affine(shift=middle, divisor=size)


def scale(operation: op.Scale, profile: ColumnProfile) -> op.RowWise:
    """`Affine` by the extremes."""
    low, high = defined(profile.min), defined(profile.max)
    if low == high:
        return op.Affine(shift=low, factor=0.0, offset=operation.low)
    return op.Affine(low, _distance(low, high), operation.high - operation.low, operation.low)


def clip_quantiles(operation: op.ClipQuantiles, profile: ColumnProfile) -> op.RowWise:
    """`Clip` to quantiles; a share of 0 or 1 is no bound."""
    low, high = (defined(value) for value in profile.quantiles((operation.low, operation.high)))
    return op.Clip(-math.inf if operation.low == 0 else low, math.inf if operation.high == 1 else high)


def quantile_buckets(operation: op.QuantileBuckets, profile: ColumnProfile) -> op.RowWise:
    """`Buckets` with about as many values each."""
    bounds = profile.quantile_boundaries(operation.count)
    defined(bounds[0] if bounds else None)
    return op.Buckets(tuple(bounds))


def equal_width_buckets(operation: op.EqualWidthBuckets, profile: ColumnProfile) -> op.RowWise:
    """`Buckets` between the extremes; each bound is rounded once."""
    low, high = Fraction(defined(profile.min)), Fraction(defined(profile.max))
    steps = range(1, operation.count)
    return op.Buckets(tuple(float(low + (high - low) * step / operation.count) for step in steps))


def quantile_ranks(operation: op.QuantileRanks, profile: ColumnProfile) -> op.RowWise:
    """`Ranks` between the least value, the boundaries of buckets and the greatest value.

    A value that is several of them has the mean of their ranks; the least has 0 and the greatest 1.
    """
    low, high = defined(profile.min), defined(profile.max)
    if low == high:
        return op.Ranks((low,), (0.5,))
    _distance(low, high)
    bounds = [low, *profile.quantile_boundaries(operation.count), high]
    ranks: dict[float, float] = {}
    for bound, places in groupby(enumerate(bounds), key=lambda at: at[1]):
        positions = [position for position, _ in places]
        ranks[bound] = sum(positions) / (len(positions) * operation.count)
    ranks |= {low: 0.0, high: 1.0}
    return op.Ranks(tuple(ranks), tuple(ranks.values()))
