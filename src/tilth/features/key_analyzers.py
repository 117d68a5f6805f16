"""From what is known of each value of a category to the row-wise operations with its constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.number_analyzers import no_values, too_far_apart
from tilth.features.target_sums import FOLDS, TargetSums
from tilth.profiles import ColumnProfile
from tilth.sketches import KEY_NUMBERS, GroupedMoments, Moments

__all__ = ["center_by", "fill_from_by", "frequency", "scale_by", "statistic_by", "target_mean", "zscore_by"]

_UNIT_BITS = 1074

_FIGURES: dict[op.GroupStatistic, Callable[[Moments], float | None]] = {
    "mean": lambda moments: moments.mean,
    "std": lambda moments: moments.std,
    "min": lambda moments: moments.low,
    "max": lambda moments: moments.high,
    "count": lambda moments: moments.count,
}


def center_by(_: op.CenterBy, seen: GroupedMoments) -> op.RowWise:
    """`KeyedAffine` by each key's mean."""
    return _affine(seen, lambda moments: (_mean(moments), 1.0, 1.0, 0.0))


def zscore_by(_: op.ZScoreBy, seen: GroupedMoments) -> op.RowWise:
    """`KeyedAffine` by each key's mean and standard deviation."""
    return _affine(seen, _zscore)


def scale_by(operation: op.ScaleBy, seen: GroupedMoments) -> op.RowWise:
    """`KeyedAffine` by each key's extremes."""

    def constants(moments: Moments) -> tuple[float, ...]:
        low, high = moments.low, moments.high
        assert low is not None
        assert high is not None
        if low == high:
            return float(low), 1.0, 0.0, operation.low
        if not math.isfinite(float(high) - float(low)):
            raise too_far_apart()
        return float(low), float(high - low), operation.high - operation.low, operation.low

    return _affine(seen, constants)


def fill_from_by(_: op.FillFromBy, seen: GroupedMoments) -> op.RowWise:
    """`KeyedFill` with each key's mean."""
    keys, found, of_all = _known(seen)
    return op.KeyedFill(keys, (*(_mean(moments) for moments in found), _mean(of_all)))


def statistic_by(operation: op.StatisticBy, seen: GroupedMoments) -> op.RowWise:
    """`KeyedConstants` with a figure of each key."""
    figure = _FIGURES[operation.statistic]
    keys, found, of_all = _known(seen)
    values = [_float(figure(moments)) for moments in found]
    others = 0.0 if operation.statistic == "count" else _float(figure(of_all))
    return op.KeyedConstants(keys, tuple((value,) for value in (*values, others)))


def frequency(_: op.Frequency, profile: ColumnProfile) -> op.RowWise:
    """`KeyedConstants` with each text's share of the rows."""
    assert profile.texts is not None
    if not profile.texts.is_exact:
        raise too_many_keys()
    found = sorted((text, count) for text, count in profile.texts.top(None) if text)
    rows = profile.count + profile.missing
    shares = [(count / rows,) for _, count in found]
    return op.KeyedConstants(tuple(text for text, _ in found), (*shares, (0.0,)))


def target_mean(operation: op.TargetMean, seen: TargetSums) -> op.RowWise:
    """`FoldedConstants` of the label's means, smoothed."""
    if seen.is_full:
        raise too_many_keys()
    keys, counts, sums = seen.tables()
    priors = [_ratio(sum(map(sum, part)), int(counts.sum())) for part in sums]
    tables = []
    for left_out in (None, *range(FOLDS)):
        rows = counts.sum(axis=1) - (0 if left_out is None else counts[:, left_out])
        columns = [
            _smoothed(rows.tolist(), part, left_out, operation.smoothing, prior)
            for part, prior in zip(sums, priors, strict=True)
        ]
        tables.append(tuple(zip(*columns, strict=True)))
    suffixes = tuple(f"={name}" for name in operation.classes) or ("",)
    return op.FoldedConstants(op.KeyedConstants(tuple(keys), tables[0], suffixes), tuple(tables[1:]))


def _smoothed(
    rows: Sequence[int], sums: Sequence[Sequence[int]], left_out: int | None, smoothing: float, prior: float
) -> list[float]:
    """The smoothed mean of each key outside a fold, and the mean of all rows for other keys.

    That mean is the same for all folds: the means of what is outside each would tell which fold a row is in,
    and with it a little of its label.
    """
    found = []
    for count, own in zip(rows, sums, strict=True):
        units = sum(own) - (0 if left_out is None else own[left_out])
        weight = count + smoothing
        # A sum may be beyond the greatest double where the mean is not.
        share = count / weight if weight else 0.0
        found.append(_ratio(units, count) * share + prior * (1 - share) if count else prior)
    return [*found, prior]


def _ratio(units: int, count: int) -> float:
    """A sum in units of 2**-1074, divided; NaN for nothing."""
    return units / (count << _UNIT_BITS) if count else math.nan


def _affine(seen: GroupedMoments, constants: Callable[[Moments], tuple[float, ...]]) -> op.RowWise:
    keys, found, of_all = _known(seen)
    return op.KeyedAffine(keys, tuple(constants(moments) for moments in (*found, of_all)))


def _known(seen: GroupedMoments) -> tuple[tuple[str, ...], list[Moments], Moments]:
    """The keys that have values, the moments of each, and those of all rows.

    Raises:
        FeatureError: too many keys, or no value at all.
    """
    if seen.is_full:
        raise too_many_keys()
    by_key = seen.by_key()
    of_all = Moments()
    for moments in by_key.values():
        of_all.merge(moments)
    if not of_all.count:
        raise no_values()
    by_key.pop("", None)  # where the key is missing, the constants of all rows hold
    by_key = {key: moments for key, moments in by_key.items() if moments.count}
    return tuple(by_key), list(by_key.values()), of_all


def too_many_keys() -> FeatureError:
    """The error for a category with more values than constants are kept of."""
    return FeatureError(
        "there are too many different values to keep constants for each",
        expected=f"at most {KEY_NUMBERS:,}",
        mend="take a coarser key, or leave the feature out",
    )


def _zscore(moments: Moments) -> tuple[float, ...]:
    mean, std = _mean(moments), _float(moments.std)
    return (mean, std, 1.0, 0.0) if std else (mean, 1.0, 0.0, 0.0)


def _mean(moments: Moments) -> float:
    return _float(moments.mean)


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)
