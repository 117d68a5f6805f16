"""Checks that decide on a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tilth.checks import Check
from tilth.evaluation import Evaluation, SliceResult, evaluate, judge
from tilth.metrics import Estimate, LabelEncoding


def measured(value: float | None, **slices: float | None) -> Evaluation:
    """An evaluation with one metric, `m`, also on slices by the column `part`."""
    parts: list[tuple[Mapping[str, str], float | None]] = [({}, value)]
    parts += [({"part": name}, part) for name, part in slices.items()]
    results = (SliceResult(where, 10, {"m": Estimate(found)}) for where, found in parts)
    return Evaluation(LabelEncoding("regression"), tuple(results))


@pytest.mark.parametrize("name", ["ev-17", "ev-18", "ev-19", "ev-20"])
def test_absolute_gates(name: str, shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", name)
    check = Check("m", "model", low=case["input"].get("lower_bound"), high=case["input"].get("upper_bound"))
    (verdict,) = judge([check], measured(case["input"]["metric"]))
    assert verdict.passed is case["expected"]["blessed"]


@pytest.mark.parametrize("name", ["ev-24", "ev-25", "ev-26"])
def test_gates_against_a_baseline(name: str, shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", name)
    given = case["input"]
    bound = "high" if given["direction"] == "lower is better" else "low"
    check = Check("m", "model", baseline="champion", **{bound: given["absolute"]})
    baseline = measured(given["baseline"])
    (verdict,) = judge([check], measured(given["baseline"] + given["difference"]), {"champion": baseline})
    assert verdict.passed is case["expected"]["blessed"]


@pytest.mark.parametrize("check", [Check("m", "model", low=1.0), Check("m", "model", high=1.0)])
def test_bounds_are_inclusive(check: Check) -> None:
    assert judge([check], measured(1.0))[0].passed


@pytest.mark.parametrize("check", [Check("m", "model", low=-1e9), Check("m", "model", high=1e9)])
def test_undefined_never_passes(check: Check) -> None:
    (verdict,) = judge([check], measured(None))
    assert not verdict.passed
    assert verdict.reason == "undefined"


def test_undefined_baseline_never_passes() -> None:
    check = Check("m", "model", low=-9.0, baseline="champion", optional_baseline=True)
    (verdict,) = judge([check], measured(1.0), {"champion": measured(None)})
    assert not verdict.passed
    assert verdict.reason == "undefined for champion"


def test_absent_baseline_passes_only_where_it_is_optional() -> None:
    bounds: dict[str, Any] = {"low": 0.0, "baseline": "champion"}
    checks = [Check("m", "model", optional_baseline=optional, **bounds) for optional in (True, False)]
    optional, needed = judge(checks, measured(1.0), {"linear": measured(0.5)})
    assert optional.passed
    assert not needed.passed
    assert needed.reason == "no baseline 'champion'. There are: linear"


def test_slices_are_judged_apart() -> None:
    evaluation = measured(0.9, a=0.95, b=0.7)
    checks = [Check("m", "model", low=0.8, slice=where) for where in ({}, {"part": "a"}, {"part": "b"})]
    assert [verdict.passed for verdict in judge(checks, evaluation)] == [True, True, False]


def test_what_does_not_exist_fails_and_says_what_does() -> None:
    evaluation = measured(1.0, a=1.0)
    checks = [
        Check("mm", "model", low=0.0),
        Check("m", "model", low=0.0, slice={"part": "z"}),
        Check("m", "model", low=0.0, slice={"part": "a"}, baseline="linear"),
    ]
    verdicts = judge(checks, evaluation, {"linear": measured(0.0)})
    assert [verdict.passed for verdict in verdicts] == [False, False, False]
    assert verdicts[0].reason == "no metric 'mm'; did you mean 'm'? There are m"
    assert verdicts[1].reason == "no slice 'part=z'. There are: all rows, part=a"
    assert verdicts[2].reason.startswith("the baseline has no slice 'part=a'")


def test_precision_of_a_model_that_never_says_positive_does_not_pass() -> None:
    found = evaluate({"y": [0, 1, 0], "p": [0, 0, 0]}, label="y", prediction="p")
    precision, recall = judge(
        [Check("precision", "model", low=0.0), Check("recall", "model", low=0.0)], found
    )
    assert not precision.passed
    assert recall.passed
