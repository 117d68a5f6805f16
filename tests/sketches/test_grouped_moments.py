"""Sums and moments by key are exact, whatever the numbers, the order and the cut."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import GroupedMoments, GroupedSums, KeyNumbers, Moments

finite = st.floats(allow_nan=False, allow_infinity=False)
pairs = st.lists(st.tuples(st.sampled_from("abc"), finite), max_size=40)


def arrays(found: list[tuple[str, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([v for _, v in found]), np.array([k for k, _ in found], dtype=object)


@given(pairs, st.integers(0, 40))
def test_each_key_has_the_moments_of_its_numbers(found: list[tuple[str, float]], cut: int) -> None:
    first, second = GroupedMoments(), GroupedMoments()
    first.update(*arrays(found[cut:]))
    second.update(*arrays(found[:cut]))
    first.merge(second)
    assert set(first.by_key()) == {key for key, _ in found}
    for key, moments in first.by_key().items():
        expected = Moments()
        expected.update(np.array([value for other, value in found if other == key]))
        assert (moments.count, moments.units, moments.squares) == (
            expected.count,
            expected.units,
            expected.squares,
        )
        assert (moments.low, moments.high) == (expected.low, expected.high)


@given(st.lists(st.tuples(st.integers(0, 3), finite), max_size=40))
def test_sums_are_exact(found: list[tuple[int, float]]) -> None:
    sums = GroupedSums()
    for group, value in found:
        sums.add(np.array([group]), np.array([value]), 4)
    expected = [sum((Fraction(v) for g, v in found if g == group), Fraction(0)) for group in range(4)]
    assert [Fraction(units, 2**1074) for units in sums.units(4)] == expected


def test_carries_are_moved_on_in_time() -> None:
    sums = GroupedSums()
    value = 2.0**31 + 0.75
    rows = np.zeros(1 << 16, dtype=np.int64), np.full(1 << 16, value)
    for _ in range(3):
        sums.add(*rows, 1)
    sums._additions = 1 << 12  # as after 4,096 batches
    sums.add(*rows, 1)
    sums.add(*rows, 1)
    assert sums.units(1)[0] == int(value * 4) * 5 * (1 << 16) << 1072


def test_infinite_and_missing_numbers_only_make_their_key_known() -> None:
    moments = GroupedMoments()
    moments.update(np.array([np.nan, np.inf, 2.0]), np.array(["a", "b", "c"], dtype=object))
    assert [(key, m.count) for key, m in moments.by_key().items()] == [("a", 0), ("b", 0), ("c", 1)]


@pytest.mark.parametrize("parts", [1, 2])
def test_beyond_the_limit_nothing_is_kept(parts: int) -> None:
    made = [GroupedMoments(limit=5) for _ in range(parts)]
    for place, moments in enumerate(made):
        keys = np.array([f"{place} {i}" for i in range(6 // parts)], dtype=object)
        moments.update(np.ones(len(keys)), keys)
    for other in made[1:]:
        made[0].merge(other)
    assert made[0].is_full
    made[0].update(np.ones(1), np.array(["new"], dtype=object))
    assert len(made[0].keys) == 0


def test_numbers_of_keys_are_stable() -> None:
    keys = KeyNumbers()
    assert keys.of(np.array(["b", "", "b"], dtype=object)).tolist() == [0, 1, 0]
    assert keys.of(np.array(["a", "b"], dtype=object)).tolist() == [2, 0]
