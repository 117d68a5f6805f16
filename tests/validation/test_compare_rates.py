"""How often unchanged data alarms, and how often what was asked for is found: simulated, with seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from tilth.profiles.alignment import NumberPair
from tilth.validation import ColumnComparison
from tilth.validation.differences import categorical_difference, numeric_difference
from tilth.validation.verdicts import Decision, number_of_tests

EDGES = np.linspace(-6, 6, 2049)
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2


def empty(kind: Any) -> ColumnComparison:
    return ColumnComparison(kind, None, None, "effect", 0.1, False, "")


def numbers(first: np.ndarray, second: np.ndarray) -> ColumnComparison:
    values, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    counts = [
        np.bincount(part, minlength=len(values)).astype(float)
        for part in (place[: len(first)], place[len(first) :])
    ]
    return numeric_difference(empty("numeric"), NumberPair(values, *counts), first.std(), second.std())


def categories(first: np.ndarray, second: np.ndarray) -> ColumnComparison:
    there = first + second > 0
    return categorical_difference(empty("categorical"), str, first[there], second[there])


def zipf(levels: int, power: float) -> np.ndarray:
    shares = 1 / np.arange(1, levels + 1) ** power
    return shares / shares.sum()


LEVELS = [
    (2, 0),
    (2, 3),
    (3, 0.5),
    (5, 0.5),
    (8, 1),
    (12, 0.5),
    (30, 1.1),
    (200, 1.1),
    (1000, 1.1),
    (5000, 1.1),
]
SHARES = [zipf(levels, power) for levels, power in LEVELS]


def columns(rng: np.random.Generator, rows: int) -> list[np.ndarray]:
    """Numbers of every shape: plain, skewed, heavy-tailed beyond any variance, counts, ties, constant."""
    return [
        rng.standard_normal(rows),
        np.exp(0.8 * rng.standard_normal(rows)),
        rng.standard_t(3, rows),
        rng.standard_cauchy(rows),
        rng.poisson(4, rows).astype(float),
        rng.poisson(0.02, rows).astype(float),
        np.where(rng.random(rows) < 0.7, 0.0, rng.gamma(2, 1, rows)),
        np.where(rng.random(rows) < 0.98, 0.0, rng.gamma(2, 1, rows)),
        np.round(rng.gamma(3, 20, rows)),
        np.full(rows, 5.0),
    ]


def alarms(rows: int, others: int, threshold: float, repeats: int) -> int:
    """In how many of so many comparisons of 20 unchanged columns something drifted."""
    rng = np.random.default_rng(rows + others)
    found = 0
    for _ in range(repeats):
        compared = [numbers(*sides) for sides in zip(columns(rng, rows), columns(rng, others), strict=True)]
        compared += [categories(rng.multinomial(rows, p), rng.multinomial(others, p)) for p in SHARES]
        decision = Decision(threshold, 0.01, sum(map(number_of_tests, compared)))
        found += any(decision.judge(column, None).drifted for column in compared)
    return found


@pytest.mark.parametrize(("rows", "others", "repeats"), [(200, 200, 100), (2000, 200, 100), (5000, 5000, 30)])
def test_unchanged_columns_hardly_ever_alarm(rows: int, others: int, repeats: int) -> None:
    assert alarms(rows, others, 0.02, repeats) <= 4  # at most 1 in 100 expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "others", "repeats"), [(200, 200, 1000), (20_000, 200, 300), (2000, 2000, 300)]
)
def test_unchanged_columns_alarm_at_most_once_in_a_hundred(rows: int, others: int, repeats: int) -> None:
    alarmed = alarms(rows, others, 0.02, repeats)
    assert stats.binomtest(alarmed, repeats, 0.01, alternative="greater").pvalue > 0.01


def shifted(rng: np.random.Generator, rows: int, shift: float) -> np.ndarray:
    shares = np.diff(stats.norm.cdf(EDGES - shift))
    return rng.multinomial(rows, shares / shares.sum()).astype(float)


def moved_numbers(rng: np.random.Generator, rows: int, shift: float) -> ColumnComparison:
    pair = NumberPair(MIDDLES, shifted(rng, rows, 0), shifted(rng, rows, shift))
    return numeric_difference(empty("numeric"), pair, 1.0, 1.0)


def moved_categories(
    rng: np.random.Generator, rows: int, shares: np.ndarray, points: float
) -> ColumnComparison:
    after = shares * (1 - points / (1 - shares[0]))
    after[0] = shares[0] + points
    return categories(rng.multinomial(rows, shares), rng.multinomial(rows, after))


@pytest.mark.parametrize("rows", [10_000, 100_000, 1_000_000, 10_000_000])
def test_a_shift_of_a_tenth_of_a_deviation_is_found_when_asked_for(rows: int) -> None:
    rng, decision = np.random.default_rng(rows), Decision(0.1, 0.01, 20)
    found = sum(decision.judge(moved_numbers(rng, rows, 0.1), None).drifted for _ in range(100))
    assert found >= 95  # 99 expected
    missed = sum(decision.judge(moved_numbers(rng, rows, 0.03), None).drifted for _ in range(100))
    assert missed <= 3


@pytest.mark.parametrize("rows", [50_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("shares", SHARES[2:10:2], ids=lambda shares: str(len(shares)))
def test_two_points_of_a_category_are_found_when_asked_for(rows: int, shares: np.ndarray) -> None:
    rng, decision = np.random.default_rng(rows + len(shares)), Decision(0.02, 0.01, 20)
    found = sum(decision.judge(moved_categories(rng, rows, shares, 0.02), None).drifted for _ in range(60))
    assert found >= 55  # 59 or more expected
    if rows > 50_000:
        other = sum(
            decision.judge(moved_categories(rng, rows, shares, 0.006), None).drifted for _ in range(60)
        )
        assert other <= 2


def test_unchanged_data_of_20_million_rows_is_quiet_at_any_sensible_threshold() -> None:
    rng, decision = np.random.default_rng(20), Decision(0.002, 0.01, 20)
    for _ in range(30):
        assert not decision.judge(moved_numbers(rng, 10_000_000, 0.0), None).drifted
        for shares in SHARES:
            found = moved_categories(rng, 10_000_000, shares, 0.0)
            assert not decision.judge(found, None).drifted


def test_one_category_among_thousands_is_found() -> None:
    """Chi-square over 5,000 levels does not see that a rare one gains 2.5 points."""
    rng, shares = np.random.default_rng(1), SHARES[-1]
    after = shares.copy()
    after[2500] += 0.025
    found = categories(rng.multinomial(5000, shares), rng.multinomial(5000, after / after.sum()))
    assert Decision(0.02, 0.01, 20).judge(found, None).drifted
    assert found.effect == pytest.approx(0.025, abs=0.01)
