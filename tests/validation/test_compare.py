from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tilth.errors import SchemaError, UsageError
from tilth.profiles import profile
from tilth.schemas import Column, DriftBound, Schema
from tilth.tables import open_table
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
SUBTLE = {"shift": 0.07, "scale": 1.10, "moved": 0.04}


@pytest.mark.parametrize("rows", [2_000, 60_000])
def test_clear_drift_is_found_and_nothing_else(rows: int) -> None:
    assert compare(make(rows, 1), make(rows, 2, **MAIN)).drifted == DRIFTED


def test_negligible_shifts_everywhere_do_not_alarm() -> None:
    assert compare(make(60_000, 1), make(60_000, 2, **MAIN, nudge=0.015)).drifted == DRIFTED


def test_subtle_drift_is_a_question_of_the_threshold() -> None:
    reference, current = make(60_000, 1), make(60_000, 2, **SUBTLE)
    assert compare(reference, current).drifted == ()
    assert compare(reference, current, threshold=0.05).drifted == ("num_a", "num_b")  # 0.07 and 0.08 sd
    assert compare(reference, current, threshold=0.03).drifted == DRIFTED  # total variation 0.04


@pytest.mark.parametrize("rows", [200, 5_000, 60_000])
def test_two_samples_of_one_source_are_quiet(rows: int) -> None:
    for seed in range(3):
        assert compare(make(rows, 100 + seed), make(rows, 200 + seed), threshold=0.02).drifted == ()


def test_small_windows_alarm_no_more_often_than_stated() -> None:
    alarms = 0
    for seed in range(60):
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
    assert alarms <= 4  # 1 expected at most


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
    assert "effect, wasserstein, ks, jensen_shannon or psi" in str(error.value)


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
    assert set(document) == {"rows", "columns", "new_columns", "missing_columns", "drifted"}
    assert document["rows"] == {"reference": 500, "current": 500}
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


wholes = st.lists(st.integers(-20, 20), min_size=2, max_size=40)


@given(wholes, wholes)
def test_distances_of_numbers_are_exact(a: list[int], b: list[int]) -> None:
    found = compare({"x": a}, {"x": b}).columns["x"]
    if found.measure == "none":
        return  # looks like a key
    apart = stats.wasserstein_distance(a, b)
    assert found.moved_by == pytest.approx(apart, abs=1e-9)
    spread = float(np.std(a))
    assert found.wasserstein == (pytest.approx(apart / spread, abs=1e-9) if spread else None)
    assert found.ks is not None
    assert found.ks[0] == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    assert (found.l_infinity, found.chi_squared, found.total_variation) == (None, None, None)


@given(st.lists(st.sampled_from("abcde"), min_size=1), st.lists(st.sampled_from("abcdef"), min_size=1))
def test_distances_of_categories_are_exact(a: list[str], b: list[str]) -> None:
    found = compare({"x": a * 3}, {"x": b * 3}).columns["x"]
    names = sorted({*a, *b})
    first, second = (np.array([side.count(name) * 3 for name in names]) for side in (a, b))
    p, q = first / first.sum(), second / second.sum()
    assert found.total_variation == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-12)
    assert found.l_infinity is not None
    assert found.l_infinity[0] == pytest.approx(np.abs(p - q).max(), abs=1e-12)
    middle = (p + q) / 2
    expected = (stats.entropy(p, middle, base=2) + stats.entropy(q, middle, base=2)) / 2
    assert found.jensen_shannon == pytest.approx(expected, abs=1e-9)
    test = stats.chi2_contingency(np.array([first, second]), correction=False)
    assert found.chi_squared == pytest.approx((test.statistic, test.pvalue), abs=1e-9)
    assert (found.ks, found.wasserstein, found.moved_by) == (None, None, None)


