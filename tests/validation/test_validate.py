from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.profiles import Profile, profile
from tilth.schemas import Column, DriftBound, Rule, Schema
from tilth.tables import open_table
from tilth.validation import Anomaly, broken_rows, compare, infer_schema, validate


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
    assert anomaly.message == "the table has 1 row; expected at least 10 rows"
    assert anomaly.column is None


def test_too_many_rows() -> None:
    schema = Schema((Column("x", "int"),), max_rows=2, severities={"too_many_rows": "warning"})
    anomaly = only(validate({"x": [1, 2, 3]}, schema))
    assert anomaly.message == "the table has 3 rows; expected at most 2 rows"
    assert (anomaly.kind, anomaly.severity) == ("too_many_rows", "warning")


def of_rows(rows: int) -> Profile:
    return profile({"x": list(range(rows))})


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (
            100,
            49,
            "the table has 49 rows, 0.49 times the previous 100; expected at least 0.5 and at most 2 times",
        ),
        (100, 201, "the table has 201 rows, 2.01 times the previous 100"),
        (0, 1, "the table has 1 row, after 0 before"),
        (100, 50, None),
        (100, 200, None),
        (0, 0, None),
    ],
)
def test_the_size_changes_between_data_sets(before: int, now: int, message: str | None) -> None:
    schema = Schema((Column("x", "int"),), min_rows_ratio=0.5, max_rows_ratio=2)
    found = validate(of_rows(now), schema, previous=of_rows(before))
    assert [a.kind for a in found] == (["size_changed"] if message else [])
    assert not message or found[0].message.startswith(message)
    assert validate(of_rows(now), schema) == []


def test_finite_numbers() -> None:
    column = Column("x", "float", finite=True, required=False)
    infinite, nan = check([1.0, math.inf, math.nan], column)
    assert (infinite.kind, infinite.share) == ("out_of_range", 0.5)
    assert (
        nan.message == "column 'x' has 1 values that are NaN (33.3% of its values); expected finite numbers"
    )
    assert check([1.0, None], column) == []


def test_patterns() -> None:
    column = Column("code", "string", pattern="[A-Z][0-9]{2}", severities={"unexpected_values": "warning"})
    anomaly = only(check(["A12", "B7", "B7", "xA12"], column))
    assert anomaly.message == (
        "column 'code' has values that do not match its pattern: 'B7', 'xA12' (75% of its values); "
        "expected all values matching [A-Z][0-9]{2}"
    )
    assert (anomaly.kind, anomaly.values, anomaly.severity) == (
        "unexpected_values",
        ("B7", "xA12"),
        "warning",
    )
    assert check(["A12", "Z99"], column) == []
    assert only(validate(profile({"code": ["A12", "b"]}), Schema((column,)))).values == ("b",)
    assert check(["A12\n"], column)[0].values == ("A12\n",)
    assert check(["ab", "a|b"], Column("x", "string", pattern="ab|a[|]b")) == []


def test_lengths_of_texts() -> None:
    column = Column("name", "string", min_length=2, max_length=4)
    short, long = check(["", "äöüß", "abcde", "ab"], column)
    assert short.message == (
        "column 'name' has values of fewer than 2 characters (25% of its values): the shortest has 0; "
        "expected at least 2 and at most 4 characters"
    )
    assert (long.kind, long.values, long.share) == ("wrong_shape", (5,), 0.25)
    assert (
        only(check(["a"], Column("x", "string", min_length=3, max_length=3))).expected
        == "exactly 3 characters"
    )


def test_numbers_of_different_values() -> None:
    few = only(check(["a", "a"], Column("x", "string", min_distinct=2)))
    assert few.message == "column 'x' has 1 different values; expected at least 2 different values"
    assert (few.kind, few.share) == ("too_few_distinct", None)
    many = only(check([1, 2, 3], Column("x", "int", max_distinct=2)))
    assert (many.kind, many.observed) == ("too_many_distinct", "3 different values")
    assert check([None], Column("x", "int", min_distinct=2, required=False)) == []


