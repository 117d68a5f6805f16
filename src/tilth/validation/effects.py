"""How large a change is, apart from chance, and how exactly that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilth.profiles.distances import total_variation
from tilth.profiles.significance import standard_scores

if TYPE_CHECKING:
    from tilth.profiles.alignment import NumberPair

__all__ = ["Effect", "category_effect", "number_effect"]

_OUTER = 0.005
_MOSTLY = 0.5
_MEAN_OF_NORMAL = math.sqrt(2 / math.pi)  # of the absolute value of a standard normal number
_BEYOND_NOISE = 2.0
_FEW = 50
_WIDEST = 1e6


@dataclass(frozen=True)
class Effect:
    """The size of a change.

    Args:
        size: 0 where nothing changed.
        error: the standard error of the size.

    Example:
        >>> Effect(0.1, 0.01).size
        0.1
    """

    size: float
    error: float


def number_effect(
    pair: NumberPair, reference_std: float | None, current_std: float | None
) -> tuple[float | None, Effect]:
    """How far numbers moved: (Wasserstein-1 in standard deviations of the reference, effect).

    The effect is that distance. But where the outer half per cent at either end of the reference makes up
    most of its spread, these numbers are drawn in to the rest first (winsorized), if that makes the effect
    greater: a few outliers shall not hide a change of all other numbers. Where the reference is constant
    there is no
    unit: the distance is None and the effect the share of rows that moved.

    The error is that of a mean: the distance is the difference of the means of a function that is no steeper
    than 1 (Kantorovich and Rubinstein 1958), and such a function spreads numbers no further apart.
    """
    rows, others = pair.rows
    moved = pair.moved
    whole = float(moved.sum()) / reference_std if reference_std else math.nan
    if not reference_std or not math.isfinite(whole):
        return None, Effect(total_variation(pair.reference, pair.current), 0.0)
    wider = min((current_std or 0.0) / reference_std, _WIDEST)
    error = math.sqrt(1 / rows + wider**2 / others)
    start, end = np.searchsorted(pair.reference_until, (rows * _OUTER, rows * (1 - _OUTER)))
    inner = _std_between(pair, int(start), int(end))
    if 0 < inner < _MOSTLY * reference_std:
        trimmed = float(moved[start:end].sum()) / inner
        if whole < trimmed < math.inf:
            return whole, Effect(trimmed, math.sqrt(1 / rows + 1 / others))
    return whole, Effect(whole, error)


def _std_between(pair: NumberPair, start: int, end: int) -> float:
    """The reference's standard deviation with what lies outside two positions drawn in to them."""
    numbers, counts = pair.numbers[start : end + 1], pair.reference[start : end + 1]
    middle = numbers[len(numbers) // 2]  # squares keep their digits near zero
    with np.errstate(over="ignore", invalid="ignore"):
        near = numbers - middle
        weighted = near * counts
        ends = (pair.reference_until[start] - counts[0], pair.rows[0] - pair.reference_until[end])
        mean = float(weighted.sum() + ends[0] * near[0] + ends[1] * near[-1]) / pair.rows[0]
        square = float(weighted @ near + ends[0] * near[0] ** 2 + ends[1] * near[-1] ** 2) / pair.rows[0]
        variance = square - mean * mean
    return math.sqrt(variance) if math.isfinite(variance) and variance > 0 else 0.0


def category_effect(reference: np.ndarray, current: np.ndarray) -> Effect:
    """The share of rows that changed category, apart from what sampling alone shows.

    Total variation between two samples of one distribution grows with the number of categories: 5,000 levels
    and 20,000 rows show 0.2 where nothing changed. So the categories are told apart whose share changed
    beyond sqrt(2 ln k) standard errors (the universal threshold of Donoho and Johnstone 1994): their changes
    count as they are. Of the others only their total variation beyond that of noise counts, in squares, and
    only if it is clearly beyond.

    Args:
        reference: counts of the categories, shape (k,), all together above 0.
        current: the same.

    Example:
        >>> effect = category_effect(np.array([6000, 4000]), np.array([5000, 5000]))
        >>> round(effect.size, 6), round(effect.error, 6)
        (0.1, 0.007)
        >>> resampled = np.random.default_rng(0).multinomial(20_000, np.full(5000, 1 / 5000))
        >>> category_effect(np.full(5000, 4), resampled).size
        0.0
    """
    rows, others = float(reference.sum()), float(current.sum())
    before, after = reference / rows, current / others
    apart = after - before
    both = reference + current
    clear = np.abs(standard_scores(reference, current)) > math.sqrt(2 * math.log(max(len(both), 2)))
    rest = _beyond_noise(np.abs(apart[~clear]), both[~clear], rows, others)
    # Shares add up to one: what grew visibly took as much from others, visibly or not.
    grown, shrunk, signs = clear & (apart > 0), clear & (apart < 0), np.sign(apart)
    found = [
        (float(np.abs(apart[clear]).sum()) / 2 + rest, signs / 2),
        (float(apart[grown].sum()), grown.astype(np.float64)),
        (-float(apart[shrunk].sum()), shrunk.astype(np.float64)),
    ]
    size, weights = max(found, key=lambda each: each[0])
    error = math.sqrt(_variance(weights, before) / rows + _variance(weights, after) / others)
    return Effect(min(size, 1.0), error)


def _variance(weights: np.ndarray, shares: np.ndarray) -> float:
    """Of the weight of the category of one row."""
    return max(0.0, float(np.square(weights) @ shares) - float(weights @ shares) ** 2)


def _beyond_noise(apart: np.ndarray, both: np.ndarray, rows: float, others: float) -> float:
    """The total variation of some categories beyond that of noise; 0 unless clearly beyond."""
    share = both / (rows + others)
    noise = np.sqrt(share * (1 - share) * (1 / rows + 1 / others))
    usual = noise * _MEAN_OF_NORMAL
    few = both <= _FEW
    usual[few] = _mean_deviations(others / (rows + others))[both[few].astype(np.int64)] * (
        1 / rows + 1 / others
    )
    seen, expected = float(apart.sum()) / 2, float(usual.sum()) / 2
    spread = math.sqrt(max(float((np.square(noise) - np.square(usual)).sum()), 0.0)) / 2
    return math.sqrt(seen**2 - expected**2) if seen > expected + _BEYOND_NOISE * spread else 0.0


def _mean_deviations(chance: float) -> np.ndarray:
    """The mean absolute deviations of binomial numbers of 0 to 50 trials (de Moivre 1730)."""
    found = [0.0]
    for trials in range(1, _FEW + 1):
        above = math.floor(trials * chance) + 1
        ways = math.comb(trials, above) * chance**above * (1 - chance) ** (trials - above)
        found.append(2 * above * (1 - chance) * ways)
    return np.array(found)
