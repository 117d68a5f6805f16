"""Analyzers: from an operation and the profile of its column to the row-wise operation with its constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.component_analyzer import components
from tilth.features.key_analyzers import (
    center_by,
    fill_from_by,
    frequency,
    scale_by,
    statistic_by,
    target_mean,
    zscore_by,
)
from tilth.features.number_analyzers import (
    center,
    clip_quantiles,
    defined,
    equal_width_buckets,
    max_abs_scale,
    quantile_buckets,
    quantile_ranks,
    robust_scale,
    scale,
    zscore,
)
from tilth.features.word_analyzers import bag_of_words, item_vocabulary, term_weights
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
    items = getattr(seen, "items", None)  # what is analyzed of a list is all that is in it
    return analyzer(operation, seen if items is None else items)


def _fill_from(operation: op.FillFrom, profile: ColumnProfile) -> op.RowWise:
    if profile.texts is not None:
        return op.FillWith(_values(profile, 1, 1)[0])
    found = {"mean": profile.mean, "median": profile.median, "mode": profile.mode}[operation.statistic]
    return op.FillWith(defined(found))


def _vocabulary(operation: op.Vocabulary, profile: ColumnProfile) -> op.RowWise:
    return op.Lookup(
        _values(profile, operation.top, operation.min_count, may_be_empty=True),
        operation.default,
        operation.buckets,
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
            mend="use .hash(1000), or leave the feature out",
        )
    values = tuple(text for text, count in found if count >= min_count)
    if not values and not may_be_empty:
        defined(None)
    return values


ANALYZERS: dict[type[op.Analyzed], Callable[[Any, Any], op.RowWise]] = {
    op.FillFrom: _fill_from,
    op.Center: center,
    op.ZScore: zscore,
    op.Scale: scale,
    op.QuantileBuckets: quantile_buckets,
    op.Vocabulary: _vocabulary,
    op.OneHot: _one_hot,
    op.ItemVocabulary: item_vocabulary,
    op.BagOfWords: bag_of_words,
    op.CenterBy: center_by,
    op.ClipQuantiles: clip_quantiles,
    op.Components: components,
    op.EqualWidthBuckets: equal_width_buckets,
    op.FillFromBy: fill_from_by,
    op.Frequency: frequency,
    op.MaxAbsScale: max_abs_scale,
    op.QuantileRanks: quantile_ranks,
    op.RobustScale: robust_scale,
    op.ScaleBy: scale_by,
    op.StatisticBy: statistic_by,
    op.TargetMean: target_mean,
    op.ZScoreBy: zscore_by,
    op.TermWeights: term_weights,
}
