"""What was learned and the graph of it: calibrated alike, and decided alike row by row."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import onnx
import pytest

from tilth.errors import TrainingError
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import Table, open_table
from tilth.training import Learned, Recipe, Rows, check_parity, export, learn
from tilth.types import Task

ENCODINGS: Mapping[Task, LabelEncoding] = {
    "binary": LabelEncoding("binary", ("no", "yes")),
    "multiclass": LabelEncoding("multiclass", ("a", "b", "c")),
}
ESTIMATORS: Mapping[str, dict[str, object]] = {
    "lightgbm": {"n_estimators": 40},
    "xgboost": {"n_estimators": 40},
    "sklearn.linear_model.LogisticRegression": {"max_iter": 500},
    "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 20},
}
COSTS = {
    "binary": np.array([[0.0, -1.0], [-5.0, 0.0]]),
    "multiclass": np.array([[0.0, -1.0, -1.0], [-3.0, 0.0, -0.1], [-7.0, -0.3, 0.0]]),
}


@pytest.fixture(scope="module")
def table() -> Table:
    random = np.random.default_rng(0)
    return open_table({name: np.round(random.normal(size=1500), 1) for name in "abc"})


def rows(table: Table, task: Task) -> tuple[Rows, Rows]:
    """The first 900 to learn from, the others for dev."""
    X = np.column_stack([table.to_arrow()[name].to_numpy() for name in "abc"]).astype(np.float32)
    noisy = X[:, 0] + X[:, 1] * X[:, 2] + np.random.default_rng(1).normal(0, 0.7, len(X))
    y = np.digitize(noisy, [0.8] if task == "binary" else [-0.5, 1.0])
    return Rows(X[:900], y[:900]), Rows(X[900:], y[900:])


def agree(transform: bytes, learned: Learned, table: Table, features: np.ndarray) -> None:
    """Same answers within rounding, and from the graph's own probabilities the very same decisions."""
    graph = Graph.from_bytes(export(transform, learned))
    assert check_parity(graph, learned, table, features).passed
    (answers,) = graph.run_table(table)
    codes = learned.decision.codes(answers["probabilities"], learned.encoding.task)
    assert [learned.encoding.classes[code] for code in codes] == answers["label"].tolist()
    assert np.mean(codes != learned.codes(learned.scores(features))) < 0.002


@pytest.mark.parametrize("calibration", ["none", "sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_calibrated_graph_decides_as_what_was_learned(
    estimator: str, task: Task, calibration: str, transform: bytes, table: Table
) -> None:
    train, dev = rows(table, task)
    encoding = ENCODINGS[task]
    recipe = Recipe(
        encoding,
        estimator,
        ESTIMATORS[estimator],
        calibration=calibration,
        threshold="value",
        values=COSTS[task],
    )
    learned = learn(recipe, train, dev)
    agree(transform, learned, open_table(table.to_arrow().slice(900)), dev.X)


def test_the_same_rows_in_another_order_give_the_same_graph(transform: bytes, table: Table) -> None:
    train, dev = rows(table, "binary")
    recipe = Recipe(
        ENCODINGS["binary"], parameters={"n_estimators": 10}, calibration="isotonic", threshold="f1"
    )
    random = np.random.default_rng(2)
    moved = [part.take(random.permutation(len(part))) for part in (train, dev)]
    one, other = learn(recipe, train, dev), learn(recipe, *moved)
    assert one.decision == other.decision
    assert export(transform, one) == export(transform, other)
    fewer = learn(recipe, train, dev.take(np.arange(500)))
    assert export(transform, one) != export(transform, fewer)


def test_the_graph_tells_the_rule(transform: bytes, table: Table) -> None:
    train, dev = rows(table, "multiclass")
    recipe = Recipe(ENCODINGS["multiclass"], threshold="value", values=COSTS["multiclass"])
    model = onnx.load_from_string(export(transform, learn(recipe, train, dev)))
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["tilth.values"]) == COSTS["multiclass"].tolist()
    assert "tilth.threshold" not in told


@pytest.mark.parametrize("recipe", [{"calibration": "sigmoid"}, {"threshold": "f1"}])
def test_what_is_learned_on_dev_needs_dev(recipe: dict[str, str], table: Table) -> None:
    train, dev = rows(table, "binary")
    for nothing in (None, dev.take(np.empty(0, np.int64))):
        with pytest.raises(TrainingError, match="needs dev rows, and there are none"):
            learn(Recipe(ENCODINGS["binary"], parameters={"n_estimators": 2}, **recipe), train, nothing)  # type: ignore[arg-type]


def test_very_rare_answers_keep_their_digits(transform: bytes) -> None:
    """A sigmoid in single precision would say 0, or be off by a tenth."""
    random = np.random.default_rng(3)
    X = np.round(random.normal(size=(4000, 3)), 1).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    learned = learn(Recipe(ENCODINGS["binary"], parameters={"n_estimators": 400}), Rows(X, y))
    (answers,) = Graph.from_bytes(export(transform, learned)).run_table(
        open_table({name: X[:, at].astype(float) for at, name in enumerate("abc")})
    )
    expected = learned.scores(X)
    assert expected.min() < 1e-6
    np.testing.assert_allclose(answers["probabilities"], expected, rtol=1e-4)
