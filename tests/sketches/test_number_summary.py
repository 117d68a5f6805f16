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
