from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import ExactSum

floats = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(floats, max_size=60))
def test_sum_is_the_correctly_rounded_one(values: list[float]) -> None:
    total = ExactSum()
    total.update(np.array(values, dtype=np.float64))
    try:
        expected: float | None = math.fsum(values)
    except OverflowError:
        expected = None
    if expected is not None:
        assert total.value == expected


@given(st.lists(floats, max_size=40), st.integers(0, 40))
def test_order_and_batches_do_not_matter(values: list[float], cut: int) -> None:
    shuffled = sorted(values, key=repr)
    whole, parts = ExactSum(), ExactSum()
    whole.update(np.array(values, dtype=np.float64))
    parts.update(np.array(shuffled[:cut], dtype=np.float64))
    parts.update(np.array(shuffled[cut:], dtype=np.float64))
    assert whole == parts
    assert ExactSum.from_state(whole.to_state()) == whole


def test_more_than_one_chunk_of_hard_values() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal(200_000) * 10.0 ** rng.integers(-300, 300, 200_000)
    total = ExactSum()
    total.update(values)
    assert total.value == math.fsum(values)


@pytest.mark.parametrize("value", [5e-324, 1.7976931348623157e308, -(2.0**900), 2.2250738585072014e-308])
def test_extreme_values_survive(value: float) -> None:
    total = ExactSum()
    total.update(np.array([value]))
    assert total.value == value


def test_a_sum_beyond_doubles_is_undefined() -> None:
    total = ExactSum()
    total.update(np.array([1.7e308, 1.7e308]))
    assert total.value is None
