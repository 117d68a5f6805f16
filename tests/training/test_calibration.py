"""Calibration: what scikit-learn finds, the same in a graph, and a reason where nothing can be learned."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from tilth.errors import TrainingError
from tilth.training.calibration import Calibration, fit_calibration
from tilth.training.probability_maps import logits

KINDS = ("sigmoid", "isotonic", "temperature")


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is untyped
    """A classifier whose answers are its features."""

    def fit(self, X: Any, y: Any) -> Given:
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        return self

    def predict_proba(self, X: Any) -> Any:
        return X

    def predict(self, X: Any) -> Any:
        return X.argmax(axis=1)


class GivenLogits(Given):
    """The same, which tells logits."""

    def decision_function(self, X: Any) -> Any:
        return logits(X[:, 1], X[:, 0])


def peer(kind: str, scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None, new: np.ndarray) -> Any:
    """What scikit-learn makes of the new probabilities."""
    estimator = GivenLogits() if scores.shape[1] == 2 else Given()
    frozen = FrozenEstimator(estimator.fit(scores, y))
    with warnings.catch_warnings():  # that a frozen estimator takes no weights: only the calibration shall
        warnings.filterwarnings("ignore", "Since FrozenEstimator", UserWarning)
        fitted = CalibratedClassifierCV(frozen, method=kind).fit(scores, y, weights)
    return fitted.predict_proba(new)


def overconfident(rows: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities too sure by a factor of two in the logit, and truths drawn from the right ones."""
    random = np.random.default_rng(seed)
    raw = random.normal(0, 1.5, (rows, classes))
    right = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    told = np.exp(2 * raw) / np.exp(2 * raw).sum(axis=1, keepdims=True)
    y = (random.random(rows)[:, None] > right.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return told, y


def in_graph(calibration: Calibration, scores: np.ndarray) -> np.ndarray:
    nodes, constants = calibration.nodes("scores", "calibrated")
    tensors = [
        helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n", "c"]) for n in ("scores", "calibrated")
    ]
    graph = helper.make_graph(nodes, "calibration", [tensors[0]], [tensors[1]], constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {"scores": scores})[0]
    return found


def log_loss(scores: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(np.maximum(scores[np.arange(len(y)), y], 1e-15)).mean())


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize(("kind", "classes"), [("sigmoid", 2), ("isotonic", 2), ("isotonic", 4)])
def test_it_is_what_scikit_learn_finds(kind: str, classes: int, is_weighted: bool) -> None:
    scores, y = overconfident(2000, classes)
    new, _ = overconfident(500, classes, seed=1)
    weights = np.random.default_rng(2).uniform(0.5, 1.5, len(y)) if is_weighted else None
    if weights is not None:
        weights *= len(y) / weights.sum()  # Platt's targets count rows, here in units of the mean weight
    ours = fit_calibration(kind, scores, y, weights).apply(new)
    if kind == "isotonic" and classes == 2:  # scikit-learn would learn from the logit, whose lines are others
        fitted = IsotonicRegression(out_of_bounds="clip").fit(scores[:, 1], y, weights)
        expected = np.column_stack([1 - fitted.predict(new[:, 1]), fitted.predict(new[:, 1])])
    else:
        expected = peer(kind, scores, y, weights, new)
    np.testing.assert_allclose(ours, expected, atol=1e-9 if kind == "isotonic" else 2e-4)


@pytest.mark.parametrize("classes", [2, 5])
def test_the_temperature_is_that_by_which_scores_were_spoiled(classes: int) -> None:
    scores, y = overconfident(20_000, classes)
    calibration = fit_calibration("temperature", scores, y)
    temperature = calibration.to_json()["temperature"]
    assert isinstance(temperature, float)
    assert abs(temperature - 2) < 0.05
    if classes > 2:
        np.testing.assert_allclose(
            calibration.apply(scores), peer("temperature", scores, y, None, scores), atol=2e-3
        )


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_it_mends_what_was_told_too_surely(kind: str, classes: int) -> None:
    calibration = fit_calibration(kind, *overconfident(3000, classes))
    scores, y = overconfident(3000, classes, seed=1)
    after = calibration.apply(scores)
    assert log_loss(after, y) < log_loss(scores, y) - 0.05
    np.testing.assert_allclose(after.sum(axis=1), 1.0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_computes_the_same(kind: str, classes: int) -> None:
    calibration = fit_calibration(kind, *overconfident(2000, classes))
    scores, _ = overconfident(2000, classes, seed=1)
    scores[:classes] = np.eye(classes)
    if kind == "isotonic":  # exactly at the knots, too
        knots = np.asarray(calibration.to_json()["x"][-1])  # type: ignore[index]
        scores = np.vstack([scores, np.column_stack([1 - knots, *[0 * knots] * (classes - 2), knots])])
    np.testing.assert_allclose(in_graph(calibration, scores), calibration.apply(scores), rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_several_labels_are_corrected_each_by_itself(kind: str) -> None:
    one, y_one = overconfident(1000, 2)
    two, y_two = overconfident(1000, 2, seed=1)
    both = np.column_stack([one[:, 1], two[:, 1]])
    calibration = fit_calibration(kind, both, np.column_stack([y_one, y_two]))
    after = calibration.apply(both)
    np.testing.assert_allclose(in_graph(calibration, both), after, atol=1e-14)
    alone = fit_calibration(kind, two, y_two).apply(two)[:, 1]
    np.testing.assert_allclose(after[:, 1], alone, atol=5e-3 if kind == "temperature" else 1e-12)


@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(2, 3))
@settings(max_examples=25)
def test_neither_order_nor_unit_of_weights_matters(seed: int, kind: str, classes: int) -> None:
    random = np.random.default_rng(seed)
    scores, y = overconfident(200, classes, seed)
    scores = np.round(scores, 2) + 1e-3
    weights = random.integers(0, 4, len(y)).astype(float)
    order = random.permutation(len(y))
    found = fit_calibration(kind, scores, y, weights)
    shuffled = fit_calibration(kind, scores[order], y[order], weights[order])
    assert json.dumps(found.to_json()) == json.dumps(shuffled.to_json())
    scaled = fit_calibration(kind, scores, y, weights * 7).apply(scores)
    np.testing.assert_allclose(scaled, found.apply(scores), atol=1e-6)


def test_a_row_that_weighs_three_is_three_rows() -> None:
    scores, y = overconfident(300, 2)
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = fit_calibration("isotonic", scores.repeat(weights, axis=0), y.repeat(weights))
    weighted = fit_calibration("isotonic", scores, y, weights.astype(float))
    np.testing.assert_allclose(repeated.apply(scores), weighted.apply(scores), atol=1e-12)


@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.sampled_from([2, 3]))
@settings(max_examples=30)
def test_no_answer_leaves_its_range_and_two_classes_keep_their_order(
    seed: int, kind: str, classes: int
) -> None:
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.full(classes, random.uniform(0.02, 3)), 150)
    y = random.integers(0, classes, 150)
    found = fit_calibration(kind, scores, y).apply(scores)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    if classes == 2:
        order = np.argsort(scores[:, 1])
        assert (np.diff(found[order, 1]) >= -1e-12).all()


