"""The trees of a graph add up to what the libraries themselves say."""

from __future__ import annotations

import numpy as np
import pytest

from explained_models import Made, make_model
from tilth.evaluation.explanation.tree_shapley import raw_scores
from tilth.inference import read_trees
from tilth.types import Task


def sums(made: Made) -> np.ndarray:
    trees = read_trees(made.graph)
    assert trees is not None
    given = trees.features.run_batch(made.rows.combine_chunks())["features"]
    assert np.array_equal(given, made.X, equal_nan=True)
    return raw_scores(trees.ensemble, given)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_lightgbm(task: Task) -> None:
    made = make_model("lightgbm", task, n_estimators=15)
    expected = made.estimator.predict(made.X, raw_score=True)
    assert np.allclose(sums(made).squeeze(), expected, atol=1e-12)


def test_xgboost() -> None:
    pytest.importorskip("xgboost")
    made = make_model("xgboost", "multiclass", n_estimators=10)
    expected = made.estimator.predict(made.X, output_margin=True)
    assert np.allclose(sums(made), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["HistGradientBoostingClassifier", "GradientBoostingClassifier"])
def test_boosting_of_scikit_learn(name: str) -> None:
    rows = make_model("lightgbm", n_estimators=1).rows
    rows = rows.set_column(
        0, "amount", rows["amount"].fill_null(0.7)
    )  # one of the two takes no missing values
    made = make_model(f"sklearn.ensemble.{name}", rows=rows)
    assert np.allclose(sums(made).ravel(), made.estimator.decision_function(made.X), atol=1e-9)


def test_forests_add_up_to_probabilities() -> None:
    made = make_model("sklearn.ensemble.RandomForestClassifier", "multiclass", n_estimators=10)
    trees = read_trees(made.graph)
    assert trees is not None
    assert trees.link == "identity"
    assert np.allclose(sums(made), made.estimator.predict_proba(made.X), atol=1e-12)


@pytest.mark.parametrize(
    ("task", "link"), [("binary", "logistic"), ("multiclass", "softmax"), ("regression", "identity")]
)
def test_links(task: Task, link: str) -> None:
    trees = read_trees(make_model("lightgbm", task, n_estimators=2).graph)
    assert trees is not None
    assert trees.link == link


def test_what_is_no_ensemble_has_no_trees() -> None:
    rows = make_model("lightgbm", n_estimators=1).rows
    rows = rows.set_column(0, "amount", rows["amount"].fill_null(0.7))
    made = make_model("sklearn.linear_model.LogisticRegression", rows=rows)
    assert read_trees(made.graph) is None
