from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches.power_sums import power_sums

finite = st.floats(allow_nan=False, allow_infinity=False)
long = st.integers(-(2**63), 2**63 - 1)
counts = st.integers(1, 2**62)


def exact(values: list[float] | list[int], weights: list[int]) -> tuple[int, int]:
    pairs = [(Fraction(value), weight) for value, weight in zip(values, weights, strict=True)]
    total = sum(weight * value for value, weight in pairs) * 2**1074
    squares = sum(weight * value**2 for value, weight in pairs) * 2**2148
    assert Fraction(total).denominator == Fraction(squares).denominator == 1
    return int(total), int(squares)


@given(st.lists(st.tuples(finite, counts), max_size=40))
def test_counted_floats_are_summed_exactly(pairs: list[tuple[float, int]]) -> None:
    values, weights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    array, repeats = np.array(values, dtype=np.float64), np.array(weights, dtype=np.int64)
    assert power_sums(array, repeats) == exact(values, weights)
    assert power_sums(array) == exact(values, [1] * len(values))


@given(st.lists(st.tuples(long, counts), max_size=40))
def test_counted_integers_are_summed_exactly(pairs: list[tuple[int, int]]) -> None:
    values, weights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    array, repeats = np.array(values, dtype=np.int64), np.array(weights, dtype=np.int64)
    assert power_sums(array, repeats) == exact(values, weights)
    assert power_sums(array) == exact(values, [1] * len(values))


@pytest.mark.parametrize("value", [2.0**20, -(1 - 2.0**-53), 1.7976931348623157e308, 5e-324, 0.0, 2.0**-1022])
def test_full_chunks_of_equal_values_do_not_overflow_a_slice(value: float) -> None:
    number = Fraction(value)
    found = power_sums(np.full(8192, value))
    assert found == (int(8192 * number * 2**1074), int(8192 * number**2 * 2**2148))
    found = power_sums(np.full(8192, value), np.full(8192, 2**13 - 1))
    times = 8192 * (2**13 - 1)
    assert found == (int(times * number * 2**1074), int(times * number**2 * 2**2148))


def test_alternating_huge_and_tiny_values() -> None:
    values = np.tile([1e300, 1e-300, -1e300, 3.0], 5000)
    total, squares = power_sums(values)
    assert total == 5000 * (Fraction(1e-300) + 3) * 2**1074
    assert squares == 5000 * (2 * Fraction(1e300) ** 2 + Fraction(1e-300) ** 2 + 9) * 2**2148
