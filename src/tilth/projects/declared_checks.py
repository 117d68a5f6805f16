"""What a declared check may say: a check that would do nothing, or something else, is refused at load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from tilth.checks import Check
from tilth.errors import ProjectError, closest
from tilth.metrics import (
    BinaryStatistics,
    MulticlassStatistics,
    MultilabelStatistics,
    RankingStatistics,
    RegressionStatistics,
)
from tilth.projects.obligation_rules import OwnMetrics
from tilth.types import NUMBER_TASKS, Task

__all__ = ["LIVE_COUNTS", "MODEL_BASELINES", "refuse_unknown"]

LIVE_COUNTS = ("rows", "outcomes", "drifted_columns", "drifted_predictions", "anomalies")
"""The quantities of a window that are counted, so that there is nothing on the test part to compare with."""

MODEL_BASELINES = ("majority", "prior", "single", "linear", "older", "human", "champion")
"""What a model is compared with before it is registered."""

_CLASS = "NAME"


def refuse_unknown(
    check: Check, task: Task, slices: Sequence[Sequence[str]] = (), own: OwnMetrics | None = None
) -> None:
    """Refuse a check that can never be judged as it was meant.

    Args:
        check: what is declared.
        task: what the project predicts.
        slices: the groups of columns that the model is measured on slices of.
        own: the metrics that the project has beside those of its task.

    Raises:
        ProjectError: a metric, baseline or slice that does not exist at the check's moment.

    Example:
        >>> refuse_unknown(Check("auroc", "model", low=0.8), "binary")
        >>> refuse_unknown(Check("recal", "model", low=0.8), "binary")
        Traceback (most recent call last):
        ...
        tilth.errors.ProjectError: there is no metric 'recal' for the moment 'model' of a binary project
          expected: one of accuracy, ...
          to mend it: did you mean 'recall'?
    """
    names, families = _metrics(task)
    if own is not None and check.moment == "model":
        if check.metric in own:
            _refuse_own(check)
            return
        names = (*names, *own.names)
        families = (*families, *(["custom"] if own.custom else []))
    if check.moment == "live":
        names = (*LIVE_COUNTS, *_of_answers(task), *names)
    family, dot, of_class = check.metric.partition(".")
    if check.metric not in names and not (dot and of_class and family in families):
        of_classes = (f"{family}.{_CLASS}" for family in families)
        what = f"there is no metric '{check.metric}' for the moment '{check.moment}' of a {task} project"
        raise _unknown(what, check.metric, (*names, *of_classes))
    if check.moment == "live":
        _refuse_live(check)
        return
    sliced = [set(columns) for columns in (*slices, ["tilth.source"])]
    columns = ", ".join(f'"{name}"' for name in check.slice)
    if check.slice and set(check.slice) not in sliced:
        raise ProjectError(
            f"the check on '{check.metric}' has a slice by {columns}, which is not measured",
            expected="columns of one of [evaluate] slices, together",
            mend=f"add [{columns}] to slices under [evaluate]",
        )
    if check.baseline not in (None, *MODEL_BASELINES):
        what = f"there is no baseline '{check.baseline}' for the moment 'model'"
        raise _unknown(what, check.baseline or "", MODEL_BASELINES)


def _refuse_own(check: Check) -> None:
    """What the metrics of groups, must-pass sets and word lists cannot be asked."""
    if check.slice:
        raise ProjectError(
            f"the check on '{check.metric}' has a slice, but that is a figure of all rows",
            mend="take slice out",
        )
    if check.baseline is not None and not check.metric.startswith(("gap.", "ratio.")):
        raise ProjectError(
            f"'{check.metric}' is of the model alone: there is none of a baseline to compare with",
            mend="take baseline out and bound the figure itself",
        )
    if check.baseline not in (None, *MODEL_BASELINES):
        what = f"there is no baseline '{check.baseline}' for the moment 'model'"
        raise _unknown(what, check.baseline or "", MODEL_BASELINES)


def _refuse_live(check: Check) -> None:
    if check.slice:
        raise ProjectError(
            f"the check on '{check.metric}' has a slice, but alarms look at all rows",
            mend='take slice out, or make it a check of the moment "model"',
        )
    if check.baseline not in (None, "test"):
        raise _unknown(
            f"there is no baseline '{check.baseline}' for the moment 'live'", check.baseline or "", ("test",)
        )
    if check.baseline is not None and check.metric in LIVE_COUNTS:
        raise ProjectError(
            f"'{check.metric}' is a count of the window: there is none on the test part to compare with",
            mend="take baseline out and bound the count itself",
        )


def _of_answers(task: Task) -> tuple[str, ...]:
    """What is known of a window's answers beside the task's metrics."""
    if task in NUMBER_TASKS:
        return ()
    return ("confidence",) if task == "multilabel" else ("confidence", "error_rate")


@cache
def _metrics(task: Task) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a task's metrics, and those that are given for each class."""
    if task == "binary":
        return tuple(BinaryStatistics().metrics()), ()
    if task == "regression":
        return tuple(RegressionStatistics().metrics()), ()
    if task == "ranking":
        return tuple(RankingStatistics().metrics()), ()
    kind = MultilabelStatistics if task == "multilabel" else MulticlassStatistics
    every = tuple(kind([_CLASS]).metrics())
    families = tuple(name.removesuffix(f".{_CLASS}") for name in every if name.endswith(f".{_CLASS}"))
    return tuple(name for name in every if "." not in name), families


def _unknown(what: str, name: str, available: Iterable[str]) -> ProjectError:
    known = list(available)
    near = closest(name, known)
    return ProjectError(
        what, expected=f"one of {', '.join(known)}", mend=f"did you mean '{near}'?" if near else None
    )
