from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tilth.profiles import distances
from tilth.profiles.alignment import aligned_numbers
from tilth.sketches import NumberCounts

AREA = "validation_distances"
numbers = st.lists(st.integers(-30, 30).map(float), min_size=1, max_size=40)
counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1)


def counts_of(values: Any) -> NumberCounts:
    table = NumberCounts()
    table.update(np.array(values, dtype=np.float64))
    return table


@pytest.mark.parametrize("case_id", ["linf-1", "linf-2"])
def test_l_infinity_cases(shared_case: Any, case_id: str) -> None:
    case = shared_case(AREA, case_id)
    distance, _ = distances.l_infinity(case["input"]["reference"], case["input"]["current"])
    assert distance == pytest.approx(case["expected"]["distance"], abs=case["tolerance"])


def test_l_infinity_of_counts_names_the_value(shared_case: Any) -> None:
    case = shared_case(AREA, "linf-5")
    found = distances.l_infinity(case["input"]["reference_counts"], case["input"]["current_counts"])
    assert found[0] == pytest.approx(case["expected"]["distance"], abs=case["tolerance"])
    assert found[1] in case["expected"]["feature_value_any_of"]


@pytest.mark.parametrize("case_id", ["nad-1", "nad-2"])
def test_normalized_absolute_difference_cases(shared_case: Any, case_id: str) -> None:
    case = shared_case(AREA, case_id)
    found = distances.normalized_absolute_difference(case["input"]["reference"], case["input"]["current"])
    assert found == pytest.approx(case["expected"]["distance"], abs=case["tolerance"])


def test_jensen_shannon_of_a_histogram_with_itself(shared_case: Any) -> None:
    case = shared_case(AREA, "js-1")
    bins = case["input"]["a"]
    assert distances.jensen_shannon_histograms(bins, bins) == pytest.approx(0, abs=case["tolerance"])


def test_jensen_shannon_with_rebinning(shared_case: Any) -> None:
    case = shared_case(AREA, "js-2")
    expected = case["expected"]
    edges, first, second = distances.histogram_shares(case["input"]["a"], case["input"]["b"])
    assert edges.tolist() == expected["rebinned_edges"]
    assert (first / first.sum()).tolist() == pytest.approx(expected["a_mass"])
    assert (second / second.sum()).tolist() == pytest.approx(expected["b_mass"])
    found = distances.jensen_shannon_histograms(case["input"]["a"], case["input"]["b"])
    assert found == pytest.approx(expected["divergence"], abs=case["tolerance"])


def test_jensen_shannon_gives_nan_a_bin(shared_case: Any) -> None:
    case = shared_case(AREA, "js-7")
    a, b = case["input"]["a"], case["input"]["b"]
    found = distances.jensen_shannon_histograms(
        a["bins"], b["bins"], reference_nan=a["nan"], current_nan=b["nan"]
    )
    assert found == pytest.approx(case["expected"]["divergence"], abs=case["tolerance"])


def test_equal_width_and_quantile_bins_agree(shared_case: Any) -> None:
    tolerance = shared_case(AREA, "js-15")["tolerance"]
    rng = np.random.default_rng(5)
    reference = rng.standard_normal(1000)
    for shift in np.linspace(0, 2, 10):
        current = rng.standard_normal(1000) + shift
        pair = aligned_numbers(counts_of(reference), counts_of(current))
        by_quantile = distances.jensen_shannon(*distances.quantile_bins(pair, 10))
        by_width = distances.jensen_shannon_histograms(
            counts_of(reference).histogram(10), counts_of(current).histogram(10)
        )
        assert abs(by_quantile - by_width) <= tolerance


@pytest.mark.parametrize(
    ("case_id", "function", "key"),
    [
        ("drift-3", "hellinger", "distance"),
        ("drift-15", "psi", "psi"),
        ("drift-18", "total_variation", "value"),
    ],
)
def test_categorical_cases(shared_case: Any, case_id: str, function: str, key: str) -> None:
    case = shared_case("drift_tests", case_id)
    found = getattr(distances, function)(
        case["input"]["reference"]["counts"], case["input"]["current"]["counts"]
    )
    assert found == pytest.approx(case["expected"][key], abs=case["tolerance"])


@given(numbers, numbers)
def test_numeric_distances_agree_with_plain_ones(a: list[float], b: list[float]) -> None:
    pair = aligned_numbers(counts_of(a), counts_of(b))
    steps = [abs(np.mean(np.array(a) <= x) - np.mean(np.array(b) <= x)) for x in {*a, *b}]
    assert distances.ks_statistic(pair) == pytest.approx(max(steps))
    found = distances.wasserstein(pair)
    assert found == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-9)


@given(counts, counts)
def test_bounds_and_symmetry(a: dict[str, int], b: dict[str, int]) -> None:
    for name in ("total_variation", "hellinger", "jensen_shannon"):
        function = getattr(distances, name)
        assert 0 <= function(a, b) <= 1
        assert function(a, b) == pytest.approx(function(b, a), abs=1e-12)
        assert function(a, a) == pytest.approx(0, abs=1e-7)
    assert distances.l_infinity(a, b)[0] <= distances.total_variation(a, b) + 1e-12
    assert distances.psi(a, b) >= 0


@given(numbers, numbers, st.integers(1, 12))
def test_quantile_bins_lose_nothing(a: list[float], b: list[float], bins: int) -> None:
    old, new = distances.quantile_bins(aligned_numbers(counts_of(a), counts_of(b)), bins)
    assert (old.sum(), new.sum()) == (len(a), len(b))
    assert 1 <= len(old) <= bins


def test_heavy_tails_do_not_hide_in_one_bin() -> None:
    rng = np.random.default_rng(8)
    tables = [counts_of(rng.standard_t(1.2, 20_000)) for _ in range(2)]
    assert distances.jensen_shannon(*distances.quantile_bins(aligned_numbers(*tables), 20)) < 0.002
