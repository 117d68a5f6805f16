"""How likely a slice looks so bad by chance: exact for counts of errors, a proven bound for losses."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["log_bound_of_counts", "log_bound_of_means", "log_tail", "mcnemar"]

Floats = npt.NDArray[np.float64]

_MOST_EXACT = 4000
"""Of larger slices the bound is as good as the exact probability."""


def log_bound_of_counts(observed: Floats, expected: Floats, rows: Floats) -> Floats:
    """The logarithm of a bound on the probability of so many errors or more.

    exp(-n KL(o / n || e / n)): Chernoff's bound, which holds for rows with unlike chances too and for rows
    drawn without replacement (Hoeffding 1963, Probability inequalities for sums of bounded random variables,
    theorem 1 and section 6).

    Args:
        observed: (k,), errors in each slice.
        expected: (k,), how many there are on average.
        rows: (k,), its rows.

    Example:
        >>> float(log_bound_of_counts(np.array([30.0]), np.array([10.0]), np.array([100.0]))[0])
        -15.366...
    """
    share = np.clip(observed / rows, 0, 1)
    return np.where(observed > expected, -rows * _divergence(share, np.clip(expected / rows, 0, 1)), 0.0)


def log_bound_of_means(
    observed: Floats, expected: Floats, variance: Floats, rows: Floats, room: float
) -> Floats:
    """The same for sums of values between 0 and 1, which uses how little they vary.

    Args:
        observed: (k,), the sum of each slice's values.
        expected: (k,), what it is on average.
        variance: (k,), the sum of the values' variances.
        rows: (k,), its rows.
        room: how far a value can be above its average at most.

    Source:
        Hoeffding 1963, theorem 3: of all such values those with two outcomes are the worst.

    Example:
        >>> values = (np.array([each]) for each in (60.0, 50.0, 2.0, 100.0))
        >>> float(log_bound_of_means(*values, room=0.5)[0])
        -15.949...
    """
    above = np.clip((observed - expected) / rows, 0, room)
    spread = variance / rows
    scale = room * room + spread
    return -rows * _divergence((above * room + spread) / scale, spread / scale)


def log_tail(
    observed: int, drawn: npt.NDArray[np.int64], wrong: npt.NDArray[np.int64], total: npt.NDArray[np.int64]
) -> float:
    """The logarithm of the probability that a slice has so many errors or more, if errors fell at random.

    Args:
        observed: its errors.
        drawn: (s,), how many of its rows are in each stratum: rows that are alike but for the slice.
        wrong: (s,), how many rows of each stratum are wrong.
        total: (s,), how many rows each stratum has.

    Within a stratum the errors are hypergeometric; the strata are convolved. Of slices with more than 4,000
    rows the bound of `log_bound_of_counts` is given instead.

    Example:
        >>> one = [np.array([n]) for n in (3, 4, 10)]
        >>> round(math.exp(log_tail(3, *one)), 6)  # 4 * 3 * 2 / (10 * 9 * 8)
        0.033333
    """
    rows = int(drawn.sum())
    if rows > _MOST_EXACT:
        expected = float((drawn * wrong / np.maximum(total, 1)).sum())
        return float(
            log_bound_of_counts(np.array([float(observed)]), np.array([expected]), np.array([float(rows)]))[0]
        )
    found = np.ones(1)
    for n, k, size in zip(drawn.tolist(), wrong.tolist(), total.tolist(), strict=True):
        if n:
            found = np.convolve(found, _hypergeometric(n, k, size))
    tail = float(np.sort(found[observed:]).sum())
    return math.log(tail) if tail > 0 else -math.inf


def mcnemar(one: int, other: int) -> float | None:
    """How likely two kinds of change are so unlike in number if both are equally likely; None without any.

    The exact test of McNemar (1947): two-sided, binomial with chance 1/2.

    Example:
        >>> round(mcnemar(0, 6), 12), mcnemar(3, 3), mcnemar(0, 0)
        (0.03125, 1.0, None)
    """
    total = one + other
    if not total:
        return None
    logs = _log_choose(_log_factorials(total), total, np.arange(min(one, other) + 1))
    return min(1.0, 2 * float(np.exp(logs - total * math.log(2)).sum()))


def _hypergeometric(drawn: int, wrong: int, total: int) -> Floats:
    """The probability of 0, 1, ..., `drawn` wrong rows among those drawn."""
    counts = np.arange(drawn + 1)
    possible = (counts <= wrong) & (drawn - counts <= total - wrong)
    log_factorial = _log_factorials(total)
    found = np.zeros(drawn + 1)
    k = counts[possible]
    logs = _log_choose(log_factorial, wrong, k) + _log_choose(log_factorial, total - wrong, drawn - k)
    whole = _log_choose(log_factorial, total, np.array([drawn]))
    found[possible] = np.exp(logs - whole)
    return found


def _log_factorials(most: int) -> Floats:
    """The logarithms of 0!, 1!, ... `most`!"""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def _log_choose(log_factorial: Floats, n: int, k: npt.NDArray[np.int64]) -> Floats:
    found: Floats = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
    return found


def _divergence(p: Floats, q: Floats) -> Floats:
    """The Kullback-Leibler divergence of two chances; infinite where `q` is 0 or 1 and `p` is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(p > 0, p * np.log(p / q), 0.0)
        second = np.where(p < 1, (1 - p) * np.log((1 - p) / (1 - q)), 0.0)
    found: Floats = np.where(p <= q, 0.0, first + second)
    return found
