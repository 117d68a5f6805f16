"""Could chance alone have made this difference? p-values of two-sample tests on counts."""

from __future__ import annotations

import math

import numpy as np

from tilth.profiles.alignment import NumberPair
from tilth.sketches import Moments

__all__ = [
    "chi_square",
    "chi_square_goodness_of_fit",
    "contingency_chi_square",
    "fisher_exact",
    "greatest_change_p",
    "kolmogorov_smirnov_p",
    "rank_sum_p",
    "standard_scores",
    "student_t",
    "two_proportion_z",
]

_EXACT_CELLS = 100_000
_LEAST_EXPECTED = 10.0
_LEAST_UNTIED = 50


def kolmogorov_smirnov_p(statistic: float, reference_rows: int, current_rows: int) -> float:
    """The p-value of the two-sample Kolmogorov-Smirnov test, two-sided.

    Exact for small samples without ties (paths through the lattice, as in R's psmirnov), the Kolmogorov
    distribution with Stephens' correction beyond. With ties the true p-value is smaller: the test is careful.

    Args:
        statistic: the greatest difference of the two distribution functions.
        reference_rows: size of the reference.
        current_rows: size of the current sample.

    Example:
        >>> round(kolmogorov_smirnov_p(0.5, 10, 10), 6)
        0.167821
    """
    if statistic <= 0 or not reference_rows or not current_rows:
        return 1.0
    if reference_rows * current_rows <= _EXACT_CELLS:
        return _exact_ks(statistic, reference_rows, current_rows)
    root = math.sqrt(reference_rows * current_rows / (reference_rows + current_rows))
    return _kolmogorov((root + 0.12 + 0.11 / root) * statistic)


def _exact_ks(statistic: float, rows: int, other: int) -> float:
    # Probability that a random lattice path stays strictly within the band |i/m - j/n| < statistic.
    short, long = sorted((rows, other))
    places = np.arange(long + 1) / long
    limit = statistic - 1e-9 / long  # reaching the statistic counts as outside, whatever the rounding
    inside = places < limit
    paths = np.where(np.cumsum(~inside) == 0, 1.0, 0.0)
    for i in range(1, short + 1):
        weight = i / (i + long)
        inside = np.abs(i / short - places) < limit
        paths = np.where(inside, np.cumsum(np.where(inside, weight * paths, 0.0)), 0.0)
    return min(1.0, max(0.0, 1.0 - float(paths[-1])))


def _kolmogorov(scaled: float) -> float:
    if scaled < 0.2:
        return 1.0
    most = math.ceil(7.0 / scaled)  # the terms beyond are below 1e-42
    terms = ((-1) ** (k - 1) * math.exp(-2.0 * (k * scaled) ** 2) for k in range(1, most + 1))
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))


def rank_sum_p(pair: NumberPair) -> float | None:
    """The p-value of the rank-sum test (Mann, Whitney 1947; Wilcoxon 1945), two-sided.

    The normal approximation with corrections for ties and continuity. It finds a shift of ordinary numbers in
    about half the rows that the Kolmogorov-Smirnov test needs, and sees no change of spread. None where fewer
    than 50 values of the smaller sample are expected apart from the most frequent number: the approximation
    does not hold there.

    Example:
        >>> numbers = np.arange(400.0)
        >>> one, other = 1 - numbers % 2, numbers % 2
        >>> round(rank_sum_p(NumberPair(numbers, one, other)), 3)
        0.931
    """
    rows, others = (float(n) for n in pair.rows)
    total = rows + others
    both = pair.reference + pair.current
    mode = float(both.max(initial=0))
    if mode == total or (min(rows, others) * (1 - mode / total) < _LEAST_UNTIED and mode > 2):
        return None  # all alike, or too few that are not; few numbers that hardly repeat are no trouble
    wins = float(pair.current @ pair.reference_until - pair.current @ pair.reference / 2)
    ties = float((np.square(both) - 1) @ both) / (total * (total - 1)) if mode > 1 else 0.0
    spread = math.sqrt(rows * others / 12 * (total + 1 - ties))
    beyond = max(0.0, abs(wins - rows * others / 2) - 0.5)
    return math.erfc(beyond / spread / math.sqrt(2)) if spread else None


