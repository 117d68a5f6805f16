"""What is tried before a long training: recipes that work pass, mistakes are caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import odd_estimators
from tilth.metrics import LabelEncoding
from tilth.training.findings import Finding, failure, in_words
from tilth.training.learning import Recipe, learn
from tilth.training.memorizing import loss_falls, memorizes
from tilth.training.rehearsing import copied, drawn, rehearsal
from tilth.training.rows import Rows
from tilth.training.sanity import check_recipe
from tilth.training.shuffling import shuffled_labels
from tilth.training.strength import class_strength, number_strength, strength

BINARY = LabelEncoding("binary", ("no", "yes"))
THREE = LabelEncoding("multiclass", ("a", "b", "c"))
NUMBER = LabelEncoding("regression")


def rows_of(encoding: LabelEncoding, count: int = 400, *, seed: int = 0) -> Rows:
    """Rows of a label that depends on two of four features, with noise."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(count, 4)).astype(np.float32)
    signal = X[:, 0] + X[:, 1] + random.normal(size=count) * 0.5
    if encoding.task == "regression":
        return Rows(X, signal.astype(np.float64))
    cuts = [0.0] if encoding.task == "binary" else [-0.7, 0.7]
    return Rows(X, np.digitize(signal, cuts).astype(np.int64))


def outcomes(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.outcome for finding in findings}


@pytest.mark.parametrize("encoding", [BINARY, THREE, NUMBER], ids=lambda encoding: encoding.task)
@pytest.mark.parametrize("estimator", ["lightgbm", "xgboost"])
def test_boosting_passes(estimator: str, encoding: LabelEncoding) -> None:
    recipe = Recipe(encoding, estimator, {"n_estimators": 30})
    findings = check_recipe(recipe, rows_of(encoding), rows_of(encoding, 200, seed=1))
    names = ("one_example", "handful", "loss_falls", "shuffled_labels")
    assert outcomes(findings) == dict.fromkeys(names, "passed")


@pytest.mark.parametrize(
    "estimator",
    [
        "sklearn.linear_model.LogisticRegression",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.neighbors.KNeighborsClassifier",
        "sklearn.tree.DecisionTreeClassifier",
        "odd_estimators._Odd",
    ],
)
def test_estimators_without_curves_pass(estimator: str) -> None:
    findings = check_recipe(Recipe(BINARY, estimator), rows_of(BINARY), rows_of(BINARY, 200, seed=1))
    assert failure(findings) is None
    assert outcomes(findings)["one_example"] == outcomes(findings)["shuffled_labels"] == "passed"
    assert outcomes(findings)["loss_falls"] == "skipped"


def test_demands_on_the_size_of_leaves_and_few_iterations_do_not_raise_an_alarm() -> None:
    parameters = {"min_child_samples": 200, "n_estimators": 10, "learning_rate": 0.05}
    findings = memorizes(Recipe(BINARY, parameters=parameters, class_weights="balanced"), rows_of(BINARY))
    assert outcomes(findings)["one_example"] == "passed"


@pytest.mark.parametrize("name", ["Shuffled", "UpsideDown", "Undefined"])
def test_a_broken_training_is_caught_by_one_example(name: str) -> None:
    findings = check_recipe(Recipe(BINARY, f"odd_estimators.{name}"), rows_of(BINARY), rows_of(BINARY))
    assert outcomes(findings)["one_example"] == "failed"
    assert "shuffled_labels" not in outcomes(findings)  # it would say nothing
    error = failure(findings)
    assert error is not None
    assert error.exit_status == 1
    assert "one_example: " in error.what
    assert "training function" in (error.mend or "")


def test_a_constant_answer_is_caught() -> None:
    findings = memorizes(Recipe(BINARY, "sklearn.dummy.DummyClassifier"), rows_of(BINARY))
    assert outcomes(findings)["one_example"] == outcomes(findings)["handful"] == "failed"
    assert findings[0].figures["gap"] == 0


