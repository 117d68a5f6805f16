"""Shapley values of trees, held against the definition and against LightGBM's own."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explained_models import Made, crossed, make_model, raw_rows
from tilth.errors import UsageError
from tilth.evaluation.explanation import attribute
from tilth.evaluation.explanation.tree_shapley import raw_scores, tree_shapley
from tilth.inference import TreeEnsemble, read_trees
from tilth.types import Task


def by_definition(worth: dict[frozenset[int], np.ndarray], players: int) -> np.ndarray:
    """(n, players): the weighted mean of what a player adds to each coalition of the others."""
    amounts = []
    for player in range(players):
        others = [each for each in range(players) if each != player]
        found = np.zeros_like(worth[frozenset()])
        for size in range(players):
            weight = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
            for members in itertools.combinations(others, size):
                found = found + weight * (worth[frozenset({*members, player})] - worth[frozenset(members)])
        amounts.append(found)
    return np.stack(amounts, axis=1)


def worth_of_columns(made: Made, rows: pa.Table, background: pa.Table) -> dict[frozenset[int], np.ndarray]:
    """What the trees say when some raw columns are the row's, on average over the background rows."""
    trees = read_trees(made.graph)
    assert trees is not None
    names = list(made.graph.inputs)
    own = np.repeat(np.arange(rows.num_rows), background.num_rows)
    other = np.tile(np.arange(background.num_rows), rows.num_rows)
    found = {}
    for size in range(len(names) + 1):
        for members in itertools.combinations(range(len(names)), size):
            mixed = pa.table(
                {
                    name: (
                        rows[name].take(pa.array(own))
                        if at in members
                        else background[name].take(pa.array(other))
                    )
                    for at, name in enumerate(names)
                }
            )
            given = trees.features.run_batch(mixed.combine_chunks())["features"]
            raw = raw_scores(trees.ensemble, given) * trees.slope
            found[frozenset(members)] = raw.reshape(rows.num_rows, background.num_rows, -1).mean(axis=1)
    return found


@pytest.mark.parametrize(
    ("estimator", "task"),
    [
        ("lightgbm", "binary"),
        ("lightgbm", "multiclass"),
        ("lightgbm", "regression"),
        ("sklearn.ensemble.RandomForestClassifier", "binary"),
    ],
)
def test_they_are_the_shapley_values_of_raw_columns(estimator: str, task: Task) -> None:
    made = make_model(estimator, task, n_estimators=8)
    rows, background = made.rows.slice(0, 6), made.rows.slice(100, 9)
    found = attribute(made.explained, rows, background)
    assert found.method == "trees"
    assert found.players == (("amount",), ("size",), ("city",), ("new",))
    expected = by_definition(worth_of_columns(made, rows, background), 4)
    targets = {2: [1]}.get(expected.shape[2], list(range(expected.shape[2])))
    chosen = np.array(targets)[found.outputs]
    assert np.allclose(found.amounts, expected[np.arange(6), :, chosen], atol=1e-10)
    assert np.allclose(found.amounts.sum(axis=1) + found.base, found.values, atol=1e-10)


def test_they_are_those_of_lightgbm_where_columns_are_independent() -> None:
    """LightGBM weighs paths by training rows; on all combinations of values that is the same expectation."""
    grid = np.array(list(itertools.product(range(4), range(3), range(4), range(2))), np.float64)
    rows = pa.table(
        {
            "amount": grid[:, 0],
            "size": grid[:, 1] - 1,
            "city": np.array(["Bern", "Rome", "Ulm", "Aix"])[grid[:, 2].astype(int)],
            "new": grid[:, 3].astype(np.int64),
        }
    )
    made = make_model(
        "lightgbm", "regression", rows=rows, definition=numbers_alone, n_estimators=20, min_child_samples=1
    )
    expected = made.estimator.predict(made.X, pred_contrib=True)
    trees = read_trees(made.graph)
    assert trees is not None
    assert max(np.ptp(each[:-1]) for each in expected) > 0.5
    amounts, base = tree_shapley(trees.ensemble, made.X, made.X, np.arange(3))
    assert np.allclose(amounts[:, :, 0], expected[:, :-1], atol=1e-9)
    assert np.allclose(base[0], expected[:, -1], atol=1e-9)


def numbers_alone(x: object) -> dict[str, object]:
    return {name: x[name] for name in ("amount", "size", "new")}  # type: ignore[index]


