"""The audit of a model: what is found of each risk, who has signed it, and what is lacking."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from tilth.checks import Verdict
from tilth.errors import closest
from tilth.evaluation.judgment import judge
from tilth.evaluation.result import Evaluation
from tilth.evaluation.risks import Risk
from tilth.metrics import UNDEFINED, Estimate
from tilth.types import JSONObject

__all__ = ["Entry", "Finding", "Signature", "find", "unmeasured"]

_DECLARED = {
    "must_pass": "must_pass",
    "never": "never",
    "gap": "protected",
    "ratio": "protected",
    "custom": "metrics",
}
"""The families of metrics that there are where a key of [evaluate] declares them."""


@dataclass(frozen=True)
class Finding:
    """What is measured of a risk.

    Args:
        risk: which one.
        verdict: whether its bound holds. What is undefined, and what cannot be measured, never does.
        estimate: the quantity with its 95 % interval.
        rows: how many rows it was measured on; None where none were.
    """

    risk: Risk
    verdict: Verdict
    estimate: Estimate = UNDEFINED
    rows: int | None = None

    @property
    def outcome(self) -> str:
        """What a signature is given for, as a text: whether the bound holds, and the value.

        Six digits of it, so that another machine's rounding is no other result.
        """
        values = (self.verdict.value, self.verdict.baseline_value)
        shown = ("undefined" if value is None else f"{value:.6g}" for value in values)
        return " ".join(("pass" if self.verdict.passed else "fail", *shown))

    @property
    def is_sure(self) -> bool:
        """Whether the bound holds for every value of the interval; not known of differences to a baseline."""
        check, around = self.risk.check, self.estimate
        if not self.verdict.passed or around.low is None or around.high is None or check.baseline:
            return False
        low = check.low is None or around.low >= check.low
        return low and (check.high is None or around.high <= check.high)


@dataclass(frozen=True)
class Signature:
    """That somebody has looked at a risk of a model and agrees.

    Args:
        who: who signed.
        made: when.
        note: what else was said.
        void: why it does not hold any more; None while it does.
    """

    who: str
    made: datetime.datetime
    note: str | None = None
    void: str | None = None

    def to_json(self) -> JSONObject:
        """The signature as JSON values."""
        return {"who": self.who, "made": self.made.isoformat(), "note": self.note, "void": self.void}


@dataclass(frozen=True)
class Entry:
    """One line of an audit: what was found, and who signed it.

    Example:
        >>> from tilth.checks import Check
        >>> from tilth.evaluation import evaluate
        >>> found = evaluate({"y": [1, 0, 1, 1], "said": [1, 0, 0, 1]}, label="y", prediction="said")
        >>> Entry(find(Risk("missed", "", Check("recall", "model", low=0.8)), found)).lacks
        "'missed' does not hold: recall 0.6667 < 0.8"
        >>> Entry(find(Risk("missed", "", Check("recall", "model", low=0.6)), found)).lacks
        "'missed' is not signed"
    """

    finding: Finding
    signature: Signature | None = None

    @property
    def is_signed(self) -> bool:
        """Whether somebody has signed what was found, and nothing has changed since."""
        return self.signature is not None and self.signature.void is None

    @property
    def lacks(self) -> str | None:
        """Why a model may not go out for this risk; None where it may."""
        risk, verdict = self.finding.risk, self.finding.verdict
        if not verdict.passed:
            return f"'{risk.name}' does not hold: {verdict.check.name} {verdict.reason}"
        if self.signature is None:
            return f"'{risk.name}' is not signed" + (f"; it is {risk.owner}'s to sign" if risk.owner else "")
        if self.signature.void is not None:
            return f"'{risk.name}' is not signed any more: {self.signature.void}"
        return None

    def to_json(self) -> JSONObject:
        """The entry as JSON values; undefined numbers are null."""
        finding, risk = self.finding, self.finding.risk
        verdict = finding.verdict.to_json()
        told = ("metric", "slice", "baseline", "min", "max", "baseline_value", "passed", "reason")
        return {
            "name": risk.name,
            "what": risk.what,
            "part": risk.part,
            "source": risk.source,
            "owner": risk.owner,
            **{key: verdict[key] for key in told},
            **finding.estimate.to_json(),
            "rows": finding.rows,
            "sure": finding.is_sure,
            "signed": self.is_signed,
            "signature": None if self.signature is None else self.signature.to_json(),
        }


def find(risk: Risk, evaluation: Evaluation, baselines: Mapping[str, Evaluation] | None = None) -> Finding:
    """What an evaluation says of a risk.

    Args:
        risk: the risk.
        evaluation: of the model, on the risk's part.
        baselines: what to compare with, by name.

    Example:
        >>> from tilth.checks import Check
        >>> from tilth.evaluation import evaluate
        >>> data = {"y": [1, 0, 1, 1], "said": [1, 0, 0, 1], "sex": list("ffmm")}
        >>> found = evaluate(data, label="y", prediction="said", slices=[["sex"]])
        >>> risk = Risk("missed", "", Check("recall", "model", low=0.6, slice={"sex": "x"}))
        >>> print(find(risk, found).verdict.reason)
        no slice 'sex=x'. There are: all rows, sex=f, sex=m
    """
    check = risk.check
    result = evaluation.find(check.slice)
    if result is None:
        return unmeasured(risk, evaluation.lacks_slice(check.slice))
    if check.metric not in result.metrics:
        if check.metric in evaluation.slices[0].metrics:
            return unmeasured(risk, f"{check.metric} is a quantity of all rows together, not of a slice")
        return unmeasured(risk, _lacks(check.metric, list(evaluation.slices[0].metrics)))
    (verdict,) = judge([check], evaluation, baselines)
    return Finding(risk, verdict, result.metrics[check.metric], result.rows)


def _lacks(metric: str, available: list[str]) -> str:
    """In words: no such metric, and which there are, or why there is none."""
    family, _, name = metric.partition(".")
    if family in _DECLARED and name:
        key = _DECLARED[family]
        return (
            f"no metric '{metric}': the model was evaluated without it; name it in [evaluate] {key}, and run"
        )
    near = closest(metric, available)
    if near:
        return f"no metric '{metric}'; did you mean '{near}'?"
    shown = [each for each in available if "." not in each]
    return f"no metric '{metric}'. There are {', '.join(shown)}"


def unmeasured(risk: Risk, reason: str) -> Finding:
    """A risk of which nothing could be measured, which never passes.

    Example:
        >>> from tilth.checks import Check
        >>> unmeasured(Risk("a", "", Check("recall", "model", low=0.6)), "the column is gone").verdict.passed
        False
    """
    return Finding(risk, Verdict(risk.check, None, None, False, reason))
