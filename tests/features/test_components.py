"""Principal components against NumPy, alone and in bulk, whatever the order of the training rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform, group
from tilth.sketches import VectorProducts

Case = Callable[[str, str], dict[str, Any]]


def data_of(values: np.ndarray) -> pa.Table:
    return pa.table({f"c{i}": pa.array(column, from_pandas=True) for i, column in enumerate(values.T)})


def pca(count: int) -> Callable[[Inputs], dict[str, Expression]]:
    return lambda x: {"p": group(*(x[name] for name in x)).pca(count)}


def reference(train: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    complete = train[~np.isnan(train).any(axis=1)]
    mean = complete.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(complete.T, bias=True))
    vectors = vectors[:, ::-1][:, :count]
    peaks = np.abs(vectors).argmax(axis=0)
    found: np.ndarray = (rows - mean) @ (vectors * np.sign(vectors[peaks, np.arange(count)]))
    return found


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_components_are_those_of_the_covariance(seed: int, width: int) -> None:
    random = np.random.default_rng(seed)
    spreads = 2.0 ** np.arange(width) * random.uniform(1, 1.3, width)  # eigenvalues far from each other
    train = (random.normal(size=(60, width)) * spreads) @ np.linalg.qr(random.normal(size=(width, width)))[0]
    train += random.normal(size=width) * 10
    rows = np.concatenate([train[:20], train[20:25] * 7])
    rows[3, 0] = np.nan
    train[5, width - 1] = np.nan
    count = min(3, width)
    transform = Transform(pca(count)).fit(data_of(train))
    assert transform.feature_names == tuple(f"p {i + 1}" for i in range(count))
    bulk = transform.transform(data_of(rows))
    expected = reference(train.astype(np.float32).astype(float), rows, count)
    np.testing.assert_allclose(bulk, expected, rtol=1e-5, atol=1e-5 * spreads[-1], equal_nan=True)
    alone = np.concatenate([transform.transform(data_of(rows).slice(i, 1)) for i in range(len(rows))])
    np.testing.assert_array_equal(bulk, alone)
    shuffled = data_of(train).take(random.permutation(len(train)))
    assert Transform(pca(count)).fit(shuffled).to_onnx() == transform.to_onnx()


def test_units_far_apart_keep_their_precision() -> None:
    random = np.random.default_rng(0)
    train = np.stack([5e4 + 1e3 * random.normal(size=500), 0.3 * random.normal(size=500)], axis=1)
    found = Transform(pca(2)).fit(data_of(train)).transform(data_of(train))
    expected = reference(train.astype(np.float32).astype(float), train, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_covariance_is_that_of_the_population(shared_case: Case) -> None:
    case = shared_case("transform", "tft-31")
    products = VectorProducts()
    products.update(np.array(case["input"]["x"], dtype=float))
    np.testing.assert_allclose(products.covariance(), case["expected"]["cov"], atol=case["tolerance"])


def test_one_hot_columns_and_numbers_together() -> None:
    data = {"s": ["a", "b", "a", "c"], "v": [1.0, 2.0, 3.0, 10.0]}
    transform = Transform(lambda x: {"p": group(x["s"].one_hot(), x["v"].zscore()).pca(2)}).fit(data)
    z = (np.array(data["v"]) - np.mean(data["v"])) / np.std(data["v"])
    train = np.column_stack([[1.0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], z]).astype(np.float32).astype(float)
    np.testing.assert_allclose(transform.transform(data), reference(train, train, 2), atol=1e-5)


def test_what_does_not_vary_has_no_component() -> None:
    train = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [3.0, 6.0, 5.0]])
    transform = Transform(pca(3)).fit(data_of(train))
    found = transform.transform(data_of(np.array([[4.0, 8.0, 100.0]])))
    assert found.tolist() == [[pytest.approx(2 * 5**0.5), 0, 0]]


def test_thousands_of_columns_far_beyond_the_training_data_still_add_up() -> None:
    random = np.random.default_rng(0)
    train = random.normal(size=(300, 300))
    transform = Transform(pca(2)).fit(data_of(train))
    rows = data_of(train[:40] * 1e6)
    alone = np.concatenate([transform.transform(rows.slice(i, 1)) for i in range(40)])
    np.testing.assert_allclose(transform.transform(rows), alone, rtol=1e-6)
    np.testing.assert_allclose(
        transform.transform(rows),
        reference(train.astype(np.float32).astype(float), train[:40] * 1e6, 2),
        rtol=1e-3,
        atol=10,
    )


def test_mistakes() -> None:
    data = data_of(np.array([[1.0, np.nan], [np.nan, 2.0]]))
    with pytest.raises(FeatureError, match="no row of the training data") as found:
        Transform(pca(1)).fit(data)
    assert "test_components.py, line" in str(found.value)
    with pytest.raises(FeatureError, match="2 columns have no 3 components"):
        Transform(pca(3)).fit(data)
    with pytest.raises(FeatureError, match="needs several numbers"):
        Transform(lambda x: {"p": x["c0"].pca(1)}).fit(data)
    with pytest.raises(FeatureError, match="has no columns"):
        Transform(lambda x: {"p": x["s"].one_hot(min_count=9).pca(1)}).fit({"s": ["a"]})
