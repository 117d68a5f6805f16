"""One window of served predictions against what the model was accepted on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.checks import Check
from tilth.metrics import Estimate
from tilth.monitoring import Monitoring, Reference, Thresholds, Window, watch
from tilth.profiles import Profile, profile
from tilth.schemas import Column, Schema

SCHEMA = Schema((Column("size", "float"), Column("plan", "string", domain=("basic", "pro"))))
METRICS = {"accuracy": Estimate(0.9, 0.88, 0.92), "recall": Estimate(0.8, 0.75, 0.85), "r2": Estimate(0.7)}


def inputs(rows: int, *, seed: int = 0, shift: float = 0.0, plan: str | None = None) -> Profile:
    random = np.random.default_rng(seed)
    plans = random.choice(["basic", "pro"], rows).tolist()
    if plan is not None and rows:
        plans[0] = plan
    return profile({"size": random.normal(shift, 1, rows), "plan": plans}) if rows else nothing()


def nothing() -> Profile:
    return profile({"size": np.empty(0), "plan": np.empty(0, dtype=str)})


def answers(rows: int, *, seed: int = 0, yes: float = 0.3, confidence: float = 0.8) -> Profile:
    random = np.random.default_rng(seed)
    said = np.where(random.random(rows) < yes, "yes", "no").tolist()
    sure = np.clip(random.normal(confidence, 0.05, rows), 0, 1)
    return profile({"prediction": said, "confidence": sure})


REFERENCE = Reference(inputs(1000), answers(1000), METRICS)


def look(
    *checks: Check,
    seen: Profile | None = None,
    said: Profile | None = None,
    performance: Mapping[str, Estimate] | None = None,
    outcomes: int = 0,
    reference: Reference = REFERENCE,
    schema: Schema = SCHEMA,
    minimum_rows: int = 30,
) -> Monitoring:
    window = Window(
        inputs(400, seed=1) if seen is None else seen,
        answers(400, seed=1) if said is None else said,
        performance,
        outcomes,
    )
    return watch("shop@3", window, reference, schema, checks, Thresholds(minimum_rows))


def at_most(metric: str, bound: float, baseline: str | None = None) -> Check:
    return Check(metric, "live", high=bound, baseline=baseline)


def at_least(metric: str, bound: float, baseline: str | None = None) -> Check:
    return Check(metric, "live", low=bound, baseline=baseline)


USUAL = (at_most("anomalies", 0), at_most("drifted_columns", 0), at_most("drifted_predictions", 0))


def test_what_did_not_change_is_quiet() -> None:
    found = look(*USUAL)
    assert found.alarms == ()
    assert [verdict.passed for verdict in found.verdicts] == [True] * 3
    assert found.inputs.drifted == found.predictions.drifted == ()
    assert found.anomalies == ()
    assert (found.model, found.rows, found.outcomes, found.waiting) == ("shop@3", 400, 0, ())
    assert found.report().splitlines()[-1] == "quiet"


def test_a_column_that_moved_rings_and_is_named() -> None:
    found = look(*USUAL, seen=inputs(400, seed=1, shift=1.0))
    assert found.inputs.drifted == ("size",)
    assert [alarm.check.metric for alarm in found.alarms] == ["drifted_columns"]
    assert found.alarms[0].value == 1
    lines = found.report().splitlines()
    assert lines[1] == "  ALARM    drifted_columns 1 > 0"
    assert lines[2].startswith("  drifted  size: ")
    assert "quiet" not in lines


def test_a_value_never_seen_is_an_anomaly() -> None:
    found = look(*USUAL, seen=inputs(400, seed=1, plan="gold"))
    assert [anomaly.kind for anomaly in found.anomalies] == ["unexpected_values"]
    assert [alarm.check.metric for alarm in found.alarms] == ["anomalies"]
    assert "gold" in found.report()


def test_a_warning_does_not_ring() -> None:
    mild = Schema(
        (Column("size", "float"), Column("plan", "string", domain=("basic", "pro"), severity="warning"))
    )
    found = look(*USUAL, seen=inputs(400, seed=1, plan="gold"), schema=mild)
    assert [anomaly.severity for anomaly in found.anomalies] == ["warning"]
    assert found.alarms == ()
    assert "  warning  " in found.report()


def test_answers_that_moved_ring() -> None:
    found = look(*USUAL, said=answers(400, seed=1, yes=0.7))
    assert found.predictions.drifted == ("prediction",)
    assert [alarm.check.metric for alarm in found.alarms] == ["drifted_predictions"]
    assert "  drifted  prediction of the model: " in found.report()


def test_confidence_is_measured_and_compared_with_the_reference() -> None:
    check = at_least("confidence", -0.05, "test")
    found = look(check, said=answers(400, seed=1, confidence=0.6))
    (verdict,) = found.verdicts
    assert found.confidence == pytest.approx(0.6, abs=0.01)
    assert verdict.value == found.confidence
    assert verdict.baseline_value == pytest.approx(0.8, abs=0.01)
    assert not verdict.passed
    assert look(check).alarms == ()


def test_the_number_of_rows_and_outcomes_can_be_bounded_from_the_first_row_on() -> None:
    found = look(at_least("rows", 100), at_least("outcomes", 5), seen=inputs(3), said=answers(3))
    assert [verdict.passed for verdict in found.verdicts] == [False, False]
    assert found.waiting == ()


@pytest.mark.parametrize(("rows", "waits"), [(0, True), (1, True), (29, True), (30, False)])
def test_few_predictions_are_not_judged(rows: int, waits: bool) -> None:
    seen = inputs(rows, shift=5) if rows else nothing()
    found = look(*USUAL, seen=seen, said=answers(rows))
    assert bool(found.waiting) == waits
    assert bool(found.verdicts) != waits
    if waits:
        assert {reason for _, reason in found.waiting} == {f"{rows} predictions so far, 30 needed"}
        assert found.report().splitlines()[-1] == "nothing to judge yet"
        assert f"  waiting  anomalies: {rows} predictions so far, 30 needed" in found.report()


def test_nothing_served_yet_is_said() -> None:
    found = look(*USUAL, at_most("error_rate", 0.1), seen=nothing(), said=answers(0))
    assert found.report().splitlines()[0] == "shop@3: 0 predictions, 0 outcomes"
    assert found.anomalies == ()
    assert found.confidence is None
    assert len(found.waiting) == 4


@pytest.mark.parametrize("outcomes", [0, 1, 29])
def test_performance_waits_for_enough_outcomes(outcomes: int) -> None:
    performance = {"accuracy": Estimate(0.1, 0.0, 0.2)} if outcomes else None
    found = look(at_most("error_rate", 0.1), performance=performance, outcomes=outcomes)
    assert found.verdicts == ()
    assert found.waiting[0][1] == f"{outcomes} outcomes so far, 30 needed"


def test_performance_is_judged_though_predictions_are_not_few() -> None:
    found = look(at_most("error_rate", 0.1), performance=METRICS, outcomes=30)
    assert found.waiting == ()
    assert found.alarms == ()


INTERVAL = "{:.3f} (95 % interval {:.3f} to {:.3f}), at most 0.2"


@pytest.mark.parametrize(
    ("accuracy", "low", "high", "rings"),
    [(0.9, 0.85, 0.95, False), (0.7, 0.45, 0.86, False), (0.7, 0.6, 0.79, True), (0.7, 0.6, 0.8, False)],
)
def test_an_error_rate_rings_only_when_its_whole_interval_is_too_high(
    accuracy: float, low: float, high: float, rings: bool
) -> None:
    performance = {"accuracy": Estimate(accuracy, low, high)}
    found = look(at_most("error_rate", 0.2 + 1e-12), performance=performance, outcomes=100)
    (verdict,) = found.verdicts
    assert verdict.passed != rings
    assert verdict.value == pytest.approx(1 - accuracy)
    assert verdict.reason == INTERVAL.format(1 - accuracy, 1 - high, 1 - low)


@pytest.mark.parametrize(("low", "high", "rings"), [(0.5, 0.79, True), (0.5, 0.8, False), (0.81, 0.9, False)])
def test_a_recall_rings_only_when_its_whole_interval_is_too_low(low: float, high: float, rings: bool) -> None:
    performance = {"recall": Estimate((low + high) / 2, low, high)}
    found = look(at_least("recall", 0.8), performance=performance, outcomes=100)
    assert bool(found.alarms) == rings


def test_an_error_rate_against_that_of_the_test_part() -> None:
    check = at_most("error_rate", 0.05, "test")
    worse = {"accuracy": Estimate(0.7, 0.65, 0.75)}
    (verdict,) = look(check, performance=worse, outcomes=300).verdicts
    assert not verdict.passed
    assert verdict.baseline_value == pytest.approx(0.1)
    assert verdict.value == pytest.approx(0.3)
    words = "0.300 (95 % interval 0.250 to 0.350), 0.100 on the test part, at most 0.05 more"
    assert verdict.reason == words
    near = {"accuracy": Estimate(0.82, 0.79, 0.86)}
    assert look(check, performance=near, outcomes=300).alarms == ()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=5, max_size=5))
def test_with_two_bounds_too_an_alarm_needs_the_whole_interval_outside(numbers: list[int]) -> None:
    least, most = sorted(n / 100 for n in numbers[:2])
    low, value, high = sorted(n / 100 for n in numbers[2:])
    check = Check("recall", "live", low=least, high=most)
    found = look(
        check,
        performance={"recall": Estimate(value, low, high)},
        outcomes=100,
        seen=FEW,
        said=FEW_SAID,
        reference=SMALL,
    )
    assert bool(found.alarms) == (high < least or low > most)


FEW, FEW_SAID = inputs(40), answers(40)
SMALL = Reference(FEW, FEW_SAID, METRICS)


@pytest.mark.parametrize(
    ("performance", "metric"),
    [
        ({"accuracy": Estimate(0.9, 0.8, 0.95)}, "recall"),
        ({"recall": Estimate(None)}, "recall"),
        ({"recall": Estimate(math.nan)}, "recall"),
        ({"accuracy": Estimate(None)}, "error_rate"),
        ({}, "error_rate"),
        ({"accuracy": Estimate(0.9)}, "no_such_metric"),
    ],
)
def test_an_undefined_quantity_never_passes(performance: dict[str, Estimate], metric: str) -> None:
    for check in (at_least(metric, 0), at_most(metric, 1)):
        (verdict,) = look(check, performance=performance, outcomes=100).verdicts
        assert not verdict.passed
        assert verdict.reason == "undefined"
        assert verdict.value is None


def test_a_baseline_that_does_not_have_the_metric_never_passes() -> None:
    performance = {"f1": Estimate(0.9, 0.8, 1.0)}
    (verdict,) = look(at_least("f1", -1, "test"), performance=performance, outcomes=100).verdicts
    assert not verdict.passed


def test_a_metric_without_an_interval_is_judged_by_its_value() -> None:
    performance = {"recall": Estimate(0.79)}
    (verdict,) = look(at_least("recall", 0.8), performance=performance, outcomes=100).verdicts
    assert not verdict.passed
    assert verdict.reason == "0.79 < 0.8"


def test_an_error_rate_without_an_interval_is_judged_by_its_value() -> None:
    performance = {"accuracy": Estimate(0.75)}
    (verdict,) = look(at_most("error_rate", 0.3), performance=performance, outcomes=100).verdicts
    assert verdict.passed
    assert verdict.value == 0.25


def test_a_regression_has_no_confidence_and_is_compared_by_its_numbers() -> None:
    random = np.random.default_rng(0)
    reference = Reference(inputs(1000), profile({"prediction": random.normal(10, 2, 1000)}), METRICS)
    checks = (at_most("drifted_predictions", 0), at_least("r2", 0.5))
    same = profile({"prediction": random.normal(10, 2, 400)})
    performance = {"r2": Estimate(0.6, 0.55, 0.65)}
    quiet = look(*checks, said=same, performance=performance, outcomes=400, reference=reference)
    assert quiet.confidence is None
    assert quiet.alarms == ()
    moved = profile({"prediction": random.normal(13, 2, 400)})
    worse = {"r2": Estimate(0.2, 0.1, 0.3)}
    ringing = look(*checks, said=moved, performance=worse, outcomes=400, reference=reference)
    assert [alarm.check.metric for alarm in ringing.alarms] == ["drifted_predictions", "r2"]
    strict(ringing)


def test_a_confidence_that_a_regression_does_not_have_never_passes() -> None:
    reference = Reference(inputs(1000), profile({"prediction": np.arange(1000.0)}), {})
    said = profile({"prediction": np.arange(400.0)})
    (verdict,) = look(at_least("confidence", 0), said=said, reference=reference).verdicts
    assert (verdict.passed, verdict.reason) == (False, "undefined")


def strict(found: Monitoring) -> dict[str, object]:
    document: dict[str, object] = json.loads(json.dumps(found.to_json(), allow_nan=False))
    return document


def test_the_json_of_a_window() -> None:
    performance = {"accuracy": Estimate(0.7, 0.65, 0.75), "recall": Estimate(None)}
    document = strict(
        look(
            *USUAL,
            at_most("error_rate", 0.05, "test"),
            at_least("rows", 10),
            seen=inputs(400, seed=1, shift=2, plan="gold"),
            performance=performance,
            outcomes=300,
        )
    )
    assert list(document) == [
        "model",
        "rows",
        "outcomes",
        "confidence",
        "drifted",
        "inputs",
        "predictions",
        "anomalies",
        "performance",
        "alarms",
        "checks",
        "waiting",
        "notes",
    ]
    assert document["drifted"] == ["size"]
    performance = document["performance"]
    assert isinstance(performance, dict)
    assert performance.pop("error_rate") == {"value": pytest.approx(0.3), "low": 0.25, "high": 0.35}
    assert performance == {
        "accuracy": {"value": 0.7, "low": 0.65, "high": 0.75},
        "recall": {"value": None, "low": None, "high": None},
    }
    alarms, checks = document["alarms"], document["checks"]
    assert isinstance(alarms, list)
    assert isinstance(checks, list)
    assert [alarm["metric"] for alarm in alarms] == ["anomalies", "drifted_columns", "error_rate"]
    assert len(checks) == 5
    assert all(alarm in checks for alarm in alarms)


@pytest.mark.parametrize("extreme", [[math.nan] * 40, [math.inf] * 40, [1e308, -1e308] * 20, [0.0] * 40])
def test_the_json_is_strict_whatever_was_served(extreme: Sequence[float]) -> None:
    seen = profile({"size": np.array(extreme), "plan": ["basic", "pro"] * 20})
    said = profile({"prediction": ["yes"] * 40, "confidence": np.full(40, math.nan)})
    bounded = Schema((Column("size", "float", low=-1.0, high=1.0), SCHEMA["plan"]))
    found = look(*USUAL, at_least("confidence", 0.5), seen=seen, said=said, schema=bounded)
    document = strict(found)
    assert document["confidence"] is None
    assert found.report()
    assert not found.verdicts[-1].passed


def test_the_report_says_what_rings_first_and_what_waits_last() -> None:
    found = look(
        *USUAL,
        at_most("error_rate", 0.1),
        seen=inputs(1200, seed=1, shift=1),
        said=answers(1200, seed=1),
        performance=METRICS,
        outcomes=12,
    )
    lines = found.report().splitlines()
    assert lines[0] == "shop@3: 1,200 predictions, 12 outcomes"
    kinds = [line.split()[0] for line in lines[1:]]
    assert list(dict.fromkeys(kinds)) == ["ALARM", "drifted", "holds", "seen", "waiting"]
    assert any(line.split()[:2] == ["seen", "confidence"] for line in lines)
    assert "  seen     error_rate 0.1000, on the test part 0.1000" in lines


@pytest.mark.parametrize(
    ("low", "high", "baseline", "words"),
    [
        (0.85, None, None, "at least 0.85"),
        (0.5, 0.7, None, "at least 0.5 and at most 0.7"),
        (-0.05, None, "test", "0.800 on the test part, at most 0.05 less"),
        (0.0, None, "test", "0.800 on the test part, no less"),
        (None, 0.0, "test", "0.800 on the test part, no more"),
        (None, -0.1, "test", "0.800 on the test part, at least 0.1 less"),
        (-0.1, 0.2, "test", "0.800 on the test part, at most 0.1 less and at most 0.2 more"),
    ],
)
def test_a_reason_says_what_was_measured_and_what_is_allowed(
    low: float | None, high: float | None, baseline: str | None, words: str
) -> None:
    check = Check("recall", "live", low=low, high=high, baseline=baseline)
    (verdict,) = look(check, performance={"recall": Estimate(0.75, 0.74, 0.76)}, outcomes=100).verdicts
    assert verdict.reason == f"0.750 (95 % interval 0.740 to 0.760), {words}"


def test_with_a_baseline_and_two_bounds_the_interval_is_judged_at_both_ends() -> None:
    check = Check("recall", "live", low=-0.1, high=0.1, baseline="test")
    for interval, rings in (((0.5, 0.69), True), ((0.5, 0.71), False), ((0.91, 0.95), True)):
        performance = {"recall": Estimate(sum(interval) / 2, *interval)}
        assert bool(look(check, performance=performance, outcomes=100).alarms) == rings


def test_what_was_left_out_is_told() -> None:
    window = Window(inputs(400, seed=1), answers(400, seed=1), notes=("3 outcomes left out",))
    found = watch("shop@3", window, REFERENCE, SCHEMA, USUAL)
    assert "  note     3 outcomes left out" in found.report()
    assert found.to_json()["notes"] == ["3 outcomes left out"]


def test_without_checks_nothing_is_judged() -> None:
    found = look(seen=inputs(400, seed=1, shift=3))
    assert found.verdicts == found.alarms == ()
    assert found.inputs.drifted == ("size",)
    assert found.report().splitlines()[-1] == "nothing to judge yet"


def false_alarms(windows: int) -> int:
    """How many of the windows ring in a world that does not change."""
    rings = 0
    for seed in range(windows):
        reference = Reference(inputs(1000, seed=10**6 + seed), answers(1000, seed=2 * 10**6 + seed), METRICS)
        found = look(
            *USUAL[1:],
            seen=inputs(200, seed=100 + seed),
            said=answers(200, seed=10**7 + seed),
            reference=reference,
        )
        rings += bool(found.alarms)
    return rings


def test_the_same_world_seldom_rings() -> None:
    assert false_alarms(100) <= 4


@pytest.mark.slow
def test_the_same_world_rings_in_one_window_of_a_hundred() -> None:
    """As `significance` promises for the whole window: its inputs and its answers together."""
    assert false_alarms(1500) <= 1500 * 0.01 * 1.5
