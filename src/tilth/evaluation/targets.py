"""Targets that nothing makes plausible: above what people reach, far above every baseline, or impossible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tilth.checks import Check
from tilth.evaluation.business import value_per_row
from tilth.evaluation.result import Evaluation
from tilth.metrics import Estimate, direction, perfect

__all__ = ["implausible_targets", "implausible_value"]

_ERRORS_LEFT = 0.1
"""A target that leaves less than this share of the best baseline's errors needs a reason."""


def implausible_targets(
    checks: Sequence[Check],
    baselines: Mapping[str, Evaluation],
    found: Evaluation | None = None,
    *,
    source: str | None = None,
) -> list[str]:
    """Sentences on the targets that checks set and that no baseline makes plausible.

    A target is the bound on the better side of a metric: on accuracy from below, on log loss from above. It
    is called out where it is better than perfect; or better than what people reach (the baseline "human");
    or, where that is not known, where it leaves less than a tenth of the best baseline's errors, unless the
    model reaches it.

    Args:
        checks: those of the moment "model".
        baselines: what is measured of each, by name; "human" is human-level performance.
        found: what is measured of the model, if it is there yet.
        source: where the figure of human-level performance comes from.

    Example:
        >>> from tilth.evaluation import evaluate
        >>> said = {"y": [1, 1, 1, 0, 0, 0], "inspector": [1, 0, 1, 0, 0, 1]}
        >>> human = evaluate(said, label="y", prediction="inspector")
        >>> print(implausible_targets([Check("accuracy", "model", low=0.99)], {"human": human})[0])
        a target of 99% where human-level performance is 66.67%: the check asks for accuracy >= 0.99
    """
    sentences = (_on_check(check, baselines, found, source) for check in checks)
    return [sentence for sentence in sentences if sentence]


def implausible_value(
    target: float | None,
    values: npt.NDArray[np.float64] | None,
    counts: npt.NDArray[np.number],
    human: Evaluation | None = None,
    *,
    metric: str | None = None,
) -> str | None:
    """A sentence on a business target that not even faultless answers, or not people, reach.

    Args:
        target: the value of a row that is wanted, on average.
        values: (c, c), the value of a row by its true and its said class.
        counts: (c,), how many rows of each class there are.
        human: what is measured of people's answers.
        metric: what the value is called.

    Example:
        >>> values = np.array([[0.0, -5.0], [0.0, 1.0]])
        >>> implausible_value(1.5, values, np.array([30, 70]), metric="profit per applicant")
        'a target of 1.5 for profit per applicant can never be met: faultless answers are worth 0.7'
    """
    if target is None or values is None or not counts.sum():
        return None
    name = metric or "the business metric"
    best = float((values.max(axis=1) * counts).sum() / counts.sum())
    if target > best:
        return f"a target of {target:g} for {name} can never be met: faultless answers are worth {best:.4g}"
    reached = None if human is None else value_per_row(human.slices[0], values)
    if reached is not None and reached.value is not None and target > _upper(reached, 1.0):
        return f"a target of {target:g} for {name} where people's answers are worth {reached.value:.4g}"
    return None


def _on_check(
    check: Check, baselines: Mapping[str, Evaluation], found: Evaluation | None, source: str | None
) -> str | None:
    best = perfect(check.metric)
    bound = None if best is None else check.low if best else check.high
    if best is None or bound is None:
        return None
    against = baselines.get(check.baseline) if check.baseline else None
    other = None if against is None else _estimate(against, check).value
    if check.baseline and other is None:
        return None
    target = bound + (other or 0.0)
    asked = f"{check.metric} {'>=' if best else '<='} {target:.4g}"
    if (target - best) * direction(check.metric) > 0:
        return f"the check on {check.name} can never hold: it asks for {asked}, and {best:g} is perfect"
    human = _estimate(baselines["human"], check) if "human" in baselines else Estimate(None)
    if human.value is not None:
        told = f"the check asks for {asked}" + (f" (human level: {source})" if source else "")
        if (target - _upper(human, best)) * direction(check.metric) <= 0:
            return None
        reached = _shown(human.value, best)
        return f"a target of {_shown(target, best)} where human-level performance is {reached}: {told}"
    return _above_baselines(check, target, best, baselines, found)


def _above_baselines(
    check: Check,
    target: float,
    best: float,
    baselines: Mapping[str, Evaluation],
    found: Evaluation | None,
) -> str | None:
    reached = {name: _estimate(each, check).value for name, each in baselines.items()}
    errors = {name: abs(best - value) for name, value in reached.items() if value is not None}
    mine = None if found is None else _estimate(found, check).value
    if not errors or (mine is not None and (mine - target) * direction(check.metric) >= 0):
        return None
    name = min(errors, key=lambda each: errors[each])
    left = abs(best - target) / errors[name] if errors[name] else 1.0
    if left >= _ERRORS_LEFT:
        return None
    value = reached[name]
    assert value is not None
    return (
        f"a target of {_shown(target, best)} that no baseline makes plausible: the best of them, {name}, "
        f"reaches {check.metric} {_shown(value, best)}, so {1 - left:.0%} of its errors would have to go"
    )


def _estimate(evaluation: Evaluation, check: Check) -> Estimate:
    """The metric of a check, undefined where the evaluation does not have it."""
    result = evaluation.find(check.slice)
    return Estimate(None) if result is None else result.metrics.get(check.metric, Estimate(None))


def _upper(estimate: Estimate, best: float) -> float:
    """The end of the interval that is nearer to perfect."""
    end = estimate.high if best else estimate.low
    found = estimate.value if end is None else end
    assert found is not None
    return found


def _shown(value: float, best: float) -> str:
    return f"{100 * value:.4g}%" if best and 0 <= value <= 1 else f"{value:.4g}"
