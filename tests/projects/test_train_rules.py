"""Keys of [train] that do not go together are refused when tilth.toml is read."""

from __future__ import annotations

import pytest

from tilth.errors import ProjectError
from tilth.projects import Configuration
from tilth.types import Task


def read(train: str, task: Task = "binary", more: str = "") -> Configuration:
    project = f'[project]\nname = "a"\nlabel = "y"\ntask = "{task}"\n[data]\nsources = ["a.csv"]\n'
    return Configuration.from_toml(f"{project}[train]\n{train}\n{more}")


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ('history = "weighted"\nhalf_life = "30d"', "needs time"),
        ('history = "weighted"\ntime = "at"', "needs half_life"),
        ('history = "recent"\ntime = "at"', "needs recent"),
        ('half_life = "30d"', 'half_life does nothing where history = "all"'),
        ('history = "weighted"\ntime = "at"\nhalf_life = "1d"\nrecent = "1d"', "recent does nothing"),
        ('history = "recent"\ntime = "at"\nrecent = "1 month"', "recent is '1 month'"),
        ('history = "recent"\ntime = "at"\nrecent = "0d"', "recent is '0d'"),
        ('history = "newest"', "unknown value 'newest'"),
        ("class_weights = { yes = -1 }", "that of 'yes' is -1"),
        ("class_weights = { yes = nan }", "that of 'yes' is nan"),
        ("class_weights = { yes = 0, no = 0 }", "class_weights are all 0"),
        ("early_stopping_rounds = -1", "early_stopping_rounds is negative"),
        ('threshold = "value"', "needs the value of each answer"),
        ('threshold = "recall >= 2"', "'recall >= 2' is no goal"),
        ("seed = -1", "seed is -1"),
        ('calibration = "platt"', "unknown value 'platt'"),
    ],
)
def test_what_does_not_go_together_is_refused(train: str, words: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(train)
    assert words in str(caught.value)
    assert "[train" in str(caught.value) or "train" in str(caught.value.where)
    assert caught.value.expected


@pytest.mark.parametrize(
    ("task", "train", "words"),
    [
        ("multiclass", 'threshold = "recall >= 0.9"', "is for two classes"),
        ("multilabel", 'threshold = "value"\n[business]\nvalues = {a = {a = 1}}', "is for one class a row"),
        ("regression", 'calibration = "sigmoid"', "has no probabilities to calibrate"),
        ("regression", 'threshold = "f1"', "has no threshold to choose"),
        ("regression", 'class_weights = "balanced"', "class_weights are for rows of one class"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(task: Task, train: str, words: str) -> None:
    with pytest.raises(ProjectError, match=words):
        read(train, task)


def test_what_goes_together_is_taken() -> None:
    assert read('history = "weighted"\ntime = "at"\nhalf_life = "2w"').train.half_life == "2w"
    assert read('history = "recent"\ntime = "year"\nrecent = "1.5"').train.recent == "1.5"
    assert read("class_weights = { yes = 5 }").train.class_weights == {"yes": 5.0}
    values = "[business]\nvalues = { a = { a = 1, b = 0 }, b = { a = 0, b = 1 } }"
    assert read('threshold = "value"', "multiclass", values).train.threshold == "value"
    assert read('calibration = "isotonic"\nthreshold = "f1"', "multilabel").train.calibration == "isotonic"


@pytest.mark.parametrize(
    ("values", "what", "expected"),
    [
        ("{ lo = 3, high = 9 }", "unknown key 'lo'", "one of low, high, log, choices"),
        ("0.3", "a parameter to search is not given as a range or as choices", "{ low = 0.01"),
    ],
)
def test_a_mistaken_range_of_the_search_is_told_in_its_own_words(
    values: str, what: str, expected: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read(f"[tune.parameters]\nnum_leaves = {values}\n")
    assert caught.value.what == what
    assert str(caught.value.where).endswith("[tune.parameters]")
    assert (caught.value.expected or "").startswith(expected)
