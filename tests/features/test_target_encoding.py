"""Target means: the formula, folds that depend on nothing but the rows, and no leak of a row's own label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tilth.errors import DataError, FeatureError
from tilth.features import Expression, Inputs, Transform, group, with_folds
from tilth.features.label_folds import deal_folds
from tilth.inference import Graph
from tilth.tables import open_table

texts = st.none() | st.sampled_from(["red", "green", "blue"])
pairs = st.lists(st.tuples(texts, st.integers(0, 1), st.integers(0, 3)), min_size=6, max_size=40)


def encoded(x: Inputs) -> dict[str, Expression]:
    return {"s": x["s"].target_mean(3)}


def mean_label(
    keys: list[str | None], labels: np.ndarray, key: str | None, smoothing: float, used: np.ndarray
) -> float:
    prior = labels.mean()  # the same for every row, so it tells nothing of one
    own = used & np.array([other == key for other in keys])
    count = own.sum()
    return (labels[own].sum() + smoothing * prior) / (count + smoothing) if count + smoothing else prior


@given(pairs, st.sampled_from([0.0, 1.0, 10.0]))
def test_it_is_the_smoothed_mean_of_the_label(found: list[Any], smoothing: float) -> None:
    keys = [key for key, _, _ in found]
    labels = np.array([label for _, label, _ in found], dtype=float)
    labels[:2] = 0, 1  # both classes
    data = pa.table({"s": pa.array(keys, pa.string()), "b": [b for _, _, b in found]})
    transform = Transform(lambda x: {"s": x["s"].target_mean(smoothing)})
    training = transform.fit_transform(data, labels)[:, 0]

    all_rows = np.ones(len(keys), dtype=bool)
    new = pa.table({"s": pa.array(["red", "violet", None, "blue"], pa.string())})
    expected = [mean_label(keys, labels, key, smoothing, all_rows) for key in new["s"].to_pylist()]
    known = set(keys)
    expected = [
        e if key in known else labels.mean() for e, key in zip(expected, new["s"].to_pylist(), strict=True)
    ]
    np.testing.assert_allclose(transform.transform(new)[:, 0], expected, rtol=1e-6)

    folds = deal_folds(open_table(data), ["s"], labels)
    outside = [
        mean_label(keys, labels, key, smoothing, folds != fold) for key, fold in zip(keys, folds, strict=True)
    ]
    np.testing.assert_allclose(training, outside, rtol=1e-6)
    alone = np.concatenate([transform.transform(new.slice(i, 1)) for i in range(4)])
    np.testing.assert_array_equal(alone, transform.transform(new))


def test_numbers_as_labels_and_exact_sums() -> None:
    data = {"s": ["a", "a", "a", "b"]}
    labels = [1e100, 2.5, -1e100, 8.25]
    found = Transform(lambda x: {"s": x["s"].target_mean(0)}).fit(data, labels).transform(data)[:, 0]
    assert found.tolist() == pytest.approx([2.5 / 3, 2.5 / 3, 2.5 / 3, 8.25])


def test_several_classes_have_a_column_each() -> None:
    data = {"s": ["a", "a", "b", "b"]}
    transform = Transform(lambda x: {"s": x["s"].target_mean(0)}).fit(data, ["x", "y", "z", "z"])
    assert transform.feature_names == ("s=x", "s=y", "s=z")
    assert transform.transform(data).tolist() == [[0.5, 0.5, 0]] * 2 + [[0, 0, 1]] * 2
    assert transform.fit_transform(data, ["x", "y", "z", "z"]).shape == (4, 3)


def test_the_label_may_be_a_column_which_then_is_no_feature() -> None:
    data = {"s": ["a", "a", "b", "b", "a"], "y": [0, 1, 1, 1, 1]}
    by_name = Transform(encoded).fit(data, "y")
    assert by_name.to_onnx() == Transform(encoded).fit(data, data["y"]).to_onnx()
    with pytest.raises(FeatureError, match="it is the label"):
        Transform(lambda x: {"y": x["y"]}).fit(data, "y")


def test_order_and_cut_of_the_rows_do_not_matter() -> None:
    random = np.random.default_rng(0)
    keys = np.array([f"k{i}" for i in random.integers(0, 40, 2_000)], dtype=object)
    other, labels = random.integers(0, 3, 2_000), random.integers(0, 2, 2_000)
    order = random.permutation(2_000)

    def features(x: Inputs) -> dict[str, Expression]:
        return {"s": x["s"].target_mean(), "n": x["n"]}

    first, second = Transform(features), Transform(features)
    one = first.fit_transform(pa.table({"s": keys, "n": other}), labels)
    two = second.fit_transform(pa.table({"s": keys[order], "n": other[order]}), labels[order])
    assert first.to_onnx() == second.to_onnx()
    assert first.to_training_onnx() == second.to_training_onnx()
    rows = sorted(zip(keys, other, labels, one[:, 0].tolist(), strict=True))
    assert rows == sorted(zip(keys[order], other[order], labels[order], two[:, 0].tolist(), strict=True))


def test_folds_are_of_equal_size_and_spread_over_one_value() -> None:
    folds = deal_folds(open_table({"s": ["same"] * 1_000}), ["s"], np.arange(1_000) % 2)
    assert np.bincount(folds).tolist() == [200] * 5
    shares = [(np.arange(1_000)[folds == fold] % 2).mean() for fold in range(5)]
    assert max(shares) - min(shares) > 0  # dealt without regard to the label
    assert deal_folds(open_table({"s": ["a"]}).filter(np.array([False])), ["s"], np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("values", [10, 400, 3_000])
@pytest.mark.parametrize("columns", [["s"], ["s", "z"]])
def test_noise_stays_noise(values: int, columns: list[str]) -> None:
    """A random category tells nothing of the label; encoded with the rows' own labels it seems to."""
    found = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        data = {"s": [f"k{i}" for i in random.integers(0, values, 6_000)], "z": random.normal(size=6_000)}
        labels = random.integers(0, 2, 6_000)
        given_rows = {name: data[name] for name in columns}
        transform = Transform(lambda x: {"s": x["s"].target_mean(1)})
        own = roc_auc_score(labels, transform.fit_transform(given_rows, labels)[:, 0])
        naive = roc_auc_score(labels, transform.transform(given_rows)[:, 0])
        found.append((own, naive))
    mean, naive_mean = np.mean(found, axis=0)
    assert abs(mean - 0.5) < 0.015  # the standard error of the mean is 0.004
    if values > 100:
        assert naive_mean > 0.6


