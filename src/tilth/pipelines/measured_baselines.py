"""The baselines of a model, measured on the rows that it is judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tilth.errors import CheckFailed
from tilth.evaluation import Evaluation
from tilth.evaluation.importance import Weighing
from tilth.metrics import CustomMetric
from tilth.pipelines.learning import Material
from tilth.pipelines.scoring import Answers, measure
from tilth.tables.slicings import Slicing
from tilth.training import Rows, baselines, decide

__all__ = ["measured_baselines"]

_MOST_CELLS = 8_000_000
_LEAST_ROWS = 10_000
"""Baselines are quick: of more cells so many are learned from, but of so many rows at least."""

_MOST_DEV = 50_000
"""Of more dev rows a baseline's rule is chosen on so many."""


def measured_baselines(
    material: Material, slices: Slicing, weighing: Weighing | None, custom: Mapping[str, CustomMetric]
) -> dict[str, Evaluation]:
    """What a model must beat, on the test rows: the majority class (or the mean) and a quick linear model.

    Args:
        material: what is learned from, and the test rows.
        slices: groups of columns to slice by.
        weighing: how much rows count; None: all alike.
        custom: the project's own metrics.
    """
    encoding, label = material.encoding, material.project.label
    train, test = material.rows("train"), material.parts.part("test")
    train = train.some(max(_LEAST_ROWS, _MOST_CELLS // max(1, train.X.shape[1])))
    threshold = material.recipe.threshold
    half = 0.5 if isinstance(threshold, str) else threshold
    made = baselines(encoding, train.X, train.y, material.rows("test").X, threshold=half)
    answers = {name: Answers.of(*given, encoding) for name, given in made.items()}
    if isinstance(threshold, str):
        answers |= _aiming(threshold, material, train, answers)
    return {
        name: measure(given, test, label, encoding, slices, weighing, custom)
        for name, given in answers.items()
    }


def _aiming(
    goal: str, material: Material, train: Rows, answers: Mapping[str, Answers]
) -> Iterator[tuple[str, Answers]]:
    """The baselines that have scores, with rules that serve the model's own goal on the dev rows too."""
    encoding, dev = material.encoding, material.rows("dev").some(_MOST_DEV)
    known = baselines(encoding, train.X, train.y, dev.X)
    for name in ("single", "linear"):
        on_dev, on_test = known[name][1], answers[name].scores
        if on_dev is None or on_test is None:
            continue
        try:
            rule = decide(goal, on_dev, dev.y, dev.weights, values=material.recipe.values)
        except CheckFailed:  # it cannot reach the goal, which is what a baseline may be worth
            continue
        yield name, Answers(rule.codes(on_test, encoding.task), on_test)