def chi_square(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """The chi-square test that two samples come from one distribution: (statistic, p-value).

    As `contingency_chi_square`, but categories too rare for the approximation, fewer than 10 expected in the
    smaller sample, are counted together first. p is 1 where nothing is left to compare.

    Args:
        reference: counts of the categories, shape (k,).
        current: counts of the same categories, shape (k,).

    Example:
        >>> statistic, p = chi_square(np.array([10, 10]), np.array([10, 10]))
        >>> statistic, p
        (0.0, 1.0)
    """
    first, second = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if not first.sum() or not second.sum():
        return 0.0, 1.0
    return contingency_chi_square(*_pooled(first, second))


def contingency_chi_square(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """The chi-square statistic of the table of two rows, as it is, and its p-value (Pearson 1900).

    Both samples vary; no continuity correction. With many rare categories the p-value is rough: `chi_square`
    is the one to decide by. (0, 1) where there are fewer than two categories or an empty sample.

    Example:
        >>> statistic, p = contingency_chi_square(np.array([10, 20]), np.array([20, 20]))
        >>> round(statistic, 6), round(p, 6)
        (1.944444, 0.163187)
    """
    from scipy.special import chdtrc

    both = reference + current
    there = both > 0
    if not there.all():
        reference, current, both = reference[there], current[there], both[there]
    rows, others = float(reference.sum()), float(current.sum())
    if not rows or not others or len(both) < 2:
        return 0.0, 1.0
    # (a - E a)^2 / E a + (b - E b)^2 / E b, the two fractions brought together.
    apart = reference / rows - current / others
    statistic = float((np.square(apart) / both).sum()) * rows * others
    return statistic, float(chdtrc(len(both) - 1, statistic))


def standard_scores(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    """How many standard errors each category's count is off, were nothing changed; shape (k,).

    Of all values of a category, the current sample has a hypergeometric number. Anscombe's arcsine (1948)
    makes that about normal also where the samples differ much in size or few values are expected; there it is
    careful. Corrected for continuity. Positive where the share grew.

    Args:
        reference: counts of the categories, shape (k,), together above 0.
        current: counts of the same categories, together above 0.

    Example:
        >>> standard_scores(np.array([60, 40]), np.array([40, 60])).round(2)
        array([-2.69,  2.69])
    """
    rows, others = float(reference.sum()), float(current.sum())
    both = reference + current
    part = others / (rows + others)
    nearer = current - np.clip(current - both * part, -0.5, 0.5)
    scores: np.ndarray = np.arcsin(np.sqrt((nearer + 0.375) / (both + 0.75))) - math.asin(math.sqrt(part))
    scores *= 2 * np.sqrt((both + 0.5) / np.maximum(1 - both / (rows + others), 1e-12))
    return scores


def greatest_change_p(reference: np.ndarray, current: np.ndarray) -> float:
    """The p-value that no category changed its share, judged by the one that changed most.

    Two-sided, by its standard score, times the number of categories (Bonferroni). It finds the change of one
    category among thousands, which the chi-square test does not.

    Example:
        >>> thousand = np.full(1000, 10)
        >>> raised = thousand.copy()
        >>> raised[7] = 60
        >>> contingency_chi_square(thousand, raised)[1] > 0.99, greatest_change_p(thousand, raised) < 1e-5
        (True, True)
    """
    there = reference + current > 0
    if not reference.sum() or not current.sum() or int(there.sum()) < 2:
        return 1.0
    greatest = float(np.abs(standard_scores(reference, current)[there]).max())
    return min(1.0, math.erfc(greatest / math.sqrt(2)) * int(there.sum()))


def _pooled(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = first + second
    least = _LEAST_EXPECTED / min(first.sum() / both.sum(), second.sum() / both.sum())
    order = np.argsort(both, kind="stable")
    order = order[both[order] > 0]
    until = np.cumsum(both[order])
    rare = int(np.searchsorted(both[order], least))  # the first `rare` ones are too rare alone
    if rare:
        rare = max(rare, int(np.searchsorted(until, least)) + 1)  # and together they must not be
    kept, pooled = order[rare:], order[:rare]
    if not rare:
        return first[kept], second[kept]
    return np.append(first[kept], first[pooled].sum()), np.append(second[kept], second[pooled].sum())


def chi_square_goodness_of_fit(reference: np.ndarray, current: np.ndarray) -> tuple[float, float]:
    """The chi-square test of the current counts against the reference taken as exact: (statistic, p-value).

    Right where the reference is a known distribution; where it is a sample this test alarms too often: use
    `chi_square`.

    Example:
        >>> statistic, p = chi_square_goodness_of_fit(np.array([1, 1]), np.array([60, 40]))
        >>> statistic, round(p, 4)
        (4.0, 0.0455)
    """
    from scipy.special import chdtrc

    first, second = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if not first.sum() or not second.sum():
        return 0.0, 1.0
    if np.any((first == 0) & (second > 0)):
        return math.inf, 0.0
    expected = first[first > 0] / first.sum() * second.sum()
    statistic = float((np.square(second[first > 0] - expected) / expected).sum())
    return statistic, float(chdtrc(len(expected) - 1, statistic)) if len(expected) > 1 else 1.0


def two_proportion_z(successes: int, rows: int, other_successes: int, other_rows: int) -> float:
    """The two-sided p-value that two shares are equal, by the pooled normal approximation.

    Example:
        >>> two_proportion_z(10, 20, 10, 20)
        1.0
    """
    if not rows or not other_rows:
        return 1.0
    share = (successes + other_successes) / (rows + other_rows)
    spread = math.sqrt(share * (1 - share) * (1 / rows + 1 / other_rows))
    apart = abs(successes / rows - other_successes / other_rows)
    return math.erfc(apart / spread / math.sqrt(2)) if spread else 1.0


def fisher_exact(successes: int, rows: int, other_successes: int, other_rows: int) -> float:
    """The two-sided p-value that two shares are equal, by Fisher's exact test.

    Sums the probabilities of all tables with the same margins that are no likelier than the one seen.

    Example:
        >>> round(fisher_exact(3, 6, 0, 6), 6)
        0.181818
    """
    both = successes + other_successes
    low, high = max(0, both - other_rows), min(both, rows)
    logs = np.array([_log_choose(rows, k) + _log_choose(other_rows, both - k) for k in range(low, high + 1)])
    weights = np.exp(logs - logs.max())
    seen = weights[successes - low] * (1 + 1e-7)
    return min(1.0, float(weights[weights <= seen].sum() / weights.sum()))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def student_t(reference: Moments, current: Moments) -> float | None:
    """The two-sided p-value that two means are equal, by Student's t-test with equal variances.

    None where it is undefined: fewer than three numbers together, an empty side, no spread at all.

    Example:
        >>> moments = Moments()
        >>> moments.update(np.array([1.0, 2.0, 3.0]))
        >>> student_t(moments, moments)
        1.0
    """
    from scipy.special import stdtr

    freedom = reference.count + current.count - 2
    if reference.mean is None or current.mean is None or freedom < 1:
        return None
    assert reference.std is not None
    assert current.std is not None
    spread = (reference.count * reference.std**2 + current.count * current.std**2) / freedom
    scale = math.sqrt(spread * (1 / reference.count + 1 / current.count))
    if not scale:
        return None
    return float(2 * stdtr(freedom, -abs(reference.mean - current.mean) / scale))
