"""The steps from features to a judged model, and the one that trains it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import tilth
from tilth.errors import CheckFailed
from tilth.evaluation import Evaluation
from tilth.inference import Graph
from tilth.pipelines.curves_step import CURVES_STEP
from tilth.pipelines.evaluate_step import EVALUATE_STEP
from tilth.pipelines.growth_step import GROWTH_STEP
from tilth.pipelines.learning import Material, material_of, recipe_parameters
from tilth.pipelines.parts import weighing_in
from tilth.pipelines.sanity_step import SANITY_STEP
from tilth.pipelines.scoring import Answers, measure_rows, weights_of
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.pipelines.transform_step import TRANSFORM_STEP
from tilth.projects import Project
from tilth.training import Learned, Parity, Rows, check_parity, export
from tilth.types import JSONObject

__all__ = ["MODEL_STEPS"]

_MOST_SEEN = 500_000
"""Of more training rows the metrics are those of so many."""


def _train(context: StepContext) -> StepResult:
    material = material_of(context)
    train, dev = material.rows("train"), material.rows("dev")
    learned = material.learned
    model = export(material.transform, learned, metadata=_metadata(context))
    context.output["model"].write_bytes(model)
    document = _training(learned, *(_judged(material, part) for part in ("train", "dev")))
    context.output["training"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    parity = check_parity(Graph.from_bytes(model), learned, material.parts.part("dev"), dev.X)
    section = context.project.configuration.train
    rule = [str(learned.decision)] if learned.decision.goal else []
    correction = [] if learned.calibration is None else [str(learned.calibration)]
    agreement = f"graph = estimator to {parity.max_difference:.0e}"
    summary = "; ".join([f"{section.estimator} on {len(train):,} rows", *correction, *rule, agreement])
    properties: JSONObject = {"rows": len(train), "parity": parity.to_json(), "bytes": len(model)}
    return StepResult(
        summary,
        {"model": properties},
        curves={f"{part}.{name}": v for part, found in learned.curves.items() for name, v in found.items()},
        failure=None if parity.passed else _disparity(parity),
    )


def _judged(material: Material, part: str) -> Rows:
    """The rows of a part with what they count where a model is judged, and not where it learns."""
    weighing = weighing_in(material.project, material.parts)
    return replace(material.rows(part), weights=weights_of(material.parts.part(part), weighing))


def _training(learned: Learned, train: Rows, dev: Rows) -> JSONObject:
    """How the model came to be: its rule, calibration and curves, and how it does on what it has seen."""
    seen = train.some(_MOST_SEEN)
    evaluations = {"train": _seen(learned, seen), "dev": _seen(learned, dev)}
    calibration = learned.calibration
    return {
        "rows": {"train": len(train), "dev": len(dev)},
        "features": train.X.shape[1],
        "decision": learned.decision.to_json(),
        "calibration": None if calibration is None else calibration.to_json(),
        "curves": {part: dict(found) for part, found in learned.curves.items()},
        **{name: None if found is None else found.to_json() for name, found in evaluations.items()},
    }


def _seen(learned: Learned, rows: Rows) -> Evaluation | None:
    """The metrics of a model on rows whose features are there."""
    if not len(rows):
        return None
    scores = learned.scores(rows.X)
    answers = Answers(learned.codes(scores), scores if learned.encoding.classes else None)
    return measure_rows(answers, rows.y, learned.encoding, groups=rows.groups, weights=rows.weights)


def _disparity(parity: Parity) -> CheckFailed:
    return CheckFailed(
        "the graph does not answer as the trained estimator does",
        where=f"{parity.rows} dev rows: {parity.label_mismatches} labels differ, "
        f"probabilities by up to {parity.max_difference:.2g}",
        expected="the same answers, so that what is served is what was evaluated",
        mend="choose another estimator in tilth.toml, and report the case",
    )


def _metadata(context: StepContext) -> Mapping[str, str]:
    """What a graph says about itself; nothing that differs between two equal trainings."""
    dataset = context.artifacts["dataset"][0]
    return {
        "tilth.version": tilth.__version__,
        "tilth.project": context.project.name,
        "tilth.data": dataset.fingerprint or dataset.digest,
        "tilth.estimator": context.project.configuration.train.estimator,
    }


def _train_parameters(project: Project) -> JSONObject:
    section = project.configuration.evaluate
    return {**recipe_parameters(project), "judged": [section.weight, dict(section.importance)]}


_MATERIAL = ("dataset", "split", "transform", "training_transform")

MODEL_STEPS: tuple[Step, ...] = (
    TRANSFORM_STEP,
    SANITY_STEP,
    Step(
        "train",
        (*_MATERIAL, "sanity", "training_files"),
        {"model": Output("model", ".onnx"), "training": Output("training", ".json")},
        _train,
        _train_parameters,
    ),
    CURVES_STEP,
    GROWTH_STEP,
    EVALUATE_STEP,
)
