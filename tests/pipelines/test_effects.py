"""What added rows do to every slice: who is harmed beyond chance, and why, on constructed cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from tilth.metrics import Answered, LabelEncoding
from tilth.pipelines.ambiguity import ambiguity
from tilth.pipelines.effects import ADDED, Compared, Effect, effects
from tilth.training import Recipe, Rows, learn
from tilth.training.learning import Learned
from tilth.training.learning_curve import answered

ENCODING = LabelEncoding("binary", ("no", "yes"))
LINEAR = Recipe(ENCODING, "sklearn.linear_model.LogisticRegression")
TREES = Recipe(ENCODING, "sklearn.tree.DecisionTreeClassifier", {"max_depth": 4})


def rows(count: int, slice_: float, sign: float, seed: int) -> Rows:
    """Rows of one slice: the label is whether the first feature is positive (sign 1), or negative (-1)."""
    x = np.random.default_rng(seed).normal(0, 1, count)
    X = np.column_stack([x, np.full(count, slice_)]).astype(np.float32)
    return Rows(X, (x * sign > 0).astype(np.int64))


def joined(one: Rows, other: Rows) -> Rows:
    return Rows(np.concatenate([one.X, other.X]), np.concatenate([one.y, other.y]))


def slices(given: Rows) -> dict[str, pa.Array]:
    return {"slice": pa.array(np.where(given.X[:, 1] > 0, "new", "old"))}


def effect_of(recipe: Recipe, before: Rows, added: Rows, test: Rows) -> tuple[list[Effect], Learned]:
    without, with_ = learn(recipe, before), learn(recipe, joined(before, added))

    def compared(given: Rows) -> Compared:
        return Compared(answered(without, given), answered(with_, given), slices(given))

    found = effects(
        compared(test), compared(before), (len(added), slices(added)), [["slice"]], ["auroc", "accuracy"]
    )
    return found, without


def test_a_model_without_room_for_both_is_told() -> None:
    """A line cannot turn round between the slices; the old one pays, in training too."""
    before, added = rows(600, 0, 1, 0), rows(600, 1, -1, 1)
    test = joined(rows(400, 0, 1, 2), rows(400, 1, -1, 3))
    found, _ = effect_of(LINEAR, before, added, test)
    whole, new, old = found
    assert (old.slice, old.rows, old.added) == ({"slice": "old"}, 400, 0)
    assert "accuracy" in old.harm
    assert old.lacks_capacity
    assert new.harm == ()
    assert (new.change["accuracy"].value or 0.0) > 0
    assert (whole.rows, whole.added) == (800, 600)


def test_a_model_with_room_harms_nobody() -> None:
    before, added = rows(600, 0, 1, 0), rows(600, 1, -1, 1)
    test = joined(rows(400, 0, 1, 2), rows(400, 1, -1, 3))
    found, _ = effect_of(TREES, before, added, test)
    assert [each.harm for each in found] == [(), (), ()]
    assert not any(each.lacks_capacity for each in found)
    assert (found[1].with_["accuracy"] or 0.0) > 0.95


def test_the_same_rows_with_other_labels_are_told() -> None:
    before = rows(600, 0, 1, 0)
    added = Rows(np.tile(before.X, (2, 1)), np.tile(1 - before.y, 2))
    found, without = effect_of(TREES, before, added, rows(400, 0, 1, 2))
    assert "accuracy" in found[0].harm
    unclear = ambiguity(before, added, answered(without, added), answered(without, rows(200, 0, 1, 5)), 2)
    assert unclear is not None
    assert (unclear.met, unclear.contradicted.value) == (1200, 1.0)
    assert unclear.is_striking
    assert "1,200 of them have the features of a row of before, and another label in 100%" in str(unclear)


def test_rows_like_those_of_before_are_not_ambiguous() -> None:
    before, added, dev = rows(600, 0, 1, 0), rows(300, 0, 1, 1), rows(200, 0, 1, 2)
    without = learn(TREES, before)
    unclear = ambiguity(before, added, answered(without, added), answered(without, dev), 2)
    assert unclear is not None
    assert not unclear.is_striking
    assert unclear.to_json()["met"] == 0


def test_numbers_are_not_ambiguous_as_classes_are() -> None:
    given = Rows(np.ones((3, 1), np.float32), np.ones(3))
    answers = Answered(given.y, given.y)
    assert ambiguity(given, given, answers, answers, 0) is None


def noise(count: int, right: float, seed: int) -> npt.NDArray[np.int64]:
    return (np.random.default_rng(seed).random(count) < right).astype(np.int64)


def test_chance_is_not_called_harm() -> None:
    """Two models as good as each other, on forty slices: without care two would be called worse."""
    truth = np.ones(8000, np.int64)
    columns = {"s": pa.array(np.arange(8000) % 40)}
    called = 0
    for seed in range(10):
        one, other = noise(8000, 0.8, seed), noise(8000, 0.8, seed + 100)
        compared = Compared(Answered(truth, one), Answered(truth, other), columns)
        found = effects(compared, compared, (0, {"s": columns["s"][:0]}), [["s"]], ["accuracy"])
        called += any(each.harm for each in found)
    assert called <= 1


def test_few_rows_are_told_of_but_not_judged() -> None:
    truth = np.ones(20, np.int64)
    compared = Compared(Answered(truth, truth), Answered(truth, 1 - truth), {})
    (found,) = effects(compared, compared, (5, {}), [], ["accuracy"])
    assert found.change["accuracy"].value == -1.0
    assert found.harm == ()


def test_slices_of_added_rows_are_named_in_words() -> None:
    truth = np.ones(40, np.int64)
    columns = {ADDED: pa.array(["rows of before"] * 20 + ["added rows"] * 20)}
    compared = Compared(Answered(truth, truth), Answered(truth, truth), columns)
    found = effects(compared, compared, (20, columns), [[ADDED]], ["accuracy"])
    assert {each.name for each in found} == {"all rows", "rows of before", "added rows"}


@pytest.mark.parametrize("metric", ["auroc", "accuracy"])
def test_a_slice_without_training_rows_of_before_is_no_error(metric: str) -> None:
    truth = np.array([0, 1] * 30)
    scores = np.full((60, 2), 0.5)
    test = Compared(
        Answered(truth, truth, scores), Answered(truth, truth, scores), {"s": pa.array(["a"] * 60)}
    )
    before = Compared(
        test.without.take(truth > 1), test.with_.take(truth > 1), {"s": pa.array([], pa.string())}
    )
    found = effects(test, before, (60, {"s": pa.array(["a"] * 60)}), [["s"]], [metric])
    assert found[1].trained[metric].value is None
    assert not found[1].lacks_capacity
