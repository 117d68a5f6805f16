"""Rankers: they learn the order within groups, the same for rows in any order, and answer from the graph."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.errors import TrainingError
from tilth.features import Transform
from tilth.inference import Graph
from tilth.metrics import LabelEncoding, RankingStatistics
from tilth.tables import open_table
from tilth.training import Learned, Recipe, Rows, check_parity, export, learn
from tilth.training.boosting import curves_of
from tilth.training.estimators import make_estimator
from tilth.training.fitting import fit_rows
from tilth.training.ranking import group_sizes, is_ranker

ENCODING = LabelEncoding("ranking", group="query")
QUICK = {"n_estimators": 20}


def _rows(groups: int = 40, seed: int = 0) -> Rows:
    """Rows whose grade says how they compare within their group, the level of which differs."""
    random = np.random.default_rng(seed)
    sizes = random.integers(4, 12, groups)
    codes = np.repeat(random.integers(-(2**62), 2**62, groups), sizes)
    level = np.repeat(random.normal(0, 5, groups), sizes)
    X = random.normal(size=(len(codes), 3))
    worth = X[:, 0] - X[:, 1] + random.normal(0, 0.2, len(codes))
    X[:, 2] = level
    return Rows(X.astype(np.float32), np.digitize(worth, [0, 1, 2]).astype(float), groups=codes)


def _ndcg(learned: Learned, rows: Rows) -> float:
    statistics = RankingStatistics()
    assert rows.groups is not None
    statistics.update(np.asarray(rows.y, np.float64), learned.scores(rows.X).ravel(), rows.groups)
    value = statistics.metrics()["ndcg_at_5"].value
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [
        ("lightgbm", QUICK),
        ("lightgbm", {**QUICK, "objective": "rank_xendcg"}),
        ("lightgbm", {**QUICK, "objective": "regression"}),
        ("lightgbm.LGBMRanker", QUICK),
        ("xgboost", QUICK),
        ("xgboost", {**QUICK, "objective": "rank:pairwise"}),
        ("sklearn.linear_model.Ridge", {}),
    ],
)
def test_rankings_are_learned_and_the_graph_gives_the_same_scores(
    estimator: str, parameters: dict[str, object]
) -> None:
    train, dev = _rows(), _rows(seed=1)
    learned = learn(Recipe(ENCODING, estimator, parameters), train, dev)
    assert is_ranker(learned.estimator) == (
        "sklearn" not in estimator and "regression" not in parameters.values()
    )
    assert _ndcg(learned, dev) > 0.85  # a random order reaches about 0.5
    table = open_table({name: dev.X[:, at].astype(np.float64) for at, name in enumerate("abc")})
    transform = Transform(lambda x: {name: x[name] for name in "abc"}).fit(table)
    graph = Graph.from_bytes(export(transform.to_onnx(), learned))
    assert list(graph.outputs) == ["prediction"]
    assert check_parity(graph, learned, table, dev.X).passed


@pytest.mark.parametrize("estimator", ["lightgbm", "xgboost"])
def test_rows_in_any_order_give_the_same_bits(estimator: str) -> None:
    train, dev = _rows(), _rows(seed=1)
    random = np.random.default_rng(2)
    recipe = Recipe(ENCODING, estimator, QUICK)
    one = learn(recipe, train, dev)
    other = learn(recipe, train.take(random.permutation(len(train))), dev.take(random.permutation(len(dev))))
    assert np.array_equal(one.scores(dev.X), other.scores(dev.X))
    assert one.curves == other.curves
    assert list(one.curves["dev"]) == ["ndcg_at_10"]  # a name that MLflow takes


def test_rows_of_a_group_stand_together_in_canonical_order() -> None:
    rows = _rows()
    ordered = rows.take(rows.order())
    assert ordered.groups is not None
    assert len(group_sizes(ordered.groups)) == 40
    assert sorted(group_sizes(ordered.groups)) == sorted(np.unique(rows.groups, return_counts=True)[1])


def test_early_stopping_looks_at_the_dev_groups() -> None:
    estimator = make_estimator("lightgbm", {"n_estimators": 500}, task="ranking")
    fitted = fit_rows(estimator, _rows(), _rows(seed=1), early_stopping_rounds=3)
    assert len(curves_of(fitted)["dev"]["ndcg_at_10"]) < 500


@pytest.mark.parametrize(("label", "shown"), [(2.5, "2.5"), (31.0, "31")])
@pytest.mark.parametrize("estimator", ["lightgbm", "xgboost"])
def test_labels_that_are_no_grades_are_refused_in_words(estimator: str, label: float, shown: str) -> None:
    rows = _rows()
    rows.y[0] = label
    with pytest.raises(TrainingError, match=f"learns from grades, and the label {shown} is none") as caught:
        learn(Recipe(ENCODING, estimator, QUICK), rows)
    assert "objective" in str(caught.value.mend)
    by_value = "regression" if estimator == "lightgbm" else "reg:squarederror"
    learn(Recipe(ENCODING, estimator, {**QUICK, "objective": by_value}), rows)


def test_weights_of_rows_and_of_groups() -> None:
    rows = _rows()
    random = np.random.default_rng(0)
    each = Rows(rows.X, rows.y, random.random(len(rows)) + 0.5, rows.groups)
    learn(Recipe(ENCODING, "lightgbm", QUICK), each)
    with pytest.raises(TrainingError, match="weigh whole groups"):
        learn(Recipe(ENCODING, "xgboost", QUICK), each)
    assert rows.groups is not None
    of_groups = 1.0 + (rows.groups % 3)
    weighed = learn(Recipe(ENCODING, "xgboost", QUICK), Rows(rows.X, rows.y, of_groups, rows.groups))
    plain = learn(Recipe(ENCODING, "xgboost", QUICK), rows)
    assert not np.array_equal(weighed.scores(rows.X), plain.scores(rows.X))


def test_a_group_that_is_too_large_for_lightgbm_is_told() -> None:
    random = np.random.default_rng(0)
    rows = Rows(
        random.random((10_001, 1)).astype(np.float32),
        random.integers(0, 3, 10_001).astype(float),
        groups=np.zeros(10_001, np.int64),
    )
    with pytest.raises(TrainingError, match="a group has 10,001 rows, more than LightGBM ranks together"):
        learn(Recipe(ENCODING, "lightgbm", QUICK), rows)
    learn(Recipe(ENCODING, "xgboost", {"n_estimators": 1}), rows)


def test_a_ranker_needs_groups_and_its_task() -> None:
    rows = _rows()
    with pytest.raises(TrainingError, match="the rows have none"):
        learn(Recipe(ENCODING, "lightgbm", QUICK), Rows(rows.X, rows.y))
    with pytest.raises(TrainingError, match="ranks rows within groups"):
        make_estimator("lightgbm.LGBMRanker", task="regression")
    with pytest.raises(TrainingError, match="is not a regressor"):
        make_estimator("sklearn.linear_model.LogisticRegression", task="ranking")
