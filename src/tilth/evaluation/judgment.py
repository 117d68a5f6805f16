"""`judge`: what the declared checks say of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilth.checks import Check, Verdict
from tilth.evaluation.result import Evaluation

__all__ = ["judge"]


def judge(
    checks: Sequence[Check], evaluation: Evaluation, baselines: Mapping[str, Evaluation] | None = None
) -> list[Verdict]:
    """The verdict of each check.

    Bounds are inclusive; with a baseline they bound the difference to it. What is undefined never passes,
    nor does a check on a metric, slice or baseline that does not exist: its verdict says which there are.

    Args:
        checks: the checks to judge, in order.
        evaluation: the model's metrics.
        baselines: what to compare with, by name.

    Example:
        >>> from tilth.evaluation import evaluate
        >>> found = evaluate({"y": [1, 0, 1], "said": [1, 0, 0]}, label="y", prediction="said")
        >>> checks = [Check(name, "model", low=0.5) for name in ("recall", "recal")]
        >>> for verdict in judge(checks, found):
        ...     print(verdict)
        pass: recall 0.5 >= 0.5
        fail: recal no metric 'recal'; did you mean 'recall'? There are accuracy, ...
    """
    return [_judge(check, evaluation, baselines or {}) for check in checks]


def _judge(check: Check, evaluation: Evaluation, baselines: Mapping[str, Evaluation]) -> Verdict:
    lack = _lack(check, evaluation)
    if lack:
        return Verdict(check, None, None, False, lack)
    value = evaluation.metric(check.metric, check.slice)
    if check.baseline is None:
        return check.judge(value)
    baseline = baselines.get(check.baseline)
    if baseline is None:
        return _without_baseline(check, value, baselines)
    lack = _lack(check, baseline)
    if lack:
        return Verdict(check, value, None, False, f"the baseline has {lack}")
    found = baseline.metric(check.metric, check.slice)
    if found is None:  # a baseline that is there but undefined is no reason to pass
        return Verdict(check, value, None, False, f"undefined for {check.baseline}")
    return check.judge(value, found)


def _lack(check: Check, evaluation: Evaluation) -> str | None:
    """What the evaluation does not have that the check asks for, in words."""
    if check.metric not in evaluation.slices[0].metrics:
        return evaluation.lacks_metric(check.metric)
    if evaluation.find(check.slice) is None:
        return evaluation.lacks_slice(check.slice)
    return None


def _without_baseline(check: Check, value: float | None, baselines: Mapping[str, Evaluation]) -> Verdict:
    if check.optional_baseline:
        return check.judge(value, None)
    available = ", ".join(baselines) or "none"
    return Verdict(check, value, None, False, f"no baseline '{check.baseline}'. There are: {available}")
