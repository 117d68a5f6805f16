"""One file from raw columns to answers, which answers as the estimator does."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from sklearn.exceptions import ConvergenceWarning

from tilth.errors import TrainingError
from tilth.inference import Graph
from tilth.tables import Table, open_table
from tilth.training import (
    Estimator,
    LabelEncoding,
    Learned,
    check_parity,
    export,
    fit_estimator,
    make_estimator,
)
from tilth.training.decision import Decision
from tilth.training.fitting import outputs_of
from tilth.types import Task

BINARY = LabelEncoding("binary", ("no", "yes"))
MULTICLASS = LabelEncoding("multiclass", (3, 5, 8))
REGRESSION = LabelEncoding("regression")
ENCODINGS: Mapping[Task, LabelEncoding] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "regression": REGRESSION,
}

CLASSIFIERS: list[tuple[str, dict[str, object]]] = [
    ("lightgbm", {"n_estimators": 30}),
    ("lightgbm", {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1, "n_estimators": 10}),
    ("lightgbm", {"boosting_type": "dart", "n_estimators": 10, "max_depth": 2}),
    ("lightgbm", {"class_weight": "balanced", "n_estimators": 10, "num_leaves": 100, "min_child_samples": 1}),
    ("xgboost", {"n_estimators": 30}),
    ("xgboost", {"n_estimators": 10, "max_depth": 2, "base_score": 0.3, "subsample": 0.5}),
    ("xgboost.XGBRFClassifier", {"n_estimators": 10}),
    ("sklearn.linear_model.LogisticRegression", {"max_iter": 50}),
    ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20}),
    ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 10}),
    ("sklearn.tree.DecisionTreeClassifier", {}),
    ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 20}),
    ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 20}),
    ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [8], "max_iter": 20}),
    ("sklearn.naive_bayes.GaussianNB", {}),
    ("sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 3}),
]
REGRESSORS: list[tuple[str, dict[str, object]]] = [
    ("lightgbm", {"n_estimators": 30}),
    ("lightgbm", {"n_estimators": 30, "objective": "quantile"}),
    ("xgboost", {"n_estimators": 30}),
    ("xgboost", {"n_estimators": 30, "objective": "reg:quantileerror", "quantile_alpha": 0.7}),
    ("sklearn.linear_model.Ridge", {}),
    ("sklearn.linear_model.LinearRegression", {}),
    ("sklearn.linear_model.Lasso", {}),
    ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 20}),
    ("sklearn.ensemble.GradientBoostingRegressor", {"n_estimators": 20}),
    ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 20}),
    ("sklearn.neural_network.MLPRegressor", {"hidden_layer_sizes": [8], "max_iter": 20}),
]


def fitted(
    name: str, parameters: Mapping[str, object], task: Task, features: np.ndarray, signal: np.ndarray
) -> Estimator:
    """An estimator that has learned the signal."""
    targets = {
        "binary": (signal > 0.5).astype(np.int64),
        "multiclass": np.digitize(signal, [-0.5, 0.8]),
        "regression": signal * 1e5 + 3e5,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit_estimator(make_estimator(name, parameters, task=task, seed=1), features, targets[task])


def raw(features: np.ndarray) -> Table:
    """The raw columns that the tiny transform turns into these features."""
    return open_table({name: features[:, at].astype(np.float64) for at, name in enumerate("abc")})


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize(("name", "parameters"), CLASSIFIERS)
def test_graph_answers_as_the_classifier(
    name: str,
    parameters: dict[str, object],
    task: Task,
    transform: bytes,
    features: np.ndarray,
    signal: np.ndarray,
) -> None:
    estimator = fitted(name, parameters, task, features, signal)
    encoding = ENCODINGS[task]
    graph = Graph.from_bytes(export(transform, Learned(estimator, encoding)))
    parity = check_parity(graph, Learned(estimator, encoding), raw(features), features)
    assert parity.rows == len(features)
    assert parity.label_mismatches == 0
    assert parity.max_difference < 1e-6
    assert parity.passed


@pytest.mark.parametrize(("name", "parameters"), REGRESSORS)
def test_graph_answers_as_the_regressor(
    name: str, parameters: dict[str, object], transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fitted(name, parameters, "regression", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, REGRESSION)))
    parity = check_parity(graph, Learned(estimator, REGRESSION), raw(features), features)
    assert graph.outputs == ("prediction",)
    # XGBoost itself adds leaves up in single precision.
    assert parity.max_difference < (1e-5 if name == "xgboost" else 1e-6)
    assert parity.passed


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        *(("lightgbm", o) for o in ("poisson", "gamma", "tweedie", "regression_l1", "huber", "fair", "mape")),
        *(("xgboost", o) for o in ("count:poisson", "reg:gamma", "reg:tweedie", "reg:absoluteerror")),
    ],
)
def test_objectives_keep_their_link(
    name: str, objective: str, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fit_estimator(
        make_estimator(name, {"objective": objective, "n_estimators": 10}, task="regression"),
        features,
        np.exp(signal),
    )
    graph = Graph.from_bytes(export(transform, Learned(estimator, REGRESSION)))
    assert check_parity(graph, Learned(estimator, REGRESSION), raw(features), features).passed


@pytest.mark.parametrize("learned_with_missing", [False, True])
@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "sklearn.ensemble.HistGradientBoostingClassifier"])
def test_missing_values_go_where_the_estimator_sends_them(
    name: str, learned_with_missing: bool, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    holes = features.copy()
    holes[np.random.default_rng(3).random(holes.shape) < 0.2] = np.nan
    estimator = fit_estimator(
        make_estimator(name, task="binary"),
        holes if learned_with_missing else features,
        (signal > 0).astype(np.int64),
    )
    graph = Graph.from_bytes(export(transform, Learned(estimator, BINARY)))
    assert check_parity(graph, Learned(estimator, BINARY), raw(holes), holes).passed


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
@settings(deadline=None, max_examples=25)
@given(
    rows=stn.arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.just(3)),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_boosting_and_graph_agree_on_every_float(name: str, rows: np.ndarray) -> None:
    graph, estimator = _HOSTILE[name]
    if name == "xgboost":  # which refuses infinite numbers
        rows = np.where(np.isinf(rows), np.float32(0), rows)
    got = graph.run({name: rows[:, at].astype(np.float64) for at, name in enumerate("abc")})
    assert np.abs(got["probabilities"] - outputs_of(estimator, rows, 2)).max() < 1e-6


def _hostile(name: str, parameters: Mapping[str, object]) -> tuple[Graph, Estimator]:
    """A model whose thresholds lie between neighboring single-precision numbers."""
    random = np.random.default_rng(0)
    start = random.normal(size=300).astype(np.float32)
    features = np.stack([start, np.nextafter(start, np.float32(9)), random.normal(size=300)], axis=1)
    features = features.astype(np.float32)
    inputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, ["n", 1]) for name in "abc"]
    nodes = [
        onnx.helper.make_node("Concat", ["a", "b", "c"], ["joined"], axis=1),
        onnx.helper.make_node("Cast", ["joined"], ["features"], to=onnx.TensorProto.FLOAT),
    ]
    outputs = [onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", 3])]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "t", inputs, outputs),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=10,
    )
    estimator = fit_estimator(
        make_estimator(name, {"n_estimators": 20, **parameters}, task="binary"),
        features,
        random.integers(0, 2, 300),
    )
    return Graph.from_bytes(export(model.SerializeToString(), Learned(estimator, BINARY))), estimator


_HOSTILE = {
    "lightgbm": _hostile("lightgbm", {"min_child_samples": 1}),
    "xgboost": _hostile("xgboost", {"min_child_weight": 0}),
}


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("lightgbm", "binary"),
        ("lightgbm", "multiclass"),
        ("lightgbm", "regression"),
        ("xgboost", "binary"),
        ("xgboost", "multiclass"),
        ("xgboost", "regression"),
        ("sklearn.tree.DecisionTreeClassifier", "multiclass"),
        ("sklearn.tree.DecisionTreeRegressor", "regression"),
    ],
)
def test_trees_without_a_split(
    name: str, task: Task, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fitted(name, {}, task, np.zeros_like(features), signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, ENCODINGS[task])))
    assert check_parity(graph, Learned(estimator, ENCODINGS[task]), raw(features), features).passed


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_neighboring_floats_fall_on_the_right_side(name: str) -> None:
    graph, estimator = _HOSTILE[name]
    rows = np.random.default_rng(0).normal(size=300).astype(np.float32)
    for moved in (rows, np.nextafter(rows, np.float32(9)), np.nextafter(rows, np.float32(-9))):
        features = np.stack([moved, moved, moved], axis=1)
        got = graph.run({name: moved.astype(np.float64) for name in "abc"})
        assert np.abs(got["probabilities"] - outputs_of(estimator, features, 2)).max() < 1e-6


@pytest.mark.parametrize(
    ("classes", "kind"), [(("no", "yes"), object), ((0, 1), np.int64), ((False, True), np.bool_)]
)
def test_labels_come_in_the_values_of_the_label_column(
    classes: tuple[str | int | bool, ...],
    kind: type,
    transform: bytes,
    features: np.ndarray,
    signal: np.ndarray,
) -> None:
    encoding = LabelEncoding("binary", classes)
    estimator = fitted("lightgbm", {"n_estimators": 5}, "binary", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, encoding)))
    got = graph.run({name: features[:, at].astype(np.float64) for at, name in enumerate("abc")})
    assert got["label"].dtype == kind
    assert set(got["label"].tolist()) == set(classes)
    assert got["probabilities"].shape == (len(features), 2)
    assert got["probabilities"].dtype == np.float32


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.8, 1.0])
def test_positive_is_said_above_the_threshold(
    threshold: float, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fitted("lightgbm", {"n_estimators": 20}, "binary", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, BINARY, Decision(threshold))))
    got = graph.run({name: features[:, at].astype(np.float64) for at, name in enumerate("abc")})
    said = got["probabilities"][:, 1].astype(np.float64) > threshold
    assert (got["label"] == np.where(said, "yes", "no")).all()
    assert check_parity(
        graph, Learned(estimator, BINARY, Decision(threshold)), raw(features), features
    ).passed


def test_class_that_training_did_not_meet_has_probability_zero(
    transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    encoding = LabelEncoding("multiclass", ("ant", "bee", "cow", "dog"))
    codes = np.where(signal > 0, 3, 1)
    for name in ("lightgbm", "sklearn.linear_model.LogisticRegression"):
        estimator = fit_estimator(make_estimator(name, task="multiclass"), features, codes)
        graph = Graph.from_bytes(export(transform, Learned(estimator, encoding)))
        got = graph.run({c: features[:, at].astype(np.float64) for at, c in enumerate("abc")})
        assert not got["probabilities"][:, [0, 2]].any()
        assert set(got["label"].tolist()) <= {"bee", "dog"}
        assert check_parity(graph, Learned(estimator, encoding), raw(features), features).passed


def test_same_estimator_gives_the_same_bytes(
    transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    for name in ("lightgbm", "sklearn.linear_model.LogisticRegression"):
        first, second = (
            export(
                transform, Learned(fitted(name, {}, "binary", X, s), BINARY), metadata={"b": "2", "a": "1"}
            )
            for X, s in ((features, signal), (features[::-1], signal[::-1]))
        )
        assert first == second


def test_metadata_says_what_the_model_is(transform: bytes, features: np.ndarray, signal: np.ndarray) -> None:
    estimator = fitted("lightgbm", {"n_estimators": 2}, "binary", features, signal)
    told = Graph.from_bytes(
        export(transform, Learned(estimator, BINARY), metadata={"tilth.project": "p"})
    ).metadata
    assert told["tilth.project"] == "p"
    assert told["tilth.task"] == "binary"
    assert json.loads(told["tilth.classes"]) == ["no", "yes"]
    assert float(told["tilth.threshold"]) == 0.5
    assert json.loads(told["tilth.feature_names"]) == ["a", "b", "c"]


def test_exported_model_is_valid_onnx(transform: bytes, features: np.ndarray, signal: np.ndarray) -> None:
    for name, parameters in CLASSIFIERS[:6]:
        estimator = fitted(name, parameters, "multiclass", features, signal)
        model = onnx.load_from_string(export(transform, Learned(estimator, MULTICLASS)))
        onnx.checker.check_model(model, full_check=True)


def test_parity_notices_another_estimator(transform: bytes, features: np.ndarray, signal: np.ndarray) -> None:
    estimator = fitted("lightgbm", {"n_estimators": 20}, "binary", features, signal)
    other = fitted("lightgbm", {"n_estimators": 19}, "binary", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, BINARY)))
    parity = check_parity(graph, Learned(other, BINARY), raw(features), features)
    assert not parity.passed
    assert parity.max_difference > 1e-3


def test_parity_notices_other_classes(transform: bytes, features: np.ndarray, signal: np.ndarray) -> None:
    estimator = fitted("lightgbm", {"n_estimators": 5}, "binary", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, LabelEncoding("binary", ("yes", "no")))))
    parity = check_parity(graph, Learned(estimator, BINARY), raw(features), features)
    assert parity.label_mismatches == len(features)
    assert not parity.passed


def test_parity_of_answers_that_are_no_numbers_fails(
    transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fitted("sklearn.linear_model.Ridge", {}, "regression", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, REGRESSION)))
    estimator.coef_ = estimator.coef_ * np.nan  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="NaN"):
        check_parity(graph, Learned(estimator, REGRESSION), raw(features * np.nan), features * np.nan)
    parity = check_parity(graph, Learned(estimator, REGRESSION), raw(features), features)
    assert not parity.passed
    assert parity.to_json()["max_difference"] is None


def test_parity_without_rows_does_not_pass(
    transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fitted("lightgbm", {"n_estimators": 2}, "binary", features, signal)
    graph = Graph.from_bytes(export(transform, Learned(estimator, BINARY)))
    assert not check_parity(graph, Learned(estimator, BINARY), raw(features[:0]), features[:0]).passed


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("lightgbm", {"linear_tree": True}, "linear trees"),
        ("lightgbm", {"zero_as_missing": True}, "zero_as_missing"),
        ("xgboost", {"booster": "dart"}, "the booster 'dart'"),
        ("xgboost", {"objective": "binary:hinge"}, "the objective 'binary:hinge'"),
        ("sklearn.semi_supervised.LabelSpreading", {}, "cannot be exported to ONNX"),
    ],
)
def test_what_cannot_be_exported_says_so(
    name: str,
    parameters: dict[str, object],
    words: str,
    transform: bytes,
    features: np.ndarray,
    signal: np.ndarray,
) -> None:
    estimator = fitted(name, {**parameters}, "binary", features[:80], signal[:80])
    with pytest.raises(TrainingError, match=words) as caught:
        export(transform, Learned(estimator, BINARY))
    assert caught.value.mend


def test_column_named_like_an_output_is_refused(
    transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    model = onnx.load_from_string(transform)
    model.graph.input[0].name = "label"
    model.graph.node[0].input[0] = "label"
    estimator = fitted("lightgbm", {"n_estimators": 2}, "binary", features, signal)
    with pytest.raises(TrainingError, match="a raw column is called 'label'"):
        export(model.SerializeToString(), Learned(estimator, BINARY))


def test_features_must_be_those_of_the_transform(
    transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    estimator = fitted("lightgbm", {"n_estimators": 2}, "binary", features[:, :2], signal)
    with pytest.raises(TrainingError, match="gives 3 features, the estimator was fitted on 2"):
        export(transform, Learned(estimator, BINARY))
