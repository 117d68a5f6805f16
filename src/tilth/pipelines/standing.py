"""Where a run stands: the figures that its advice follows from, and what to doubt in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from tilth.evaluation import Evaluation
from tilth.metrics import CHIEF_METRIC, Estimate, direction, perfect
from tilth.projects.configuration import Configuration
from tilth.training.figures import Figures, Goal
from tilth.training.learning_curve import LearningCurve
from tilth.training.repeats import Repeats
from tilth.training.sure_errors import SURE, SureErrors
from tilth.types import JSONObject, JSONValue

__all__ = ["PARTS", "Documents", "Milestones", "estimate", "figures_of", "is_owed", "warnings_of"]

PARTS = {"train": "training set", "dev": "dev", "test": "test"}
"""The parts whose milestones are told apart, with the words for people."""

_NO_RIVALS = ("champion", "human")
"""People are no model to take instead; and the champion is met on other rows."""

Documents = Mapping[str, JSONObject]
Milestones = Mapping[str, "Evaluation | None"]


def estimate(found: Evaluation | None, metric: str) -> Estimate:
    """A metric on all rows; undefined where there is none."""
    return Estimate(None) if found is None else found.slices[0].metrics.get(metric, Estimate(None))


def figures_of(
    configuration: Configuration,
    documents: Documents,
    milestones: Milestones,
    others: Mapping[str, Evaluation],
    curve: LearningCurve | None,
) -> Figures:
    """All of the metric that matters most: of a check that fails, of people's level, or the chief one."""
    human = _human(configuration, others)
    goal = _missed_check(documents["evaluation"]) or human
    metric = goal[0] if goal else CHIEF_METRIC[configuration.project.task]
    train, dev, test = (estimate(milestones[part], metric) for part in PARTS)
    return Figures(
        metric=metric,
        rows=_rows(milestones, curve),
        train=train,
        dev=dev,
        test=test,
        gain=None if curve is None else curve.gains.get(metric),
        gained_from=None if curve is None else curve.gained_from,
        goal=None if goal is None else goal[1],
        human=human[1] if human is not None and human[0] == metric else None,
        rival=_rival(others, metric),
        error=_error(milestones["dev"]),
        least_error=_least_error(documents),
    )


def is_owed(metric: str) -> bool:
    """Whether it is a figure of groups, must-pass sets or word lists, which train and dev do not have.

    Example:
        >>> is_owed("gap.fpr.sex"), is_owed("fpr")
        (True, False)
    """
    return metric.partition(".")[0] in ("gap", "ratio", "must_pass", "never")


def _rows(milestones: Milestones, curve: LearningCurve | None) -> int:
    """How many rows were learned from; of very many, only some are in the milestone."""
    if curve is not None:
        return curve.points[-1].rows
    return milestones["train"].rows if milestones["train"] is not None else 0


def _missed_check(evaluation: JSONObject) -> tuple[str, Goal] | None:
    """The first check of all rows against a number that does not hold."""
    for verdict in cast("list[JSONObject]", evaluation.get("verdicts") or []):
        metric = str(verdict["metric"])
        if verdict["passed"] or verdict["baseline"] or verdict["slice"] or perfect(metric) is None:
            continue
        if is_owed(metric):
            continue  # it is of no part of the data
        bound = verdict["min" if direction(metric) > 0 else "max"]
        if isinstance(bound, int | float):
            return metric, Goal("the check of", float(bound))
    return None


def _human(configuration: Configuration, others: Mapping[str, Evaluation]) -> tuple[str, Goal] | None:
    """What people reach, by the chief metric where they have it, or else by the first one that they have."""
    chief = CHIEF_METRIC[configuration.project.task]
    for metric in dict.fromkeys([configuration.baselines.human_metric or chief, chief, "accuracy", "r2"]):
        value = estimate(others.get("human"), metric).value
        if value is not None:
            return metric, Goal("human level", value)
    return None


def _rival(others: Mapping[str, Evaluation], metric: str) -> tuple[str, float] | None:
    if perfect(metric) is None:
        return None
    known = {
        name: value
        for name, found in others.items()
        if name not in _NO_RIVALS and (value := estimate(found, metric).value) is not None
    }
    best = max(known, key=lambda name: known[name] * direction(metric), default=None)
    return None if best is None else (best, known[best])


def _error(dev: Evaluation | None) -> float | None:
    """The share of errors on the dev rows, or their mean squared error."""
    if dev is None:
        return None
    accuracy = estimate(dev, "accuracy").value
    return estimate(dev, "mse").value if accuracy is None else 1 - accuracy


def _least_error(documents: Documents) -> float | None:
    found = documents.get("curves", {}).get("repeats")
    return Repeats.from_json(found).least_error if isinstance(found, dict) else None


def warnings_of(documents: Documents, milestones: Milestones) -> Iterator[str]:
    """What people should look at before they believe the figures."""
    for name in ("evaluation", "growth"):
        yield from map(str, cast("list[JSONValue]", documents.get(name, {}).get("warnings") or []))
    yield from _flattered(milestones)
    found = documents.get("curves", {}).get("sure_errors")
    sure = SureErrors.from_json(found) if isinstance(found, dict) else None
    if sure is not None and sure.is_striking:
        yield (
            f"the model is at least {SURE:.0%} sure of another class than the label on {sure.wrong:,} of "
            f"{sure.rows:,} dev rows, where its probabilities allow for {sure.expected:.1f}: it is too sure "
            "(calibration), or these labels are wrong"
        )


def _flattered(milestones: Milestones) -> Iterator[str]:
    """That the dev part, on which choices are made, looks better than the test part beyond chance."""
    dev, test = milestones["dev"], milestones["test"]
    if dev is None or test is None:
        return
    metric = CHIEF_METRIC[test.task]
    chosen, judged = estimate(dev, metric), estimate(test, metric)
    if None not in (chosen.low, judged.high) and cast("float", chosen.low) > cast("float", judged.high):
        yield (
            f"{metric} is {chosen} on dev and {judged} on test: what was chosen on dev fits these rows too "
            "well, or the two parts are not alike; a larger dev part, or another split, would tell"
        )
