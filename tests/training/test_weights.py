"""Weights of rows and classes: what scikit-learn computes, and refusals by name."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from tilth.errors import DataError, TrainingError
from tilth.metrics import LabelEncoding
from tilth.training import Recipe, Rows, learn
from tilth.training.weights import class_factors, row_weights, weighted

BINARY = LabelEncoding("binary", ("no", "yes"))
THREE = LabelEncoding("multiclass", ("a", "b", "c"))


def rows(y: list[int], weights: list[float] | None = None) -> Rows:
    X = np.arange(len(y), dtype=np.float32)[:, None]
    return Rows(X, np.array(y), None if weights is None else np.array(weights))


def test_balanced_classes_weigh_as_scikit_learn_has_it() -> None:
    given = rows([0, 0, 0, 0, 1, 2, 2])
    found = weighted(given, class_factors("balanced", given, THREE)).weights
    assert found is not None
    np.testing.assert_allclose(found, compute_sample_weight("balanced", given.y))


def test_balanced_classes_have_one_weight_in_sum_with_weights_of_rows() -> None:
    given = rows([0, 0, 1], [1.0, 2.0, 6.0])
    found = weighted(given, class_factors("balanced", given, BINARY)).weights
    assert found is not None
    assert found[:2].sum() == pytest.approx(found[2])
    assert found.sum() == pytest.approx(9)


@pytest.mark.parametrize("weights", [None, [1.0, 1.0, 0.0, 0.0]])
def test_a_class_that_is_absent_or_weighs_nothing_disturbs_no_other(weights: list[float] | None) -> None:
    given = rows([0, 0, 0, 2] if weights else [0, 0, 2, 2], weights)
    factors = class_factors("balanced", given, THREE)
    assert factors is not None
    assert np.isfinite(factors).all()
    assert np.isfinite(weighted(given, factors).weights).all()  # type: ignore[arg-type]


def test_named_classes_weigh_what_is_said_and_the_others_one() -> None:
    factors = class_factors({"b": 5}, rows([0, 1, 2]), THREE)
    assert factors is not None
    assert factors.tolist() == [1.0, 5.0, 1.0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Yes": 2.0}, "'Yes' is not a class"),
        ({"yes": -1.0}, "the weight of 'yes' is -1"),
        ({"no": np.nan}, "the weight of 'no' is nan"),
    ],
)
def test_class_weights_that_cannot_be_are_refused(given: dict[str, float], words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        class_factors(given, rows([0, 1]), BINARY)


def test_numbers_have_no_classes_to_weigh() -> None:
    with pytest.raises(TrainingError, match="which regression has not"):
        class_factors("balanced", rows([0, 1]), LabelEncoding("regression"))


def test_no_row_may_be_left() -> None:
    with pytest.raises(TrainingError, match="weights of all rows are 0"):
        weighted(rows([0, 0]), np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    "values", [pa.array([True, False]), pa.array([1, 0], pa.int8()), pa.chunked_array([[1.0], [0.0]])]
)
def test_weights_are_numbers_of_any_kind(values: pa.Array) -> None:
    assert row_weights(values, "w").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pa.array([1.0, None, None]), "2 of 3 weights cannot be used: in row 2 it is missing"),
        (pa.array([1.0, float("nan")]), "in row 2 it is missing"),
        (pa.array([-1, 2]), "in row 1 it is -1"),
        (pa.array([1.0, float("inf")]), "in row 2 it is inf"),
        (pa.array([0, 0]), "all weights are 0"),
        (pa.array(["1", "2"]), "is string, which cannot be a weight"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_by_name(values: pa.Array, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        row_weights(values, "importance")
    assert "importance" in str(caught.value)


ESTIMATORS = ["lightgbm", "sklearn.linear_model.LogisticRegression", "sklearn.tree.DecisionTreeClassifier"]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_row_that_weighs_two_counts_as_two(estimator: str) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 2)).astype(np.float32)
    y = (X[:, 0] + random.normal(0, 0.5, 300) > 0).astype(np.int64)
    counts = random.integers(1, 4, 300)
    # Bins and least numbers of rows go by rows, so LightGBM is given neither.
    parameters: dict[str, object] = {}
    if estimator == "lightgbm":
        parameters = {"n_estimators": 4, "num_leaves": 4, "max_bin": 2000}
        parameters |= {"min_child_samples": 1, "min_data_in_bin": 1}
    recipe = Recipe(BINARY, estimator, parameters)
    weighty = learn(recipe, Rows(X, y, counts.astype(float)))
    repeated = learn(recipe, Rows(X.repeat(counts, axis=0), y.repeat(counts)))
    np.testing.assert_allclose(weighty.scores(X), repeated.scores(X), atol=1e-3)


def test_class_weights_move_what_is_said_and_early_stopping_sees_them() -> None:
    """Balanced classes make a model that says the rare class; unweighted dev rows would stop it at once."""
    random = np.random.default_rng(1)
    X = random.normal(size=(6000, 4)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] ** 2 + random.normal(0, 1.0, 6000) > 4.5).astype(np.int64)
    train, dev = Rows(X[:4000], y[:4000]), Rows(X[4000:], y[4000:])
    plain = learn(Recipe(BINARY, early_stopping_rounds=10), train, dev)
    balanced = learn(Recipe(BINARY, class_weights="balanced", early_stopping_rounds=10), train, dev)
    said = {name: each.codes(each.scores(dev.X)) for name, each in (("plain", plain), ("balanced", balanced))}
    recall = {name: codes[dev.y == 1].mean() for name, codes in said.items()}
    assert recall["balanced"] > recall["plain"] + 0.15
    assert balanced.estimator.best_iteration_ > 5  # type: ignore[attr-defined]
    # What class weights do to probabilities, calibration undoes.
    mended = learn(Recipe(BINARY, class_weights="balanced", calibration="sigmoid"), train, dev)
    told = {
        name: each.scores(dev.X)[:, 1].mean() for name, each in (("balanced", balanced), ("mended", mended))
    }
    assert abs(told["mended"] - dev.y.mean()) < 0.01
    assert told["balanced"] > 2 * dev.y.mean()


def test_weights_are_refused_by_an_estimator_that_takes_none() -> None:
    X = np.arange(20, dtype=np.float32)[:, None]
    recipe = Recipe(BINARY, "sklearn.neighbors.KNeighborsClassifier", class_weights="balanced")
    with pytest.raises(TrainingError, match="does not take weights"):
        learn(recipe, Rows(X, np.arange(20) % 2))
