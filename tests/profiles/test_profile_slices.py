from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.profiles import Profile, profile
from tilth.profiles import slices as room

rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2]), st.floats(-9, 9)), max_size=20
)
WANTED = ["g", "g,h"]


def table(values: Any) -> pa.Table:
    schema = pa.schema([("g", pa.string()), ("h", pa.int64()), ("x", pa.float64())])
    return pa.Table.from_pylist([dict(zip("ghx", row, strict=True)) for row in values], schema)


@settings(max_examples=30)
@given(rows, rows)
def test_slices_merge_and_ignore_order(a: Any, b: Any) -> None:
    whole = profile(table(a + b), slices=WANTED)
    assert profile(table(a), slices=WANTED) + profile(table(b), slices=WANTED) == whole
    assert profile(table((a + b)[::-1]), slices=WANTED).to_json() == whole.to_json()
    assert Profile.from_json(whole.to_json()).to_json() == whole.to_json()


@given(rows)
def test_a_slice_is_the_profile_of_its_rows(values: Any) -> None:
    found = profile(table(values), slices=["g"])
    for each in found.slices:
        name = each.values["g"]
        chosen = [row for row in values if (row[0] or "(missing)") == name]
        assert each.profile.columns == profile(table(chosen)).columns
        assert each.profile.rows == len(chosen)
    assert sum(each.profile.rows for each in found.slices) == len(values)


def test_slices_are_ordered_and_named_as_texts() -> None:
    moment = datetime.datetime(2024, 1, 1)
    data = {"b": [True, False, True], "t": [moment] * 3, "n": [2, 10, 2], "x": [1.0, 2.0, 3.0]}
    found = profile(data, slices=["n", "b, t"])
    assert [dict(each.values) for each in found.slices] == [
        {"n": "10"},
        {"n": "2"},
        {"b": "false", "t": "2024-01-01T00:00:00"},
        {"b": "true", "t": "2024-01-01T00:00:00"},
    ]
    listed: Any = found.to_dict()["slices"]
    assert listed[1]["slice"] == {"n": "2"}
    assert (listed[1]["rows"], listed[1]["columns"]["x"]["mean"]) == (2, 2.0)
    assert "slices:\n  n = 10: 1 row (33.3%)" in found.report()


def test_many_batches_are_divided_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = pa.table({"g": rng.integers(0, 5, 5_000), "x": rng.normal(size=5_000)})
    whole = profile(data, slices=["g"])
    monkeypatch.setattr(room, "_ROWS_AT_ONCE", 700)
    monkeypatch.setattr("tilth.profiles.passing._BATCH_ROWS", (300, 300))
    assert profile(data, slices=["g"]).to_json() == whole.to_json()


def test_weights_reach_the_slices() -> None:
    found = profile({"g": ["a", "b", "a"], "x": [1.0, 2.0, 5.0], "w": [3, 1, 1]}, slices=["g"], weight="w")
    weighted = found.slices[0].profile["x"].weighted
    assert weighted is not None
    assert (weighted.count, weighted.mean) == (4.0, 2.0)


def test_too_many_slices_name_their_columns() -> None:
    with pytest.raises(UsageError, match=r"id makes .* slices"):
        profile({"id": list(range(1001))}, slices=["id"])
    halves = [profile({"id": list(range(at, at + 600))}, slices=["id"]) for at in (0, 600)]
    with pytest.raises(UsageError, match="id makes more than 1,000 slices"):
        halves[0] + halves[1]


def test_slices_that_cannot_be() -> None:
    with pytest.raises(ColumnNotFoundError, match="no column 'sexx'"):
        profile({"sex": ["f"]}, slices=["sexx"])
    with pytest.raises(UsageError, match="makes no slices"):
        profile({"l": [[1]]}, slices=["l"])
    with pytest.raises(DataError, match="different slices"):
        profile({"g": ["a"]}, slices=["g"]) + profile({"g": ["a"]})


def test_an_empty_part_changes_no_slices() -> None:
    found = profile({"g": ["a"]}, slices=["g"])
    empty = profile(pa.table({"g": pa.array([], pa.string())}))
    assert found + empty == empty + found == found


def test_selected_columns_are_selected_in_slices_too() -> None:
    found = profile({"g": ["a"], "x": [1], "y": [2]}, slices=["g"]).select(["x"])
    assert list(found.slices[0].profile.columns) == ["x"]
    assert found.duplicate_rows is None
