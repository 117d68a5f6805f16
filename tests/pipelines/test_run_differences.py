"""Whether a change of a metric is beyond chance, row by row or from two intervals."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.metrics import Answered, Estimate, LabelEncoding
from tilth.metrics.intervals import difference_of_apart
from tilth.pipelines.run_differences import MetricChange, metric_changes
from tilth.pipelines.scoring import Answers, measure_rows

BINARY = LabelEncoding("binary", ("no", "yes"))


def model(truth: np.ndarray, noise: float, seed: int) -> tuple[Answered, dict[str, Estimate]]:
    """A model that sees the truth through noise, half of which both models share."""
    shared = np.random.default_rng(1).normal(0, 1, len(truth))
    own = np.random.default_rng(seed).normal(0, noise, len(truth))
    positive = 1 / (1 + np.exp(-(3 * truth - 1.5 + shared + own)))
    scores = np.stack([1 - positive, positive], axis=1)
    said = (positive > 0.5).astype(np.int64)
    found = measure_rows(Answers(said, scores), truth, BINARY)
    return Answered(truth, said, scores), dict(found.slices[0].metrics)


def test_row_by_row_smaller_changes_are_told_from_chance() -> None:
    truth = np.random.default_rng(0).integers(0, 2, 500)
    (one, before), (other, after) = model(truth, 0.5, 2), model(truth, 0.7, 3)
    apart, paired = metric_changes(before, after), metric_changes(before, after, (one, other))
    assert paired["auroc"].is_beyond_chance
    assert not apart["auroc"].is_beyond_chance
    assert paired["auroc"].is_paired
    assert not apart["auroc"].is_paired
    for name, change in paired.items():
        assert change.estimate.value == apart[name].estimate.value
    for name, opposite in (("fpr", "specificity"), ("fnr", "recall"), ("fdr", "precision")):
        assert paired[name].is_paired
        assert paired[name].estimate.low == pytest.approx(-paired[opposite].estimate.high)  # type: ignore[operator]
    assert not paired["mcc"].is_paired


def test_a_false_alarm_is_as_rare_as_said() -> None:
    alarms = 0
    for seed in range(200):
        truth = np.random.default_rng(seed).integers(0, 2, 500)
        (one, before), (other, after) = model(truth, 0.5, 1_000 + seed), model(truth, 0.5, 2_000 + seed)
        alarms += bool(metric_changes(before, after, (one, other))["auroc"].is_beyond_chance)
    assert alarms <= 21  # of 200 at 5 %: more happens in one of a thousand trials


def test_two_samples_are_compared_by_their_intervals() -> None:
    found = metric_changes({"a": Estimate(0.80, 0.76, 0.84)}, {"a": Estimate(0.90, 0.87, 0.92)})["a"].estimate
    assert found.value is not None
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - np.hypot(0.03, 0.04))
    assert found.high == pytest.approx(0.1 + np.hypot(0.02, 0.04))


def test_what_is_not_defined_or_known_is_not_decided() -> None:
    before = {"a": Estimate(0.5, 0.4, 0.6), "b": Estimate(None), "c": Estimate(0.5), "gone": Estimate(1.0)}
    after = {"a": Estimate(0.5, 0.4, 0.6), "b": Estimate(0.5), "c": Estimate(0.6)}
    found = metric_changes(before, after)
    assert set(found) == {"a", "c"}
    assert found["a"].is_beyond_chance is False
    assert found["c"].is_beyond_chance is None
    assert found["c"].to_json()["beyond_chance"] is None


def test_answers_that_give_other_metrics_than_were_recorded_are_not_used() -> None:
    truth = np.random.default_rng(0).integers(0, 2, 500)
    (one, before), (other, after) = model(truth, 0.5, 2), model(truth, 0.7, 3)
    weighted = {**after, "auroc": Estimate(0.5, 0.45, 0.55)}
    found = metric_changes(before, weighted, (one, other))["auroc"]
    assert found == MetricChange(difference_of_apart(weighted["auroc"], before["auroc"]), is_paired=False)
