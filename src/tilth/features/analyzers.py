"""Analyzers: from an operation and the profile of its column to the row-wise operation with its constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.sketches.text_counts import TEXT_LIMIT

if TYPE_CHECKING:
    from tilth.features.analyses import Analysis
    from tilth.profiles import ColumnProfile

__all__ = ["ANALYZERS", "analyze"]


def analyze(operation: op.Analyzed, seen: ColumnProfile | Analysis) -> op.RowWise:
    """The row-wise operation that does what an analyzed one says, with constants from training data.

    Args:
        operation: what is wanted.
        seen: the profile of the values that it is applied to, or the analysis that it names.

    Raises:
        FeatureError: the constants are undefined, for want of values.

    Example:
        >>> from tilth.profiles import profile
        >>> analyze(op.Center(), profile({"x": [1, 2, 3]}).columns["x"])
        Affine(shift=2.0, divisor=1.0, factor=1.0, offset=0.0)
    """
    analyzer = ANALYZERS.get(type(operation))
    if analyzer is None:
        raise FeatureError(
            f"{type(operation).__name__} has no analyzer",
            expected="one of " + ", ".join(sorted(known.__name__ for known in ANALYZERS)),
        )
    return analyzer(operation, seen)


def _fill_from(operation: op.FillFrom, profile: ColumnProfile) -> op.RowWise:
    if profile.texts is not None:
        return op.FillWith(_values(profile, 1, 1)[0])
    found = {"mean": profile.mean, "median": profile.median, "mode": profile.mode}[operation.statistic]
    return op.FillWith(_defined(found))


def _center(_: op.Center, profile: ColumnProfile) -> op.RowWise:
    return op.Affine(shift=_defined(profile.mean))


def _zscore(_: op.ZScore, profile: ColumnProfile) -> op.RowWise:
    mean, std = _defined(profile.mean), _defined(profile.std)
    if std == 0:
        return op.Affine(shift=mean, factor=0.0)
    return op.Affine(shift=mean, divisor=std)


def _scale(operation: op.Scale, profile: ColumnProfile) -> op.RowWise:
    low, high = _defined(profile.min), _defined(profile.max)
    if low == high:
        return op.Affine(shift=low, factor=0.0, offset=operation.low)
    return op.Affine(low, high - low, operation.high - operation.low, operation.low)


def _quantile_buckets(operation: op.QuantileBuckets, profile: ColumnProfile) -> op.RowWise:
    bounds = profile.quantile_boundaries(operation.count)
    _defined(bounds[0] if bounds else None)
    return op.Buckets(tuple(bounds))


def _vocabulary(operation: op.Vocabulary, profile: ColumnProfile) -> op.RowWise:
    return op.Lookup(
        _values(profile, operation.top, operation.min_count, may_be_empty=True), operation.default
    )


def _one_hot(operation: op.OneHot, profile: ColumnProfile) -> op.RowWise:
    values = _values(profile, operation.top, operation.min_count, may_be_empty=True)
    return op.Indicators(values, missing=profile.missing > 0)


def _values(
    profile: ColumnProfile, top: int | None, min_count: int, *, may_be_empty: bool = False
) -> tuple[str, ...]:
    """The most frequent texts, by count then text, both descending."""
    assert profile.texts is not None
    found = [(text, count) for text, count in profile.texts.top(top) if text]
    if not profile.texts.is_exact and (top is None or len(found) < top):
        raise FeatureError(
            f"there are too many different texts, about {profile.distinct:,}, to tell the most frequent ones",
            expected=f"at most {TEXT_LIMIT:,}",
            mend="hash the texts, or leave the feature out",
        )
    values = tuple(text for text, count in found if count >= min_count)
    if not values and not may_be_empty:
        _defined(None)
    return values


def _defined(value: float | str | None) -> float:
    if value is None or not math.isfinite(float(value)):
        raise FeatureError(
            "there are no values in the training data to compute its constants from",
            mend="leave the feature out",
        )
    return float(value)


ANALYZERS: dict[type[op.Analyzed], Callable[[Any, Any], op.RowWise]] = {
    op.FillFrom: _fill_from,
    op.Center: _center,
    op.ZScore: _zscore,
    op.Scale: _scale,
    op.QuantileBuckets: _quantile_buckets,
    op.Vocabulary: _vocabulary,
    op.OneHot: _one_hot,
}
