from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.profiles import ColumnProfile, Profile, Weighted, profile

rows = st.lists(
    st.tuples(
        st.none() | st.floats(-1e6, 1e6), st.none() | st.sampled_from("abc"), st.integers(0, 5_000_000)
    ),
    max_size=20,
)


def table(values: Any) -> pa.Table:
    schema = pa.schema([("x", pa.float64()), ("s", pa.string()), ("w", pa.float64())])
    return pa.Table.from_pylist(
        [{"x": x, "s": s, "w": millionths / 1e6} for x, s, millionths in values], schema
    )


def weighted(column: ColumnProfile) -> Weighted:
    assert column.weighted is not None
    return column.weighted


@given(rows, rows)
def test_weighted_figures_merge_and_ignore_order(a: Any, b: Any) -> None:
    whole = profile(table(a + b), weight="w")
    assert profile(table(a), weight="w") + profile(table(b), weight="w") == whole
    assert profile(table((a + b)[::-1]), weight="w").to_json() == whole.to_json()
    assert Profile.from_json(whole.to_json()) == whole


@given(rows)
def test_weighted_figures_are_those_of_repeated_rows(values: Any) -> None:
    few = [(x, s, millionths % 4) for x, s, millionths in values]
    repeated = [row for row in few for _ in range(row[2])]
    found = profile(table([(x, s, times * 1_000_000) for x, s, times in few]), weight="w")
    plain = profile(table(repeated))
    for name in ("x", "s"):
        told = weighted(found[name])
        assert (told.count, told.missing) == (plain[name].count, plain[name].missing)
        assert told.mean == plain[name].mean
        assert told.top() == plain[name].top()
        if told.std is not None:
            assert told.std == pytest.approx(plain[name].std, rel=1e-12, abs=1e-9)


def test_unweighted_figures_stay() -> None:
    found = profile({"x": [1.0, 3.0], "w": [9, 1]}, weight="w")
    assert (found["x"].mean, weighted(found["x"]).mean) == (2.0, 1.2)
    assert weighted(found["x"]).quantile(0.5) == 1.0
    assert found["w"].weighted is None
    assert profile({"x": [1.0]})["x"].weighted is None
    assert found["x"].to_dict()["weighted"] == {
        "count": 10.0, "missing": 0.0, "mean": 1.2, "std": pytest.approx(0.6),
        "quantiles": {
            **dict.fromkeys(("0.01", "0.05", "0.1", "0.25", "0.5", "0.75"), 1.0),
            "0.9": pytest.approx(1.2), "0.95": 3.0, "0.99": 3.0,
        },
        "top": [[1.0, 9.0], [3.0, 1.0]],
    }  # fmt: skip


@pytest.mark.parametrize("weight", [-1.0, None, float("nan"), float("inf")])
def test_a_bad_weight_is_named_with_its_row(weight: Any) -> None:
    column = pa.array([1.0] * 70_000 + [weight], pa.float64())
    data = pa.table({"x": np.arange(70_001), "w": column})
    with pytest.raises(DataError, match="the weight is") as error:
        profile(data, weight="w")
    assert error.value.where == "column 'w', row 70001"


def test_weights_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="column 's' cannot weigh rows"):
        profile({"s": ["a"]}, weight="s")
    with pytest.raises(ColumnNotFoundError):
        profile({"s": ["a"]}, weight="w")
    with pytest.raises(DataError, match="the weights add up to more than"):
        profile({"x": [1, 2], "w": [4e12, 4e12]}, weight="w")


def test_a_column_of_one_part_is_missing_by_weight_in_the_other() -> None:
    both = profile({"x": [1], "w": [2.0]}, weight="w") + profile({"y": [1], "w": [3.0]}, weight="w")
    assert weighted(both["x"]).missing == 3.0
    assert weighted(both["y"]).missing == 2.0
