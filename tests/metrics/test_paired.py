"""Differences of two models on the same rows: their values, and whether their intervals are true."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.metrics import (
    PAIRED_METRICS,
    Answered,
    BinaryStatistics,
    Estimate,
    MulticlassStatistics,
    RegressionStatistics,
    measured,
    paired_difference,
)
from tilth.metrics.perfect import direction, improvement, perfect

Z = 1.959963984540054


def binary(rows: int, noise: float, seed: int = 0) -> Answered:
    """Rows of two classes, and scores that tell them apart the worse the more noise there is."""
    truth = np.random.default_rng(7).integers(0, 2, rows)
    random = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-(truth * 2 - 1 + random.normal(0, noise, rows))))
    return Answered(truth, (score > 0.5).astype(np.int64), np.column_stack([1 - score, score]))


def multiclass(rows: int, noise: float, seed: int = 0) -> Answered:
    truth = np.random.default_rng(7).integers(0, 3, rows)
    strength = np.eye(3)[truth] + np.random.default_rng(seed).normal(0, noise, (rows, 3))
    scores = np.exp(strength) / np.exp(strength).sum(axis=1, keepdims=True)
    return Answered(truth, scores.argmax(axis=1), scores)


def numbers(rows: int, noise: float, seed: int = 0) -> Answered:
    truth = np.random.default_rng(7).normal(0, 2, rows)
    return Answered(truth, truth + np.random.default_rng(seed).normal(0.1, noise, rows))


CASES = [
    *[(name, binary) for name in ("accuracy", "auroc", "balanced_accuracy", "brier", "f1", "log_loss")],
    *[(name, binary) for name in ("precision", "recall", "specificity")],
    *[(name, multiclass) for name in ("accuracy", "balanced_accuracy", "log_loss", "macro_f1")],
    *[(name, numbers) for name in ("mae", "mse", "r2", "rmse")],
]


def test_every_metric_of_a_label_a_row_is_tried() -> None:
    metrics = {name for name in PAIRED_METRICS if measured(name, binary(50, 1.0)) is not None}
    assert metrics <= {name for name, _ in CASES}


@pytest.mark.parametrize(("metric", "make"), CASES)
def test_values_are_those_of_the_statistics(metric: str, make: object) -> None:
    rows = make(300, 1.2)  # type: ignore[operator]
    if make is binary:
        statistics: object = BinaryStatistics()
        statistics.update(rows.truth == 1, predictions=rows.predictions == 1, scores=rows.scores[:, 1])  # type: ignore[attr-defined]
    elif make is multiclass:
        statistics = MulticlassStatistics(["a", "b", "c"])
        statistics.update(rows.truth, rows.predictions, probabilities=rows.scores)
    else:
        statistics = RegressionStatistics()
        statistics.update(rows.truth, rows.predictions)
    expected = statistics.metrics()[metric].value  # type: ignore[attr-defined]
    assert measured(metric, rows) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("metric", "make"), CASES)
def test_intervals_are_as_wide_as_resampling_the_rows_says(metric: str, make: object) -> None:
    before, after = make(800, 1.5, 1), make(800, 1.0, 2)  # type: ignore[operator]
    found = paired_difference(metric, before, after)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    random = np.random.default_rng(3)
    draws = []
    for _ in range(400):
        rows = random.integers(0, 800, 800)
        one, other = measured(metric, before.take(rows)), measured(metric, after.take(rows))
        assert one is not None
        assert other is not None
        draws.append(other - one)
    assert (found.high - found.low) / 2 / Z == pytest.approx(float(np.std(draws)), rel=0.15)


@pytest.mark.parametrize(("metric", "make"), CASES)
def test_the_order_of_rows_changes_no_bit(metric: str, make: object) -> None:
    before, after = make(200, 1.5, 1), make(200, 1.0, 2)  # type: ignore[operator]
    order = np.random.default_rng(5).permutation(200)
    assert paired_difference(metric, before, after) == paired_difference(
        metric, before.take(order), after.take(order)
    )


def test_a_model_against_itself_has_no_difference() -> None:
    rows = binary(100, 1.0)
    assert paired_difference("auroc", rows, rows) == Estimate(0.0)
    same = paired_difference("accuracy", rows, rows)
    assert same.value == 0
    assert same.low is not None
    assert same.high is not None
    assert same.low == -same.high < 0  # so few rows cannot exclude a small difference


def test_what_is_undefined_stays_so() -> None:
    rows = binary(50, 1.0)
    positives = rows.take(rows.truth == 1)
    assert paired_difference("auroc", positives, positives).value is None
    assert paired_difference("specificity", positives, positives).value is None
    assert paired_difference("no such metric", rows, rows).value is None
    assert (
        paired_difference("accuracy", rows.take(np.array([], int)), rows.take(np.array([], int))).value
        is None
    )
    assert measured("log_loss", Answered(rows.truth, rows.predictions)) is None
    constant = Answered(np.ones(5), np.ones(5))
    assert measured("r2", constant) is None


def test_bounded_metrics_have_bounded_differences() -> None:
    truth = np.array([0, 0, 0, 1])
    wrong = Answered(truth, 1 - truth, np.eye(2)[1 - truth])
    right = Answered(truth, truth, np.eye(2)[truth] * 0.8 + 0.1)
    found = paired_difference("recall", wrong, right)
    assert found.value == 1.0
    assert found.high is None or found.high <= 1.0


def test_which_way_is_better() -> None:
    assert [direction(name) for name in ("auroc", "rmse", "recall.cat", "fpr")] == [1, -1, 1, -1]
    assert improvement("mean_error", -2.0, 1.0) == 1.0
    assert perfect("positive_rate") is None
    with pytest.raises(ValueError, match="no value of prevalence is best"):
        direction("prevalence")
