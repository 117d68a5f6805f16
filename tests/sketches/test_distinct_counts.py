from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import DistinctCounts, mix

words = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 20), max_size=60)


def counts_of(values: list[int], limit: int) -> DistinctCounts:
    sketch = DistinctCounts(limit)
    sketch.update(np.array(values, dtype=np.uint64))
    return sketch


@given(words, words, st.sampled_from([2, 8, 1000]))
def test_merging_gives_the_whole(a: list[int], b: list[int], limit: int) -> None:
    whole = counts_of(a + b, limit)
    assert counts_of(a, limit) + counts_of(b, limit) == whole
    assert counts_of(b, limit) + counts_of(a, limit) == whole
    assert DistinctCounts.from_state(whole.to_state()) == whole


@given(words)
def test_exact_below_the_limit(values: list[int]) -> None:
    sketch = counts_of(values, 1000)
    assert sketch.is_exact
    assert sketch.distinct == len(set(values))
    assert sketch.has_repeats == (len(set(values)) < len(values))


def test_estimate_above_the_limit() -> None:
    sketch = DistinctCounts(1 << 14)
    for start in range(0, 600_000, 50_000):
        sketch.update(np.arange(start, start + 50_000, dtype=np.uint64))
    assert not sketch.is_exact
    assert sketch.distinct == pytest.approx(600_000, rel=0.05)


def test_mix_is_the_same_everywhere() -> None:
    first = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
    assert int(mix(first)[0]) == 0xE220A8397B1DCDAF  # SplitMix64's first output


def test_repeats_take_no_more_room_the_longer_it_goes_on() -> None:
    sketch = DistinctCounts(1 << 20)
    numbers, counts = np.arange(5_000, dtype=np.uint64), np.full(5_000, 3)
    for _ in range(400):
        sketch.update(numbers, counts)
    assert len(pickle.dumps(sketch)) < 6_000_000
    assert (sketch.distinct, sketch.repeats) == (5_000, 400 * 3 * 5_000 - 5_000)
