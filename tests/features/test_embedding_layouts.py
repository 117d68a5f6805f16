"""Layouts: the components are right, neighbors stay neighbors, and the order of rows means nothing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from tilth.errors import DataError, UsageError
from tilth.features.embedding import Embedding, Method, embed
from tilth.features.embedding import components as components_module
from tilth.features.embedding.components import principal_components

DIGITS = load_digits()


def digits(n: int) -> dict[str, Any]:
    pixels = pa.array(list(DIGITS.data[:n]), pa.list_(pa.float64()))
    return {"pixels": pixels, "digit": pa.array(DIGITS.target[:n])}


def by_row(found: Embedding, method: Method) -> np.ndarray:
    return found.layouts[method].points


@pytest.mark.parametrize(("shape", "dense"), [((200, 7), 1500), ((9, 40), 1500), ((300, 90), 20)])
def test_principal_components_are_those_of_scikit_learn(
    shape: tuple[int, int], dense: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the products of columns, of rows, and by iteration."""
    monkeypatch.setattr(components_module, "_DENSE", dense)
    numbers = np.random.default_rng(1)
    values = (numbers.normal(size=shape) * np.linspace(9, 0.1, shape[1]) + 100).astype(np.float32)
    found = principal_components(values, 4)
    model = PCA(4, svd_solver="full").fit(values.astype(np.float64))
    assert found.explained == pytest.approx(model.explained_variance_ratio_, rel=1e-5)
    assert np.abs(np.sum(found.weights * model.components_, axis=1)) == pytest.approx(1, abs=1e-5)
    expected = (values - values.mean(axis=0, dtype=np.float64)) @ found.weights.T
    assert found.scores == pytest.approx(expected, abs=1e-6)


def test_the_heaviest_weight_is_positive() -> None:
    values = np.random.default_rng(2).normal(size=(50, 5)).astype(np.float32)
    for sign in (1, -1):
        weights = principal_components(sign * values, 3).weights
        assert all(row[np.abs(row).argmax()] > 0 for row in weights)


def test_components_in_which_nothing_varies_are_left_out() -> None:
    line = np.outer(np.arange(10), [1, 2, 3]).astype(np.float32)
    assert principal_components(line, 3).explained == pytest.approx([1.0])


@pytest.mark.parametrize("method", ["pca", "tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_rows_in_another_order_give_the_same_picture(method: Method) -> None:
    pytest.importorskip("umap") if method == "umap" else None
    data = pa.table(digits(150))
    order = np.random.default_rng(3).permutation(len(data))
    first = by_row(embed(data, method=method, label="digit"), method)
    second = by_row(embed(data.take(pa.array(order)), method=method, label="digit"), method)
    assert (second == first[order]).all()


@pytest.mark.parametrize("method", ["tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_neighbors_stay_neighbors(method: Method) -> None:
    pytest.importorskip("umap") if method == "umap" else None
    points = by_row(embed(digits(400), method=method, label="digit"), method)
    assert trustworthiness(DIGITS.data[:400], points, n_neighbors=10) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 4, 7, 40])
def test_umap_of_few_rows(n: int) -> None:
    pytest.importorskip("umap")
    assert np.isfinite(by_row(embed(digits(n), method="umap", label="digit"), "umap")).all()


@pytest.mark.parametrize("n", [2, 3, 4, 7])
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_few_rows(n: int, method: Method) -> None:
    points = by_row(embed(digits(n), method=method, label="digit"), method)
    assert points.shape == (n, 2)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_many_equal_rows_of_one_column(method: Method) -> None:
    found = embed({"x": [0.0] * 60 + [1.0] * 60}, method=method, columns=["x"])
    points = by_row(found, method)
    assert np.isfinite(points).all()
    assert points[:60].mean(axis=0) != pytest.approx(points[60:].mean(axis=0), abs=0.5)


def test_several_methods_share_the_rows() -> None:
    found = embed(digits(60), method=["tsne", "pca", "tsne"], label="digit")
    assert list(found.layouts) == ["tsne", "pca"]
    assert (found.points == found.layouts["tsne"].points).all()
    assert 0 < found.explained[1] <= found.explained[0] < 1


def test_a_sample_depends_on_the_seed_and_not_on_the_order() -> None:
    data = pa.table({"x": np.arange(1000.0) ** 2, "k": ["a", "b"] * 500})
    order = np.random.default_rng(4).permutation(1000)
    first = embed(data, points=100)
    second = embed(data.take(pa.array(order)), points=100)
    assert len(first.rows) == 100
    assert set(first.rows) == set(order[second.rows])
    assert (np.diff(first.rows) > 0).all()
    assert set(first.rows) != set(embed(data, points=100, seed=1).rows)
    assert "the points are a random sample of 100 of 1,000 rows" in first.notes


def test_copies_of_a_few_rows_are_sampled_alike() -> None:
    found = embed({"x": [1.0, 2.0, 3.0, 4.0] * 100}, columns=["x"], points=200)
    counts = np.bincount(found.rows % 4)
    assert counts.min() > 20


def test_json_has_all_points() -> None:
    found = embed({"x": [1, 2, 4], "y": [1, 0, 1]}, columns=["x", "y"], method=["pca", "tsne"])
    document: Any = found.to_json()
    assert document["rows"] == document["points"] == 3
    assert document["row"] == [0, 1, 2]
    assert document["methods"]["pca"]["points"] == found.layouts["pca"].points.tolist()
    assert document["methods"]["pca"]["explained"] == list(found.explained)
    assert {name for name, _ in document["methods"]["pca"]["heaviest"][0]} == {"x", "y"}
    assert len(document["methods"]["tsne"]["points"]) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"perplexity": 0.5}, "perplexity is 0.5"),
        ({"neighbors": 1}, "neighbors is 1"),
        ({"min_dist": 2}, "min_dist is 2"),
        ({"seed": -1}, "seed is -1"),
        ({"points": 1}, "points is 1"),
        ({"perplexity": float("nan")}, "perplexity is nan"),
        ({"method": "tnse"}, "did you mean 'tsne'"),
        ({"method": []}, "no method is named"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as error:
        embed({"x": [1, 2, 3]}, **options)
    assert words in str(error.value)


def test_umap_that_is_not_installed_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UsageError) as error:
        embed("not-there.csv", method=["pca", "umap"])
    assert "pip install 'tilth[umap]'" in str(error.value)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_rows_are_refused(values: Sequence[float]) -> None:
    with pytest.raises(DataError, match=r"there (is one row|are no rows)"):
        embed(pa.table({"x": pa.array(values, pa.float64())}))


def test_nothing_is_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embed(digits(30), method=["pca", "tsne"])
