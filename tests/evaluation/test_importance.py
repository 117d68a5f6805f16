"""Rows that count more than others."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.evaluation.importance import weighing_of
from tilth.tables import open_table


def test_factors_multiply_and_a_missing_value_meets_no_condition() -> None:
    table = open_table({"kind": ["go", None, "shop"], "clicks": [5, 50, None], "w": [1, 2, 3]})
    found = weighing_of(table, "w", {"kind = 'go'": 10, "clicks < 20": 2.0, "clicks IS NULL": 0})
    assert found is not None
    assert found.sources == ("w", "kind", "clicks")
    assert found.of(dict(zip(table.columns, table.to_arrow().columns, strict=True))).tolist() == [20, 2, 0]


def test_rows_that_count_alike_are_not_weighed() -> None:
    assert weighing_of(open_table({"a": [1]}), None, {}) is None


@pytest.mark.parametrize("wrong", [[1.0, None], [1.0, -1.0], [1.0, float("inf")], [1.0, float("nan")]])
def test_weights_that_are_none_are_refused(wrong: list[float | None]) -> None:
    found = weighing_of(open_table({"w": wrong}), "w", {})
    assert found is not None
    with pytest.raises(DataError, match="1 rows have a weight that is missing, negative or infinite"):
        found.of({"w": pa.array(wrong)})


def test_a_row_from_feedback_counts_1_where_it_lacks_the_weight() -> None:
    table = open_table({"w": [2, None, 3], "tilth.source": ["data", "feedback", "feedback"]})
    found = weighing_of(table, "w", {})
    assert found is not None
    columns = dict(zip(table.columns, table.to_arrow().columns, strict=True))
    assert found.of(columns).tolist() == [2, 1, 3]
    with pytest.raises(DataError, match="1 rows have a weight that is missing"):
        found.of({**columns, "tilth.source": pa.array(["data", "data", "feedback"])})


def test_what_weighs_nothing_is_refused() -> None:
    table = open_table({"kind": ["go", "shop"]})
    with pytest.raises(ColumnNotFoundError, match="'w'"):
        weighing_of(table, "w", {})
    with pytest.raises(ColumnNotFoundError, match="'knd'"):
        weighing_of(table, None, {"knd = 'go'": 10})
    with pytest.raises(UsageError):
        weighing_of(table, None, {"kind = ": 10})
    found = weighing_of(table, None, {"upper(kind)": 10})
    assert found is not None
    with pytest.raises(UsageError, match="true or false of each row"):
        found.of({"kind": pa.array(["go", "shop"])})
    texts = weighing_of(table, "kind", {})
    assert texts is not None
    with pytest.raises(DataError, match="expected: a column of numbers"):
        texts.of({"kind": pa.array(["go", "shop"])})
