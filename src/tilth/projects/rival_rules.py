"""What tilth.toml may say of other systems, of people and of what answers are worth."""

from __future__ import annotations

from collections.abc import Iterator

from tilth.checks import Check
from tilth.errors import ProjectError
from tilth.projects.declared_checks import refuse_unknown
from tilth.projects.task_rules import Misfit
from tilth.types import Task

__all__ = ["number_misfits", "rival_misfits"]

_GREATEST = 1e30
"""The most that a declared number may be: sums over rows, and their squares, stay finite."""


def rival_misfits(
    label: str, task: Task, columns: dict[str, str | None], human_metric: str | None
) -> Iterator[Misfit]:
    """What is wrong in the columns and the metric that [baselines] names.

    Args:
        label: the column to predict.
        task: of the project.
        columns: those of [baselines], by their keys.
        human_metric: of which metric the human level is given.

    Example:
        >>> [what for _, what, _ in rival_misfits("y", "binary", {"older": "y"}, "rmse")]
        ["older names the label 'y'", "there is no metric 'rmse' for human_metric of a binary project"]
    """
    for key, column in columns.items():
        if column == label:
            yield "baselines", f"{key} names the label '{label}'", "a column of its answers"
    if human_metric is not None:
        try:
            refuse_unknown(Check(human_metric, "model", low=0.0), task)
        except ProjectError as error:
            what = f"there is no metric '{human_metric}' for human_metric of a {task} project"
            yield "baselines", what, error.expected or ""


def number_misfits(section: str, value: object, place: str = "") -> Iterator[Misfit]:
    """The numbers of a section, however deep, that cannot be recorded or added up.

    Example:
        >>> [what for _, what, _ in number_misfits("business", {"target": float("nan")})]
        ['target is nan']
        >>> [what for _, what, _ in number_misfits("business", {"values": {"no": {"yes": -1e308}}})]
        ['values.no.yes is -1e+308']
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from number_misfits(section, inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from number_misfits(section, inner, place)
    elif isinstance(value, float | int) and not abs(value) <= _GREATEST:
        said = f"{value:g}" if isinstance(value, float) else "a number of very many digits"
        yield section, f"{place} is {said}", f"a finite number, at most {_GREATEST:g} in size"
