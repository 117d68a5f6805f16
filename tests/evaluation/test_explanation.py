"""Importance and dependence of columns, of models whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explained_models import make_model
from tilth.errors import UsageError
from tilth.evaluation.explanation import (
    ExplainedModel,
    Limits,
    explain,
    partial_dependence,
    permutation_importance,
    some_groups,
    some_rows,
)
from tilth.evaluation.explanation.origins import find_players
from tilth.metrics import Answered, LabelEncoding

NUMBER = LabelEncoding("regression")


def linear_rows(rows: int = 2000) -> pa.Table:
    random = np.random.default_rng(5)
    return pa.table(
        {
            "strong": random.normal(size=rows),
            "weak": random.normal(size=rows),
            "idle": random.normal(size=rows),
            "side": random.choice(["left", "right"], rows),
        }
    )


def linear(rows: pa.Table) -> Answered:
    """3 strong + weak; the weak one only on the left."""
    left = np.asarray(rows["side"].to_pylist()) == "left"
    said = 3 * rows["strong"].to_numpy() + rows["weak"].to_numpy() * left
    return Answered(np.zeros(len(said)), said)


def with_truth(rows: pa.Table) -> Answered:
    noise = np.random.default_rng(6).normal(size=rows.num_rows)
    return Answered(linear(rows).predictions + noise, linear(rows).predictions)


def test_importance_is_the_error_that_a_shuffled_column_makes() -> None:
    """Of a sum, shuffling a term of variance v adds 2 v to the squared error."""
    rows = linear_rows()
    found = permutation_importance(linear, rows, with_truth(rows), "mse", columns=["idle", "weak", "strong"])
    lost = found.slices[0].lost
    assert found.order == ("strong", "weak", "idle")
    for column, expected in (("strong", 18.0), ("weak", 1.0)):
        low, high = lost[column].low, lost[column].high
        assert low is not None
        assert high is not None
        assert low < expected < high
        assert high - low < 0.25 * expected + 0.2
    assert lost["idle"].value == 0


def test_importance_on_slices() -> None:
    rows = linear_rows()
    left = np.flatnonzero(np.asarray(rows["side"].to_pylist()) == "left")
    right = np.setdiff1d(np.arange(rows.num_rows), left)
    found = permutation_importance(
        linear,
        rows,
        with_truth(rows),
        "mse",
        columns=["weak"],
        slices=[({"side": "left"}, left), ({"side": "right"}, right)],
    )
    _, on_left, on_right = found.slices
    assert on_left.lost["weak"].value == pytest.approx(2, rel=0.2)
    assert on_right.lost["weak"].value == 0
    assert (on_left.rows, on_right.rows) == (len(left), len(right))


def test_importance_holds_the_truth_as_often_as_it_says() -> None:
    rows, covered = 300, 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        table = pa.table({"x": random.normal(size=rows)})
        truth = table["x"].to_numpy() + random.normal(size=rows)

        def ask(given: pa.Table) -> Answered:
            return Answered(np.zeros(rows), given["x"].to_numpy())

        answered = Answered(truth, table["x"].to_numpy())
        found = permutation_importance(ask, table, answered, "mse", columns=["x"], seed=seed)
        lost = found.slices[0].lost["x"]
        assert lost.low is not None
        assert lost.high is not None
        covered += lost.low < 2.0 < lost.high
    assert covered >= 35


@pytest.mark.parametrize(("metric", "repeats"), [("nonsense", 5), ("mse", 1)])
def test_what_importance_refuses(metric: str, repeats: int) -> None:
    rows = linear_rows(50)
    with pytest.raises(UsageError):
        permutation_importance(linear, rows, with_truth(rows), metric, columns=["weak"], repeats=repeats)


def test_a_metric_that_is_undefined_on_a_slice_loses_nothing_known() -> None:
    made = make_model("lightgbm", n_estimators=3)
    said = made.ask(made.rows)
    truth = np.zeros(made.rows.num_rows, np.int64)
    truth[:100] = 1
    answered = Answered(truth, said.predictions, said.scores)
    alone = np.arange(50)  # one class only
    found = permutation_importance(
        made.ask, made.rows, answered, "auroc", columns=["size"], slices=[({"s": "one"}, alone)]
    )
    assert found.slices[1].value is None
    assert found.slices[1].lost["size"].value is None
    assert found.to_json()["slices"][1]["lost"]["size"] == {"value": None, "low": None, "high": None}  # type: ignore[index,call-overload]


def test_dependence_is_the_term_of_a_sum() -> None:
    rows = linear_rows()
    found = partial_dependence(linear, rows, "strong", NUMBER)
    assert found is not None
    values = np.array([point.value for point in found.points], float)
    means = np.array([point.mean[0] for point in found.points])
    assert np.allclose(np.diff(means), 3 * np.diff(values))
    assert found.spread == (pytest.approx(0, abs=1e-9),)
    assert sum(point.rows for point in found.points) == rows.num_rows


def test_rows_that_follow_a_column_differently_are_told() -> None:
    rows = linear_rows()
    found = partial_dependence(linear, rows, "weak", NUMBER)
    assert found is not None
    ends = found.points[-1].value, found.points[0].value
    assert found.reach[0] == pytest.approx((ends[0] - ends[1]) / 2, rel=0.1)  # type: ignore[operator]
    assert found.spread[0] > 0.3


def test_dependence_on_categories_and_missing_values() -> None:
    made = make_model("lightgbm", n_estimators=10)
    city = partial_dependence(made.ask, made.rows, "city", made.encoding)
    assert city is not None
    counts = {point.value: point.rows for point in city.points}
    assert counts == {name: made.rows["city"].to_pylist().count(name) for name in ("Bern", "Rome", "Ulm")}
    amount = partial_dependence(made.ask, made.rows, "amount", made.encoding, points=5)
    assert amount is not None
    assert amount.points[-1].value is None
    assert amount.points[-1].rows == made.rows["amount"].null_count
    assert amount.points[-1].text == "(missing)"


def test_rare_values_are_told_apart_where_most_rows_have_one() -> None:
    rows = pa.table({"gain": np.append(np.zeros(960), np.arange(1.0, 41.0) * 100)})

    def ask(given: pa.Table) -> Answered:
        return Answered(np.zeros(1000), given["gain"].to_numpy())

    found = partial_dependence(ask, rows, "gain", NUMBER)
    assert found is not None
    assert 960 <= found.points[0].rows <= 970
    assert 6 <= len(found.points) <= 12
    assert [point.value for point in found.points][-1] in (3900, 4000)
    assert sum(point.rows for point in found.points) == 1000


@pytest.mark.parametrize(
    "values",
    [["same"] * 60, [f"text {row}" for row in range(60)], [[1.0]] * 60, [None] * 60, [b"bytes"] * 60],
)
def test_columns_without_values_to_set(values: list[Any]) -> None:
    rows = pa.table({"x": values})
    nothing = Answered(np.zeros(60), np.zeros(60))
    assert partial_dependence(lambda _: nothing, rows, "x", NUMBER) is None


def test_a_whole_explanation() -> None:
    made = make_model("lightgbm", n_estimators=20)
    said = made.ask(made.rows)
    answered = Answered(said.predictions, said.predictions, said.scores)
    rome = np.flatnonzero(np.asarray(made.rows["city"].to_pylist()) == "Rome")
    found = explain(
        made.explained,
        made.rows,
        made.rows.slice(0, 40),
        answered,
        slices=[({"city": "Rome"}, rome)],
        limits=Limits(influence_rows=60, slice_rows=10, columns=2),
    )
    assert found.method == "trees"
    assert found.scale == "log-odds of yes"
    assert [each.rows for each in found.influences] == [60, len(set(rome[:10]) | set(rome[rome < 60]))]
    assert len(found.dependences) == 2
    assert found.importance is not None
    text = found.report()
    assert "Importance: what auroc (1.0000 on 300 rows) loses" in text
    assert "city=Rome" in text
    assert "Dependence: the mean probability" in text


def test_an_explanation_without_labels() -> None:
    made = make_model("lightgbm", "multiclass", n_estimators=5)
    found = explain(made.explained, made.rows, made.rows.slice(0, 20))
    assert found.importance is None
    assert found.to_json()["importance"] is None
    assert found.scale == "score before softmax of what is said"
    assert found.dependences
    assert "P(a)" in found.report() or "P(b)" in found.report() or "P(c)" in found.report()
    chosen = explain(made.explained, made.rows, made.rows.slice(0, 20), of="b")
    assert chosen.scale == "score before softmax of b"
    assert "P(b)" in chosen.report()
    assert "P(c)" not in chosen.report()


def test_features_made_of_many_columns_are_explained_by_drawing() -> None:
    """A rotation mixes all columns, so that no feature belongs to a few of them."""
    columns = [f"x{at}" for at in range(5)]
    random = np.random.default_rng(0)
    rows = pa.table({name: random.normal(size=30) for name in columns})
    turn = random.normal(size=(5, 5))

    def features(given: pa.Table) -> np.ndarray:
        return np.column_stack([given[name].to_numpy() for name in columns]) @ turn

    players = find_players(features, rows, columns)
    assert players is not None
    assert players.columns == (tuple(columns),)
    assert not players.are_clear


def test_origins_of_many_columns_are_found_with_few_exchanges() -> None:
    columns = [f"x{at}" for at in range(100)]
    random = np.random.default_rng(0)
    rows = pa.table({name: random.integers(0, 2, 30) for name in columns})
    asked = []

    def features(given: pa.Table) -> np.ndarray:
        asked.append(1)
        return np.column_stack([given[name].to_numpy() for name in reversed(columns)]).astype(float)

    players = find_players(features, rows, columns)
    assert players is not None
    assert len(asked) < 50
    named = [players.columns[player] for player in players.of_feature]
    assert named == [(name,) for name in reversed(columns)]


@pytest.mark.parametrize("count", [3, 40])
def test_features_of_two_columns_are_found_among_any_number(count: int) -> None:
    columns = [f"x{at}" for at in range(count)]
    random = np.random.default_rng(0)
    rows = pa.table({name: random.normal(size=30) for name in columns})

    def features(given: pa.Table) -> np.ndarray:
        plain = [given[name].to_numpy() for name in columns]
        return np.column_stack([*plain, plain[0] * plain[-1], np.ones(30)])

    players = find_players(features, rows, columns)
    assert players is not None
    assert players.columns[players.of_feature[count]] == (columns[0], columns[-1])
    assert players.of_feature[count + 1] == len(players.columns)


def test_which_rows_are_looked_at_does_not_depend_on_their_order() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 100).astype(np.uint64)
    groups = random.integers(0, 12, 100)
    turned = np.arange(100)[::-1]
    assert hashes[some_rows(hashes, 20)].tolist() == hashes[turned][some_rows(hashes[turned], 20)].tolist()
    assert hashes[some_rows(hashes, 20)].tolist() != hashes[some_rows(hashes, 20, seed=1)].tolist()
    picked = some_groups(groups, hashes, 30)
    again = some_groups(groups[turned], hashes[turned], 30)
    assert hashes[picked].tolist() == hashes[turned][again].tolist()
    assert 0 < len(picked) <= 30
    for group in np.unique(groups[picked]):
        assert (groups[picked] == group).sum() == (groups == group).sum()


def test_a_model_of_anyone() -> None:
    """All that is needed is a function from rows to answers."""
    rows = linear_rows(200)
    model = ExplainedModel(linear, NUMBER, tuple(rows.column_names))
    found = explain(model, rows, rows.slice(0, 10), with_truth(rows))
    assert found.method == "sampling"
    assert found.importance is not None
    assert found.importance.order[0] == "strong"
    assert found.influences[0].mean_absolute["idle",] == 0
    assert found.notes == ("contributions are drawn, since the model is not one ensemble of trees",)


def test_of_many_columns_those_that_move_answers_are_shuffled() -> None:
    random = np.random.default_rng(0)
    rows = pa.table({f"x{at}": random.normal(size=60) for at in range(12)})

    def ask(given: pa.Table) -> Answered:
        return Answered(np.zeros(given.num_rows), given["x7"].to_numpy() + 0.5 * given["x3"].to_numpy())

    model = ExplainedModel(ask, NUMBER, tuple(rows.column_names))
    found = explain(model, rows, rows.slice(0, 10), ask(rows), metric="mse", limits=Limits(shuffled=2))
    assert found.importance is not None
    assert set(found.importance.slices[0].lost) == {"x3", "x7"}
    assert "importance is that of the 2 columns that move the answers most" in found.notes
    named = explain(model, rows, rows.slice(0, 10), ask(rows), metric="mse", columns=["x1", "x2", "x4"])
    assert named.importance is not None
    assert set(named.importance.slices[0].lost) == {"x1", "x2", "x4"}