def test_columns_of_one_feature_share_it() -> None:
    made = make_model("lightgbm", definition=crossed, n_estimators=8)
    rows, background = made.rows.slice(0, 5), made.rows.slice(50, 60)
    found = attribute(made.explained, rows, background)
    assert ("size", "new") in found.players
    assert np.allclose(found.amounts.sum(axis=1) + found.base, found.values, atol=1e-10)
    drawn = attribute(made.explained, rows, background, method="sampling")
    assert drawn.players == (("amount",), ("size",), ("city",), ("new",))


def test_a_row_does_not_depend_on_those_beside_it() -> None:
    made = make_model("lightgbm", n_estimators=30)
    background = made.rows.slice(200, 50)
    together = attribute(made.explained, made.rows.slice(0, 40), background)
    alone = attribute(made.explained, made.rows.slice(7, 1), background)
    assert np.allclose(alone.amounts[0], together.amounts[7], atol=1e-12)


@st.composite
def ensembles(draw: st.DrawFn) -> TreeEnsemble:
    """A few random trees on five features, with missing values going either way."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    features, left, right, roots = [], [], [], []
    for _ in range(draw(st.integers(1, 3))):
        roots.append(len(features))
        growing = [(len(features), draw(st.integers(0, 4)))]
        features.append(0)
        left.append(-1)
        right.append(-1)
        for node, depth in growing:
            if depth:
                left[node], right[node] = len(features), len(features) + 1
                growing += [(len(features), depth - 1), (len(features) + 1, int(random.integers(0, depth)))]
                features += [0, 0]
                left += [-1, -1]
                right += [-1, -1]
    count = len(features)
    leaves = np.array(left) < 0
    return TreeEnsemble(
        np.array(roots),
        random.integers(0, 5, count),
        random.integers(0, 3, count).astype(float),
        np.array(left),
        np.array(right),
        random.random(count) < 0.5,
        np.where(leaves[:, None], random.normal(size=(count, 2)).round(2), 0.0),
        random.normal(size=2),
    )


@settings(max_examples=40)
@given(ensembles(), st.integers(0, 2**32 - 1))
def test_any_ensemble(ensemble: TreeEnsemble, seed: int) -> None:
    random = np.random.default_rng(seed)
    X, Z = (random.choice([0.0, 1.0, 2.0, 3.0, np.nan], size=(rows, 5)) for rows in (4, 6))
    players = random.integers(0, 3, 5)
    players[:3] = [0, 1, 2]
    amounts, base = tree_shapley(ensemble, X, Z, players)
    worth = {}
    for size in range(4):
        for members in itertools.combinations(range(3), size):
            own = np.isin(players, members)
            mixed = np.where(own, X[:, None], Z[None])
            raw = raw_scores(ensemble, mixed.reshape(-1, 5)).reshape(4, 6, 2)
            worth[frozenset(members)] = raw.mean(axis=1)
    assert np.allclose(amounts, by_definition(worth, 3), atol=1e-12)
    assert np.allclose(base, worth[frozenset()][0])


def test_too_many_columns_on_one_path_are_refused() -> None:
    depth = 70
    features = np.arange(depth).repeat(2)
    left = np.array([at + 1 if at % 2 == 0 else -1 for at in range(2 * depth)] + [-1])
    right = np.array([at + 2 if at % 2 == 0 else -1 for at in range(2 * depth)] + [-1])
    chain = TreeEnsemble(
        np.array([0]),
        np.append(features, 0),
        np.zeros(2 * depth + 1),
        left,
        right,
        np.zeros(2 * depth + 1, bool),
        np.where(left[:, None] < 0, 1.0, 0.0),
        np.zeros(1),
    )
    with pytest.raises(UsageError, match="70 columns on the path"):
        tree_shapley(chain, np.zeros((1, depth)), np.ones((1, depth)), np.arange(depth))


def test_trees_where_there_are_none() -> None:
    rows = raw_rows()
    rows = rows.set_column(0, "amount", rows["amount"].fill_null(0.0))
    made = make_model("sklearn.linear_model.LogisticRegression", rows=rows)
    with pytest.raises(UsageError, match="not one ensemble of trees"):
        attribute(made.explained, rows.slice(0, 1), rows.slice(1, 5), method="trees")
