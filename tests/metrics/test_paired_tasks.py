"""Differences of two models on the same rows, for several labels and rankings."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.metrics import (
    PAIRED_METRICS,
    Answered,
    MultilabelStatistics,
    RankingStatistics,
    measured,
    paired_difference,
)

_LABEL_METRICS = (
    "micro_f1",
    "micro_precision",
    "micro_recall",
    "macro_f1",
    "subset_accuracy",
    "hamming_loss",
)
_RANKING_METRICS = ("ndcg", "ndcg_at_10", "mrr", "mean_average_precision")


def _labels(seed: int, rows: int = 300) -> tuple[Answered, Answered]:
    random = np.random.default_rng(seed)
    truth = (random.random((rows, 3)) < [0.5, 0.3, 0.2]).astype(np.int64)
    answers = []
    for noise in (0.35, 0.25):
        scores = np.clip(0.5 * truth + random.normal(0.25, noise, truth.shape), 0.01, 0.99)
        answers.append(Answered(truth, (scores > 0.5).astype(np.int64), scores))
    return answers[0], answers[1]


def _rankings(seed: int, groups: int = 80) -> tuple[Answered, Answered]:
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 8)
    truth = random.integers(0, 3, len(group)).astype(float)
    one, other = (Answered(truth, truth + random.normal(0, s, len(truth)), None, group) for s in (2.0, 1.0))
    return one, other


def _label_value(metric: str, answers: Answered) -> float | None:
    statistics = MultilabelStatistics(["a", "b", "c"])
    statistics.update(
        answers.truth.astype(int), answers.predictions.astype(int), probabilities=answers.scores
    )  # type: ignore[arg-type]
    return statistics.metrics()[metric].value


def _ranking_value(metric: str, answers: Answered) -> float | None:
    statistics = RankingStatistics()
    assert answers.groups is not None
    statistics.update(answers.truth.astype(float), answers.predictions.astype(float), answers.groups)
    return statistics.metrics()[metric].value


def test_values_are_those_of_the_statistics() -> None:
    assert set(_LABEL_METRICS) | set(_RANKING_METRICS) <= set(PAIRED_METRICS)
    for answers in _labels(0):
        for metric in (*_LABEL_METRICS, "log_loss"):
            assert measured(metric, answers) == pytest.approx(_label_value(metric, answers)), metric
    for answers in _rankings(0):
        for metric in _RANKING_METRICS:
            assert measured(metric, answers) == pytest.approx(_ranking_value(metric, answers)), metric


@pytest.mark.parametrize("metric", _LABEL_METRICS)
def test_intervals_of_labels_are_about_those_of_the_bootstrap(metric: str) -> None:
    one, other = _labels(1)
    random = np.random.default_rng(2)
    drawn = [random.integers(0, len(one), len(one)) for _ in range(300)]
    values = [
        (measured(metric, other.take(rows)) or 0) - (measured(metric, one.take(rows)) or 0) for rows in drawn
    ]
    found = paired_difference(metric, one, other)
    low, high = np.quantile(values, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_the_interval_of_a_ranking_is_over_groups() -> None:
    one, other = _rankings(3)
    found = paired_difference("ndcg_at_10", one, other)
    each = [
        [_ranking_value("ndcg_at_10", answers.take(answers.groups == g)) for g in range(80)]  # type: ignore[arg-type]
        for answers in (one, other)
    ]
    differences = np.array(each[1]) - np.array(each[0])
    assert found.value == pytest.approx(differences.mean())
    assert found.low is not None
    assert found.value is not None
    assert found.value - found.low == pytest.approx(1.96 * differences.std(ddof=1) / 80**0.5, rel=1e-3)


def test_metrics_of_other_tasks_are_undefined() -> None:
    labels, ranking = _labels(0)[0], _rankings(0)[0]
    for metric in _RANKING_METRICS:
        assert measured(metric, labels) is None
    classes = Answered(np.array([0, 1]), np.array([0, 1]), np.array([[0.9, 0.1], [0.1, 0.9]]))
    for metric in (*_RANKING_METRICS, "micro_f1", "hamming_loss", "subset_accuracy"):
        assert measured(metric, classes) is None
    without = Answered(np.zeros(4), np.arange(4.0), None, np.array([0, 0, 1, 1]))
    assert measured("ndcg", without) is None
    assert paired_difference("ndcg", without, without).value is None
    assert ranking.take(np.array([0, 1])).groups is not None
