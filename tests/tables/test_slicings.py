"""What slices can be made by, and what is refused."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.tables import open_table
from tilth.tables.slicings import slicing_of, split_keys

DATA = {
    "age": [20, 30, 49, 50, None],
    "sex": ["f", "m", "f", None, "m"],
    "a > b": ["x", "y", "x", "y", "x"],
    "born": [datetime.date(2000, 1, 1)] * 5,
    "p": [0.5, math.nan, 1.0, 2.0, 3.0],
}


def sliced(*keys: str, data: dict[str, list[object]] = DATA) -> dict[str, list[object]]:  # type: ignore[assignment]
    table = open_table(data)
    found = slicing_of(table, [keys])
    columns = dict(zip(table.columns, table.to_arrow().columns, strict=True))
    return {
        name: values.to_pylist() for name, values in found.of({n: columns[n] for n in found.sources}).items()
    }


def test_ranges_are_half_open_and_missing_values_stay_missing() -> None:
    key = "ranges(age, 30, 50)"
    assert sliced(key)[key] == ["< 30", "[30, 50)", "[30, 50)", ">= 50", None]
    assert sliced("ranges(p, 1)")["ranges(p, 1)"] == ["< 1", None, ">= 1", ">= 1", ">= 1"]


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=60), st.integers(2, 6))
def test_quantiles_leave_no_range_empty_and_none_with_too_many(values: list[int], parts: int) -> None:
    key = f"quantiles(x, {parts})"
    found = sliced(key, data={"x": values})[key]  # type: ignore[dict-item]
    counts = {name: found.count(name) for name in set(found)}
    assert len(counts) <= parts
    if len(set(values)) == len(values):  # equal values cannot be parted
        assert max(counts.values()) - min(counts.values()) <= math.ceil(len(values) / parts)
        assert len(counts) == min(parts, len(values))


def test_expressions_are_sql_and_null_is_missing() -> None:
    assert sliced("age > 30 and sex = 'f'")["age > 30 and sex = 'f'"] == [False, False, True, None, False]
    decade = "floor(age / 10) * 10"
    assert sliced(decade)[decade] == [20, 30, 40, 50, None]
    assert sliced("date_part('year', born)")["date_part('year', born)"] == [2000] * 5


def test_a_column_of_that_name_goes_first() -> None:
    assert sliced("a > b")["a > b"] == DATA["a > b"]


def test_several_are_crossed_and_share_their_sources() -> None:
    table = open_table(DATA)
    found = slicing_of(table, [["sex", "age > 30"], ["ranges(age, 40)"], ["sex"]])
    assert found.sources == ("sex", "age")
    assert found.slices == (("sex", "age > 30"), ("ranges(age, 40)",), ("sex",))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("age >", "unable to parse"),
        ("select 1", "expected an expression"),
        ("1 > 0", "names no column"),
        ("age > avg(age)", "depends on other rows"),
        ("sum(age)", "depends on other rows"),
        ("count(*) > age", "depends on other rows"),
        ("row_number() over (order by age)", "depends on other rows"),
        ("sex > 3", "cannot compare"),
        ("read_csv('a.csv')", "unsupported function"),
        ("ranges(age)", "ascending bounds"),
        ("ranges(age, 50, 30)", "ascending bounds"),
        ("ranges(age, x)", "no number"),
        ("ranges(age, nan)", "ascending bounds"),
        ("ranges(sex, 1)", "ranges are of numbers"),
        ("quantiles(age, 1)", "how many"),
        ("quantiles(age, 2.5)", "how many"),
        ("quantiles(age, 1000)", "how many"),
    ],
)
def test_what_makes_no_slices_says_why(key: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sliced(key)


@pytest.mark.parametrize("key", ["agee", "agee > 3", "ranges(agee, 3)"])
def test_an_unknown_column_names_the_nearest(key: str) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'age'"):
        sliced(key)


def test_quantiles_of_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="no values"):
        sliced("quantiles(x, 2)", data={"x": [math.nan, math.nan]})


def test_no_rows_have_no_values() -> None:
    table = open_table({"x": np.array([1.0])})
    found = slicing_of(table, [["x > 0"], ["ranges(x, 1)"]])
    empty = {"x": table.to_arrow().column(0).slice(0, 0)}
    assert [len(values) for values in found.of(empty).values()] == [0, 0]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("sex", ["sex"]),
        ("sex, race", ["sex", "race"]),
        ("ranges(age, 30, 50),sex", ["ranges(age, 30, 50)", "sex"]),
        ("city = 'a,b', sex", ["city = 'a,b'", "sex"]),
        ('"a,b",c', ['"a,b"', "c"]),
    ],
)
def test_keys_are_parted_at_commas_that_part(text: str, keys: list[str]) -> None:
    assert split_keys(text) == keys
