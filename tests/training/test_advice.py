"""The sentence of advice: each kind follows from figures that are constructed to call for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tilth.metrics import Estimate
from tilth.training.advice import KINDS, Advice, advise
from tilth.training.figures import Figures, Goal


def near(value: float, half: float = 0.01) -> Estimate:
    return Estimate(value, value - half, value + half)


def figures(**changes: Any) -> Figures:
    """Train and dev close to each other, more rows of no use: enough, unless something is changed."""
    given: dict[str, Any] = {
        "metric": "accuracy",
        "rows": 1000,
        "train": near(0.83),
        "dev": near(0.8),
        "test": near(0.8),
        "gain": near(0.001, 0.002),
        "gained_from": 500,
    }
    return Figures(**{**given, **changes})


CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("flat and close", {}, "enough", "a human level or a target would tell"),
    ("growing", {"gain": near(0.05), "train": near(0.95)}, "more data", "from 500 to 1,000 rows"),
    (
        "growing towards a goal",
        {"gain": near(0.1), "train": near(0.95), "goal": Goal("human level", 0.9)},
        "more data",
        "about 3,300 rows reach human level 0.9",
    ),
    (
        "growing too slowly for the goal",
        {"gain": near(0.02, 0.005), "train": near(0.995), "goal": Goal("human level", 0.99)},
        "another model",
        "times as many rows",
    ),
    ("fits by heart, flat", {"train": near(1.0, 0.0)}, "regularize", "did not grow surely"),
    (
        "fits by heart, no curve",
        {"train": near(0.99), "gain": None, "gained_from": None},
        "regularize",
        "was not measured",
    ),
    (
        "misses the goal in training",
        {"goal": Goal("human level", 0.95)},
        "another model",
        "even on the rows that it learned from",
    ),
    ("reaches the goal", {"goal": Goal("target", 0.75)}, "enough", "reaches target 0.75 surely"),
    ("reaches it by luck", {"goal": Goal("target", 0.795)}, "enough", "may be luck"),
    (
        "no better than a constant",
        {"rival": ("majority", 0.8)},
        "other features",
        "which looks at none, is as good",
    ),
    (
        "no better than linear",
        {"rival": ("linear", 0.8)},
        "another model",
        "the baseline 'linear' is as good",
    ),
    (
        "labels contradict each other",
        {"error": 0.2, "least_error": 0.12},
        "better labels",
        "makes 60% of the error on dev",
    ),
    (
        "target beyond people",
        {"goal": Goal("the check of", 0.99), "human": Goal("human level", 0.79)},
        "better labels",
        "what people reach (human level 0.79)",
    ),
    (
        "dev too small to tell",
        {"gain": near(0.02, 0.05)},
        "undecided",
        "more dev rows would tell",
    ),
    ("undefined", {"dev": Estimate(None)}, "undecided", "accuracy is undefined on dev"),
    ("no best value", {"metric": "prevalence"}, "undecided", "no value of prevalence is best"),
    (
        "short of the goal, train reaches it",
        {"train": near(0.9), "goal": Goal("target", 0.85)},
        "regularize",
        "a less free model, or fewer features",
    ),
]


@pytest.mark.parametrize(("changes", "kind", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_advice_follows_from_figures(changes: dict[str, Any], kind: str, words: str) -> None:
    found = advise(figures(**changes))
    assert found.kind == kind, found
    assert words in found.sentence
    assert "\n" not in found.sentence


def test_every_kind_is_given_somewhere() -> None:
    assert {kind for _, _, kind, _ in CASES} == set(KINDS)


def test_errors_that_fall_are_read_the_other_way_round() -> None:
    falling = figures(metric="rmse", train=near(1.0), dev=near(2.0), test=near(2.0), gain=near(-0.4, 0.1))
    found = advise(falling)
    assert found.kind == "more data"
    assert "rmse on dev fell by 0.4 [0.3, 0.5], to 2" in found.sentence
    assert advise(replace(falling, gain=near(0.4, 0.1))).kind == "regularize"
    assert advise(replace(falling, goal=Goal("target", 2.5))).kind == "enough"


def test_the_power_of_rows_is_that_of_the_curve() -> None:
    """An error of 0.4 at 500 rows and 0.2 at 1,000 falls as 1 / rows: 0.1 takes twice the rows."""
    told = figures(dev=near(0.8), gain=Estimate(0.2), goal=Goal("target", 0.9))
    assert told.power == pytest.approx(1.0)
    assert told.per_doubling == pytest.approx(0.5)
    assert told.growth == pytest.approx(2.0)


def test_a_goal_of_perfection_is_never_forecast() -> None:
    found = advise(figures(gain=near(0.1), train=near(1.0, 0.0), goal=Goal("target", 1.0)))
    assert found.kind == "another model"
    assert "more than 10,000 times" in found.sentence


def test_advice_is_read_back() -> None:
    found = advise(figures())
    assert Advice.from_json(found.to_json()) == found
