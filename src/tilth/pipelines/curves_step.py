"""The step that says what more rows would bring: learning curves by examples, and what the labels say.

It reads the model's material and nothing of its evaluation, so that it stands before `evaluate`: advice is
wanted most of all where a check stops the run there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from tilth.metrics import CHIEF_METRIC, PAIRED_METRICS, Answered, Estimate, LabelEncoding
from tilth.pipelines.learning import material_of, recipe_parameters
from tilth.pipelines.scoring import Answers, measure_rows
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.projects import Project
from tilth.training import learn
from tilth.training.learning_curve import LearningCurve, answered, learning_curve
from tilth.training.repeats import repeats
from tilth.training.rows import Rows
from tilth.training.sure_errors import sure_errors
from tilth.types import JSONObject

__all__ = ["CURVES_STEP", "metrics_of"]


def metrics_of(encoding: LabelEncoding, answers: Answered) -> Mapping[str, Estimate]:
    """The metrics that curves and effects are told in: the chief one and all whose differences are known."""
    given = Answers(answers.predictions, answers.scores)
    found = measure_rows(given, answers.truth, encoding, groups=answers.groups)
    wanted = {CHIEF_METRIC[encoding.task], *PAIRED_METRICS}
    return {name: each for name, each in found.slices[0].metrics.items() if name in wanted}


def _curves(context: StepContext) -> StepResult:
    material = material_of(context)
    section = context.project.configuration.train
    train, dev = material.rows("train"), material.rows("dev")
    encoding, recipe = material.encoding, material.recipe
    curve = None
    if section.learning_curve:
        curve = learning_curve(
            lambda some: learn(recipe, some, dev),
            material.learned,
            train,
            dev,
            lambda answers: metrics_of(encoding, answers),
            shares=section.learning_curve,
            seed=section.seed,
        )
    sure = sure_errors(answered(material.learned, dev)) if len(dev) and encoding.classes else None
    again = repeats(train, len(encoding.classes)) if _has_one_label(train) else None
    document: JSONObject = {
        "metric": CHIEF_METRIC[encoding.task],
        "learning_curve": None if curve is None else curve.to_json(),
        "repeats": None if again is None else again.to_json(),
        "sure_errors": None if sure is None else sure.to_json(),
    }
    context.output["curves"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    return StepResult(_in_words(CHIEF_METRIC[encoding.task], curve))


def _has_one_label(rows: Rows) -> bool:
    return np.ndim(rows.y) == 1 and rows.groups is None


def _in_words(metric: str, curve: LearningCurve | None) -> str:
    if curve is None:
        return "no learning curve wanted"
    if len(curve.points) < 2:
        return "no share of the training rows is smaller than all of them"
    reached = (
        f"{'not learned' if point.error else _shown(point.dev.get(metric))} from {point.rows:,}"
        for point in curve.points
    )
    return f"{metric} on dev: {', '.join(reached)} rows"


def _shown(estimate: Estimate | None) -> str:
    value = None if estimate is None else estimate.value
    return "undefined" if value is None else f"{value:.4f}"


def _parameters(project: Project) -> JSONObject:
    section = project.configuration.train
    return {**recipe_parameters(project), "learning_curve": list(section.learning_curve)}


CURVES_STEP = Step(
    "curves",
    ("dataset", "split", "transform", "training_transform", "training_files", "model"),
    {"curves": Output("curves", ".json")},
    _curves,
    _parameters,
)
