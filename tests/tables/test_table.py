"""Table: lazy rows, projections, filters and added columns."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import Table, concat_tables, open_table


def people() -> Table:
    return open_table({"age": [39, None, 17], "job": ["cook", "smith", None], "tall": [True, False, None]})


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1), st.integers(1, 7))
def test_batches_hold_every_row_in_order_whatever_the_size(values: list[int | None], size: int) -> None:
    table = open_table({"x": values, "s": ["a"] * len(values)})
    batches = list(table.batches(size))
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == values
    assert all(0 < batch.num_rows <= size for batch in batches)
    assert table.rows == len(values)


@given(st.lists(st.booleans(), min_size=3, max_size=3), st.integers(1, 4))
def test_filter_then_add_then_select_keeps_rows_together(mask: list[bool], size: int) -> None:
    kept = [row for row, keep in enumerate(mask) if keep]
    table = open_table({"x": [0, 1, 2], "y": ["a", "b", "c"]}).filter(pa.array(mask))
    table = table.with_column("z", pa.array([10 * row for row in kept], pa.int64())).select(["z", "y"])
    rows = [row for batch in table.batches(size) for row in batch.to_pylist()]
    assert rows == [{"z": 10 * row, "y": "abc"[row]} for row in kept]
    assert table.rows == len(kept)


def test_a_missing_truth_value_leaves_the_row_out() -> None:
    assert people().filter(pa.array([True, None, True])).to_arrow()["age"].to_pylist() == [39, 17]


def test_a_filter_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(DataError, match="2 values"):
        people().filter(np.array([True, False]))


def test_a_filter_of_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="int64"):
        people().filter(np.array([1, 0, 1]))


def test_only_the_added_column_can_be_selected() -> None:
    table = people().with_column("source", "data").select(["source"])
    assert table.to_arrow()["source"].to_pylist() == ["data"] * 3
    assert table.rows == 3


def test_replacing_the_only_column_keeps_the_number_of_rows() -> None:
    table = open_table({"x": [1, 2]}).with_column("x", 0.5)
    assert table.columns == {"x": "float"}
    assert table.to_arrow()["x"].to_pylist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "bool"),
        (3, "int"),
        (0.5, "float"),
        (np.int64(3), "int"),
        ("a", "string"),
        (datetime.datetime(2026, 1, 1), "datetime"),
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), "datetime"),
    ],
)
def test_a_single_value_fills_a_column(value: object, kind: str) -> None:
    table = people().with_column("new", value)  # type: ignore[arg-type]
    assert table.columns["new"] == kind
    assert len(set(table.to_arrow()["new"].to_pylist())) == 1


def test_a_column_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(DataError, match="2 values for 3 rows"):
        people().with_column("new", pa.array([1, 2]))


def test_an_unknown_column_names_the_closest() -> None:
    with pytest.raises(ColumnNotFoundError, match=r"did you mean 'age'") as caught:
        people().select(["agee"])
    assert "age, job, tall" in str(caught.value)


@pytest.mark.parametrize("names", [[], ["age", "age"]])
def test_a_selection_of_nothing_or_of_one_column_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(UsageError, match="cannot select"):
        people().select(names)


def test_a_batch_of_no_rows_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="0 rows"):
        people().batches(0)


def test_other_libraries_can_read_a_table() -> None:
    assert pl.DataFrame(people())["age"].to_list() == [39, None, 17]


def test_a_table_of_no_rows_has_its_columns() -> None:
    table = people().filter(np.zeros(3, bool))
    assert table.to_arrow().schema == people().to_arrow().schema
    assert table.rows == 0


def test_concatenation_widens_and_fills() -> None:
    table = concat_tables([people(), open_table({"age": [0.5], "town": ["Ulm"]})])
    assert table.columns == {"age": "float", "job": "string", "tall": "bool", "town": "string"}
    assert table.rows == 4
    assert table.to_arrow().slice(2).to_pylist() == [
        {"age": 17.0, "job": None, "tall": None, "town": None},
        {"age": 0.5, "job": None, "tall": None, "town": "Ulm"},
    ]


def test_a_column_without_values_takes_the_type_of_the_other_table() -> None:
    empty, full = open_table({"x": [None, None]}), open_table({"x": [1]})
    for tables in ([empty, full], [full, empty]):
        assert concat_tables(tables).columns == {"x": "int"}
    assert concat_tables([empty, empty]).columns == {"x": "string"}


def test_types_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(DataError, match="column 'x' is int in one table and string in another"):
        concat_tables([open_table({"x": [1]}), open_table({"x": ["a"]})])


def test_a_table_that_shares_no_column_still_counts_its_rows() -> None:
    table = concat_tables([open_table({"x": [1, 2]}), open_table({"y": [3]})]).select(["x"])
    assert table.to_arrow()["x"].to_pylist() == [1, 2, None]


def test_nothing_cannot_be_put_together() -> None:
    with pytest.raises(UsageError, match="no tables"):
        concat_tables([])
