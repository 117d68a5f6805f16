"""A check's verdict, by table and for any numbers."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.checks import MOMENTS, Check, Verdict
from tilth.errors import ProjectError

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
bounds = st.none() | numbers


@pytest.mark.parametrize(
    ("low", "high", "value", "passed", "reason"),
    [
        (0.9, None, 0.93, True, "0.93 >= 0.9"),
        (0.9, None, 0.9, True, "0.9 >= 0.9"),
        (0.9, None, 0.89, False, "0.89 < 0.9"),
        (None, 0.05, 0.05, True, "0.05 <= 0.05"),
        (None, 0.05, 0.06, False, "0.06 > 0.05"),
        (None, 0, 0, True, "0 <= 0"),
        (0, 1, 0.5, True, "0.5 within [0, 1]"),
        (0, 1, 1, True, "1 within [0, 1]"),
        (0, 1, 1.5, False, "1.5 outside [0, 1]"),
        (0, 1, -0.5, False, "-0.5 outside [0, 1]"),
        (0.5, 0.5, 0.5, True, "0.5 within [0.5, 0.5]"),
        (0, None, math.inf, True, "inf >= 0"),
        (None, 0, math.inf, False, "inf > 0"),
        (0, None, math.nan, False, "undefined"),
        (0, None, None, False, "undefined"),
    ],
)
def test_an_absolute_bound(
    low: float | None, high: float | None, value: float | None, passed: bool, reason: str
) -> None:
    verdict = Check("auroc", "model", low=low, high=high).judge(value)
    assert (verdict.passed, verdict.reason) == (passed, reason)


@pytest.mark.parametrize(
    ("value", "baseline", "passed", "reason"),
    [
        (0.75, 0.5, True, "0.25 >= 0.125"),
        (0.625, 0.5, True, "0.125 >= 0.125"),
        (0.5, 0.5, False, "0 < 0.125"),
        (0.25, 0.5, False, "-0.25 < 0.125"),
        (0.75, None, False, "undefined"),
        (None, 0.5, False, "undefined"),
        (0.75, math.nan, False, "undefined"),
        (math.nan, 0.5, False, "undefined"),
        (math.inf, math.inf, False, "undefined"),
    ],
)
def test_a_bound_on_the_difference_from_a_baseline(
    value: float | None, baseline: float | None, passed: bool, reason: str
) -> None:
    check = Check("auroc", "model", low=0.125, baseline="majority")
    verdict = check.judge(value, baseline)
    assert (verdict.passed, verdict.reason) == (passed, reason)
    assert verdict.baseline_value is baseline


def test_without_a_baseline_a_given_one_is_not_looked_at() -> None:
    assert Check("auroc", "model", low=0.7).judge(0.75, 0.74).passed


def test_a_champion_that_does_not_exist_yet_is_nothing_to_compare_with() -> None:
    check = Check("auroc", "model", low=-0.02, baseline="champion", optional_baseline=True)
    verdict = check.judge(0.6, None)
    assert verdict.passed
    assert verdict.reason == "no baseline to compare with yet"
    assert not check.judge(0.6, 0.9).passed
    assert not check.judge(None, 0.9).passed


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, None, "the check on 'f1' has no bound"),
        (2.0, 1.0, "min 2.0 is above max 1.0"),
        (math.nan, None, "f1"),
        (None, math.inf, "inf as a bound"),
        (None, math.nan, "f1"),
        (0.0, math.nan, "f1"),
    ],
)
def test_bounds_that_can_decide_nothing_are_refused(
    low: float | None, high: float | None, words: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        Check("f1", "model", low=low, high=high)
    assert words in str(caught.value)


def test_a_check_in_words() -> None:
    assert Check("recall", "live", low=0.5).name == "recall"
    sliced = Check("recall", "model", low=0, slice={"sex": "Female", "race": "Black"}, baseline="champion")
    assert sliced.name == "recall where sex=Female, race=Black minus champion"
    assert str(Check("recall", "live", low=0.5).judge(0.25)) == "fail: recall 0.25 < 0.5"
    assert str(Check("recall", "live", low=0.5).judge(0.75)) == "pass: recall 0.75 >= 0.5"


def test_the_json_of_a_verdict_says_everything() -> None:
    check = Check("recall", "model", low=0.5, high=1.0, slice={"sex": "Female"}, baseline="linear")
    assert check.judge(0.75, 0.125).to_json() == {
        "check": "recall where sex=Female minus linear",
        "metric": "recall",
        "moment": "model",
        "slice": {"sex": "Female"},
        "baseline": "linear",
        "min": 0.5,
        "max": 1.0,
        "value": 0.75,
        "baseline_value": 0.125,
        "passed": True,
        "reason": "0.625 within [0.5, 1]",
    }


def test_the_json_of_an_undefined_verdict_is_strict() -> None:
    for value in (None, math.nan):
        verdict = Check("recall", "model", low=0.5).judge(value)
        text = json.dumps(verdict.to_json(), allow_nan=False)
        assert json.loads(text)["value"] is None


def test_the_moments_are_those_that_are_judged() -> None:
    assert MOMENTS == ("model", "live")


@st.composite
def checks(draw: st.DrawFn) -> Check:
    low, high = draw(bounds), draw(bounds)
    if low is None and high is None:
        low = 0.0
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Check("auroc", "model", low=low, high=high, baseline=draw(st.none() | st.just("linear")))


@given(checks(), st.sampled_from([None, math.nan]), st.none() | numbers)
def test_an_undefined_quantity_never_passes(
    check: Check, value: float | None, baseline: float | None
) -> None:
    verdict = check.judge(value, baseline)
    assert not verdict.passed
    assert verdict.reason == "undefined"


@given(checks(), numbers, st.sampled_from([None, math.nan]))
def test_a_value_without_its_baseline_never_passes(
    check: Check, value: float, baseline: float | None
) -> None:
    if check.baseline is not None:
        assert not check.judge(value, baseline).passed


@given(checks(), numbers, numbers)
def test_a_verdict_says_exactly_whether_the_bounds_hold(check: Check, value: float, baseline: float) -> None:
    observed = value - baseline if check.baseline else value
    low = -math.inf if check.low is None else check.low
    high = math.inf if check.high is None else check.high
    verdict: Verdict = check.judge(value, baseline)
    assert verdict.passed == (low <= observed <= high)
    assert verdict.passed != any(word in verdict.reason for word in (" < ", " > ", "outside"))
