"""All distances between two samples of one column, and the evidence that they are no accident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tilth.profiles import distances
from tilth.profiles.significance import (
    chi_square,
    contingency_chi_square,
    fisher_exact,
    greatest_change_p,
    kolmogorov_smirnov_p,
    rank_sum_p,
)
from tilth.validation.effects import category_effect, number_effect

if TYPE_CHECKING:
    from tilth.profiles.alignment import NumberPair
    from tilth.validation.comparison import ColumnComparison

__all__ = ["categorical_difference", "numeric_difference"]

_FEW_NUMBERS = 20
_FEW_EXPECTED = 25
_BINS = 20
_PSI_BINS = 10


def numeric_difference(
    empty: ColumnComparison, pair: NumberPair, reference_std: float | None, current_std: float | None
) -> ColumnComparison:
    """The comparison of two samples of numbers, neither of them empty, without a verdict."""
    rows, others = pair.rows
    statistic = distances.ks_statistic(pair)
    ks = (statistic, kolmogorov_smirnov_p(statistic, rows, others))
    wasserstein, effect = number_effect(pair, reference_std, current_std)
    return replace(
        empty,
        effect=effect.size,
        effect_error=effect.error,
        p_value=_number_p(pair, ks[1]),
        jensen_shannon=distances.jensen_shannon(*distances.quantile_bins(pair, _BINS)),
        ks=ks,
        psi=distances.psi(*distances.quantile_bins(pair, _PSI_BINS)),
        wasserstein=wasserstein,
        moved_by=distances.finite(distances.wasserstein(pair)),
    )


def _number_p(pair: NumberPair, ks: float) -> float:
    # The KS test is needlessly careful where few numbers repeat all the time.
    shape = _category_p(pair.reference, pair.current) if len(pair.numbers) <= _FEW_NUMBERS else ks
    return _either(shape, rank_sum_p(pair))


def _either(first: float, second: float | None) -> float:
    """The p-value of two tests, of which the better one counts (Bonferroni)."""
    return first if second is None else min(1.0, 2 * min(first, second))


def categorical_difference(
    empty: ColumnComparison,
    names: Callable[[int], str],
    reference: np.ndarray,
    current: np.ndarray,
    *,
    is_whole: bool = True,
) -> ColumnComparison:
    """The comparison of two samples of categories, neither of them empty, without a verdict.

    Args:
        empty: what to fill in.
        names: the name of each category by its position.
        reference: counts of the categories, shape (k,).
        current: counts of the same categories.
        is_whole: whether these are all categories, or only those of a sample.
    """
    effect = category_effect(reference, current)
    return replace(
        empty,
        effect=effect.size,
        effect_error=effect.error,
        p_value=_category_p(reference, current),
        l_infinity=_greatest(names, reference, current) if is_whole else None,
        chi_squared=contingency_chi_square(reference, current) if is_whole else None,
        jensen_shannon=distances.jensen_shannon(reference, current),
        psi=distances.psi(reference, current),
        total_variation=distances.total_variation(reference, current),
    )


def _category_p(reference: np.ndarray, current: np.ndarray) -> float:
    if len(reference) > 2:
        return _either(chi_square(reference, current)[1], greatest_change_p(reference, current))
    rows, others = int(reference.sum()), int(current.sum())
    smaller = min(rows, others) / (rows + others) * float((reference + current).min())
    if len(reference) == 2 and smaller < _FEW_EXPECTED:
        return fisher_exact(int(reference[0]), rows, int(current[0]), others)
    return chi_square(reference, current)[1]


def _greatest(names: Callable[[int], str], reference: np.ndarray, current: np.ndarray) -> tuple[float, str]:
    apart = np.abs(reference / reference.sum() - current / current.sum())
    greatest = float(apart.max())
    return greatest, min(names(int(place)) for place in np.flatnonzero(apart == greatest))
