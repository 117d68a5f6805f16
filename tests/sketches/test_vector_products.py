"""Means and covariances of vectors: exact sums, whatever the order, the cut and the scale."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import VectorProducts, WholeSums

singles = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**60), max_value=2.0**60)
vectors = st.lists(st.tuples(singles, singles, singles), min_size=1, max_size=12)


def exact(rows: list[tuple[float, ...]], i: int, j: int) -> Fraction:
    columns = [[Fraction(row[k]) for row in rows] for k in (i, j)]
    means = [sum(column) / len(rows) for column in columns]
    return sum((a - means[0]) * (b - means[1]) for a, b in zip(*columns, strict=True)) / len(rows)


@given(vectors, st.integers(0, 12))
def test_covariances_are_rounded_once(rows: list[tuple[float, ...]], cut: int) -> None:
    whole, first, second = VectorProducts(), VectorProducts(), VectorProducts()
    whole.update(np.array(rows))
    first.update(np.array(rows[cut:]).reshape(-1, 3))
    second.update(np.array(rows[:cut]).reshape(-1, 3))
    first.merge(second)
    np.testing.assert_array_equal(first.covariance(), whole.covariance())
    np.testing.assert_array_equal(first.means(), whole.means())
    assert whole.covariance().tolist() == [[float(exact(rows, i, j)) for j in range(3)] for i in range(3)]
    assert whole.means().tolist() == [float(sum(Fraction(r[k]) for r in rows) / len(rows)) for k in range(3)]


def test_rows_that_lack_a_number_are_left_out() -> None:
    products = VectorProducts()
    products.update(np.array([[1.0, 2.0], [np.nan, 9.0], [3.0, np.inf], [1e300, 0.0], [3.0, 6.0]]))
    assert (products.count, products.means().tolist()) == (2, [2, 4])
    assert (products.lows.tolist(), products.highs.tolist()) == ([1, 2], [3, 6])


def test_halves_of_a_unit_end() -> None:
    products = VectorProducts()
    products.update(np.array([[2.0**20 + 0.5, 0.5], [2.0**-21, 2.0**-22]]))  # ties in rounding to a slice
    assert products.count == 2
    assert np.isfinite(products.covariance()).all()


def test_nothing_seen_is_undefined() -> None:
    products = VectorProducts()
    products.update(np.full((3, 2), np.nan))
    assert np.isnan(products.covariance()).all()
    assert np.isnan(products.means()).all()


def test_too_many_columns_are_not_kept() -> None:
    products = VectorProducts(limit=2)
    products.update(np.ones((4, 3)))
    assert products.is_full
    assert products.count == 0


@pytest.mark.parametrize("value", [-(2**53), 2**53, -1, 0])
def test_whole_sums(value: int) -> None:
    sums, other = WholeSums(1, 1), WholeSums(1, 1)
    for _ in range(1_000):
        sums.add(np.array([[float(value)]]))
    other.add(np.array([[3.0]]))
    sums.merge(other)
    assert sums.total().tolist() == [[1_000 * value + 3]]
