"""What tilth.toml may say together under [train]: a key that would do nothing is refused at load."""

from __future__ import annotations

import contextlib
import datetime
import math
import re
from collections.abc import Iterator, Mapping

from tilth.errors import UsageError, closest
from tilth.projects.task_rules import Misfit
from tilth.tables.event_times import parse_age

__all__ = ["estimator_misfits", "history_misfits", "threshold_misfits", "weight_misfits"]

_GOAL = re.compile(r"f1|value|(recall|precision) *>= *(0?\.\d+|1(\.0*)?)")

_NEEDS = {"weighted": "half_life", "recent": "recent"}
"""The span of time that goes with a history."""


def estimator_misfits(name: str) -> Iterator[Misfit]:
    """Whether a name without a module or a file is that of an estimator.

    Example:
        >>> [what for _, what, _ in estimator_misfits("lightgmb")]
        ["no estimator 'lightgmb'; did you mean 'lightgbm'?"]
    """
    known = ("lightgbm", "xgboost", "network")
    if "." in name or name in known:
        return
    near = closest(name, known)
    what = f"no estimator '{name}'" + (f"; did you mean '{near}'?" if near else "")
    yield "train", what, 'lightgbm, xgboost, network, a class such as "sklearn.linear_model.Ridge", or a file'


def threshold_misfits(threshold: float | str) -> Iterator[Misfit]:
    """Whether a threshold is a probability, or a goal to choose one by on the dev part.

    Example:
        >>> [what for _, what, _ in threshold_misfits("f2")]
        ["threshold: 'f2' is no goal"]
    """
    if isinstance(threshold, str):
        if not _GOAL.fullmatch(threshold):
            goals = '"f1", "recall >= 0.9", "precision >= 0.9" (a share, at most 1) or "value"'
            yield "train", f"threshold: {threshold!r} is no goal", f"{goals}, or a number between 0 and 1"
    elif not 0 < threshold < 1:
        yield "train", "threshold is out of range", 'between 0 and 1, or a goal such as "recall >= 0.9"'


def history_misfits(
    history: str, time: str | None, half_life: str | None, recent: str | None
) -> Iterator[Misfit]:
    """What a history lacks, or does not need.

    Args:
        history: "all", "weighted" or "recent".
        time: the column of the rows' times.
        half_life: after which a row counts half.
        recent: how old a row may be.

    Example:
        >>> [what for _, what, _ in history_misfits("weighted", "day", None, "90d")]
        ['history = "weighted" needs half_life', 'recent does nothing where history = "weighted"']
    """
    if history in _NEEDS and time is None:
        yield "train", f'history = "{history}" needs time', 'the column of the rows\' times: time = "..."'
    for name, given in (("half_life", half_life), ("recent", recent)):
        if given is None and _NEEDS.get(history) == name:
            yield "train", f'history = "{history}" needs {name}', f'a span of time: {name} = "30d"'
        if given is not None and _NEEDS.get(history) != name:
            wanted = next(kind for kind, need in _NEEDS.items() if need == name)
            what = f'{name} does nothing where history = "{history}"'
            yield "train", what, f'no {name}, or history = "{wanted}"'
        if given is not None and not _is_span(given):
            yield "train", f"{name} is {given!r}", "a span above 0, such as 30d, 12h or 2w; or a bare number"


def weight_misfits(
    class_weights: str | Mapping[str, float] | None, early_stopping_rounds: int
) -> Iterator[Misfit]:
    """What is out of range in how rows count and in when a fitting ends.

    Example:
        >>> [what for _, what, _ in weight_misfits({"yes": -1.0}, 25)]
        ["class_weights: that of 'yes' is -1"]
    """
    if early_stopping_rounds < 0:
        yield "train", "early_stopping_rounds is negative", "a number of iterations, or 0 for never"
    if class_weights is None or isinstance(class_weights, str):
        return
    for name, weight in class_weights.items():
        if not 0 <= weight < math.inf:
            yield "train", f"class_weights: that of '{name}' is {weight:g}", "a number, 0 or more"
    if not any(class_weights.values()):
        yield "train", "class_weights are all 0", "a class that counts at least"


def _is_span(text: str) -> bool:
    with contextlib.suppress(UsageError):
        age = parse_age(text, "")
        return (age.total_seconds() if isinstance(age, datetime.timedelta) else age) > 0
    return False
