"""The steps from features to a judged model: train, evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

import tilth
from tilth.checks import Check, Verdict
from tilth.errors import CheckFailed
from tilth.evaluation import Evaluation, judge
from tilth.features import with_folds
from tilth.inference import Graph
from tilth.metrics import CHIEF_METRIC, LabelEncoding
from tilth.pipelines.challenge import Champion, Duel, Incomparable, challenge
from tilth.pipelines.parts import Parts, encoding_of, parts_of
from tilth.pipelines.scoring import Answers, answer, column, measure
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.pipelines.transform_step import TRANSFORM_STEP, label_parameters
from tilth.profiles import profile
from tilth.projects import Project
from tilth.tables import Table
from tilth.training import (
    Parity,
    baselines,
    check_parity,
    export,
    fit_estimator,
    make_estimator,
)
from tilth.types import JSONObject

__all__ = ["MODEL_STEPS"]


def _train(context: StepContext) -> StepResult:
    section = context.project.configuration.train
    parts = parts_of(context)
    train, dev = parts.part("train"), parts.part("dev")
    transform = context.path("transform").read_bytes()
    graph = Graph.from_bytes(transform)
    encoding = encoding_of(context, parts)
    label = context.project.label
    dev_features = _features(graph, dev)
    labels = encoding.encode(column(train, label))
    estimator = fit_estimator(
        make_estimator(section.estimator, section.parameters, task=encoding.task, seed=section.seed),
        _training_features(context, train, labels),
        labels,
        X_dev=dev_features,
        y_dev=encoding.encode(column(dev, label)),
    )
    model = export(transform, estimator, encoding, threshold=section.threshold, metadata=_metadata(context))
    context.output["model"].write_bytes(model)
    parity = check_parity(Graph.from_bytes(model), estimator, encoding, dev, dev_features)
    summary = f"{section.estimator} on {train.rows:,} rows; graph = estimator to {parity.max_difference:.0e}"
    properties: JSONObject = {"rows": train.rows, "parity": parity.to_json(), "bytes": len(model)}
    return StepResult(summary, {"model": properties}, failure=None if parity.passed else _disparity(parity))


def _disparity(parity: Parity) -> CheckFailed:
    return CheckFailed(
        "the graph does not answer as the trained estimator does",
        where=f"{parity.rows} dev rows: {parity.label_mismatches} labels differ, "
        f"probabilities by up to {parity.max_difference:.2g}",
        expected="the same answers, so that what is served is what was evaluated",
        mend="choose another estimator in tilth.toml, and report the case",
    )


def _evaluate(context: StepContext) -> StepResult:
    project = context.project
    parts = parts_of(context)
    test, encoding, slices = parts.part("test"), encoding_of(context, parts), _slices(context)
    graph = Graph.from_path(context.path("model"))
    found = measure(answer(graph, test, encoding), test, project.label, encoding, slices)
    others = _baselines(context, parts, encoding, slices)
    met = None
    if context.files["champion"]:
        champion = Champion.read(context.files["champion"])
        met = challenge(champion, graph, parts, project.label, encoding, slices)
    if isinstance(met, Duel):
        others["champion"] = met.theirs
    verdicts = [_verdict(check, found, others, met) for check in project.configuration.checks_at("model")]
    document: JSONObject = {
        "test": found.to_json(),
        "baselines": {name: evaluation.to_json() for name, evaluation in others.items()},
        "on rows new to the champion": met.mine.to_json() if isinstance(met, Duel) else None,
        "verdicts": [verdict.to_json() for verdict in verdicts],
    }
    context.output["evaluation"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    _write_reference(context, parts, graph, encoding)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    metric = CHIEF_METRIC[encoding.task]
    return StepResult(
        _in_words(metric, found, others, met),
        {"evaluation": {metric: found.metric(metric), "rows": test.rows}},
        metrics={name: estimate.value for name, estimate in found.slices[0].metrics.items()},
        verdicts=tuple(verdicts),
        failure=_refused(failed) if failed else None,
    )


def _verdict(
    check: Check, found: Evaluation, others: Mapping[str, Evaluation], met: Duel | Incomparable | None
) -> Verdict:
    """A check's verdict; the champion is met on rows that are new to it, and so is the model then."""
    if check.baseline == "champion" and isinstance(met, Incomparable):
        return Verdict(check, None, None, False, f"undefined: {met.reason}")
    mine = met.mine if check.baseline == "champion" and isinstance(met, Duel) else found
    (verdict,) = judge([check], mine, others)
    return verdict


def _baselines(
    context: StepContext, parts: Parts, encoding: LabelEncoding, slices: Sequence[Sequence[str]]
) -> dict[str, Evaluation]:
    """What must be beaten: the majority class (or the mean) and a quick linear model."""
    train, test = parts.part("train"), parts.part("test")
    transform = Graph.from_path(context.path("transform"))
    label = context.project.label
    labels = encoding.encode(column(train, label))
    made = baselines(
        encoding,
        _training_features(context, train, labels),
        labels,
        _features(transform, test),
        threshold=context.project.configuration.train.threshold,
    )
    return {
        name: measure(Answers.of(*given, encoding), test, label, encoding, slices)
        for name, given in made.items()
    }


