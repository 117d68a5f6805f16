from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import SchemaError, UsageError
from tilth.profiles import profile
from tilth.schemas import Column, DriftBound, Schema
from tilth.validation import compare

DRIFTED = ("num_a", "num_b", "cat_a")


def zipf(levels: int, power: float = 0.5) -> np.ndarray:
    shares = 1.0 / np.arange(1, levels + 1) ** power
    return shares / shares.sum()


def make(
    rows: int, seed: int, shift: float = 0.0, scale: float = 1.0, moved: float = 0.0, nudge: float = 0.0
) -> Any:
    """Three columns that drift as told, and others of every shape that move by a negligible nudge."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {
        "num_a": rng.standard_normal(rows) + shift,
        "num_b": rng.standard_normal(rows) * scale,
        "normal": rng.standard_normal(rows) + nudge,
        "lognormal": np.exp(0.8 * rng.standard_normal(rows)) + nudge,
        "heavy": rng.standard_t(3, rows) + nudge,
        "whole": rng.poisson(4.0 + 2 * nudge, rows).astype(float),
        "zeros": np.where(rng.random(rows) < 0.7, 0.0, rng.gamma(2.0, 1.0, rows)),
        "gaps": np.where(rng.random(rows) < 0.05, np.nan, rng.standard_normal(rows)),
    }
    tables = {name: pa.array(values) for name, values in columns.items()}
    for name, levels, power in (("cat_a", 5, 0.5), ("two", 2, 0.5), ("many", 200, 1.1), ("most", 3000, 1.1)):
        shares = zipf(levels, power)
        move = moved if name == "cat_a" else 0.4 * nudge
        shares = np.concatenate([[shares[0] - move], shares[1:] + move * shares[1:] / shares[1:].sum()])
        tables[name] = pa.array([f"v{value}" for value in rng.choice(levels, size=rows, p=shares)])
    return profile(pa.table(tables))


MAIN = {"shift": 0.30, "scale": 1.40, "moved": 0.15}
SUBTLE = {"shift": 0.08, "scale": 1.10, "moved": 0.04}


@pytest.mark.parametrize("rows", [2_000, 60_000])
def test_clear_drift_is_found_and_nothing_else(rows: int) -> None:
    assert compare(make(rows, 1), make(rows, 2, **MAIN)).drifted == DRIFTED


def test_negligible_shifts_everywhere_do_not_alarm() -> None:
    assert compare(make(60_000, 1), make(60_000, 2, **MAIN, nudge=0.015)).drifted == DRIFTED


def test_subtle_drift_is_a_question_of_the_threshold() -> None:
    reference, current = make(60_000, 1), make(60_000, 2, **SUBTLE)
    assert compare(reference, current).drifted == ()
    assert compare(reference, current, threshold=0.05).drifted == ("num_a", "num_b")  # 0.08 and 0.08 sd
    assert compare(reference, current, threshold=0.03).drifted == DRIFTED  # total variation 0.04


@pytest.mark.parametrize("rows", [200, 5_000, 60_000])
def test_two_samples_of_one_source_are_quiet(rows: int) -> None:
    for seed in range(3):
        assert compare(make(rows, 100 + seed), make(rows, 200 + seed), threshold=0.02).drifted == ()


def test_small_windows_alarm_no_more_often_than_stated() -> None:
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        reference, current = (
            profile(
                {
                    **{f"n{i}": rng.standard_normal(rows) for i in range(10)},
                    **{f"c{i}": [f"v{v}" for v in rng.choice(8, rows, p=zipf(8))] for i in range(10)},
                }
            )
            for rows in (300, 90)
        )
        alarms += bool(compare(reference, current).drifted)
    assert alarms <= 5  # 1 expected; 6 or more with probability below 0.001


def test_skew_threshold_case(shared_case: Any) -> None:
    case = shared_case("validation_behaviour", "val-3")
    sides = [
        {"x": [value for value, count in case["input"][side].items() for _ in range(count)]}
        for side in ("training_counts", "serving_counts")
    ]
    for threshold, alarm in zip(case["input"]["thresholds"], case["expected"]["alarm"], strict=True):
        bound = DriftBound("l_infinity", threshold)
        schema = Schema((Column("x", "string", skew=bound),))
        found = compare(*sides, schema, moment="skew")
        measured = found.columns["x"].l_infinity
        assert measured is not None
        assert measured[0] == pytest.approx(case["expected"]["measured"], abs=case["tolerance"])
        assert found.columns["x"].drifted is alarm
        assert [anomaly.kind for anomaly in found.anomalies()] == ["skew"] * alarm


def test_taxi_case(shared_data: Any, shared_case: Any) -> None:
    case = shared_case("validation_behaviour", "val-17")
    names = ("train", "eval", "serving")
    profiles = {name: profile(shared_data(f"chicago-taxi/{name}.csv.gz")) for name in names}
    wanted = zip(
        case["input"]["pairs"], case["expected"]["l_infinity"], case["expected"]["argmax"], strict=True
    )
    for (column, reference, current), distance, value in wanted:
        found = compare(profiles[reference], profiles[current]).columns[column].l_infinity
        assert found is not None
        assert found[0] == pytest.approx(distance, abs=case["tolerance"])
        assert found[1] == value
    schema = Schema((Column("company", "string", required=False, drift=DriftBound("l_infinity", 0.001)),))
    found_drift = compare(profiles["train"], profiles["eval"], schema)
    assert found_drift.drifted == ("company",)
    assert found_drift.columns["company"].reason == (
        "l_infinity 0.008209 at 'Blue Ribbon Taxi Association Inc.' > 0.001"
    )


def test_identical_with_missing_case(shared_case: Any) -> None:
    case = shared_case("drift_tests", "drift-4")
    values = {"x": case["input"]["reference"]}
    found = compare(values, values).columns["x"]
    assert found.p_value == case["expected"]["chi_square_p"]
    assert found.drifted is case["expected"]["drift"]


@pytest.mark.parametrize(("case_id", "key"), [("drift-15", "psi"), ("drift-18", "total_variation")])
def test_distances_of_a_comparison(shared_case: Any, case_id: str, key: str) -> None:
    case = shared_case("drift_tests", case_id)
    sides = [
        {"x": [f"v{v}" for v, n in zip(side["values"], side["counts"], strict=True) for _ in range(n)]}
        for side in (case["input"]["reference"], case["input"]["current"])
    ]
    found = compare(*sides).columns["x"]
    expected = case["expected"].get(key, case["expected"].get("value"))
    assert getattr(found, key) == pytest.approx(expected, abs=case["tolerance"])


def test_measures_that_do_not_apply_are_none() -> None:
    found = compare({"n": [1.0, 2.0], "c": ["a", "a"]}, {"n": [1.0, 2.0], "c": ["a", "a"]}).columns
    assert found["n"].l_infinity is None
    assert (found["c"].ks, found["c"].wasserstein) == (None, None)


def test_a_bound_that_does_not_apply_is_refused() -> None:
    schema = Schema((Column("n", "float", drift=DriftBound("l_infinity", 0.1)),))
    with pytest.raises(SchemaError, match="l_infinity is not defined for this numeric column") as error:
        compare({"n": [1.0]}, {"n": [2.0]}, schema)
    assert "effect, ks, jensen_shannon or psi" in str(error.value)


def test_bounds_on_numbers() -> None:
    reference, current = {"n": [float(i) for i in range(10)]}, {"n": [i + 5.0 for i in range(10)]}
    for measure, value in (("ks", 0.5), ("effect", 5 / np.std(range(10)))):
        for threshold, drifted in ((value - 0.01, True), (value + 0.01, False)):
            schema = Schema((Column("n", "float", drift=DriftBound(measure, threshold)),))  # type: ignore[arg-type]
            assert compare(reference, current, schema).columns["n"].drifted is drifted


def test_a_constant_that_moves_drifted() -> None:
    found = compare({"x": [5.0] * 100}, {"x": [6.0] * 100}).columns["x"]
    assert found.drifted
    assert (found.wasserstein, found.effect) == (None, 1.0)
    assert not compare({"x": [5.0] * 100}, {"x": [5.0] * 100}).drifted


def test_new_missing_values_are_drift() -> None:
    found = compare({"x": list(range(300))}, {"x": [i if i % 2 else None for i in range(300)]}).columns["x"]
    assert found.drifted
    assert found.reason == "missing values went from 0.0% to 50.0%"
    assert found.missing == (0.0, 0.5)


def test_a_column_that_lost_all_values_drifted() -> None:
    found = compare({"x": [1.5] * 50}, {"x": pa.array([None] * 50, pa.float64())}).columns["x"]
    assert found.drifted
    assert found.effect is None


def test_identifiers_text_and_dates_are_not_judged() -> None:
    start = datetime.datetime(2024, 1, 1)

    def window(first: int) -> dict[str, Any]:
        span = range(first, first + 200)
        return {
            "key": [f"K{i}" for i in span],
            "order_id": list(span),
            "when": [start + datetime.timedelta(hours=i) for i in span],
        }

    found = compare(window(0), window(1000))
    assert found.drifted == ()
    assert "not judged" in found.columns["key"].reason
    assert found.columns["order_id"].reason == "identifiers are not judged"


def test_kinds_of_the_schema_decide() -> None:
    reference, current = {"zone": [1, 2] * 100}, {"zone": [1, 9] * 100}
    schema = Schema((Column("zone", "int", kind="category"),))
    found = compare(reference, current, schema).columns["zone"]
    assert (found.kind, found.l_infinity) == ("categorical", (0.5, "2"))
    assert found.drifted
    unjudged = Schema((Column("zone", "int", kind="identifier"),))
    assert not compare(reference, current, unjudged).drifted


def test_a_changed_type_drifted() -> None:
    found = compare({"x": [1, 2]}, {"x": ["a", "b"]}).columns["x"]
    assert found.drifted
    assert found.reason == "type int became string"


def test_columns_come_and_go() -> None:
    found = compare({"a": [1], "b": [1], "tilth.source": ["data"]}, {"b": [1], "c": [1]})
    assert (found.missing_columns, found.new_columns, tuple(found.columns)) == (("a",), ("c",), ("b",))
    assert "missing column" in found.report()


def test_json_keeps_the_contract() -> None:
    document: Any = compare(make(500, 1), make(500, 2, **MAIN)).to_json()
    assert set(document) == {"columns", "new_columns", "missing_columns", "drifted"}
    keys = {"kind", "l_infinity", "jensen_shannon", "ks", "psi", "wasserstein", "threshold", "drifted"}
    assert all(keys <= set(column) for column in document["columns"].values())
    assert set(document["columns"]["num_a"]["ks"]) == {"statistic", "p_value"}
    assert set(document["columns"]["cat_a"]["l_infinity"]) == {"distance", "value"}
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("wrong", [{"threshold": -1}, {"threshold": float("nan")}, {"significance": 1.5}])
def test_bad_thresholds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="threshold"):
        compare({"x": [1]}, {"x": [1]}, **wrong)


values = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.floats(allow_subnormal=False),
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "s": st.none() | st.sampled_from("ab"),
            "b": st.none() | st.booleans(),
        }
    ),
    max_size=12,
)


@given(values, values)
def test_any_two_tables_can_be_compared(a: Any, b: Any) -> None:
    types = pa.schema([("n", pa.float64()), ("i", pa.int64()), ("s", pa.string()), ("b", pa.bool_())])
    found = compare(pa.Table.from_pylist(a, types), pa.Table.from_pylist(b, types))
    json.dumps(found.to_json(), allow_nan=False)
    same = compare(pa.Table.from_pylist(a, types), pa.Table.from_pylist(a, types))
    assert same.drifted == ()
