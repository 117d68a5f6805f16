"""Learning curves by examples: nested shares, paired gains, and points from which nothing is learned."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tilth.errors import TrainingError
from tilth.metrics import Answered, BinaryStatistics, Estimate, LabelEncoding
from tilth.training.learning import Learned, Recipe, learn
from tilth.training.learning_curve import LearningCurve, answered, learning_curve, nested_shares
from tilth.training.repeats import repeats
from tilth.training.rows import Rows
from tilth.training.sure_errors import SureErrors, sure_errors

ENCODING = LabelEncoding("binary", ("no", "yes"))
RECIPE = Recipe(ENCODING, "sklearn.linear_model.LogisticRegression")


def rows(count: int, seed: int = 0, features: int = 12) -> Rows:
    random = np.random.default_rng(seed)
    X = random.normal(0, 1, (count, features)).astype(np.float32)
    return Rows(X, (X.sum(axis=1) + random.normal(0, 2, count) > 0).astype(np.int64))


def measure(answers: Answered) -> Mapping[str, Estimate]:
    assert answers.scores is not None
    statistics = BinaryStatistics()
    statistics.update(answers.truth == 1, predictions=answers.predictions == 1, scores=answers.scores[:, 1])
    return {name: statistics.metrics()[name] for name in ("auroc", "accuracy")}


def curve(
    train: Rows, dev: Rows, shares: tuple[float, ...] = (0.125, 0.25, 0.5), seed: int = 0
) -> LearningCurve:
    return learning_curve(
        lambda some: learn(RECIPE, some, dev),
        learn(RECIPE, train, dev),
        train,
        dev,
        measure,
        shares=shares,
        seed=seed,
    )


def test_shares_are_nested_stratified_and_free_of_order() -> None:
    given = rows(200)
    found = nested_shares(given, [0.1, 0.3, 0.6], stratify=True, seed=3)
    sets = [{tuple(row) for row in given.X[each].tolist()} for each in found]
    assert sets[0] < sets[1] < sets[2]
    for positions, share in zip(found, (0.1, 0.3, 0.6), strict=True):
        for code in (0, 1):
            assert (given.y[positions] == code).sum() == np.ceil(share * (given.y == code).sum())
    order = np.random.default_rng(1).permutation(200)
    again = nested_shares(given.take(order), [0.1, 0.3, 0.6], stratify=True, seed=3)
    assert [{tuple(row) for row in given.take(order).X[each].tolist()} for each in again] == sets
    others = nested_shares(given, [0.1], stratify=True, seed=4)
    assert {tuple(row) for row in given.X[others[0]].tolist()} != sets[0]


def test_a_class_of_one_row_is_in_every_share() -> None:
    given = Rows(np.arange(50, dtype=np.float32)[:, None], np.array([0] * 49 + [1]))
    (found,) = nested_shares(given, [0.02], stratify=True)
    assert given.y[found].tolist().count(1) == 1


def test_rows_that_are_ranked_together_stay_together() -> None:
    groups = np.repeat(np.arange(20) * 10**12, np.arange(1, 21))
    given = Rows(
        np.random.default_rng(0).normal(0, 1, (210, 2)).astype(np.float32), np.zeros(210), groups=groups
    )
    few, many = nested_shares(given, [0.25, 0.5], stratify=False)
    assert len(np.unique(groups[few])) == 5
    assert set(few.tolist()) < set(many.tolist())
    for name in np.unique(groups[many]):
        assert (groups[many] == name).sum() == (groups == name).sum()


def test_more_rows_bring_a_model_closer_to_its_training_rows() -> None:
    found = curve(rows(400), rows(1000, seed=1))
    assert [point.rows for point in found.points] == [51, 101, 201, 400]
    gaps = [point.train["auroc"].value - point.dev["auroc"].value for point in found.points]  # type: ignore[operator]
    assert gaps[0] > gaps[-1]
    assert found.gained_from == 201
    gain, first, last = found.gains["auroc"], found.points[-2], found.points[-1]
    assert gain.value == pytest.approx(last.dev["auroc"].value - first.dev["auroc"].value)  # type: ignore[operator]
    assert gain.low is not None
    apart = (last.dev["auroc"].high or 0.0) - (last.dev["auroc"].low or 0.0)
    assert gain.high is not None
    assert gain.high - gain.low < apart / 2  # a difference on the same rows is known far better than a value


def test_the_order_of_rows_changes_no_bit() -> None:
    train, dev = rows(200), rows(150, seed=1)
    mixed = (
        train.take(np.random.default_rng(2).permutation(200)),
        dev.take(np.random.default_rng(3).permutation(150)),
    )
    assert curve(*mixed).to_json() == curve(train, dev).to_json()


def test_a_curve_is_read_back() -> None:
    found = curve(rows(80), rows(60, seed=1))
    assert LearningCurve.from_json(found.to_json()) == found


def test_no_shares_leave_the_last_point() -> None:
    found = curve(rows(80), rows(60, seed=1), shares=())
    assert [point.rows for point in found.points] == [80]
    assert found.gained_from is None
    assert found.gains == {}


def test_shares_that_cannot_be_learned_from_say_why() -> None:
    train, dev = rows(100), rows(60, seed=1)

    def picky(some: Rows) -> Learned:
        if len(some) < 40:
            raise TrainingError("too few rows for this one")
        return learn(RECIPE, some, dev)

    found = learning_curve(picky, picky(train), train, dev, measure, shares=[0.1, 0.5])
    assert [point.error for point in found.points] == ["too few rows for this one", None, None]
    assert found.points[0].dev == {}
    assert found.gained_from == found.points[1].rows


def test_no_dev_rows_leave_the_dev_side_undefined() -> None:
    train = rows(60)
    found = curve(train, train.take(np.zeros(60, bool)))
    assert found.points[-1].dev["auroc"].value is None
    assert found.gains == {}


def test_repeats_bound_the_error_from_below() -> None:
    """Two labels drawn with probability 0.8 for the same features differ with 2 * 0.8 * 0.2."""
    random = np.random.default_rng(0)
    X = np.repeat(np.arange(400, dtype=np.float32), 10)[:, None]
    y = (random.random(4000) < 0.2).astype(np.int64)
    found = repeats(Rows(X, y), 2)
    assert found.repeated == 4000
    assert found.disagreement == pytest.approx(0.16, abs=0.01)
    assert found.least_error is not None
    assert found.least_error < 0.2  # what the best model misses


def test_repeats_of_numbers_give_the_noise() -> None:
    random = np.random.default_rng(0)
    X = np.repeat(np.arange(500, dtype=np.float32), 4)[:, None]
    found = repeats(Rows(X, X[:, 0].astype(np.float64) + random.normal(0, 3, 2000)), 0)
    assert found.disagreement == pytest.approx(9.0, rel=0.1)


def test_rows_that_do_not_repeat_say_nothing() -> None:
    found = repeats(rows(50), 2)
    assert (found.repeated, found.disagreement, found.least_error) == (0, None, None)


def test_copies_that_agree_leave_no_error() -> None:
    given = rows(50)
    twice = Rows(np.concatenate([given.X, given.X]), np.concatenate([given.y, given.y]))
    assert repeats(twice, 2).least_error == 0.0


def test_wrong_labels_strike_where_a_model_is_sure() -> None:
    train, dev = rows(2000, features=2), rows(2000, seed=1, features=2)
    X = np.sign(train.X) * 5, np.sign(dev.X) * 5
    y = (X[0][:, 0] > 0).astype(np.int64), (X[1][:, 0] > 0).astype(np.int64)
    learned = learn(RECIPE, Rows(X[0], y[0]))
    clean = sure_errors(answered(learned, Rows(X[1], y[1])))
    wrong = y[1].copy()
    wrong[:40] = 1 - wrong[:40]
    spoilt = sure_errors(answered(learned, Rows(X[1], wrong)))
    assert clean is not None
    assert spoilt is not None
    assert (clean.wrong, clean.is_striking) == (0, False)
    assert (spoilt.wrong, spoilt.is_striking) == (40, True)
    assert SureErrors.from_json(spoilt.to_json()) == spoilt


def test_numbers_have_no_sure_errors() -> None:
    assert sure_errors(Answered(np.ones(3), np.ones(3))) is None
