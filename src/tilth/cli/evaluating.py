"""The command that measures predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tilth
from tilth.cli.inputs import AS_FOUND, Json, SliceKeys, Source, TaskOption, groups
from tilth.cli.output import print_json, print_text
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.evaluation import Evaluation
    from tilth.pipelines import RecordedEvaluation

__all__ = ["evaluate"]


def evaluate(
    data: str | None = None,
    *,
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    weight: str | None = None,
    slices: SliceKeys = None,
    positive: str | None = None,
    task: TaskOption = None,
    group: str | None = None,
    separator: str | None = None,
    model: str | None = None,
    engine: Literal["local", "ray"] = "local",
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Metrics with intervals, by slice: of predictions that any model made, or of a registered model.

    Args:
        data: A table with labels and predictions; with --model one with labels, or none for the evaluation
            with which the model was registered.
        label: The column of true labels.
        prediction: The column of predictions.
        score: The column of the positive class's probability.
        weight: The column that says how much each row counts.
        positive: The positive class.
        group: For ranking, the column whose rows are ranked together.
        separator: For several labels in one text, what stands between them.
        model: A registered model: "census@champion", "census@3", "champion".
        engine: Where a table is measured: on this machine, or on a Ray cluster.
    """
    found: Evaluation | RecordedEvaluation
    if model is not None:
        found = _evaluate_model(model, data, groups(slices), source.dir)
    elif data is None or label is None or (prediction is None and score is None):
        raise UsageError(
            "evaluate needs DATA with --label and --prediction (or --score), or --model",
            mend="tilth evaluate DATA --label y --prediction said, or tilth evaluate --model champion",
        )
    else:
        from tilth.engines import find_engine

        found = tilth.evaluate(
            source.table(data),
            label=label,
            prediction=prediction,
            score=score,
            weight=weight,
            slices=groups(slices),
            positive=positive,
            task=task,
            group=group,
            separator=separator,
            engine=None if engine == "local" else find_engine(engine),
        )
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def _evaluate_model(
    model: str, data: str | None, slices: list[list[str]], folder: Path
) -> Evaluation | RecordedEvaluation:
    from tilth.pipelines import evaluate_model, recorded_evaluation
    from tilth.projects import Project

    project = Project.load(folder)
    if data is None:
        return recorded_evaluation(project, model)
    return evaluate_model(project, data, reference=model, slices=slices)
