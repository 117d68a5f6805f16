"""One estimator for each label: as each would be alone, the same for rows in any order, and in the graph."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tilth.errors import TrainingError
from tilth.features import Transform
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import open_table
from tilth.training import Learned, Recipe, Rows, check_parity, export, learn
from tilth.training.decision import Decision
from tilth.training.estimators import make_estimator
from tilth.training.fitting import fit_rows, outputs_of
from tilth.training.per_label import PerLabel

ENCODING = LabelEncoding("multilabel", ("all", "none", "one", "two"))


def _rows(rows: int = 300, seed: int = 0) -> Rows:
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, 3)).astype(np.float32)
    one, two = X[:, 0] + random.normal(0, 0.3, rows) > 0, X[:, 1] * X[:, 2] > 0.3
    y = np.column_stack([np.ones(rows), np.zeros(rows), one, two]).astype(np.int64)
    return Rows(X, y)


def _learned(estimator: str, parameters: dict[str, object], train: Rows, dev: Rows | None = None) -> Learned:
    return learn(Recipe(ENCODING, estimator, parameters), train, dev)


QUICK = {"n_estimators": 15}


@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [
        ("lightgbm", QUICK),
        ("xgboost", QUICK),
        ("sklearn.linear_model.LogisticRegression", {}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 5}),
        ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [4], "max_iter": 2000, "tol": 0.01}),
    ],
)
def test_the_graph_answers_as_the_estimators_do(estimator: str, parameters: dict[str, object]) -> None:
    rows = _rows()
    table = open_table({name: rows.X[:, at].astype(np.float64) for at, name in enumerate("abc")})
    transform = Transform(lambda x: {name: x[name] for name in "abc"}).fit(table)
    learned = _learned(estimator, parameters, rows)
    graph = Graph.from_bytes(export(transform.to_onnx(), learned))
    parity = check_parity(graph, learned, table, rows.X)
    assert parity.passed, parity
    (found,) = list(graph.run_table(table))
    assert found["label"].dtype == np.bool_
    assert found["label"].shape == found["probabilities"].shape == (300, 4)
    assert found["label"][:, :2].tolist() == [[True, False]] * 300
    assert np.array_equal(found["label"], learned.codes(learned.scores(rows.X)).astype(bool))
    assert export(transform.to_onnx(), learned) == export(transform.to_onnx(), learned)


def test_each_label_is_learned_as_if_it_were_alone() -> None:
    rows = _rows()
    found = _learned("lightgbm", QUICK, rows).scores(rows.X)
    for label in (2, 3):
        alone = make_estimator("lightgbm", QUICK, task="binary")
        ordered = rows.take(rows.order())
        fitted = fit_rows(alone, Rows(ordered.X, ordered.y[:, label]))
        assert found[:, label] == pytest.approx(outputs_of(fitted, rows.X, 2)[:, 1], abs=0.1)
    assert found[:, 0].tolist() == [1.0] * 300
    assert found[:, 1].tolist() == [0.0] * 300


def test_rows_in_any_order_give_the_same_bits() -> None:
    rows, dev = _rows(), _rows(200, seed=1)
    order = np.random.default_rng(2).permutation(len(rows))
    back = np.arange(len(dev))[::-1]
    one = _learned("lightgbm", QUICK, rows, dev)
    other = _learned("lightgbm", QUICK, rows.take(order), dev.take(back))
    assert np.array_equal(one.scores(dev.X), other.scores(dev.X))
    assert one.curves == other.curves


def test_curves_are_means_over_labels_and_watching_goes_label_by_label() -> None:
    told: list[tuple[int, float]] = []
    learned = learn(
        Recipe(ENCODING, "lightgbm", QUICK),
        _rows(),
        _rows(200, seed=1),
        watch=lambda at, found: told.append((at, found["dev.log_loss"])),
    )
    assert [at for at, _ in told] == [0, 1, 2, 3]
    assert told[1][1] == pytest.approx(0, abs=1e-9)  # both labels are constant, and right
    (course,) = learned.curves["dev"].values()
    assert len(course) <= 15
    assert course[-1] < course[0]


def test_a_threshold_holds_for_each_label_and_is_compared_strictly() -> None:
    scores = np.array([[0.5, 0.75, 0.25]])
    assert Decision(0.5).codes(scores, "multilabel").tolist() == [[0, 1, 0]]
    assert Decision(0.2).codes(scores, "multilabel").tolist() == [[1, 1, 1]]


def test_weights_and_copies_are_the_same() -> None:
    rows = _rows(80)
    weights = np.random.default_rng(3).integers(1, 4, 80)
    weighed = PerLabel(LogisticRegression())
    weighed.fit_rows(Rows(rows.X, rows.y, weights.astype(float)), None, early_stopping_rounds=0, watch=None)
    copied = PerLabel(LogisticRegression()).fit(rows.X.repeat(weights, 0), rows.y.repeat(weights, 0))
    assert weighed.predict_proba(rows.X) == pytest.approx(copied.predict_proba(rows.X), abs=1e-4)


def test_what_is_no_classifier_cannot_learn_labels() -> None:
    with pytest.raises(TrainingError, match=r"'sklearn\.linear_model\.Ridge' is not a classifier"):
        make_estimator("sklearn.linear_model.Ridge", task="multilabel")
    with pytest.raises(TrainingError, match="has no parameter 'num_treees'"):
        make_estimator("lightgbm", {"num_treees": 3}, task="multilabel")


def test_no_label_at_all_in_the_training_rows_is_told() -> None:
    rows = _rows(60)
    with pytest.raises(TrainingError, match="the same"):
        _learned("lightgbm", QUICK, Rows(rows.X, np.zeros((60, 4), np.int64)))