def test_lists() -> None:
    data = {"tags": [["a", "b"], ["c"], None, []], "vector": [[0.5, 9.0], [1.0, 2.0], [0.0], [1.0, math.inf]]}
    schema = Schema(
        (
            Column("tags", "list[string]", min_present=0.7, domain=("a", "b"), pattern="[ab]", max_length=1),
            Column("vector", "list[float]", low=0, high=5, min_length=2, max_length=2, max_distinct=3),
        )
    )
    assert [str(anomaly) for anomaly in validate(data, schema)] == [
        "column 'tags' has unexpected items 'c' (33.3% of its items); expected one of 'a', 'b'",
        (
            "column 'tags' has values of more than 1 items (33.3% of its values): the longest has 2; "
            "expected at most 1 items"
        ),
        (
            "column 'tags' has items that do not match its pattern: 'c' (33.3% of its items); "
            "expected all items matching [ab]"
        ),
        "column 'vector' has items above 5 (14.3% of its items): the greatest is 9",
        "column 'vector' has 1 infinite items (14.3% of its items); expected finite numbers",
        (
            "column 'vector' has values of fewer than 2 items (25% of its values): the shortest has 1; "
            "expected exactly 2 items"
        ),
        "column 'vector' has 5 different items; expected at most 3 different items",
    ]
    whole = Schema((Column("x", "list[float]"), Column("y", "list[int]")))
    assert validate({"x": [[1, 2]], "y": [[]]}, whole) == []
    nested = only(validate({"x": [[1]], "y": [1]}, whole))
    assert nested.message == "column 'y' has type int; expected type list[int]"


def test_numbers_with_one_text_among_them(tmp_path: Path) -> None:
    path = tmp_path / "ages.csv"
    path.write_text(
        "age,day\n" + "\n".join(["39,2024-05-01"] * 7 + ["n/a,2024-02-30", "400,2024-05-01", ","])
    )
    schema = Schema(
        (Column("age", "int", high=120, min_present=0.9), Column("day", "datetime", min_present=0.9))
    )
    assert [str(anomaly) for anomaly in validate(path, schema)] == [
        "column 'age' has type string; expected type int: 'n/a' cannot be read as such (11.1% of its values)",
        "column 'age' has values above 120 (12.5% of its values): the greatest is 400",
        (
            "column 'day' has type string; expected type datetime: '2024-02-30' cannot be read as such "
            "(11.1% of its values)"
        ),
    ]
    from_profile = validate(profile(path), schema)
    assert [(a.kind, a.values, a.share) for a in from_profile] == [
        ("type_mismatch", ("n/a",), pytest.approx(1 / 9)),
        ("type_mismatch", ("2024-02-30",), pytest.approx(1 / 9)),
    ]


def test_numbers_written_as_codes_in_a_text_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("n,yes\n007,true\n12,TRUE\n")
    assert profile(path)["n"].type == "string"
    schema = Schema((Column("n", "int", high=12), Column("yes", "bool")))
    assert validate(path, schema) == []
    assert validate(open_table(path), schema) == []


def test_severity_per_kind() -> None:
    column = Column("x", "int", high=1, unique=True, severity="warning", severities={"not_unique": "error"})
    assert [(a.kind, a.severity) for a in check([5, 5], column)] == [
        ("out_of_range", "warning"),
        ("not_unique", "error"),
    ]
    schema = Schema((Column("x", "int"),), severities={"new_column": "error"})
    assert only(validate({"x": [1], "y": [1]}, schema)).severity == "error"


def test_slices_are_judged_by_themselves() -> None:
    data = {"sex": ["F"] * 4 + ["M"] * 4, "age": [1, None, 3, 4, 5, 6, 7, 8], "id": [1, 1, 2, 3, 4, 5, 6, 7]}
    schema = Schema(
        (
            Column("sex", "string"),
            Column("age", "int", min_present=0.8, high=7),
            Column("id", "int", unique=True),
        ),
        rules=(Rule("age > 3", min_share=0.7),),
    )
    found = validate(data, schema, slices=["sex"])
    assert [(str(a), dict(a.slice)) for a in found] == [
        ("column 'age' has values above 7 (14.3% of its values): the greatest is 8", {}),
        (
            (
                "column 'id' has repeated values, such as 1 (7 distinct among 8 values); "
                "expected each value once"
            ),
            {},
        ),
        (
            "where sex = F: column 'age' has 25% missing (1 of 4 missing); expected at least 0.8 present",
            {"sex": "F"},
        ),
        (
            (
                "where sex = F: rule 'age > 3' is broken in 2 of 4 rows (50%), first in row 1: age 1; "
                "expected to hold in at least 0.7 of the rows"
            ),
            {"sex": "F"},
        ),
        (
            "where sex = M: column 'age' has values above 7 (25% of its values): the greatest is 8",
            {"sex": "M"},
        ),
    ]
    assert found[2].to_json()["slice"] == {"sex": "F"}
    rules_need_rows = [anomaly for anomaly in found if anomaly.kind != "rule_broken"]
    assert validate(profile(data, slices=["sex"]), schema) == rules_need_rows