def test_a_recipe_that_learns_little_is_a_note() -> None:
    rows = rows_of(BINARY)
    small = Rows(rows.X / 100, rows.y)
    recipe = Recipe(BINARY, "sklearn.linear_model.LogisticRegression", {"C": 0.01})
    findings = memorizes(recipe, small)
    assert outcomes(findings)["one_example"] == "noted"
    assert failure(findings) is None


def test_regularization_to_death_is_caught() -> None:
    recipe = Recipe(NUMBER, "sklearn.linear_model.Lasso", {"alpha": 1000.0})
    assert outcomes(memorizes(recipe, rows_of(NUMBER)))["one_example"] == "failed"


def test_labels_that_come_in_by_another_way_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    train, dev = rows_of(BINARY), rows_of(BINARY, 200, seed=1)
    recipe = Recipe(BINARY, "odd_estimators.Knowing")
    assert shuffled_labels(recipe, train, dev).outcome == "passed"
    truth = {float(x): int(y) for x, y in zip(dev.X[:, 0].astype(np.float64), dev.y, strict=True)}
    monkeypatch.setattr(odd_estimators, "TRUTH", truth)
    finding = shuffled_labels(recipe, train, dev)
    assert finding.outcome == "failed"
    assert finding.figures["auroc"] == pytest.approx(1.0, abs=0.05)
    assert "the true labels come in by another way" in finding.sentence


def test_the_direction_of_one_strong_feature_is_no_leak() -> None:
    """A model of shuffled labels goes up or down by luck, and so does its AUROC on a separable label."""
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 1)).astype(np.float32)
    rows = Rows(X, (X[:, 0] > 0).astype(np.int64))
    for seed in range(12):
        recipe = Recipe(BINARY, "sklearn.linear_model.LogisticRegression", seed=seed)
        assert shuffled_labels(recipe, rows, rows).outcome == "passed"


def test_findings_do_not_depend_on_the_order_of_rows() -> None:
    train, dev = rows_of(THREE), rows_of(THREE, 200, seed=1)
    order = np.random.default_rng(2).permutation(len(train))
    recipe = Recipe(THREE, parameters={"n_estimators": 10})
    first, second = (check_recipe(recipe, rows, dev) for rows in (train, train.take(order)))
    assert [finding.to_json() for finding in first] == [finding.to_json() for finding in second]


def test_too_few_rows_and_equal_rows_are_skipped() -> None:
    same = Rows(np.zeros((20, 2), np.float32), np.arange(20) % 2)
    assert outcomes(memorizes(Recipe(BINARY), same)) == {"one_example": "skipped"}
    assert shuffled_labels(Recipe(BINARY), same, same).outcome == "skipped"


def test_rows_of_a_ranking_stay_with_their_group() -> None:
    rows = rows_of(NUMBER, 60)
    grouped = Rows(rows.X, rows.y, groups=np.repeat(np.arange(12), 5))
    found = drawn(grouped, 23, "ranking")
    assert len(found) == 20
    assert found.groups is not None
    assert sorted(np.bincount(found.groups)[np.unique(found.groups)].tolist()) == [5, 5, 5, 5]
    copies = copied(found, np.array([0, 1]), 10)
    assert copies.groups is not None
    assert copies.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_rare_classes_are_drawn_first() -> None:
    rows = rows_of(BINARY, 1000)
    rare = Rows(rows.X, (np.arange(1000) < 20).astype(np.int64))
    assert np.bincount(drawn(rare, 100, "binary").y).tolist() == [80, 20]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([0.7, 0.6, 0.4], "passed"),
        ([0.7, 0.7], "failed"),
        ([0.7, float("nan")], "failed"),
        ([0.7], "skipped"),
    ],
)
def test_loss(values: list[float], outcome: str) -> None:
    assert loss_falls({"train": {"auc": [0.5, 0.6], "binary_logloss": values}}).outcome == outcome


