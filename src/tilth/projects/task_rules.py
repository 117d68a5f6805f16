"""What tilth.toml may say for which task: a key that would do nothing is refused at load."""

from __future__ import annotations

from collections.abc import Iterator

from tilth.types import NUMBER_TASKS, Task

__all__ = ["Misfit", "misfits"]

Misfit = tuple[str, str, str]
"""Section, what is wrong, what was expected."""


def misfits(
    task: Task,
    *,
    group: str | None = None,
    separator: str | None = None,
    has_class_weights: bool = False,
    calibration: str = "none",
    threshold: float | str = 0.5,
) -> Iterator[Misfit]:
    """What the task does not allow, or lacks.

    Args:
        task: what is predicted.
        group: the column whose rows are ranked together.
        separator: what stands between several labels in one text.
        has_class_weights: classes are weighed.
        calibration: how probabilities are corrected.
        threshold: a probability, or a goal by which one is chosen.

    Example:
        >>> [what for _, what, _ in misfits("ranking")]
        ['a ranking has no group']
        >>> [what for _, what, _ in misfits("regression", calibration="sigmoid")]
        ['regression has no probabilities to calibrate']
    """
    if task == "ranking" and group is None:
        yield (
            "project",
            "a ranking has no group",
            'group = "query": the column whose rows are ranked together',
        )
    if group is not None and task != "ranking":
        yield "project", f"group does nothing for {task}", 'no group, or task = "ranking"'
    if separator is not None and task != "multilabel":
        yield "project", f"separator does nothing for {task}", 'no separator, or task = "multilabel"'
    if separator is not None and not separator:
        yield "project", "separator is empty", 'what stands between labels, such as "|"'
    yield from _of_training(task, has_class_weights, calibration, threshold)


def _of_training(
    task: Task, has_class_weights: bool, calibration: str, threshold: float | str
) -> Iterator[Misfit]:
    is_goal = isinstance(threshold, str)
    if task in NUMBER_TASKS:
        if calibration != "none":
            yield "train", f"{task} has no probabilities to calibrate", 'calibration = "none"'
        if is_goal:
            yield "train", f"{task} has no threshold to choose", "no goal as threshold"
    if task in NUMBER_TASKS | {"multilabel"} and has_class_weights:
        yield "train", f"class_weights are for rows of one class, which {task} has not", "no class_weights"
    if task == "multiclass" and is_goal and threshold not in ("f1", "value"):
        what = f'threshold = "{threshold}" is for two classes'
        yield "train", what, '"value" with [business] values, or no goal'
    if task == "multilabel" and threshold == "value":
        yield "train", 'threshold = "value" is for one class a row', 'another goal, such as "f1"'
