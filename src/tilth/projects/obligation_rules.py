"""What tilth.toml may say of what a model owes: to groups, on rows that matter, and what it must not say."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tilth.checks import Check
from tilth.evaluation.attributes import attribute_name
from tilth.evaluation.fairness import gap_families, is_gap
from tilth.projects.task_rules import Misfit
from tilth.types import NUMBER_TASKS, Task

__all__ = ["OwnMetrics", "implied_checks", "obligation_misfits", "set_name"]


@dataclass(frozen=True)
class OwnMetrics(Container[str]):
    """The metrics that a model has by what tilth.toml says under [evaluate].

    Args:
        task: what is predicted.
        attributes: protected attributes, for each what its groups are made by.
        must_pass: the paths of must-pass sets.
        never: the paths of word lists.
        custom: the file of metrics of the project's own, any of which may be checked as "custom.NAME".

    Example:
        >>> own = OwnMetrics("binary", [["sex"]], must_pass=["sets/loyal.csv"])
        >>> "gap.fpr.sex" in own, "must_pass.loyal" in own, "must_pass.other" in own
        (True, True, False)
    """

    task: Task
    attributes: Sequence[Sequence[str]] = ()
    must_pass: Sequence[str] = ()
    never: Sequence[str] = ()
    custom: str | None = None

    def __contains__(self, metric: object) -> bool:
        return metric in self.sets or is_gap(str(metric), self.task, self.attributes)

    @property
    def sets(self) -> tuple[str, ...]:
        """The metrics of must-pass sets and word lists."""
        passing = (f"must_pass.{set_name(path)}" for path in self.must_pass)
        return (*passing, *(f"never.{set_name(path)}" for path in self.never))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them but those of single classes."""
        figures, _ = gap_families(self.task)
        kinds = [f"{kind}.{figure}" for kind in ("gap", "ratio") for figure in figures]
        of_groups = (f"{each}.{attribute_name(columns)}" for columns in self.attributes for each in kinds)
        return (*(name for name in of_groups if name in self), *self.sets)


def set_name(path: str) -> str:
    """What a must-pass set or a word list is called: its file without folder and suffix.

    Example:
        >>> set_name("sets/loyal.csv.gz"), set_name("never.txt")
        ('loyal', 'never')
    """
    name = PurePath(path).name
    return PurePath(name.removesuffix(".gz")).stem


def implied_checks(must_pass: Sequence[str], never: Sequence[str], declared: Sequence[Check]) -> list[Check]:
    """The checks that must-pass sets and word lists are, where none is declared on them.

    Example:
        >>> [str(check.judge(0.98)) for check in implied_checks(["loyal.csv"], [], [])]
        ['fail: must_pass.loyal 0.98 < 1']
    """
    bounded = {check.metric for check in declared}
    wanted = [Check(f"must_pass.{set_name(path)}", "model", low=1.0) for path in must_pass]
    wanted += [Check(f"never.{set_name(path)}", "model", high=0.0) for path in never]
    return [check for check in wanted if check.metric not in bounded]


def obligation_misfits(
    task: Task,
    label: str,
    *,
    weight: str | None = None,
    importance: Mapping[str, float] | None = None,
    protected: Sequence[str] = (),
    must_pass: Sequence[str] = (),
    never: Sequence[str] = (),
    minimum_rows: int = 30,
) -> Iterator[Misfit]:
    """What is wrong in these keys of [evaluate].

    Example:
        >>> [what for _, what, _ in obligation_misfits("regression", "y", never=["rude.txt"])]
        ['never is for what is said in words, and regression answers with numbers']
    """
    section = "evaluate"
    factors = importance or {}
    if task == "ranking" and (weight is not None or factors):
        yield section, "rankings take no weights", "no weight and no importance"
    if label in (weight, *protected):
        yield section, f"the label '{label}' is no weight and no protected attribute", "another column"
    for condition, factor in factors.items():
        if not condition.strip() or not 0 <= factor < math.inf:
            what = f"importance of {condition!r} is {factor:g}"
            yield section, what, "a condition and a finite factor of at least 0"
    if not all(text.strip() for text in protected):
        yield section, "a protected attribute is empty", "a column, ranges(age, 25) or an expression"
    if minimum_rows < 1:
        yield section, f"minimum_rows is {minimum_rows}", "1 or more"
    yield from _set_misfits(task, must_pass, never)


def _set_misfits(task: Task, must_pass: Sequence[str], never: Sequence[str]) -> Iterator[Misfit]:
    section = "evaluate"
    if must_pass and task == "ranking":
        yield section, "a ranking has no wrong rows, so nothing must pass", "no must_pass"
    if never and task in NUMBER_TASKS:
        yield section, f"never is for what is said in words, and {task} answers with numbers", "no never"
    for key, paths in (("must_pass", must_pass), ("never", never)):
        names = [set_name(path) for path in paths]
        if not all(names):
            yield section, f"a path in {key} is empty", "the path of a file"
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            yield section, f"two files in {key} are called '{name}'", "a name of its own for each"
