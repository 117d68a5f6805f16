"""Keys of [evaluate] on groups, must-pass sets, word lists and weights, read and refused."""

from __future__ import annotations

import pytest

from tilth.errors import ProjectError
from tilth.projects import Configuration
from tilth.types import Task


def read(evaluate: str, task: Task = "binary", more: str = "") -> Configuration:
    group = 'group = "q"\n' if task == "ranking" else ""
    project = f'[project]\nname = "a"\nlabel = "y"\ntask = "{task}"\n{group}[data]\nsources = ["a.csv"]\n'
    return Configuration.from_toml(f"{project}[evaluate]\n{evaluate}\n{more}")


def bound(metric: str, more: str = "", moment: str = "model") -> str:
    return f'[[checks]]\nmetric = "{metric}"\nmoment = "{moment}"\nmax = 0.1\n{more}'


def test_crossings_of_protected_attributes_are_protected_too() -> None:
    section = read(
        'protected = ["sex", "race", "age,job"]\nslices = [["sex", "race"], ["sex", "city"]]'
    ).evaluate
    assert section.attributes == [["sex"], ["race"], ["age", "job"], ["sex", "race"]]
    assert section.sliced == [["sex", "race"], ["sex", "city"], ["sex"], ["race"], ["age", "job"]]


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        ("binary", "gap.fpr.sex"),
        ("binary", "ratio.positive_rate.sex"),
        ("binary", "gap.calibration.ranges(age, 25)"),
        ("binary", "gap.fnr.sex,ranges(age, 25)"),
        ("binary", "must_pass.loyal"),
        ("binary", "never.rude"),
        ("multiclass", "gap.recall.owl.sex"),
        ("multiclass", "gap.accuracy.sex"),
        ("regression", "gap.mean_error.sex"),
        ("multilabel", "ratio.micro_recall.sex"),
        ("ranking", "gap.ndcg.sex"),
    ],
)
def test_a_check_may_bound_what_is_declared(task: Task, metric: str) -> None:
    lines = ['protected = ["sex", "ranges(age, 25)"]', 'slices = [["sex", "ranges(age, 25)"]]']
    lines += [] if task == "ranking" else ['must_pass = ["sets/loyal.csv"]']
    lines += [] if task in ("ranking", "regression") else ['never = ["rude.txt"]']
    assert read("\n".join(lines), task, bound(metric)).checks[0].metric == metric


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (bound("gap.fpr.race"), "did you mean 'gap.fpr.sex'?"),
        (bound("gap.fprr.sex"), "did you mean 'gap.fpr.sex'?"),
        (bound("ratio.calibration.sex"), "there is no metric 'ratio.calibration.sex'"),
        (bound("gap.auroc.sex"), "there is no metric 'gap.auroc.sex'"),
        (bound("must_pass.loyl"), "did you mean 'must_pass.loyal'?"),
        (bound("never.polite"), "there is no metric 'never.polite'"),
        (bound("gap.fpr.sex", 'slice = { sex = "f" }'), "that is a figure of all rows"),
        (bound("never.rude", 'baseline = "linear"'), "there is none of a baseline"),
        (bound("gap.fpr.sex", 'baseline = "linar"'), "did you mean 'linear'?"),
        (bound("gap.fpr.sex", moment="live"), "for the moment 'live'"),
        (bound("must_pass.loyal", moment="live"), "for the moment 'live'"),
    ],
)
def test_a_check_on_what_there_is_not_is_refused(check: str, words: str) -> None:
    declared = 'protected = ["sex"]\nmust_pass = ["loyal.csv"]\nnever = ["rude.txt"]'
    with pytest.raises(ProjectError) as caught:
        read(declared, more=check)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("task", "line", "words"),
    [
        ("ranking", 'weight = "w"', "rankings take no weights"),
        ("ranking", 'importance = { "a > 1" = 2 }', "rankings take no weights"),
        ("ranking", 'must_pass = ["a.csv"]', "a ranking has no wrong rows"),
        ("regression", 'never = ["a.txt"]', "answers with numbers"),
        ("binary", 'protected = ["y"]', "the label 'y' is no weight"),
        ("binary", 'weight = "y"', "the label 'y' is no weight"),
        ("binary", 'protected = [""]', "a protected attribute is empty"),
        ("binary", 'importance = { "a > 1" = -1 }', "importance of 'a > 1' is -1"),
        ("binary", 'importance = { "a > 1" = inf }', "importance of 'a > 1' is inf"),
        ("binary", 'importance = { " " = 1 }', "importance of ' ' is 1"),
        ("binary", "minimum_rows = 0", "minimum_rows is 0"),
        ("binary", 'must_pass = ["a/b.csv", "c/b.parquet"]', "two files in must_pass are called 'b'"),
        ("binary", 'never = [""]', "a path in never is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused(task: Task, line: str, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(line, task)
    assert words in str(caught.value)
    assert "[evaluate]" in str(caught.value)
