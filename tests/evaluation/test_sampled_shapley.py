"""Shapley values of any model: they add up always, and come near the definition as more orders are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from explained_models import make_model
from tilth.errors import UsageError
from tilth.evaluation.explanation import ExplainedModel, attribute
from tilth.evaluation.explanation.sampled_shapley import sampled_shapley
from tilth.metrics import Answered, LabelEncoding

NUMBER = LabelEncoding("regression")


def number(function: Callable[..., np.ndarray]) -> Callable[[pa.Table], Answered]:
    """A model that says a function of the columns."""

    def ask(rows: pa.Table) -> Answered:
        columns = {name: rows[name].to_numpy() for name in rows.column_names}
        return Answered(np.zeros(rows.num_rows), np.asarray(function(**columns), np.float64))

    return ask


def test_a_sum_is_taken_apart_without_error() -> None:
    random = np.random.default_rng(0)
    background = pa.table({name: random.normal(size=20) for name in "abc"})
    row = pa.table({"a": [1.0], "b": [2.0], "c": [3.0]})
    model = number(lambda a, b, c: 2 * a - b + 0 * c)
    found = sampled_shapley(model, row, background, NUMBER, columns=["a", "b", "c"], seed=[0])
    means = [background[name].to_numpy().mean() for name in "abc"]
    assert np.allclose(found.amounts.ravel(), [2 * (1 - means[0]), means[1] - 2, 0], atol=1e-12)


def test_they_come_near_the_exact_ones() -> None:
    made = make_model("lightgbm", "regression", n_estimators=20)
    rows, background = made.rows.slice(0, 8), made.rows.slice(20, 250)
    exact = attribute(made.explained, rows, background, method="trees")
    drawn = attribute(made.explained, rows, background, method="sampling")
    assert exact.players == drawn.players
    assert drawn.errors is not None
    assert np.allclose(drawn.base, exact.base, atol=1e-6)
    distances = np.abs(drawn.amounts - exact.amounts) / np.maximum(drawn.errors, 1e-6)
    assert np.quantile(distances, 0.8) < 2
    assert distances.max() < 5


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_they_always_add_up(rows: int) -> None:
    made = make_model("lightgbm", "multiclass", n_estimators=5)
    found = attribute(made.explained, made.rows.slice(0, 5), made.rows.slice(20, rows), method="sampling")
    assert np.allclose(found.amounts.sum(axis=1) + found.base, found.values, atol=1e-12)
    said = made.ask(made.rows.slice(0, 5))
    assert found.outputs.tolist() == said.predictions.tolist()
    assert said.scores is not None
    assert np.allclose(found.values, said.scores[np.arange(5), said.predictions])


def test_one_column_has_all_of_it() -> None:
    found = sampled_shapley(
        number(lambda a: a**2),
        pa.table({"a": [3.0]}),
        pa.table({"a": [1.0, 2.0]}),
        NUMBER,
        columns=["a"],
        seed=[0],
    )
    assert found.amounts.ravel().tolist() == [9 - 2.5]


def test_the_same_row_gets_the_same_wherever_it_stands() -> None:
    made = make_model("lightgbm", n_estimators=5)
    background = made.rows.slice(100, 10)
    together = attribute(made.explained, made.rows.slice(0, 4), background, method="sampling", seed=3)
    alone = attribute(made.explained, made.rows.slice(2, 1), background, method="sampling", seed=3)
    assert together.amounts[2].tolist() == alone.amounts[0].tolist()


def test_the_class_that_is_explained_can_be_chosen() -> None:
    made = make_model("lightgbm", "multiclass", n_estimators=5)
    rows, background = made.rows.slice(0, 3), made.rows.slice(100, 10)
    found = attribute(made.explained, rows, background, of="c")
    assert found.outputs.tolist() == [2, 2, 2]
    assert found.told(0) == "score before softmax of c"
    with pytest.raises(UsageError, match="no class 'd'"):
        attribute(made.explained, rows, background, of="d")


def test_the_other_of_two_classes_is_refused_with_the_reason() -> None:
    made = make_model("lightgbm", n_estimators=2)
    with pytest.raises(UsageError, match="speaks against 'yes'"):
        attribute(made.explained, made.rows.slice(0, 1), made.rows.slice(9, 5), of="no")


def test_what_says_no_probabilities_cannot_be_explained() -> None:
    encoding = LabelEncoding("binary", ("no", "yes"))
    model = ExplainedModel(number(lambda a: a > 0), encoding, ("a",))
    rows = pa.table({"a": [1.0, -1.0]})
    with pytest.raises(UsageError, match="no probabilities"):
        attribute(model, rows, rows)
