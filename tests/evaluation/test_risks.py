"""What audit.toml may say, and what an evaluation says of a risk."""

from __future__ import annotations

import datetime

import pytest

from tilth.checks import Check
from tilth.errors import ProjectError
from tilth.evaluation import evaluate
from tilth.evaluation.audit import Entry, Signature, find, unmeasured
from tilth.evaluation.risks import Risk, read_risks

RISK = '[[risk]]\nname = "missed"\nmetric = "recall"\nmin = 0.5\n'
DATA = {"y": [1, 0, 1, 1, 0, 1, 1, 0], "said": [1, 0, 0, 1, 0, 1, 1, 0], "sex": list("ffmmfmfm")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no risk is named", "audit.toml", "[[risk]]"]),
        ("[[risk]", ["not valid TOML"]),
        (RISK + 'colour = "red"', ["unknown key 'colour'", "[[risk]] 1", "one of name, metric"]),
        (RISK + 'ownr = "Ann"', ["did you mean 'owner'?"]),
        ("risks = []", ["unknown key 'risks'", "did you mean 'risk'?"]),
        ('[card]\nuses = ""\n' + RISK, ["unknown key 'uses'", "did you mean 'use'?"]),
        (RISK + '[[risk]]\nname = "b"\nmetric = "recall"', ["no bound", "[[risk]] 2"]),
        ('[[risk]]\nmetric = "recall"\nmin = 1', ["missing required field 'name'", "[[risk]] 1"]),
        (RISK.replace("0.5", '"a lot"'), ["[[risk]] 1, min", "Expected 'float | null', got 'str'"]),
        (RISK.replace("0.5", "nan"), ["nan as a bound", "[[risk]] 1"]),
        (RISK + "max = 0.1", ["can never hold", "[[risk]] 1"]),
        (RISK + 'part = "train"', ["Invalid enum value 'train'", "[[risk]] 1, part"]),
        (RISK + RISK.replace("missed", "Missed"), ["two risks are called 'Missed'"]),
        (RISK.replace("missed", "  "), ["cannot be a risk's name"]),
        (RISK.replace("missed", "a\\nb"), ["cannot be a risk's name", "one line"]),
        (RISK.replace("missed", "a" * 201), ["cannot be a risk's name", "at most 200"]),
        (RISK + "slice = { sex = 1 }", ["[[risk]] 1", "Expected 'str', got 'int'"]),
    ],
)
def test_what_audit_toml_may_not_say(text: str, words: list[str]) -> None:
    with pytest.raises(ProjectError) as caught:
        read_risks(text, where="audit.toml")
    for word in words:
        assert word in str(caught.value)


def test_all_that_it_may_say() -> None:
    text = (
        '[card]\nuse = "whom to call"\nlimits = ["children"]\n[[risk]]\nname = "missed"\nwhat = "no offer"\n'
        'metric = "recall"\nslice = { "age > 60" = "true" }\nmin = -0.1\nmax = 0.2\nbaseline = "champion"\n'
        'part = "dev"\nsource = "law"\nowner = "Ann"\n'
    )
    found = read_risks(text)
    (risk,) = found.risks
    assert (found.card.use, found.card.limits, found.card.contact) == ("whom to call", ("children",), None)
    assert risk.where == "age > 60 of dev"
    assert risk.bound == "minus champion within [-0.1, 0.2]"
    assert (risk.what, risk.source, risk.owner) == ("no offer", "law", "Ann")
    assert risk.check.optional_baseline


@pytest.mark.parametrize(
    "change",
    ["min = 0.51", "min = 0.5\nmax = 1.0", 'min = 0.5\nwhat = "x"', 'min = 0.5\nowner = "Ann"', "max = 0.5"],
)
def test_any_other_word_makes_another_risk(change: str) -> None:
    (before,), (after,) = read_risks(RISK).risks, read_risks(RISK.replace("min = 0.5", change)).risks
    assert before.digest != after.digest
    assert before.digest == read_risks(RISK + "\n# only a remark\n").risks[0].digest


def recall(low: float = 0.5, **more: object) -> Risk:
    return Risk("missed", "", Check("recall", "model", low=low, **more))  # type: ignore[arg-type]


def test_a_bound_that_holds_surely_and_one_that_holds_by_luck() -> None:
    found = evaluate(DATA, label="y", prediction="said", slices=[["sex"]])
    sure, lucky = find(recall(0.2), found), find(recall(0.7), found)
    assert sure.verdict.passed
    assert sure.is_sure
    assert lucky.verdict.passed
    assert not lucky.is_sure
    assert sure.outcome == "pass 0.8 undefined"
    assert find(recall(0.9), found).outcome == "fail 0.8 undefined"


def test_what_cannot_be_measured_never_passes_and_says_why() -> None:
    found = evaluate(DATA, label="y", prediction="said", slices=[["sex"]])
    for risk, words in (
        (recall(slice={"sex": "x"}), "no slice 'sex=x'. There are: all rows, sex=f, sex=m"),
        (Risk("r", "", Check("recal", "model", low=0)), "no metric 'recal'; did you mean 'recall'?"),
        (recall(baseline="human"), "no baseline 'human'"),
    ):
        finding = find(risk, found)
        assert not finding.verdict.passed
        assert words in finding.verdict.reason
        assert Entry(finding).to_json()["value"] is None or risk.check.baseline


def test_a_quantity_of_all_rows_is_none_of_a_slice() -> None:
    from dataclasses import replace

    from tilth.metrics import Estimate

    found = evaluate(DATA, label="y", prediction="said", slices=[["sex"]])
    whole = replace(found.slices[0], metrics={**found.slices[0].metrics, "gap.fpr.sex": Estimate(0.1)})
    found = replace(found, slices=(whole, *found.slices[1:]))
    assert find(Risk("r", "", Check("gap.fpr.sex", "model", high=0.2)), found).verdict.passed
    sliced = find(Risk("r", "", Check("gap.fpr.sex", "model", high=0.2, slice={"sex": "f"})), found)
    assert sliced.verdict.reason == "gap.fpr.sex is a quantity of all rows together, not of a slice"


def test_an_undefined_quantity_does_not_pass() -> None:
    never = {"y": [1, 0, 1], "said": [0, 0, 0]}
    found = evaluate(never, label="y", prediction="said")
    entry = Entry(find(Risk("r", "", Check("precision", "model", low=0.0)), found))
    assert entry.lacks == "'r' does not hold: precision undefined"
    assert entry.to_json()["value"] is None


def test_what_an_entry_lacks() -> None:
    found = evaluate(DATA, label="y", prediction="said")
    made = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    finding = find(recall(), found)
    assert Entry(finding, Signature("Ann", made)).lacks is None
    assert Entry(finding, Signature("Ann", made, void="the model changed")).lacks == (
        "'missed' is not signed any more: the model changed"
    )
    owned = find(Risk("missed", "", finding.risk.check, owner="Ann"), found)
    assert Entry(owned).lacks == "'missed' is not signed; it is Ann's to sign"
    assert Entry(unmeasured(finding.risk, "gone"), Signature("Ann", made)).lacks == (
        "'missed' does not hold: recall gone"
    )