@pytest.mark.parametrize("kind", ["sigmoid", "temperature"])
def test_a_model_without_mistakes_is_not_taken_for_certain(kind: str) -> None:
    y = np.tile([0, 1, 2], 20)
    scores = np.where(y[:, None] == np.arange(3), 0.8, 0.1)
    found = fit_calibration(kind, scores, y).apply(scores)
    assert 0.9 < found[0, 0] < 0.999


def test_scores_that_say_the_opposite_become_the_base_rate() -> None:
    scores, y = overconfident(1000, 2)
    found = fit_calibration("sigmoid", scores[:, ::-1], y).apply(scores)[:, 1]
    np.testing.assert_allclose(found, y.mean(), atol=1e-2)


def test_zeros_of_a_forest_are_corrected_too() -> None:
    y = np.tile([0, 0, 0, 1], 50)
    scores = np.column_stack([y == 0, y == 1]).astype(float)
    scores[:20] = scores[:20, ::-1]
    found = fit_calibration("sigmoid", scores, y).apply(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert 0.02 < found[0, 1] < 0.2
    assert 0.6 < found[1, 1] < 0.9


def test_a_class_with_too_few_dev_rows_stays_and_is_named() -> None:
    scores, y = overconfident(600, 3)
    y[y == 2] = np.where(np.arange((y == 2).sum()) < 3, 2, 0)
    for kind in ("sigmoid", "isotonic"):
        calibration = fit_calibration(kind, scores, y)
        assert calibration.kept == (2,)
        assert "1 class as before" in str(calibration)
        np.testing.assert_allclose(in_graph(calibration, scores), calibration.apply(scores), atol=1e-14)


@pytest.mark.parametrize(
    ("kind", "y", "words"),
    [
        ("sigmoid", np.zeros(50, int), "all dev rows are of one class"),
        ("temperature", np.ones(50, int), "all dev rows are of one class"),
        ("sigmoid", np.arange(19) % 2, "19 dev rows"),
        ("isotonic", np.arange(99) % 2, "99 dev rows"),
        ("sigmoid", np.arange(100) < 4, "4 dev rows of the rarer class"),
        ("sigmoid", np.zeros(0, int), "0 dev rows"),
        ("platt", np.arange(50) % 2, "no calibration 'platt'"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_reason(kind: str, y: np.ndarray, words: str) -> None:
    scores = np.full((len(y), 2), 0.5)
    with pytest.raises(TrainingError, match=words) as caught:
        fit_calibration(kind, scores, y.astype(int))
    assert caught.value.expected


def test_rows_that_weigh_nothing_are_no_rows() -> None:
    scores, y = overconfident(40, 2)
    with pytest.raises(TrainingError, match="10 dev rows"):
        fit_calibration("sigmoid", scores, y, (np.arange(40) < 10).astype(float))


@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.sampled_from([2, 4]))
@example(512, "isotonic", 4)
@settings(max_examples=30)
def test_slack_bounds_what_rounding_before_it_can_do(seed: int, kind: str, classes: int) -> None:
    random = np.random.default_rng(seed)
    scores, y = overconfident(300, classes, seed)
    calibration = fit_calibration(kind, scores, y)
    off = random.uniform(-1e-5, 1e-5, scores.shape)
    off[:, 0] -= off.sum(axis=1)  # probabilities still add up to 1
    moved = np.clip(scores + off / classes, 0, 1)
    moved /= moved.sum(axis=1, keepdims=True)
    change = np.abs(calibration.apply(moved) - calibration.apply(scores))
    assert (change <= calibration.slack(scores, 2e-5) + 1e-9).all()