def test_a_key_of_its_own_for_each_row_says_nothing_at_all() -> None:
    labels = np.random.default_rng(0).integers(0, 2, 100)
    found = Transform(encoded).fit_transform({"s": [f"user {i}" for i in range(100)]}, labels)
    assert np.unique(found).tolist() == [np.float32(labels.mean())]


def test_sums_of_labels_beyond_the_greatest_double_have_a_mean() -> None:
    data, labels = {"s": ["a", "a", "b", "c"]}, [1.7e308, 1.7e308, 1.0, 2.5]
    found = Transform(lambda x: {"s": x["s"].target_mean(0)}).fit(data, labels).transform(data)
    assert found[:, 0].tolist() == [np.inf, np.inf, 1, 2.5]  # in single precision


def test_a_real_signal_comes_through() -> None:
    random = np.random.default_rng(0)
    keys = random.integers(0, 200, 8_000)
    labels = (random.random(8_000) < random.random(200)[keys]).astype(int)
    found = Transform(encoded).fit_transform({"s": [f"k{k}" for k in keys]}, labels)[:, 0]
    assert roc_auc_score(labels, found) > 0.75


def test_the_training_graph_without_a_fold_is_the_serving_graph() -> None:
    data = pa.table({"s": ["a", "a", "b", None, "b", "c"]})
    labels = np.array([0, 1, 1, 0, 1, 0])
    transform = Transform(encoded).fit(data, labels)
    graph = Graph.from_bytes(transform.to_training_onnx())
    assert list(graph.inputs) == ["s", "tilth.fold"]
    assert list(transform.graph.inputs) == ["s"]
    no_fold = data.append_column("tilth.fold", pa.nulls(6, pa.int64()))
    np.testing.assert_array_equal(graph.run_batch(no_fold)["features"], transform.transform(data))
    folded = with_folds(open_table(data), graph, labels)
    found = np.concatenate([part["features"] for part in graph.run_table(folded)])
    np.testing.assert_array_equal(found, Transform(encoded).fit_transform(data, labels))


