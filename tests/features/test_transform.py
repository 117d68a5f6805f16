"""Transform on the shared cases, nested analyses, names, and as a scikit-learn transformer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from tilth.errors import FeatureError, GraphError, UsageError
from tilth.features import Expression, Inputs, Transform
from tilth.inference import Graph
from tilth.profiles import profile

Case = Callable[[str, str], dict[str, Any]]


def column(name: str, expression: Callable[[Expression], Expression], data: object) -> list[float]:
    found = Transform(lambda x: {"y": expression(x[name])}).fit(data).apply(data)
    return [float(value) for value in found.column("y").to_pylist()]


def test_hello_world(shared_case: Case) -> None:
    case = shared_case("transform", "tft-1")
    rows, expected = case["input"]["rows"], case["expected"]

    def features(x: Inputs) -> dict[str, Expression]:
        centered, scaled = x["x"].center(), x["y"].scale()
        return {
            "x_centered": centered,
            "y_scaled_0_1": scaled,
            "s_integerized": x["s"].vocabulary(),
            "product": centered * scaled,
        }

    assert Transform(features).fit(rows).apply(rows).to_pydict() == expected


def test_zscore_uses_the_population_standard_deviation(shared_case: Case) -> None:
    case = shared_case("transform", "tft-2")
    assert column("x", lambda x: x.zscore(), case["input"]) == case["expected"]["y"]


def test_scale_to_0_and_1(shared_case: Case) -> None:
    case = shared_case("transform", "tft-7")
    assert column("x", lambda x: x.scale(), case["input"]) == case["expected"]["y"]


def test_scale_to_other_bounds(shared_case: Case) -> None:
    case = shared_case("transform", "tft-10")
    low, high = case["input"]["out"]
    assert column("x", lambda x: x.scale(low, high), {"x": case["input"]["x"]}) == case["expected"]["y"]


@pytest.mark.parametrize("name", ["tft-13", "tft-14", "tft-16"])
def test_quantile_boundaries(shared_case: Case, name: str) -> None:
    case = shared_case("transform", name)
    given = case["input"]["x"]
    values = list(range(1, int(given.split("..")[1]) + 1)) if isinstance(given, str) else given
    shuffled = np.random.default_rng(0).permutation(values)
    for count, bounds in zip(case["input"]["buckets"], case["expected"]["boundaries"], strict=True):
        wanted = np.searchsorted(bounds, values, side="right").tolist()
        transform = Transform(lambda x, n=count: {"y": x["x"].quantile_buckets(n)}).fit({"x": shuffled})
        found = transform.apply({"x": values}).column("y").to_pylist()
        if case["tolerance"] == 0:
            assert found == wanted
        else:  # the source allows each boundary to be off by one place
            assert sum(a != b for a, b in zip(found, wanted, strict=True)) <= len(bounds)


def test_given_buckets(shared_case: Case) -> None:
    case = shared_case("transform", "tft-20")
    bounds = case["input"]["boundaries"]
    assert column("x", lambda x: x.buckets(bounds), {"x": case["input"]["x"]}) == case["expected"]["bucket"]


def test_vocabulary_of_whole_tokens_is_ordered_by_count_then_text(shared_case: Case) -> None:
    case = shared_case("transform", "tft-23")  # splitting documents is not built yet: each token is a row
    tokens = [token for text in case["input"]["docs"] for token in text.split()]
    wanted = [code for row in case["expected"]["ids"] for code in row]
    assert column("s", lambda s: s.vocabulary(), {"s": tokens}) == wanted


def test_vocabulary_cut_at_a_tie(shared_case: Case) -> None:
    case = shared_case("transform", "tft-26")
    tokens = [token for row in case["input"]["rows"] for token in row]
    wanted = [code for row in case["expected"]["ids"] for code in row]
    assert column("s", lambda s: s.vocabulary(top=2, default=-99), {"s": tokens}) == wanted


def test_census(shared_case: Case, shared_data: Callable[[str], Path]) -> None:
    case = shared_case("transform", "tft-37")
    names = {"age": 0, "fnlwgt": 2, "education_num": 4, "capital_gain": 10, "hours": 12}
    table = pyarrow.csv.read_csv(
        shared_data("census-adult/adult.data.gz"),
        read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True),
        parse_options=pyarrow.csv.ParseOptions(delimiter=","),
    )
    columns = {name: table.column(index).cast(pa.int64()) for name, index in names.items()}

    def features(x: Inputs) -> dict[str, Expression]:
        scaled = {f"{n}_0_1": x[n].scale() for n in ("capital_gain", "education_num", "fnlwgt", "hours")}
        return {"age_bucket_of_4": x["age"].quantile_buckets(4), **scaled}

    data = pa.table(columns)
    found = Transform(features).fit(data).apply(data).slice(0, 3).to_pydict()
    for name, values in found.items():
        assert values == pytest.approx(case["expected"][name], abs=1e-6), name


ROWS = pa.table(
    {
        "age": pa.array([20, None, 40, 60]),
        "job": pa.array(["clerk", "miner", None, "clerk"]),
        "zip": pa.array([8001, 8001, 3000, None]),
        "tall": pa.array([True, None, False, True]),
    }
)


def test_one_hot_names_its_columns_and_knows_missing_values() -> None:
    transform = Transform(lambda x: {"job": x["job"].one_hot(), "z": x["zip"].one_hot(top=1)}).fit(ROWS)
    assert transform.feature_names == ("job=clerk", "job=miner", "job=missing", "z=8001", "z=missing")
    assert transform.get_feature_names_out().tolist() == list(transform.feature_names)
    seen = transform.transform({"job": ["miner", None, "pilot"], "zip": [8001, 3000, None]})
    assert seen.tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert seen.dtype == np.float32


def test_no_two_columns_have_one_name() -> None:
    data = {"job": ["missing", None]}
    transform = Transform(lambda x: {"j": x["job"].one_hot(), "j=missing": x["job"].is_missing()}).fit(data)
    assert transform.feature_names == ("j=missing", "j=missing (2)", "j=missing (3)")


def test_bools_are_categories_named_true_and_false() -> None:
    names = Transform(lambda x: {"tall": x["tall"].one_hot()}).fit(ROWS).feature_names
    assert names == ("tall=true", "tall=false", "tall=missing")


def test_an_empty_text_counts_as_missing() -> None:
    transform = Transform(
        lambda x: {"s": x["s"].one_hot(), "f": x["s"].fill_missing("mode") == "a", "m": x["s"].is_missing()}
    ).fit(pa.table({"s": ["", "", "a"]}))
    assert transform.feature_names == ("s=a", "s=missing", "f", "m")
    assert transform.transform(pa.table({"s": ["", "a"]})).tolist() == [[0, 1, 1, 1], [1, 0, 1, 0]]


def test_constant_columns_become_0_or_low_whatever_comes_later() -> None:
    transform = Transform(lambda x: {"z": x["v"].zscore(), "s": x["v"].scale(2, 3)}).fit({"v": [5, 5]})
    assert transform.transform({"v": [5, 9, None]}).tolist()[:2] == [[0, 2], [0, 2]]
    assert np.isnan(transform.transform({"v": [1, None]})[1]).all()


def test_large_offsets_keep_their_precision() -> None:
    values = [1e9 + 1, 1e9 + 2, 1e9 + 3]
    assert column("v", lambda v: v.zscore(), {"v": values}) == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])


def test_what_is_undefined_is_missing() -> None:
    data = {"a": [1.0, 0.0], "b": [0.0, 0.0]}
    found = Transform(lambda x: {"q": x["a"] / x["b"], "l": (x["a"] - 2).log1p()}).fit(data).transform(data)
    assert np.isnan(found).all()


def test_a_chain_of_analyses() -> None:
    data = {"v": [1.0, None, 3.0, 8.0]}
    filled = np.array([1.0, 4.0, 3.0, 8.0])
    z = (filled - filled.mean()) / filled.std()
    found = column("v", lambda v: (v.fill_missing("mean").zscore() * 2).scale(), data)
    assert found == pytest.approx(((z - z.min()) / np.ptp(z)).tolist())


def test_a_profile_saves_the_pass_and_gives_the_same_bytes() -> None:
    def features(x: Inputs) -> dict[str, Expression]:
        return {"age": x["age"].fill_missing("median").zscore(), "zip": x["zip"].one_hot()}

    from_profile = Transform(features).fit(None, profile=profile(ROWS))
    assert from_profile.to_onnx() == Transform(features).fit(ROWS).to_onnx()


def test_what_is_computed_cannot_be_fitted_from_a_profile() -> None:
    with pytest.raises(UsageError, match="from a profile alone"):
        Transform(lambda x: {"y": (x["age"] * 2).zscore()}).fit(None, profile=profile(ROWS))


def test_the_model_says_what_it_takes_and_gives() -> None:
    transform = Transform(lambda x: {"tall": x["tall"], "age": x["age"].center()}).fit(ROWS)
    graph = Graph.from_bytes(transform.to_onnx())
    assert graph.inputs == {"age": "float", "tall": "float"}
    assert graph.outputs == ("features",)
    assert json.loads(graph.metadata["tilth.feature_names"]) == ["tall", "age"]
    assert json.loads(graph.metadata["tilth.columns"]) == {"age": "int", "tall": "bool"}


@pytest.mark.parametrize(
    "name", ["", "features", "label", "a \"b' c", "line\nbreak", "tilth:0:Add", "ümlaut"]
)
def test_columns_may_have_any_name(name: str) -> None:
    data = {name: [1.0, 3.0], "other": [1.0, 1.0]}
    found = Transform(lambda x: {"y": x[name].center() + x["other"]}).fit(data)
    assert list(found.graph.inputs) == [name, "other"]
    assert found.transform(data).tolist() == [[0.0], [2.0]]


def test_hundreds_of_columns_may_be_summed() -> None:
    data = {f"c{i}": [1.0, 2.0] for i in range(1_200)}
    found = Transform(lambda x: {"total": sum(x[name] for name in x)}).fit(data)
    assert found.transform(data).tolist() == [[1_200.0], [2_400.0]]


def test_equal_steps_are_written_once() -> None:
    def doubled(x: Inputs) -> dict[str, Expression]:
        return {"a": x["age"].zscore(), "b": x["age"].zscore()}

    once = len(Transform(lambda x: {"a": x["age"].zscore()}).fit(ROWS).to_onnx())
    assert len(Transform(doubled).fit(ROWS).to_onnx()) < once + 300


def test_no_rows_give_no_features() -> None:
    transform = Transform(lambda x: {"age": x["age"], "job": x["job"].vocabulary()}).fit(ROWS)
    assert transform.transform(ROWS.slice(0, 0)).shape == (0, 2)
    assert transform.apply(ROWS.slice(0, 0)).num_rows == 0


def test_a_column_without_values_has_no_constants() -> None:
    empty = pa.table({"v": pa.array([None, None], pa.float64())})
    with pytest.raises(FeatureError, match="no values in the training data") as found:
        Transform(lambda x: {"v": x["v"].zscore()}).fit(empty)
    assert 'x["v"].zscore()' in str(found.value)
    assert "test_transform.py, line" in str(found.value)


def test_no_frequent_value_at_all() -> None:
    with pytest.raises(FeatureError, match="no columns"):
        Transform(lambda x: {"job": x["job"].one_hot(min_count=9)}).fit({"job": ["a", "b"]})


def test_not_fitted() -> None:
    with pytest.raises(FeatureError, match="not fitted"):
        Transform(lambda x: {"age": x["age"]}).to_onnx()


def test_a_column_that_is_missing_when_applied() -> None:
    transform = Transform(lambda x: {"age": x["age"]}).fit(ROWS)
    with pytest.raises(GraphError, match="needs the column 'age'"):
        transform.apply({"agee": [1]})


def test_it_is_a_scikit_learn_transformer() -> None:
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    transform = Transform(lambda x: {"v": x["v"].zscore()})
    pipeline = make_pipeline(clone(transform), LogisticRegression())
    data = pa.table({"v": [1.0, 2.0, 8.0, 9.0]})
    assert pipeline.fit(data, [0, 0, 1, 1]).predict(data).tolist() == [0, 0, 1, 1]


def test_clip_keeps_both_bounds() -> None:
    data = {"v": [-5.0, 0.5, 9.0, None]}
    found = Transform(lambda x: {"y": x["v"].clip(-1, 2), "h": x["v"].clip(high=2)}).fit(data).transform(data)
    np.testing.assert_array_equal(found[:, 0], [-1, 0.5, 2, np.nan])
    np.testing.assert_array_equal(found[:, 1], [-5, 0.5, 2, np.nan])
