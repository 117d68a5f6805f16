from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import Moments

values_of_any_size = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40)


def moments_of(values: np.ndarray) -> Moments:
    moments = Moments()
    moments.update(values)
    return moments


@given(values_of_any_size)
def test_sums_are_exact(values: list[float]) -> None:
    moments = moments_of(np.array(values, dtype=np.float64))
    numbers = [Fraction(value) for value in values]
    assert moments.units == sum(numbers) * 2**1074
    assert moments.squares == sum(number**2 for number in numbers) * 2**2148


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_integers_are_exact_to_64_bits(values: list[int]) -> None:
    moments = moments_of(np.array(values, dtype=np.int64))
    assert moments.units == sum(values) * 2**1074
    assert moments.squares == sum(value**2 for value in values) * 2**2148
    assert (moments.low, moments.high) == (min(values), max(values))


@given(values_of_any_size, st.integers(0, 40))
def test_merging_parts_gives_the_whole(values: list[float], cut: int) -> None:
    array = np.array(values, dtype=np.float64)
    whole = moments_of(array)
    assert moments_of(array[cut:]) + moments_of(array[:cut]) == whole
    assert whole + Moments() == whole
    assert Moments.from_state(whole.to_state()) == whole


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
def test_large_offsets_do_not_spoil_the_deviation(offset: float) -> None:
    moments = moments_of(np.array([1.0, 2.0, 3.0, 4.0]) + offset)
    assert moments.std == pytest.approx(1.25**0.5, rel=1e-15)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e170, 1e300])
def test_squares_outside_the_range_of_doubles(scale: float) -> None:
    moments = moments_of(np.array([1.0, 3.0]) * scale)
    assert moments.std == pytest.approx(scale, rel=1e-15)


def test_without_values_nothing_is_defined() -> None:
    moments = Moments()
    assert (moments.mean, moments.std, moments.low, moments.high) == (None, None, None, None)


def test_a_constant_has_no_deviation() -> None:
    assert moments_of(np.full(7, 0.1)).std == 0.0


def test_minus_zero_is_zero() -> None:
    moments = moments_of(np.array([-0.0]))
    assert (str(moments.low), str(moments.high), moments.zeros) == ("0", "0", 1)
