from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tilth.sketches import NumberCounts, from_keys, to_keys

finite = st.floats(allow_nan=False, allow_infinity=False)
columns = st.lists(finite, max_size=60)


def counts_of(values: Any, limit: int = 65_536) -> NumberCounts:
    counts = NumberCounts(limit)
    counts.update(np.array(values, dtype=np.float64))
    return counts


@given(columns)
def test_keys_keep_order_and_values(values: list[float]) -> None:
    array = np.sort(np.array(values, dtype=np.float64))
    keys = to_keys(array)
    assert np.array_equal(from_keys(keys), array)
    assert np.all(np.diff(keys.astype(object)) >= 0)


@given(columns, columns, columns, st.sampled_from([4, 16, 65_536]))
def test_merging_is_associative_and_free_of_order(
    a: list[float], b: list[float], c: list[float], limit: int
) -> None:
    left = (counts_of(a, limit) + counts_of(b, limit)) + counts_of(c, limit)
    right = counts_of(c, limit) + (counts_of(b, limit) + counts_of(a, limit))
    whole = counts_of([*c, *b, *a], limit)
    assert left == right == whole
    assert whole + NumberCounts(limit) == whole
    assert whole.count == len(a) + len(b) + len(c)
    assert whole.distinct <= limit


@given(columns, st.sampled_from([4, 65_536]))
def test_state_is_read_back(values: list[float], limit: int) -> None:
    counts = counts_of(values, limit)
    assert NumberCounts.from_state(counts.to_state()) == counts


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_agree_with_numpy(values: list[float], share: float) -> None:
    found = counts_of(values).quantile(share)
    assert found == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)


def test_many_batches_past_the_limit_equal_one() -> None:
    values = np.random.default_rng(0).standard_normal(400_000)
    batched = NumberCounts(1000)
    for start in range(0, len(values), 7_000):
        batched.update(values[start : start + 7_000])
    assert batched == counts_of(np.sort(values)[::-1], 1000)
    assert batched.distinct <= 1000
    assert not batched.is_exact


def test_coarse_quantiles_stay_close() -> None:
    values = np.random.default_rng(1).lognormal(0, 2, 500_000)
    counts = counts_of(values)
    assert not counts.is_exact
    for share in (0.001, 0.25, 0.5, 0.9, 0.999):
        assert counts.quantile(share) == pytest.approx(float(np.quantile(values, share)), rel=2e-3)


def test_coarsening_keeps_round_numbers() -> None:
    values = np.concatenate([np.full(300_000, -2.5), np.random.default_rng(2).standard_normal(300_000)])
    counts = counts_of(values)
    assert not counts.is_exact
    assert counts.quantile(0.2) == -2.5


def test_quantile_boundaries_case(shared_case: Any) -> None:
    case = shared_case("transform", "tft-13")
    for buckets, expected in zip(case["input"]["buckets"], case["expected"]["boundaries"], strict=True):
        assert counts_of(case["input"]["x"]).quantile_boundaries(buckets) == expected


@pytest.mark.parametrize(("case_id", "last"), [("tft-14", 99), ("tft-16", 2999)])
def test_quantile_boundaries_of_ranges(shared_case: Any, case_id: str, last: int) -> None:
    case = shared_case("transform", case_id)
    for buckets, expected in zip(case["input"]["buckets"], case["expected"]["boundaries"], strict=True):
        for values in (range(1, last + 1), range(last, 0, -1)):
            found = counts_of(list(values)).quantile_boundaries(buckets)
            assert found == pytest.approx(expected, abs=case["tolerance"])


def test_medians_case(shared_case: Any) -> None:
    case = shared_case("validation_behaviour", "val-12")
    found = [counts_of(values).quantile(0.5) for values in case["input"]["sorted_lists"]]
    assert found == case["expected"]["medians"]


def test_histogram_counts_every_number_once() -> None:
    counts = counts_of([1, 2, 3, 4, 5, 1])
    bins = counts.histogram(3)
    assert [count for _, _, count in bins] == [3, 1, 2]
    assert (bins[0][0], bins[-1][1]) == (1.0, 5.0)


@given(st.lists(finite, min_size=1, max_size=30))
def test_histogram_is_complete_for_any_numbers(values: list[float]) -> None:
    bins = counts_of(values).histogram(7)
    assert sum(count for _, _, count in bins) == len(values)
    assert all(low <= high for low, high, _ in bins)


def test_nothing_counted() -> None:
    counts = NumberCounts()
    assert counts.quantile(0.5) is None
    assert counts.quantile_boundaries(4) == []
    assert counts.histogram() == []
    assert counts.top() == []


def test_heavy_numbers_stand_out_of_a_coarse_table() -> None:
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.standard_normal(20_000), np.full(900, 0.1), np.full(300, -2.5)])
    counts = counts_of(rng.permutation(values), 1000)
    found = counts.heavy(0.01)
    assert [number for number, _ in found] == [0.1, -2.5]
    assert 900 <= found[0][1] <= 900 + 100
    assert 300 <= found[1][1] <= 300 + 100


def test_a_smooth_distribution_has_no_heavy_numbers() -> None:
    for values in (np.random.default_rng(6).uniform(0, 1, 50_000), 1e9 + np.arange(50_000) / 7):
        assert counts_of(values, 64).heavy(0.01) == []


def test_rare_numbers_come_by_count_then_value() -> None:
    assert counts_of([3, 3, 3, 2, 1, 1]).rare(2) == [(2.0, 1), (1.0, 2)]


@given(st.lists(finite, min_size=1, max_size=40), st.integers(1, 6))
def test_quantile_bins_hold_every_number_once(values: list[float], bins: int) -> None:
    found = counts_of(values).quantile_histogram(bins)
    assert sum(count for _, _, count in found) == len(values)
    assert 1 <= len(found) <= bins
    assert (found[0][0], found[-1][1]) == (min(values), max(values))
    assert all(first[1] == second[0] for first, second in pairwise(found))
    assert all(count > 0 for _, _, count in found)


def test_quantile_bins_are_equally_filled_without_ties() -> None:
    assert [count for _, _, count in counts_of(range(100)).quantile_histogram(4)] == [25, 25, 25, 25]


@given(st.lists(st.floats(1e-6, 1e6), min_size=200, max_size=300), st.floats(0, 1))
def test_coarse_quantiles_keep_their_bound(values: list[float], share: float) -> None:
    counts = counts_of(values, 128)
    exact = float(np.quantile(values, share, method="lower"))
    found = counts.at_ranks(np.array([int(share * (len(values) - 1))]))[0]
    width = 2.0 ** (counts.shift - 52)
    assert exact * (1 - width) <= found * (1 + 1e-12)
    assert found <= exact


@given(st.lists(finite, min_size=1, max_size=300), st.sampled_from([16, 64]))
def test_the_width_of_keys_is_bounded_by_the_powers_of_two_that_numbers_span(
    values: list[float], limit: int
) -> None:
    counts = counts_of(values, limit)
    sizes = np.abs(np.array(values))
    spanned = len({(value < 0, np.frexp(size)[1]) for value, size in zip(values, sizes, strict=True)})
    assume(spanned < limit)  # doubles span 4,096 at most, far below the limit that is used
    assert counts.is_exact or 2.0 ** (counts.shift - 52) <= 2 * (spanned + 1) / limit
