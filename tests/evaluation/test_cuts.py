"""Columns cut into cells: each condition in SQL selects the rows of its run of cells."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evaluation.cuts import Cut, cut_column, sql_name
from tilth.tables import open_table
from tilth.tables.slicings import slicing_of

_NAMES = st.sampled_from(["x", "hours-per-week", "order", "class", 'a"b', "date", "Größe", "true", "x y"])
_COLUMNS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=2, max_size=60).map(
        lambda values: pa.array(values, pa.int64())
    ),
    st.lists(st.one_of(st.none(), st.floats(width=32)), min_size=2, max_size=60).map(
        lambda values: pa.array(values, pa.float64())
    ),
    st.lists(
        st.sampled_from(
            ["a", "it's", "", "b, c", '"', "a\\b", "50 %_", "new\nline", "x" * 300, "ß😀", "--", None]
        ),
        min_size=2,
        max_size=40,
    ).map(lambda values: pa.array(values, pa.string())),
    st.lists(st.sampled_from([True, False, None]), min_size=2, max_size=9).map(
        lambda values: pa.array(values, pa.bool_())
    ),
    st.lists(
        st.one_of(st.none(), st.datetimes(datetime.datetime(1960, 1, 1), datetime.datetime(2040, 1, 1))),
        min_size=2,
        max_size=40,
    ).map(lambda values: pa.array(values, pa.timestamp("us"))),
)


@given(_NAMES, _COLUMNS)
def test_the_sql_selects_the_rows_of_the_cells(name: str, values: pa.Array) -> None:
    found = cut_column(name, values)
    if isinstance(found, str):
        return
    assert found.codes.max(initial=0) < found.cells
    table = open_table(pa.table({name: values}))
    for condition in found.conditions:
        slicing = slicing_of(table, [[condition.expression]])
        selected = slicing.of({name: table.to_arrow().column(name)})[condition.expression]
        inside = (found.codes >= condition.first) & (found.codes <= condition.last)
        assert [each is True for each in selected.to_pylist()] == inside.tolist(), condition.expression


def _cut(values: Any, minimum_rows: int = 1) -> Cut:
    found = cut_column("x", values if isinstance(values, pa.Array) else pa.array(values), minimum_rows)
    assert isinstance(found, Cut), found
    return found


def test_a_value_that_most_rows_share_is_a_range_of_its_own() -> None:
    found = _cut([0] * 900 + [int(n) for n in np.random.default_rng(0).integers(100, 9000, 100)])
    assert "x = 0" in {condition.expression for condition in found.conditions}
    assert found.cells > 8  # the others are not one lump


def test_few_numbers_are_ranges_each_and_rows_fall_evenly_between_many() -> None:
    few = _cut([1, 2, 3, 3, None])
    assert [condition.expression for condition in few.conditions][:3] == ["x = 1", "x < 3", "x = 2"]
    many = _cut(np.random.default_rng(0).normal(size=1200))
    counts = np.bincount(many.codes)
    assert counts.min() > 80
    assert counts.max() < 120


def test_nan_and_infinity_are_missing() -> None:
    found = _cut([1.0, 2.0, math.nan, math.inf, -math.inf, None, 3.0])
    assert found.codes.tolist() == [0, 1, 3, 3, 3, 3, 2]
    assert found.conditions[-1].expression == "(x is null or x < 1 or x > 3)"


def test_rare_values_are_no_conditions() -> None:
    found = _cut(["a"] * 50 + ["b"] * 3 + [None] * 2, minimum_rows=5)
    assert [condition.expression for condition in found.conditions] == ["x = 'a'"]


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("x", pa.array([f"text {n}" for n in range(60)]), "60 different values in 60 rows"),
        ("x", pa.array([str(n % 1500) for n in range(9000)]), "1,500 different values"),
        ("x", pa.array(range(100)), "count the rows"),
        ("customer_id", pa.array([n % 80 for n in range(2000)]), "as an identifier"),
        ("customerId", pa.array([f"c{n % 80}" for n in range(2000)]), "as an identifier"),
        ("x", pa.array([5] * 9), "one value only"),
        ("x", pa.array([None] * 9, pa.float64()), "no values"),
        ("x", pa.array([None] * 9, pa.string()), "no values"),
        ("x", pa.array([[1], [2]]), "neither"),
    ],
)
def test_what_cannot_be_sliced_by_says_why(name: str, values: pa.Array, why: str) -> None:
    found = cut_column(name, values)
    assert isinstance(found, str)
    assert why in found


def test_numbers_that_are_all_different_are_no_identifier_by_that_alone() -> None:
    incomes = np.random.default_rng(0).integers(20_000, 200_000, 300)
    assert isinstance(cut_column("income", pa.array(np.unique(incomes))), Cut)


def test_names_are_quoted_where_they_must_be() -> None:
    assert [sql_name(name) for name in ("age", "order", "a b", 'a"b')] == [
        "age",
        '"order"',
        '"a b"',
        '"a""b"',
    ]