def test_a_rehearsal_learns_nothing_on_dev_rows() -> None:
    given = {"num_trees": 300, "num_leaves": 7}
    recipe = Recipe(BINARY, parameters=given, calibration="isotonic", threshold="f1")
    found = rehearsal(recipe, 30)
    assert (found.calibration, found.threshold, found.early_stopping_rounds) == ("none", 0.5, 0)
    assert found.parameters == {"num_leaves": 7, "n_estimators": 30}
    assert rehearsal(recipe).parameters == given


def test_strength_of_every_task() -> None:
    y = np.array([0, 0, 1, 1])
    assert class_strength(np.array([1.0, 2.0, 2.0, 3.0]), y) == 0.875
    assert class_strength(np.array([1.0, 2.0]), np.array([1, 1])) is None
    assert number_strength(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert number_strength(np.ones(3), np.arange(3.0)) is None
    groups = np.array([0, 0, 1, 1])
    scores = np.array([[1.0], [2.0], [9.0], [8.0]])
    assert strength(scores, np.array([0.0, 1.0, 0.0, 1.0]), "ranking", groups) == pytest.approx(0)
    several = np.array([[1, 0], [0, 1], [1, 0], [0, 1]])
    assert strength(np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.2], [0.1, 0.6]]), several, "multilabel") == 1


def test_findings_in_words() -> None:
    found = [Finding("leak", "failed", "x tells y", mend="drop x"), Finding("leak", "noted", "z is odd")]
    assert in_words(found) == "leak noted; leak failed"
    assert "a sanity check does not hold:\n    leak: x tells y" in str(failure(found))
    assert failure(found[1:]) is None


@pytest.mark.parametrize("estimator", ["lightgbm", "xgboost", "sklearn.naive_bayes.GaussianNB"])
def test_few_rows_need_not_have_all_classes(estimator: str) -> None:
    """Their codes then have gaps, which libraries number in their own ways."""
    encoding = LabelEncoding("multiclass", tuple(f"c{code}" for code in range(60)))
    few = rows_of(THREE)
    rows = Rows(few.X, np.array([3, 17, 59])[few.y])
    recipe = Recipe(encoding, estimator, class_weights={"c17": 2.0, "c1": 3.0})
    if estimator != "sklearn.naive_bayes.GaussianNB":
        recipe = replace(recipe, parameters={"n_estimators": 20})
    findings = check_recipe(recipe, rows, rows)
    assert failure(findings) is None
    assert outcomes(findings)["one_example"] == outcomes(findings)["handful"] == "passed"


def test_losses_are_those_of_the_classes_that_training_met() -> None:
    few = rows_of(THREE)
    rows = Rows(few.X, np.array([3, 17, 59])[few.y])
    encoding = LabelEncoding("multiclass", tuple(f"c{code}" for code in range(60)))
    told, wanted = (
        learn(Recipe(labels, parameters={"n_estimators": 10}), each, each).curves["train"]["multi_logloss"]
        for labels, each in ((encoding, rows), (THREE, few))
    )
    assert told == pytest.approx(wanted)
    assert 0 < told[-1] < told[0]


def test_many_rows_of_hostile_kinds_raise_no_warning() -> None:
    """Warnings are errors here."""
    few = rows_of(BINARY)
    X = np.where(few.X > 1, np.inf, few.X).astype(np.float32)
    X[:, 2] = np.nan
    assert failure(check_recipe(Recipe(BINARY, parameters={"n_estimators": 10}), Rows(X, few.y), few)) is None
    many = LabelEncoding("multiclass", tuple(f"c{code}" for code in range(300)))
    rows = Rows(few.X, np.arange(400) % 300)
    findings = check_recipe(Recipe(many, "sklearn.naive_bayes.GaussianNB"), rows, rows)
    assert failure(findings) is None
