"""What a model must beat."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tilth.errors import TrainingError
from tilth.evaluation import evaluate
from tilth.tables import open_table
from tilth.training import LabelEncoding, baselines
from tilth.training.baselines import best_feature

BINARY = LabelEncoding("binary", ("no", "yes"))


def test_majority_is_the_most_frequent_class(features: np.ndarray, signal: np.ndarray) -> None:
    y = (signal > 1).astype(np.int64)
    labels, probabilities = baselines(BINARY, features, y, features[:7])["majority"]
    assert labels.tolist() == ["no"] * 7
    assert probabilities is not None
    assert probabilities[0].tolist() == [1 - y.mean(), y.mean()]


def test_always_zero_has_recall_zero_and_undefined_precision(
    features: np.ndarray, signal: np.ndarray
) -> None:
    y = (signal > 1).astype(np.int64)
    labels, probabilities = baselines(BINARY, features, y, features)["majority"]
    table = BINARY.answers(open_table({"y": BINARY.decode(y)}), labels, probabilities)
    found = evaluate(table, label="y", prediction="tilth.label", score="tilth.positive", positive="yes")
    assert found.metric("recall") == 0.0
    assert found.metric("precision") is None
    assert found.metric("auroc") == 0.5


def test_linear_is_a_standardized_logistic_regression(features: np.ndarray, signal: np.ndarray) -> None:
    y = (signal > 0).astype(np.int64)
    _, probabilities = baselines(BINARY, features, y, features)["linear"]
    wanted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    wanted.fit(features.astype(np.float64), y)
    expected = wanted.predict_proba(features.astype(np.float64))
    assert probabilities is not None
    assert np.abs(probabilities - expected).max() < 1e-4
    assert roc_auc_score(y, probabilities[:, 1]) > 0.6


def test_linear_takes_missing_constant_and_infinite_features(
    features: np.ndarray, signal: np.ndarray
) -> None:
    X = np.column_stack((features, np.full(len(features), 3.0), np.full(len(features), np.nan)))
    X[0, 0], X[1, 1] = np.nan, np.inf
    _, probabilities = baselines(BINARY, X, (signal > 0).astype(np.int64), X)["linear"]
    assert probabilities is not None
    assert np.isfinite(probabilities).all()


def test_baselines_do_not_depend_on_the_order_of_rows(features: np.ndarray, signal: np.ndarray) -> None:
    encoding = LabelEncoding("multiclass", ("a", "b", "c"))
    codes = np.digitize(signal, [-0.5, 0.5])
    order = np.random.default_rng(0).permutation(len(codes))
    first = baselines(encoding, features, codes, features[:50])
    second = baselines(encoding, features[order], codes[order], features[:50])
    for name in ("majority", "prior", "single", "linear"):
        assert np.array_equal(first[name][0], second[name][0])
        assert np.array_equal(first[name][1], second[name][1])


def test_regression_baselines_are_mean_and_ridge(features: np.ndarray, signal: np.ndarray) -> None:
    made = baselines(LabelEncoding("regression"), features, signal, features)
    mean, nothing = made["majority"]
    linear, _ = made["linear"]
    assert nothing is None
    assert np.allclose(mean, signal.mean())
    assert ((linear - signal) ** 2).mean() < ((mean - signal) ** 2).mean()


def test_class_that_training_did_not_meet_has_probability_zero(
    features: np.ndarray, signal: np.ndarray
) -> None:
    encoding = LabelEncoding("multiclass", ("a", "b", "c"))
    made = baselines(encoding, features, np.where(signal > 0, 2, 0), features)
    for _, probabilities in made.values():
        assert probabilities is not None
        assert probabilities.shape == (len(features), 3)
        assert not probabilities[:, 1].any()


def test_no_rows_are_refused(features: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="no rows"):
        baselines(BINARY, features[:0], np.empty(0, np.int64), features)


def test_prior_says_each_class_as_often_as_it_occurs(features: np.ndarray, signal: np.ndarray) -> None:
    random = np.random.default_rng(3)
    X = random.normal(size=(4000, 2)).astype(np.float32)
    y = (np.arange(4000) % 5 == 0).astype(np.int64)
    labels, probabilities = baselines(BINARY, X, y, X)["prior"]
    assert (labels == "yes").mean() == pytest.approx(0.2, abs=0.02)
    assert probabilities is not None
    assert np.unique(probabilities, axis=0).tolist() == [[0.8, 0.2]]
    order = random.permutation(len(X))
    again, _ = baselines(BINARY, X, y, X[order])["prior"]
    assert np.array_equal(labels[order], again)
    median, _ = baselines(LabelEncoding("regression"), features, signal, features)["prior"]
    assert np.unique(median).tolist() == [np.median(signal)]


def test_prior_never_says_a_class_that_training_did_not_meet(features: np.ndarray) -> None:
    encoding = LabelEncoding("multiclass", ("a", "b", "c"))
    labels, _ = baselines(encoding, features, np.arange(400) % 2, features)["prior"]
    assert set(labels.tolist()) == {"a", "b"}


def test_single_is_a_small_tree_on_the_best_feature(features: np.ndarray, signal: np.ndarray) -> None:
    X = features.copy()
    X[::9, 0] = np.nan
    for encoding, y in (
        (BINARY, (np.nan_to_num(X[:, 0], nan=9.0) > 0.5).astype(np.int64)),
        (LabelEncoding("regression"), np.nan_to_num(X[:, 0], nan=9.0).astype(np.float64)),
    ):
        assert best_feature(encoding, X, y) == 0
        answers, _ = baselines(encoding, X, y, X)["single"]
        if encoding.classes:
            assert np.array_equal(answers == "yes", y == 1)
        else:
            assert ((answers - y) ** 2).mean() < 0.1 * y.var()


def test_single_falls_back_to_the_shares_where_nothing_varies() -> None:
    X, y = np.zeros((40, 2), np.float32), np.arange(40) % 4
    encoding = LabelEncoding("multiclass", ("a", "b", "c", "d"))
    assert best_feature(encoding, X, y) is None
    _, probabilities = baselines(encoding, X, y, X[:2])["single"]
    assert probabilities is not None
    assert probabilities.tolist() == [[0.25] * 4] * 2


def test_several_labels_have_baselines_too(features: np.ndarray, signal: np.ndarray) -> None:
    encoding = LabelEncoding("multilabel", ("a", "b", "c"))
    y = np.column_stack([signal > 0, features[:, 0] > 0.5, np.zeros(len(signal))]).astype(np.int64)
    made = baselines(encoding, features, y, features)
    assert list(made) == ["majority", "prior", "single", "linear"]
    for said, probabilities in made.values():
        assert said.shape == y.shape
        assert probabilities is not None
        assert probabilities.shape == y.shape
        assert not said[:, 2].any()
    assert made["prior"][0][:, 0].mean() == pytest.approx(y[:, 0].mean(), abs=0.08)
    assert (made["linear"][0] == y).mean() > (made["majority"][0] == y).mean()


def test_a_ranking_has_those_of_numbers(features: np.ndarray, signal: np.ndarray) -> None:
    made = baselines(LabelEncoding("ranking", group="query"), features, signal, features)
    assert all(scores.shape == (len(features),) and nothing is None for scores, nothing in made.values())
