from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tilth.profiles.significance import (
    chi_square,
    chi_square_goodness_of_fit,
    fisher_exact,
    kolmogorov_smirnov_p,
    student_t,
    two_proportion_z,
)
from tilth.sketches import Moments

AREA = "drift_tests"


def test_goodness_of_fit_case(shared_case: Any) -> None:
    case = shared_case(AREA, "drift-1")
    reference, current = (np.array(case["input"][side]["counts"]) for side in ("reference", "current"))
    assert chi_square_goodness_of_fit(reference, current)[1] == pytest.approx(
        case["expected"]["p"], abs=case["tolerance"]
    )


def test_goodness_of_fit_of_a_value_that_cannot_be() -> None:
    assert chi_square_goodness_of_fit(np.array([5, 0]), np.array([5, 1])) == (float("inf"), 0.0)


def test_two_proportions_case(shared_case: Any) -> None:
    case = shared_case(AREA, "drift-5")
    reference, current = case["input"]["reference"], case["input"]["current"]
    found = two_proportion_z(reference.count("a"), len(reference), current.count("a"), len(current))
    assert found == pytest.approx(case["expected"]["p"], abs=case["tolerance"])


def test_student_t_case(shared_case: Any) -> None:
    case = shared_case(AREA, "drift-8")
    sides = []
    for name in ("reference", "current"):
        moments = Moments()
        moments.update(np.array(case["input"][name]))
        sides.append(moments)
    assert student_t(*sides) == pytest.approx(case["expected"]["p"], abs=case["tolerance"])
    assert student_t(Moments(), sides[0]) is None


def test_fisher_exact_case(shared_case: Any) -> None:
    case = shared_case(AREA, "drift-13")
    found = [
        fisher_exact(one.count("a"), len(one), two.count("a"), len(two))
        for one, two in case["input"]["pairs"]
    ]
    assert found == pytest.approx(case["expected"]["p"], abs=case["tolerance"])


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_fisher_exact_agrees_with_scipy(a: int, b: int, c: int, d: int) -> None:
    found = fisher_exact(a, a + b, c, c + d)
    assert found == pytest.approx(stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("rows", "others"), [(10, 10), (90, 300), (7, 1000), (250, 251)])
def test_small_samples_have_the_exact_ks_p_value(rows: int, others: int) -> None:
    rng = np.random.default_rng(rows)
    for shift in (0.0, 0.2, 0.5, 1.0):
        test = stats.ks_2samp(rng.standard_normal(rows), rng.standard_normal(others) + shift, method="exact")
        found = kolmogorov_smirnov_p(float(test.statistic), rows, others)
        assert found == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)


def test_large_samples_have_the_limiting_ks_p_value() -> None:
    for statistic in (0.005, 0.01, 0.015, 0.02):
        expected = stats.kstwo.sf(statistic, 10_000)
        assert kolmogorov_smirnov_p(statistic, 20_000, 20_000) == pytest.approx(expected, rel=0.02)


def test_equal_samples_are_never_significant() -> None:
    assert kolmogorov_smirnov_p(0.0, 100, 100) == 1.0
    assert chi_square(np.array([7, 7, 7]), np.array([7, 7, 7])) == (0.0, 1.0)


def test_chi_square_agrees_with_scipy_where_all_is_frequent() -> None:
    first, second = np.array([120, 90, 33]), np.array([80, 110, 40])
    expected = stats.chi2_contingency(np.array([first, second]), correction=False)
    assert chi_square(first, second) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize("levels", [2, 5, 30, 200])
def test_chi_square_alarms_as_often_as_it_says(levels: int) -> None:
    # Taking the reference as exact alarms up to 100 % of the time here; both samples must vary.
    rng = np.random.default_rng(levels)
    shares = 1 / np.arange(1, levels + 1)
    shares /= shares.sum()
    p = [chi_square(rng.multinomial(2000, shares), rng.multinomial(1500, shares))[1] for _ in range(1500)]
    assert 0.03 < np.mean(np.array(p) < 0.05) < 0.07


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20),
)
def test_rare_categories_never_break_the_test(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    statistic, p = chi_square(first, second)
    assert statistic >= 0
    assert 0 <= p <= 1