@dataclass
class Parts:
    """An engine that works on one part after the other."""

    name: str = "parts"
    workers: int = 3

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return map(function, items)


def test_parts_see_their_own_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 3_000
    data = pa.table(
        {
            "s": random.choice(["a", "b", "c", None], rows),
            "v": random.normal(size=rows) * 10.0 ** random.integers(-8, 8, rows),
            "y": random.choice(["x", "y", "z"], rows),
        }
    )
    for part in range(3):
        pq.write_table(data.slice(part * 1_000, 1_000), tmp_path / f"{part}.parquet", row_group_size=100)

    def features(x: Inputs) -> dict[str, Expression]:
        return {
            "t": x["s"].target_mean(),
            "z": x["v"].zscore(by=x["s"]),
            "m": x["v"].fill_missing("mean", by=x["s"]).max_by(x["s"]),
            "p": group(x["v"], x["v"].sign()).pca(2),
        }

    in_parts = Transform(features).fit(str(tmp_path / "*.parquet"), "y", engine=Parts())
    at_once = Transform(features).fit(data, "y")
    assert in_parts.to_onnx() == at_once.to_onnx()
    assert in_parts.to_training_onnx() == at_once.to_training_onnx()


def test_without_labels_in_features_there_is_one_graph() -> None:
    transform = Transform(lambda x: {"n": x["n"]}).fit({"n": [1.0]}, ["only one class, and nobody asks"])
    assert transform.to_training_onnx() == transform.to_onnx()
    table = open_table({"n": [1.0]})
    assert with_folds(table, transform.graph, np.zeros(1)) is table


def test_mistakes() -> None:
    data = {"s": ["a", "b"]}
    with pytest.raises(FeatureError, match=r"target_mean\(3\) needs the label") as found:
        Transform(encoded).fit(data)
    assert "test_target_encoding.py, line" in str(found.value)
    with pytest.raises(DataError, match="3 labels for 2 rows"):
        Transform(encoded).fit(data, [0, 1, 1])
    with pytest.raises(DataError, match="missing"):
        Transform(encoded).fit(data, pa.array([0, None]))
    with pytest.raises(FeatureError, match="not made of target_mean"):
        Transform(lambda x: {"s": x["s"].target_mean(-1)}).fit(data, [0, 1])


def test_random_identifiers_do_not_help_on_census(shared_data: Callable[[str], Path]) -> None:
    """Beside real features, where the estimator could use what the folds let through."""
    import gzip

    lines = gzip.decompress(shared_data("census-adult/adult.data.gz").read_bytes()).decode().splitlines()
    income = np.array([line.endswith(">50K") for line in lines if line], dtype=int)
    age = [int(line.split(",")[0]) for line in lines if line]
    random = np.random.default_rng(7)
    identifier = [f"id {i}" for i in random.integers(0, len(age) // 4, len(age))]
    data = pa.table({"age": age, "id": identifier})
    transform = Transform(lambda x: {"id": x["id"].target_mean(), "age": x["age"]})
    training = transform.fit_transform(data, income)[:, 0]
    assert abs(roc_auc_score(income, training) - 0.5) < 0.015
    assert roc_auc_score(income, transform.transform(data)[:, 0]) > 0.75