def test_the_chi_square_of_a_comparison_lets_both_sides_vary(shared_case: Any) -> None:
    """The case takes the reference as exact (p 0.673), which alarms too often; as a sample it has p 0.90."""
    case = shared_case("drift_tests", "drift-1")["input"]
    sides = [
        {"x": [f"v{v}" for v, n in zip(side["values"], side["counts"], strict=True) for _ in range(n)]}
        for side in (case["reference"], case["current"])
    ]
    found = compare(*sides).columns["x"].chi_squared
    counts = np.array([case["reference"]["counts"], case["current"]["counts"]])
    expected = stats.chi2_contingency(counts, correction=False)
    assert found == pytest.approx((expected.statistic, expected.pvalue))
    assert expected.pvalue == pytest.approx(0.90, abs=0.01)


def test_effects_beside_the_thresholds_of_peers(shared_case: Any) -> None:
    """Peers alarm at 0.1 of most distances; ours are reported, and what decides is the effect."""
    expected = shared_case("drift_tests", "drift-20")["expected"]
    rng = np.random.default_rng(20)
    found = compare({"x": rng.standard_normal(5000)}, {"x": rng.standard_normal(5000) + 0.2}).columns["x"]
    assert found.threshold == expected["wasserstein_normed"] == 0.1
    assert found.drifted
    assert found.psi is not None
    assert found.psi < expected["psi"]  # which peers would call no drift


def test_choices_of_a_peer(shared_case: Any) -> None:
    """A peer changes its test at 1,000 rows, and with it the verdict; here one rule holds at every size."""
    assert shared_case("drift_tests", "drift-19")["expected"]["dataset_drift_share"] == 0.5
    rng = np.random.default_rng(19)
    verdicts = {
        compare({"x": rng.standard_normal(rows)}, {"x": rng.standard_normal(rows) + 0.4}).drifted
        for rows in (999, 1001, 30_000)
    }
    assert verdicts == {("x",)}


def test_skew_of_the_taxi_data(shared_data: Any) -> None:
    names = ("train", "eval", "serving")
    train, evaluation, serving = (profile(shared_data(f"chicago-taxi/{name}.csv.gz")) for name in names)
    schema = Schema((Column("payment_type", "string", skew=DriftBound("l_infinity", 0.01)),))
    found = compare(train, serving, schema, moment="skew")
    assert found.columns["payment_type"].reason == "l_infinity 0.0225 at 'Credit Card' > 0.01"
    assert (found.drifted, found.missing_columns) == (("payment_type",), ("tips",))
    assert found.rows == (10_000, 100)
    over_time = compare(train, evaluation)
    assert over_time.drifted == ()
    covered = over_time.columns["payment_type"].coverage
    assert covered is not None
    assert (covered.outside, covered.values) == (1, (("Prcard", 1),))
    company = over_time.columns["company"].coverage
    assert company is not None
    assert company.outside >= 15
    assert "'Prcard' (1)" in over_time.report()


@pytest.mark.parametrize(
    ("values", "share", "outside", "shown"),
    [
        ([1.0, 5.0, 9.0], 1.0, 0, ()),
        ([0.0, 5.0, 12.0, 12.0], 0.25, 3, ((12.0, 2), (0.0, 1))),
        ([-7.0], 0.0, 1, ((-7.0, 1),)),
    ],
)
def test_coverage_of_a_range(values: list[float], share: float, outside: int, shown: Any) -> None:
    found = compare({"x": [1.0, 2.5, 9.0]}, {"x": values}).columns["x"].coverage
    assert found is not None
    assert (found.share, found.outside, found.values, found.range) == (share, outside, shown, (1.0, 9.0))


def test_coverage_of_classes_and_where_it_is_undefined() -> None:
    reference = {"flag": [True] * 4, "size": ["S", "S", "M", "M"], "note": [None, None, "a", "a"]}
    current = {"flag": [True, False], "size": ["M", None], "note": pa.array([None, None], pa.string())}
    found = compare(reference, current).columns
    flag, size = found["flag"].coverage, found["size"].coverage
    assert flag is not None
    assert size is not None
    assert (flag.share, flag.values) == (0.5, (("false", 1),))
    assert (size.share, size.values) == (1.0, ())
    assert found["note"].coverage is None
    keys = {"key": [f"K{i}" for i in range(100)]}
    assert compare(keys, keys).columns["key"].coverage is None


