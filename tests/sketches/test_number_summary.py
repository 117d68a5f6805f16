from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import NumberSummary

integers = st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), max_size=40)


def summary_of(values: list[int]) -> NumberSummary:
    summary = NumberSummary()
    summary.update(np.array(values, dtype=np.int64))
    return summary


@given(integers, integers)
def test_merging_gives_the_whole(a: list[int], b: list[int]) -> None:
    whole = summary_of(a + b)
    assert summary_of(a) + summary_of(b) == whole
    assert NumberSummary.from_state(whole.to_state()) == whole


@given(integers)
def test_distinct_integers_are_exact_to_64_bits(values: list[int]) -> None:
    summary = summary_of(values)
    assert summary.distinct == len(set(values))
    assert summary.has_repeats == (len(set(values)) < len(values))


def test_merging_after_reading_back_goes_on_counting() -> None:
    values = list(range(50_000))
    read = NumberSummary.from_state(summary_of(values).to_state())
    both = read + summary_of([value + 50_000 for value in values])
    assert both.distinct == 100_000
    assert not both.has_repeats


small = st.sampled_from([(4, 8), (4, 1000), (1000, 1000)])
numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3), max_size=40)


def limited(values: list[float], limits: tuple[int, int], step: int = 1000) -> NumberSummary:
    summary = NumberSummary(*limits)
    for start in range(0, len(values), step):
        summary.update(np.array(values[start : start + step], dtype=np.float64))
    return summary


@given(numbers, numbers, numbers, small)
def test_past_the_limits_nothing_depends_on_order(
    a: list[float], b: list[float], c: list[float], limits: tuple[int, int]
) -> None:
    whole = limited(a + b + c, limits)
    parts = [limited(values, limits) for values in (a, b, c)]
    assert (parts[0] + parts[1]) + parts[2] == whole
    assert parts[2] + (parts[1] + parts[0]) == whole
    assert parts[1].merged_with([parts[2], parts[0]]) == whole
    assert whole + NumberSummary(*limits) == whole
    assert limited([*c, *a, *b], limits, step=3) == whole
    assert NumberSummary.from_state(whole.to_state()) == whole


@given(integers, integers, small)
def test_long_integers_past_the_limits(a: list[int], b: list[int], limits: tuple[int, int]) -> None:
    parts = []
    for values in (a, b, b + a):
        parts.append(NumberSummary(*limits))
        parts[-1].update(np.array(values, dtype=np.int64))
    assert parts[0] + parts[1] == parts[2]
    assert (parts[2].moments.low, parts[2].moments.count) == (min(a + b, default=None), len(a + b))


@given(numbers, small)
def test_figures_are_the_same_however_they_are_kept(values: list[float], limits: tuple[int, int]) -> None:
    plain = limited(values, (10_000, 10_000))
    kept = limited(values, limits)
    assert kept.moments == plain.moments
    assert kept.count == len(values)
    if limits[1] == 1000:
        assert (kept.distinct, kept.repeats) == (plain.distinct, plain.repeats)


@given(numbers, small)
def test_counts_are_repeats(values: list[float], limits: tuple[int, int]) -> None:
    distinct, counts = np.unique(np.array(values, dtype=np.float64), return_counts=True)
    counted = NumberSummary(*limits)
    counted.update(distinct, counts)
    assert counted == limited(values, limits)