def test_malformed_census_rows(shared_data: Any, census: tuple[Path, Path], tmp_path: Path) -> None:
    """Before the clean-up, the rows that the course appends show in every column that they break."""
    head = census[0].read_text().splitlines()[0]
    path = tmp_path / "bad.csv"
    rows = shared_data("census-adult/malformed_rows.csv").read_text().splitlines()
    path.write_text("\n".join([head, *(row for row in rows if not row.startswith("age"))]) + "\n")
    schema = infer_schema(profile(census[0]))
    schema = with_column(schema, replace(schema["age"], low=17, high=90))
    found = {(a.column, a.kind) for a in validate(path, schema)}
    assert {("age", "out_of_range"), ("workclass", "too_many_missing")} <= found
    assert {name for name, kind in found if kind == "unexpected_values"} >= {
        "race",
        "native-country",
        "occupation",
    }


def test_shared_data_in_a_wrong_unit(shared_data: Any) -> None:
    """One cell of the skewed penguins is -1 where lengths are scaled to 0 to 1."""
    schema = infer_schema(profile(shared_data("penguins/penguins_processed.csv")))
    anomaly = only(validate(shared_data("penguins/penguins_processed_skewed.csv"), schema))
    assert (anomaly.column, anomaly.kind, anomaly.values) == ("culmen_length_mm", "out_of_range", (-1.0,))


def test_lists_case(shared_case: Any) -> None:
    """The peer's median of the six values is 3; the middle of 2 and 3 is 2.5."""
    case = shared_case("validation_behaviour", "val-10")
    expected, found = case["expected"], profile({"x": case["input"]["lists"]})["x"]
    assert found.rows == expected["rows"]
    assert (found.lengths.low, found.lengths.high, found.lengths.mean) == (
        expected["min_values"],
        expected["max_values"],
        expected["avg_values"],
    )
    items = found.items
    assert items is not None
    assert (items.count, items.zeros, items.min, items.max) == (
        expected["total_values"],
        expected["zeros"],
        expected["min"],
        expected["max"],
    )
    assert items.mean == pytest.approx(expected["mean"])
    assert items.std == pytest.approx(expected["std_population"])
    assert (items.median, expected["median"]) == (2.5, 3)
    assert [count for _, _, count in items.histogram(3)] == expected["equal_width_3_counts"]


def test_medians_case(shared_case: Any) -> None:
    case = shared_case("validation_behaviour", "val-12")
    found = [profile({"x": values})["x"].median for values in case["input"]["sorted_lists"]]
    assert found == case["expected"]["medians"]


def test_skew_thresholds_case(shared_case: Any) -> None:
    case = shared_case("validation_behaviour", "val-3")
    given_, expected = case["input"], case["expected"]
    training, serving = (
        {"x": [value for value, count in counts.items() for _ in range(count)]}
        for counts in (given_["training_counts"], given_["serving_counts"])
    )
    for threshold, alarm in zip(given_["thresholds"], expected["alarm"], strict=True):
        bound = DriftBound("l_infinity", threshold)
        schema = Schema((Column("x", "string", skew=bound),))
        found = compare(training, serving, schema, moment="skew").columns["x"]
        assert found.l_infinity is not None
        assert found.l_infinity[0] == pytest.approx(expected["measured"], abs=case["tolerance"])
        assert found.drifted is alarm


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
    keys.append("slice")
    assert list(document) == keys


def test_an_estimate_of_distinct_values_is_no_share_of_repeats() -> None:
    repeated = np.tile(np.arange(1_200_000) * 7, 2)
    schema = Schema((Column("x", "int", unique=True),))
    anomaly = only(validate(profile({"x": repeated}), schema))
    found = re.search(r"about (\d+) distinct among 2400000 values", anomaly.observed)
    assert found is not None
    assert anomaly.share is None
    assert only(validate({"x": repeated}, schema)).share == 0.5  # from the rows it is exact


@pytest.mark.parametrize("last", [0.5, 70_000.5])
def test_one_repeat_among_more_values_than_a_profile_keeps_is_found(last: float) -> None:
    """A profile keeps 65,536 different floats; the column is read once more, and judged exactly."""
    rows = {"x": np.append(np.arange(70_000) + 0.5, last)}
    schema = Schema((Column("x", "float", unique=True),))
    found = validate(rows, schema)
    repeated = last == 0.5
    assert [a.kind for a in found] == ["not_unique"] * repeated
    assert broken_rows(rows, schema).rows == 2 * repeated
    if repeated:
        assert found[0].share == pytest.approx(1 / 70_001)
        assert "70000 distinct among 70001 values" in found[0].message
