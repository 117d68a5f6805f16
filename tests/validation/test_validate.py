from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.profiles import profile
from tilth.schemas import Column, Schema
from tilth.validation import Anomaly, infer_schema, validate


def only(anomalies: list[Anomaly]) -> Anomaly:
    assert len(anomalies) == 1, [str(anomaly) for anomaly in anomalies]
    return anomalies[0]


def check(values: list[Any], column: Column, environment: str | None = None) -> list[Anomaly]:
    return validate({column.name: values}, Schema((column,)), environment)


def with_column(schema: Schema, column: Column) -> Schema:
    return replace(schema, columns=tuple(column if c.name == column.name else c for c in schema))


def test_unexpected_values_case(shared_case: Any) -> None:
    case = shared_case("validation_behaviour", "val-1")
    given_ = case["input"]
    observed = [value for value, count in given_["observed_counts"].items() for _ in range(count)]
    values = (
        observed + ["A"] * (given_["rows"] - given_["missing"] - len(observed)) + [None] * given_["missing"]
    )
    column = Column("annotated_enum", "string", required=False, domain=tuple(given_["domain"]))
    anomaly = only(check(values, column))
    expected = case["expected"]["anomalies"][0]
    assert (anomaly.column, anomaly.kind) == (expected["feature"], "unexpected_values")
    assert list(anomaly.values) == expected["values"]
    assert anomaly.share == pytest.approx(1 / 7)
    assert "'D'" in anomaly.message
    assert "14.3%" in anomaly.message


def test_environments_case(shared_case: Any) -> None:
    expected = shared_case("validation_behaviour", "val-4")["expected"]
    schema = Schema((Column("label", "int", not_in=("serving",)), Column("feature", "int")))
    data = {"feature": list(range(1000))}
    assert only(validate(data, schema, "training")).column == expected["TRAINING"][0]["feature"]
    assert only(validate(data, schema, "training")).kind == "missing_column"
    assert validate(data, schema, "serving") == expected["SERVING"]
    assert validate({**data, "label": [0] * 1000}, schema, "serving") == []


def test_census_cases(census: tuple[Path, Path], shared_case: Any) -> None:
    train, rest = census
    expected = shared_case("validation_behaviour", "val-14")["expected"]
    schema = infer_schema(profile(train))
    found = validate(rest, schema)
    assert {a.column: list(a.values) for a in found} == expected["unexpected"]
    assert all(a.kind == "unexpected_values" and a.share is not None and a.share < 0.01 for a in found)

    changes = shared_case("validation_behaviour", "val-15")["input"]["changes"]
    for name, mass in changes["min_domain_mass"].items():
        schema = with_column(schema, replace(schema[name], min_domain_mass=mass))
    race = schema["race"]
    schema = with_column(schema, replace(race, domain=(*(race.domain or ()), changes["add_value"]["race"])))
    low, high = changes["int_range"]["age"]
    schema = with_column(schema, replace(schema["age"], low=low, high=high))
    assert validate(rest, schema) == []


def test_taxi_case(shared_data: Any, shared_case: Any) -> None:
    expected = shared_case("validation_behaviour", "val-16")["expected"]["unexpected"]
    schema = infer_schema(profile(shared_data("chicago-taxi/train.csv.gz")), label="tips")
    found = {a.column: a for a in validate(shared_data("chicago-taxi/eval.csv.gz"), schema)}
    assert set(found) == set(expected)
    assert list(found["payment_type"].values) == expected["payment_type"]
    assert f"{len(found['company'].values)} values" == expected["company"]
    serving = shared_data("chicago-taxi/serving.csv.gz")
    assert validate(serving, schema, "serving") == []
    assert only(validate(serving, schema)).kind == "missing_column"


def test_ranges() -> None:
    column = Column("age", "int", low=17, high=90)
    anomaly = only(check([17, 90, 1000, 40], column))
    assert (anomaly.kind, anomaly.values, anomaly.share) == ("out_of_range", (1000,), 0.25)
    assert anomaly.message == "column 'age' has values above 90 (25% of its values): the greatest is 1000"
    assert anomaly.expected == "at least 17 and at most 90"
    assert check([17, 90], column) == []
    assert len(check([0, 100], column)) == 2


