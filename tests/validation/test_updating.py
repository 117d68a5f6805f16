"""update_schema: what a person curated stays, loosened by exactly what new data asks for."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import SchemaError
from tilth.profiles import profile
from tilth.schemas import Column, DriftBound, Rule, Schema, updated_toml
from tilth.validation import infer_schema, update_schema, validate


def updated(column: Column, values: list[Any]) -> Column:
    return update_schema(Schema((column,)), {column.name: values})[column.name]


def test_what_holds_stays() -> None:
    curated = Schema(
        (
            Column("age", "int", low=0, high=120, drift=DriftBound("ks", 0.1)),
            Column("job", "string", domain=("cook", "smith"), min_domain_mass=0.5, severity="warning"),
            Column("label", "bool", not_in=("serving",)),
        ),
        min_rows=2,
        rules=(Rule("age >= 0", severity="warning"),),
    )
    data = {"age": [3, 90], "job": ["cook", "baker"], "label": [True, False]}
    assert update_schema(curated, data) == curated
    assert update_schema(curated, profile({"age": [3, 4], "job": ["cook"] * 2}), "serving") == curated


@pytest.mark.parametrize(
    ("column", "values", "wanted"),
    [
        (Column("x", "int", low=1, high=2), [0, 2], {"low": 0.0}),
        (Column("x", "int", low=1, high=2), [1, 7], {"high": 7.0}),
        (Column("x", "int"), [1, None], {"required": False, "min_present": 0.0}),
        (Column("x", "int", min_present=0.9), [1, None, 2], {"min_present": 0.666666}),
        (Column("x", "int", unique=True), [1, 1], {"unique": False}),
        (Column("x", "string", domain=("b", "z")), ["c", "a", "b"], {"domain": ("b", "z", "a", "c")}),
        (Column("x", "string", pattern="[a-z]"), ["a", "B"], {"pattern": None}),
        (
            Column("x", "string", min_length=2, max_length=3),
            ["a", "abcd"],
            {"min_length": 1, "max_length": 4},
        ),
        (Column("x", "string", min_distinct=3, max_distinct=4), ["a"], {"min_distinct": 1}),
        (Column("x", "int", max_distinct=1), [1, 2], {"max_distinct": 2}),
        (Column("x", "float", low=0), [1.0, float("inf")], {"low": None}),
        (Column("x", "float", finite=True), [1.0, float("nan")], {"finite": False, "required": False}),
        (Column("x", "int", low=0, high=1), [0.5], {"type": "float"}),
        (Column("x", "int", low=0, domain=("1", "2")), ["1", "a"], {"type": "string", "low": None}),
        (Column("x", "string", pattern="a"), [1], {"type": "int", "pattern": None, "kind": "number"}),
        (Column("x", "int", high=2.0**62), [2**62 + 1], {}),
    ],
)
def test_each_key_widens_alone(column: Column, values: list[Any], wanted: dict[str, Any]) -> None:
    after = updated(column, values)
    assert {key: getattr(after, key) for key in wanted} == wanted
    assert validate({"x": values}, Schema((after,))) == []
    assert updated(after, values) == after


def test_a_domain_of_hundreds_is_no_domain() -> None:
    column = Column("city", "string", domain=("Ulm",), min_domain_mass=0.9)
    after = updated(column, [f"city {n}" for n in range(500)])
    assert (after.domain, after.min_domain_mass) == (None, 1.0)


def test_columns_come_and_go() -> None:
    curated = Schema((Column("gone", "int"), Column("kept", "int")), min_rows=10, max_rows=20)
    after = update_schema(curated, {"kept": [1], "hour": [3], "tilth.source": ["data"]})
    assert after.names == ("gone", "kept", "hour")
    assert (after["gone"].required, after["hour"].high, after.min_rows, after.max_rows) == (False, 23, 1, 20)


def test_rules_hold_afterwards() -> None:
    curated = Schema((Column("a", "int"), Column("b", "int")), rules=(Rule("b >= a"), Rule("a > 0")))
    data = {"a": [1, 2, 3], "b": [3, 2, 1]}
    after = update_schema(curated, data)
    assert after.rules == (Rule("b >= a", min_share=0.666666), Rule("a > 0"))
    assert validate(data, after) == []


def test_a_rule_that_makes_no_sense_any_more_is_told() -> None:
    curated = Schema((Column("a", "int"),), rules=(Rule("a > 0"),))
    with pytest.raises(SchemaError, match=r"makes no sense(.|\n)*correct the data, or change the rule"):
        update_schema(curated, {"a": ["1", "x"]})


def test_codes_of_digits_in_a_text_file_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code\n12\n15\n")
    curated = Schema((Column("code", "string", domain=("12",)),))
    assert update_schema(curated, path)["code"].domain == ("12", "15")


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.none() | st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1),
    "float": st.none() | st.floats(-5, 5) | st.sampled_from([float("inf"), float("-inf"), float("nan")]),
    "string": st.none() | st.text("ab1", max_size=3),
    "bool": st.none() | st.booleans(),
    "datetime": st.none() | st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    rows = draw(st.integers(1, 12))
    return {
        f"c{position}": draw(st.lists(CELLS[kind], min_size=rows, max_size=rows))
        for position, kind in enumerate(kinds)
    }


@st.composite
def curated_schemas(draw: st.DrawFn) -> Schema:
    """A schema inferred from some data, tightened at random as a person might."""
    inferred = infer_schema(profile(draw(tables())))
    return replace(inferred, columns=tuple(draw(tightened(column)) for column in inferred))


@st.composite
def tightened(draw: st.DrawFn, column: Column) -> Column:
    keys: dict[str, Any] = {"unique": st.booleans(), "min_distinct": st.integers(0, 3)}
    keys |= {"max_distinct": st.integers(3, 9), "min_present": st.floats(0, 1), "required": st.booleans()}
    if column.type in ("int", "float"):
        keys |= {"low": st.none() | st.floats(-3, 0), "high": st.none() | st.floats(0, 3)}
    if column.type == "float":
        keys["finite"] = st.booleans()
    if column.type == "string":
        keys |= {"pattern": st.sampled_from([None, "a*", "[a-b]"]), "min_length": st.integers(0, 1)}
        keys["max_length"] = st.none() | st.integers(1, 3)
    if column.type in ("int", "string", "bool"):
        keys["domain"] = st.none() | st.just(("1", "a", "true"))
        keys["min_domain_mass"] = st.floats(0, 1)
    return replace(column, **{key: draw(values) for key, values in keys.items()})


@given(curated_schemas(), tables())
def test_updated_schemas_accept_the_data(curated: Schema, data: dict[str, list[Any]]) -> None:
    after = update_schema(curated, data)
    assert [str(anomaly) for anomaly in validate(data, after)] == []
    assert update_schema(after, data) == after
    assert [column.name for column in after][: len(curated)] == list(curated.names)


@given(curated_schemas(), tables())
def test_a_profile_tells_what_the_data_tell(curated: Schema, data: dict[str, list[Any]]) -> None:
    found = validate(data, curated)
    if not any(anomaly.kind == "type_mismatch" for anomaly in found):
        assert validate(profile(data), curated) == found


@given(curated_schemas(), tables())
def test_the_updated_text_says_the_same(curated: Schema, data: dict[str, list[Any]]) -> None:
    after = update_schema(curated, data)
    text = curated.to_toml().replace("\ntype", "\n# kept\ntype")
    edited = updated_toml(text, after)
    assert Schema.from_toml(edited) == after
    assert edited.count("# kept") == len(curated)
    assert updated_toml(edited, after) == edited
