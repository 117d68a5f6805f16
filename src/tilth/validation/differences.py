"""All distances between two profiles of one column, and the evidence that they are no accident."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tilth.profiles import distances
from tilth.profiles.significance import chi_square, kolmogorov_smirnov_p

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.validation.comparison import ColumnComparison

__all__ = ["categorical_difference", "numeric_difference"]

_FEW_NUMBERS = 20
_BINS = 20
_PSI_BINS = 10


def numeric_difference(empty: ColumnComparison, old: ColumnProfile, new: ColumnProfile) -> ColumnComparison:
    """The comparison of two number columns with values, without a verdict."""
    assert old.numbers is not None
    assert new.numbers is not None
    numbers, first, second = distances.aligned_numbers(old.numbers.table, new.numbers.table)
    if not first.sum() or not second.sum():
        return empty
    statistic = distances.ks_statistic(first, second)
    ks = (statistic, kolmogorov_smirnov_p(statistic, int(first.sum()), int(second.sum())))
    # The KS test is needlessly careful where few numbers repeat all the time.
    p_value = chi_square(first, second)[1] if len(numbers) <= _FEW_NUMBERS else ks[1]
    moved = distances.wasserstein(numbers, first, second)
    wasserstein = moved / old.std if old.std and math.isfinite(moved / old.std) else None
    # In standard deviations of nothing every move is infinite: count the rows that moved instead.
    effect = wasserstein if wasserstein is not None else distances.total_variation(first, second)
    words = "moved by" if wasserstein is not None else "share of rows that moved"
    unit = " standard deviations" if wasserstein is not None else ""
    bins = distances.quantile_bins(first, second, _BINS)
    return replace(
        empty,
        effect=effect,
        p_value=p_value,
        reason=_words(f"{words} {effect:.4g}{unit}", None, effect, p_value, empty.threshold),
        jensen_shannon=distances.jensen_shannon(*bins),
        ks=ks,
        psi=distances.psi(*distances.quantile_bins(first, second, _PSI_BINS)),
        wasserstein=wasserstein,
    )


def categorical_difference(
    empty: ColumnComparison, old: ColumnProfile, new: ColumnProfile
) -> ColumnComparison:
    """The comparison of two category columns with values, without a verdict."""
    counts, now = old.counts(), new.counts()
    names = sorted({*counts, *now})
    first = np.array([counts.get(name, 0) for name in names])
    second = np.array([now.get(name, 0) for name in names])
    apart = distances.total_variation(first, second)
    effect = math.sqrt(max(0.0, apart**2 - _sampling_noise(first, second) ** 2))
    p_value = chi_square(first, second)[1]
    distance, at = distances.l_infinity(first, second)
    return replace(
        empty,
        effect=effect,
        p_value=p_value,
        reason=_words(f"total variation {apart:.4g}", "effect", effect, p_value, empty.threshold),
        l_infinity=(distance, names[int(at)] if at is not None else None),
        jensen_shannon=distances.jensen_shannon(first, second),
        psi=distances.psi(first, second),
        total_variation=apart,
    )


def _sampling_noise(first: np.ndarray, second: np.ndarray) -> float:
    # The total variation to expect between two samples of one distribution: half the sum of the mean absolute
    # differences of shares, each about normal with variance p (1 - p) (1/n + 1/m).
    rows, others = first.sum(), second.sum()
    share = (first + second) / (rows + others)
    spread = np.sqrt(share * (1 - share) * (1 / rows + 1 / others))
    return float(spread.sum() * math.sqrt(2 / math.pi) / 2)


def _words(distance: str, named: str | None, effect: float, p_value: float, threshold: float) -> str:
    sign = ">=" if effect >= threshold else "<"
    size = (
        f"{distance} ({named} {effect:.3g} {sign} {threshold:g})"
        if named
        else f"{distance} {sign} {threshold:g}"
    )
    return f"{size}, p {p_value:.3g}"