def test_coverage_beyond_what_is_kept_exactly() -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.random(80_000), np.append(rng.random(80_000), [2.0, -1.0, 5.0])
    found = compare({"x": reference}, {"x": current}).columns["x"].coverage
    assert found is not None
    low, high = reference.min(), reference.max()
    assert found.outside == ((current < low) | (current > high)).sum()
    assert [round(float(value), 2) for value, _ in found.values[:3]] == [5.0, -1.0, 2.0]
    assert found.by_chance == pytest.approx(2.0, abs=0.001)
    assert not found.is_notable


def test_an_outlier_does_not_hide_a_change() -> None:
    rng = np.random.default_rng(0)
    reference = np.append(rng.standard_normal(20_000), 1e9)
    found = compare({"x": reference}, {"x": rng.standard_normal(20_000) + 0.5}).columns["x"]
    assert found.drifted
    assert found.effect == pytest.approx(0.5, abs=0.05)
    assert found.wasserstein is not None
    assert found.wasserstein < 0.01
    assert "apart from the outermost" in found.reason


@pytest.mark.parametrize("shape", ["cauchy", "lognormal"])
def test_heavy_tails_against_their_own_resample_are_quiet(shape: str) -> None:
    rng = np.random.default_rng(5)
    draw = {"cauchy": rng.standard_cauchy, "lognormal": lambda rows: np.exp(3 * rng.standard_normal(rows))}[
        shape
    ]
    for rows in (200, 5000, 100_000):
        values = draw(rows)
        found = compare({"x": values}, {"x": rng.choice(values, rows)}).columns["x"]
        assert not found.drifted
        assert found.jensen_shannon is not None
        assert found.jensen_shannon < 40 / rows


def test_bounds_on_every_measure() -> None:
    reference, current = {"c": ["a"] * 3 + ["b"]}, {"c": ["a"] + ["b"] * 3}
    for measure, value in (("total_variation", 0.5), ("l_infinity", 0.5), ("effect", 0.5), ("psi", 1.0986)):
        for threshold, drifted in ((value - 0.01, True), (value + 0.01, False)):
            bound = DriftBound(measure, threshold)  # type: ignore[arg-type]
            schema = Schema((Column("c", "string", drift=bound),))
            assert compare(reference, current, schema).columns["c"].drifted is drifted
    schema = Schema((Column("n", "float", drift=DriftBound("wasserstein", 1.0)),))
    assert compare({"n": [0.0, 2.0]}, {"n": [0.0, 2.0]}, schema).drifted == ()
    assert compare({"n": [0.0, 2.0]}, {"n": [3.0, 5.0]}, schema).drifted == ("n",)
    constant = compare({"n": [1.0, 1.0]}, {"n": [1.0, 2.0]}, schema).columns["n"]
    assert (constant.drifted, constant.reason) == (
        False,
        "the reference is constant; share of rows that moved 0.5 <= 1",
    )


def test_whole_numbers_and_floats_are_the_same_categories() -> None:
    schema = Schema((Column("zone", "int", kind="category"),))
    found = compare({"zone": [1, 2] * 50}, {"zone": [1.0, 2.0] * 50}, schema).columns["zone"]
    assert found.total_variation == 0
    assert not found.drifted


@pytest.mark.parametrize(
    ("before", "after"),
    [([1, 0], [True, False]), ([True, False], ["yes", "no"]), ([datetime.datetime(2024, 1, 1)], [5])],
)
def test_another_kind_of_type_is_drift(before: Any, after: Any) -> None:
    found = compare({"x": before}, {"x": after}).columns["x"]
    assert found.drifted
    assert found.measure == "type"
    assert found.reason.startswith("type ")