def test_infinities_break_a_bound() -> None:
    anomaly = only(check([1.0, math.inf], Column("x", "float", low=0)))
    assert anomaly.kind == "out_of_range"
    assert "1 infinite" in anomaly.message
    assert check([1.0, math.inf], Column("x", "float")) == []


def test_missing_values() -> None:
    anomaly = only(check([1, None, None, 4], Column("x", "int")))
    assert (anomaly.kind, anomaly.share) == ("too_many_missing", 0.5)
    assert anomaly.message == "column 'x' has 50% missing (2 of 4 missing); expected none missing"
    assert check([1, None, 3, 4], Column("x", "int", required=False)) == []
    assert check([1, None, 3, 4], Column("x", "int", min_present=0.75)) == []
    assert (
        only(check([1, None, None, 4], Column("x", "int", min_present=0.75))).expected
        == "at least 0.75 present"
    )


def test_nan_counts_as_missing() -> None:
    assert only(check([1.0, float("nan")], Column("x", "float"))).kind == "too_many_missing"


def test_types() -> None:
    anomaly = only(check([1.5, 2.0], Column("x", "int", low=0)))
    assert anomaly.message == "column 'x' has type float; expected type int"
    assert check([1, 2], Column("x", "float")) == []
    assert only(check([1, 2], Column("x", "string"))).kind == "type_mismatch"
    assert only(check(["a"], Column("x", "float"))).kind == "type_mismatch"


def test_a_column_without_values_has_no_wrong_type() -> None:
    column = Column("x", "float", required=False)
    assert validate({"x": pa.array([None, None], pa.string())}, Schema((column,))) == []


def test_codes_in_a_text_file_may_be_all_digits(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("code,n\n12,1\n15,2\n")
    schema = Schema((Column("code", "string", domain=("12", "15", "1A")), Column("n", "int")))
    assert validate(path, schema) == []


def test_uniqueness() -> None:
    anomaly = only(check(["a", "b", "a"], Column("id", "string", unique=True, kind="identifier")))
    assert (anomaly.kind, anomaly.values) == ("not_unique", ("a",))
    assert "2 distinct among 3 values" in anomaly.message
    assert check(list(range(100)), Column("id", "int", unique=True)) == []
    assert only(check([7, 7], Column("id", "int", unique=True))).values == (7,)


def test_one_repeat_among_many_keys_is_found() -> None:
    keys = [*range(200_000), 123_456]
    assert only(check(keys, Column("id", "int", unique=True))).kind == "not_unique"
    texts = [f"k{key}" for key in keys]
    assert only(check(texts, Column("id", "string", unique=True))).values == ("k123456",)


def test_domains_of_numbers_and_bools() -> None:
    assert only(check([1, 2, 5], Column("stars", "int", domain=("1", "2", "3")))).values == ("5",)
    assert check([True], Column("yes", "bool", domain=("true",))) == []


def test_domain_mass_met_exactly_holds() -> None:
    column = Column("c", "string", domain=("a",), min_domain_mass=0.9)
    assert check(["a"] * 9 + ["b"], column) == []
    assert only(check(["a"] * 8 + ["b"] * 2, column)).share == pytest.approx(0.2)


def test_new_and_own_columns() -> None:
    anomaly = only(validate({"x": [1], "y": ["a"], "tilth.source": ["data"]}, Schema((Column("x", "int"),))))
    assert (anomaly.column, anomaly.kind, anomaly.severity) == ("y", "new_column", "warning")


def test_severity_comes_from_the_schema() -> None:
    assert only(check([5], Column("x", "int", high=1, severity="warning"))).severity == "warning"


def test_too_few_rows() -> None:
    anomaly = only(validate({"x": [1]}, Schema((Column("x", "int"),), min_rows=10)))
    assert anomaly.message == "the table has 1 rows; expected at least 10 rows"
    assert anomaly.column is None


@given(
    st.lists(
        st.fixed_dictionaries({"n": st.none() | st.integers(-5, 5), "s": st.none() | st.sampled_from("abc")}),
        min_size=1,
        max_size=30,
    )
)
def test_data_keeps_to_its_own_schema(rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in ("n", "s")}
    found = profile(columns)
    assert validate(found, infer_schema(found)) == []


def test_anomalies_are_json() -> None:
    document = only(check([5], Column("x", "int", high=1))).to_json()
    keys = ["column", "kind", "values", "observed", "expected", "share", "severity", "message"]
    assert list(document) == keys