def _in_words(
    metric: str, found: Evaluation, others: Mapping[str, Evaluation], met: Duel | Incomparable | None
) -> str:
    """The chief metric of the model and of what it is compared with."""
    said = [f"{metric} {_shown(found.metric(metric))} on {found.rows:,} test rows"]
    said += [f"{name} {_shown(others[name].metric(metric))}" for name in ("majority", "linear")]
    if isinstance(met, Incomparable):
        said.append(met.reason)
    if isinstance(met, Duel):
        mine, theirs = _shown(met.mine.metric(metric)), _shown(met.theirs.metric(metric))
        said.append(f"champion {theirs} against {mine} on the {met.rows:,} rows new to it")
        said += _recent_in_words(met)
    return "; ".join(said)


def _recent_in_words(duel: Duel) -> list[str]:
    """How the two do on what production has labeled, where that is part of the data."""
    recent = {"tilth.source": "feedback"}
    found = duel.mine.find(recent)
    if found is None:
        return []
    metric = {"binary": "f1", "multiclass": "accuracy", "regression": "r2"}[duel.mine.task]
    mine, theirs = (_shown(e.metric(metric, recent)) for e in (duel.mine, duel.theirs))
    return [f"on the {found.rows:,} of them from feedback: champion {metric} {theirs} against {mine}"]


def _write_reference(context: StepContext, parts: Parts, graph: Graph, encoding: LabelEncoding) -> None:
    """What production will be compared with: the inputs learned from and the answers on held-out rows.

    A model that learned from feedback is compared with its newest window of feedback: that is the world in
    which it was accepted, which the older data may no longer be. Its answers are those on the rows of that
    window that it has not learned from.
    """
    section = context.project.configuration.monitor
    learned, judged = parts.names == "train", parts.names == "test"
    recent = parts.newest_feedback(section.window)
    if recent.sum() >= section.minimum_rows:
        learned, held_out = recent, recent & (parts.names != "train")
        judged = held_out if held_out.any() else judged
    inputs = parts.table.filter(learned).select(list(graph.inputs))
    context.output["reference"].write_text(profile(inputs).to_json(), encoding="utf-8")
    shown = answer(graph, parts.table.filter(judged), encoding).table(encoding)
    context.output["reference_predictions"].write_text(profile(shown).to_json(), encoding="utf-8")


def _features(graph: Graph, table: Table) -> npt.NDArray[np.float32]:
    """The transform's output for every row: float32, (rows, features)."""
    return np.concatenate([result["features"] for result in graph.run_table(table)])


def _training_features(
    context: StepContext, train: Table, labels: npt.NDArray[np.generic]
) -> npt.NDArray[np.float32]:
    """The same for the training rows, which may not see their own labels in their features."""
    graph = Graph.from_path(context.path("training_transform"))
    return _features(graph, with_folds(train, graph, labels))


def _slices(context: StepContext) -> list[list[str]]:
    """The slices that tilth.toml names, and where the rows come from if some come from feedback."""
    own = [["tilth.source"]] if context.optional("feedback") else []
    return [*map(list, context.project.configuration.evaluate.slices), *own]


def _metadata(context: StepContext) -> Mapping[str, str]:
    """What a graph says about itself; nothing that differs between two equal trainings."""
    dataset = context.artifacts["dataset"][0]
    return {
        "tilth.version": tilth.__version__,
        "tilth.project": context.project.name,
        "tilth.data": dataset.fingerprint or dataset.digest,
        "tilth.estimator": context.project.configuration.train.estimator,
    }


def _refused(failed: Sequence[Verdict]) -> CheckFailed:
    shown = "\n".join(f"    {verdict.check.name}: {verdict.reason}" for verdict in failed)
    which = "a check does" if len(failed) == 1 else f"{len(failed)} checks do"
    return CheckFailed(
        f"the model is not registered, since {which} not hold:\n{shown}",
        mend="improve data, features or estimator; or change the checks in tilth.toml if they ask too much",
    )


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _train_parameters(project: Project) -> JSONObject:
    section = project.configuration.train
    return {
        "estimator": section.estimator,
        "seed": section.seed,
        "threshold": section.threshold,
        "parameters": _json(section.parameters),
        **label_parameters(project),
    }


def _json(parameters: Mapping[str, object]) -> JSONObject:
    """Parameters as plain JSON values."""
    made: JSONObject = json.loads(json.dumps(dict(parameters)))
    return made


def _evaluate_parameters(project: Project) -> JSONObject:
    configuration = project.configuration
    checks = [check for check in configuration.checks if check.moment == "model"]
    return {
        "slices": [list(columns) for columns in configuration.evaluate.slices],
        "checks": [[c.metric, c.min, c.max, dict(c.slice), c.baseline] for c in checks],
        "window": configuration.monitor.window,
        "minimum_rows": configuration.monitor.minimum_rows,
        "threshold": configuration.train.threshold,
        **label_parameters(project),
    }


MODEL_STEPS: tuple[Step, ...] = (
    TRANSFORM_STEP,
    Step(
        "train",
        ("dataset", "split", "transform", "training_transform"),
        {"model": Output("model", ".onnx")},
        _train,
        _train_parameters,
    ),
    Step(
        "evaluate",
        ("dataset", "split", "transform", "training_transform", "model", "champion", "feedback"),
        {
            "evaluation": Output("evaluation", ".json"),
            "reference": Output("profile", ".json"),
            "reference_predictions": Output("profile", ".json"),
        },
        _evaluate,
        _evaluate_parameters,
    ),
)