def notes(rows: int, words: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{n}" for n in rng.integers(0, 1000, rng.poisson(words) + 3)) for _ in range(rows)]


def test_free_text_is_judged_by_its_length() -> None:
    reference = {"note": notes(500, 8, 1)}
    assert compare(reference, {"note": notes(500, 8, 2)}).drifted == ()
    found = compare(reference, {"note": notes(500, 14, 3)}).columns["note"]
    assert found.drifted
    assert found.measure == "length"
    assert found.length is not None
    assert found.length.kind == "numeric"
    assert found.length.moved_by == pytest.approx(
        np.mean([len(note) for note in notes(500, 14, 3)])
        - np.mean([len(note) for note in reference["note"]]),
        rel=0.01,
    )
    assert found.reason.startswith("free text, judged by its length in characters: moved by")
    assert (found.total_variation, found.coverage) == (None, None)


def test_lists_are_judged_by_their_items_and_lengths() -> None:
    rng = np.random.default_rng(0)

    def baskets(shift: float, size: int) -> dict[str, pa.Array]:
        lists = [(rng.standard_normal(rng.poisson(size) + 1) + shift).tolist() for _ in range(2000)]
        names = [[f"t{round(abs(value) * 3)}" for value in values] for values in lists]
        return {"numbers": pa.array(lists, pa.list_(pa.float64())), "tags": pa.array(names)}

    reference = baskets(0.0, 5)
    assert compare(reference, baskets(0.0, 5)).drifted == ()
    items = compare(reference, baskets(0.6, 5)).columns
    assert (items["numbers"].drifted, items["numbers"].kind) == (True, "numeric")
    assert items["numbers"].wasserstein == pytest.approx(0.6, abs=0.05)
    assert items["tags"].kind == "categorical"
    assert items["tags"].l_infinity is not None
    assert items["tags"].length is not None
    assert not items["tags"].length.drifted
    longer = compare(reference, baskets(0.0, 8)).columns["tags"]
    assert longer.length is not None
    assert longer.length.drifted
    assert longer.drifted
    assert "lengths moved by" in longer.reason
    json.dumps(longer.to_json(), allow_nan=False)


def test_images_are_left_to_their_statistics() -> None:
    table = open_table({"photo": [b"GIF89a", b"GIF87a"]}, types={"photo": "image"})
    found = compare(table, table).columns
    assert (found["photo"].measure, found["photo"].drifted) == ("none", False)
    assert found["photo"].reason == "judged by its columns 'photo.*'"
    assert "photo.readable" in found


def test_profiles_read_back_compare_alike() -> None:
    first, second = make(3000, 1), make(3000, 2, **MAIN)
    again = [type(side).from_json(side.to_json()) for side in (first, second)]
    assert compare(*again).to_json() == compare(first, second).to_json()


def test_the_report_shows_what_matters_first() -> None:
    reference = {"still": list(range(300)), "gone": [1] * 300, "moved": [i / 3 for i in range(300)]}
    current = {"still": list(range(300)), "moved": [i / 3 + 50 for i in range(300)], "new": [1] * 300}
    lines = compare(reference, current).report().splitlines()
    assert lines[0] == "1 of 2 columns show drift; 300 rows in the reference, 300 in the current data"
    assert [line.split()[:2] for line in lines[1:4]] == [["!", "gone"], ["!", "new"], ["!", "moved"]]
    assert "of the values are outside the reference's range" in lines[4]
    assert lines[5].startswith("  still")


def test_many_columns_alarm_no_more_often() -> None:
    rng = np.random.default_rng(9)
    tables = [pa.table({f"c{i}": rng.standard_normal(60) for i in range(1000)}) for _ in range(2)]
    found = compare(*tables)
    assert found.drifted == ()
    assert found.report().count("\n") < 300
