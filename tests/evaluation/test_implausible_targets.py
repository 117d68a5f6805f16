"""Targets that nothing makes plausible are called out, and the others are not."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.checks import Check
from tilth.evaluation import Evaluation, SliceResult, evaluate
from tilth.evaluation.targets import implausible_targets, implausible_value
from tilth.metrics import Estimate, LabelEncoding

BINARY = LabelEncoding("binary", ("no", "yes"))


def measured(rows: int = 0, **metrics: float | tuple[float, float, float]) -> Evaluation:
    """An evaluation of these metrics, with intervals or without."""
    found = {
        name: Estimate(*value) if isinstance(value, tuple) else Estimate(value)
        for name, value in metrics.items()
    }
    return Evaluation(BINARY, (SliceResult({}, rows, found),))


def test_a_target_above_human_level_is_called_out() -> None:
    """Mission L4: six examples, truth 1 1 1 0 0 0, inspector 1 0 1 0 0 1: 66.7 %."""
    said = {"truth": [1, 1, 1, 0, 0, 0], "inspector": [1, 0, 1, 0, 0, 1]}
    measured_people = evaluate(said, label="truth", prediction="inspector")
    assert measured_people.metric("accuracy") == pytest.approx(2 / 3)
    check = Check("accuracy", "model", low=0.99)
    for human in (measured_people, measured(accuracy=0.667)):
        (sentence,) = implausible_targets([check], {"human": human}, source="two inspectors, May 2026")
        assert sentence.startswith("a target of 99% where human-level performance is 66.")
        assert "the check asks for accuracy >= 0.99 (human level: two inspectors, May 2026)" in sentence


@pytest.mark.parametrize(
    ("check", "human"),
    [
        (Check("accuracy", "model", low=0.66), 0.667),
        (Check("accuracy", "model", low=0.9), (0.85, 0.7, 0.95)),  # within what is known of people
        (Check("recall", "model", low=0.99), 0.667),  # of another metric nothing is known
        (Check("prevalence", "model", low=0.99), 0.667),  # of which no value is best
        (Check("accuracy", "model", high=0.99), 0.667),  # a bound on the other side
    ],
)
def test_a_target_that_people_reach_is_not(check: Check, human: float | tuple[float, float, float]) -> None:
    assert implausible_targets([check], {"human": measured(accuracy=human)}) == []


def test_errors_are_bounded_from_above() -> None:
    check = Check("log_loss", "model", high=0.01)
    (sentence,) = implausible_targets([check], {"human": measured(log_loss=0.2)})
    assert sentence.startswith("a target of 0.01 where human-level performance is 0.2")
    (impossible,) = implausible_targets([Check("log_loss", "model", high=-0.1)], {})
    assert "can never hold: it asks for log_loss <= -0.1, and 0 is perfect" in impossible


def test_a_lead_over_a_baseline_that_leaves_no_room_is_called_out() -> None:
    check = Check("accuracy", "model", low=0.4, baseline="majority")
    (sentence,) = implausible_targets([check], {"majority": measured(accuracy=0.7)})
    assert sentence == (
        "the check on accuracy minus majority can never hold: it asks for accuracy >= 1.1, and 1 is perfect"
    )
    assert implausible_targets([check], {}) == []  # nothing is known of the majority


def test_a_target_far_above_every_baseline_is_called_out_unless_the_model_reaches_it() -> None:
    check = Check("accuracy", "model", low=0.99)
    baselines = {"majority": measured(accuracy=0.5), "linear": measured(accuracy=0.7)}
    (sentence,) = implausible_targets([check], baselines, measured(accuracy=0.8))
    assert sentence == (
        "a target of 99% that no baseline makes plausible: the best of them, linear, reaches accuracy 70%, "
        "so 97% of its errors would have to go"
    )
    assert implausible_targets([check], baselines, measured(accuracy=0.995)) == []
    assert implausible_targets([Check("accuracy", "model", low=0.9)], baselines) == []


def test_the_business_target() -> None:
    values = np.array([[0.0, -5.0], [0.0, 1.0]])  # refused, accepted
    counts = np.array([300, 700])
    assert implausible_value(0.5, values, counts) is None
    assert implausible_value(None, values, counts) is None
    assert implausible_value(0.5, None, counts) is None
    assert "faultless answers are worth 0.7" in str(implausible_value(0.71, values, counts))
    people = Evaluation(BINARY, (SliceResult({}, 1000, {}, [[200, 100], [0, 700]]),))
    found = implausible_value(0.6, values, counts, people, metric="profit")
    assert found == "a target of 0.6 for profit where people's answers are worth 0.2"
    assert implausible_value(0.2, values, counts, people) is None
