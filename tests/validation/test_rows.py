"""broken_rows: the rows that break something, for a person to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.profiles import profile
from tilth.schemas import Column, Rule, Schema
from tilth.tables import open_table
from tilth.validation import broken_rows, validate
from tilth.validation.repeats import repeated_values


def broken(data: Any, *columns: Column, environment: str | None = None, **more: Any) -> dict[int, str]:
    rows = broken_rows(data, Schema(columns, **more), environment).to_arrow().to_pylist()
    return {row["tilth.row"]: row["tilth.anomalies"] for row in rows}


def test_each_kind_of_row() -> None:
    data = {
        "age": [39, 390, None, 12],
        "city": ["Ulm", "Rome", "Bonn", "Ulm"],
        "id": ["a", "b", "b", "d"],
        "code": ["A1", "A22", "B3", "4"],
        "price": [1.0, float("inf"), 2.0, float("nan")],
    }
    found = broken(
        data,
        Column("age", "int", low=0, high=120),
        Column("city", "string", domain=("Ulm", "Bonn")),
        Column("id", "string", unique=True),
        Column("code", "string", pattern="[A-Z][0-9]+", max_length=2),
        Column("price", "float", low=0),
        rules=(Rule("price > age", name="dear"),),
    )
    assert found == {
        1: "rule 'dear' (price > age): rule_broken (price 1.0, age 39)",
        2: "age: out_of_range (390); city: unexpected_values ('Rome'); id: not_unique ('b'); "
        "code: wrong_shape ('A22'); price: out_of_range (inf)",
        3: "age: too_many_missing (missing); id: not_unique ('b')",
        4: "code: unexpected_values ('4'); price: too_many_missing (missing)",
    }


def test_rows_come_as_they_are_with_number_and_reason_in_front(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("age,name\n39,Ann\nx,Bob\n12,Cem\n")
    table = broken_rows(path, Schema((Column("age", "int", high=20), Column("name", "string"))))
    assert list(table.columns) == ["tilth.row", "tilth.anomalies", "age", "name"]
    assert table.to_arrow().to_pylist() == [
        {"tilth.row": 1, "tilth.anomalies": "age: out_of_range ('39')", "age": "39", "name": "Ann"},
        {"tilth.row": 2, "tilth.anomalies": "age: type_mismatch ('x')", "age": "x", "name": "Bob"},
    ]
    assert table.select(["name"]).to_arrow().to_pylist() == [{"name": "Ann"}, {"name": "Bob"}]


def test_what_is_tolerated_is_not_listed() -> None:
    data = {"c": ["a", "a", "b", None], "x": [1, 2, 3, 4]}
    tolerant = Column("c", "string", domain=("a",), min_domain_mass=0.6, min_present=0.5)
    assert broken(data, tolerant, Column("x", "int"), rules=(Rule("x > 1", min_share=0.7),)) == {}
    strict = Column("c", "string", domain=("a",), min_domain_mass=0.7)
    assert list(broken(data, strict, Column("x", "int"))) == [3, 4]


def test_a_column_stored_in_another_type_blames_no_row() -> None:
    assert broken({"x": ["1", "2"]}, Column("x", "int")) == {}
    assert broken({"x": [1, 2]}, Column("x", "string")) == {}
    assert broken({"x": [1.0, 2.5]}, Column("x", "int")) == {2: "x: type_mismatch (2.5)"}


def test_columns_absent_in_an_environment_are_left_alone() -> None:
    data = {"label": [None, 1]}
    column = Column("label", "int", not_in=("serving",))
    assert broken(data, column, environment="serving") == {}
    assert list(broken(data, column, environment="training")) == [1]


def test_anomalies_of_the_whole_have_no_rows() -> None:
    assert broken({"x": [1], "new": [2]}, Column("x", "int"), Column("gone", "int"), min_rows=9) == {}


def test_row_numbers_do_not_depend_on_batches() -> None:
    arrow = pa.table({"x": list(range(1000))})
    batched = pa.Table.from_batches(arrow.to_batches(max_chunksize=7), arrow.schema)
    found = broken_rows(batched, Schema((Column("x", "int", high=997),)))
    assert found.to_arrow()["tilth.row"].to_pylist() == [999, 1000]
    assert [batch.num_rows for batch in found.batches(1)] == [1, 1]


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_repeated_values_in_several_passes(at_once: int) -> None:
    table = open_table({"id": [5, 7, 5, None, None, 9, 7, 7]})
    assert len(repeated_values(table, "id", 8, at_once)) == 2


ROWS = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-3, 3),
        "f": st.none() | st.sampled_from([-1.0, 0.5, float("inf"), float("nan")]),
        "s": st.none() | st.sampled_from(["a", "b", "long", "9"]),
        "t": st.none() | st.sampled_from(["1", "2", "x", "2.5"]),
    }
)
SCHEMA = Schema(
    (
        Column("n", "int", low=-2, high=2, min_present=0.5, unique=True),
        Column("f", "float", high=0.6, finite=True, min_present=0.2),
        Column("s", "string", domain=("a", "b", "9"), pattern="[a-z]+", max_length=3, min_domain_mass=0.3),
        Column("t", "int", high=1, required=False),
    ),
    rules=(Rule("n >= f", min_share=0.8),),
)


@given(st.lists(ROWS, min_size=1, max_size=25))
def test_rows_are_listed_exactly_where_validation_finds_something(rows: list[dict[str, Any]]) -> None:
    data = {name: [row[name] for row in rows] for name in ("n", "f", "s", "t")}
    table = pa.table(
        {
            "n": pa.array(data["n"], pa.int64()),
            "f": pa.array(data["f"], pa.float64()),
            "s": pa.array(data["s"], pa.string()),
            "t": pa.array(data["t"], pa.string()),
        }
    )
    anomalies = validate(table, SCHEMA)
    listed = broken_rows(table, SCHEMA).to_arrow()["tilth.anomalies"].to_pylist()
    # A column of numbers that all can be read, but came as texts, is broken without a row at fault.
    kinds = {(a.column, a.kind) for a in anomalies if a.kind != "type_mismatch" or a.share}
    told = {tuple(part.split(" (")[0].split(": ")[:2]) for words in listed for part in words.split("; ")}
    assert {kind for _, kind in kinds} == {kind for _, kind in told}
    for anomaly in anomalies:
        if anomaly.kind == "too_many_missing":
            place = f"{anomaly.column}: too_many_missing"
            assert sum(place in words for words in listed) == round((anomaly.share or 0) * len(rows))


def test_nothing_wrong_is_an_empty_table() -> None:
    empty = broken_rows({"x": [1]}, Schema((Column("x", "int"),)))
    assert empty.rows == 0
    assert profile(empty).columns["tilth.row"].count == 0
