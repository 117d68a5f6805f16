"""The steps from dealt data to a judged model: transform, train, evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

import tilth
from tilth.checks import Verdict
from tilth.errors import CheckFailed
from tilth.evaluation import Evaluation, judge
from tilth.features import Transform, load_features
from tilth.inference import Graph
from tilth.metrics import CHIEF_METRIC, LabelEncoding
from tilth.pipelines.scoring import Answers, answer, column, measure, training_hashes, unseen
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.profiles import profile
from tilth.projects import Project
from tilth.tables import Table, open_table
from tilth.training import (
    baselines,
    check_parity,
    export,
    fit_estimator,
    make_estimator,
)
from tilth.types import JSONObject

__all__ = ["MODEL_STEPS"]


def _transform(context: StepContext) -> StepResult:
    project = context.project
    train = _part(context, "train")
    function = load_features(context.text("features_file"), where=str(project.features_path))
    forbidden = {name: "Tilth adds it itself" for name in train.columns if name.startswith("tilth.")}
    forbidden[project.label] = "it is the label, which is not known when the model is asked"
    transform = Transform(function, forbidden=forbidden).fit(train)
    context.output["transform"].write_bytes(transform.to_onnx())
    names = list(transform.feature_names)
    return StepResult(
        f"{len(names)} features, constants from {train.rows:,} training rows",
        properties={"transform": {"features": list(names)}},
    )


def _train(context: StepContext) -> StepResult:
    section = context.project.configuration.train
    train, dev = _part(context, "train"), _part(context, "dev")
    transform = context.path("transform").read_bytes()
    graph = Graph.from_bytes(transform)
    encoding = _encoding(context)
    label = context.project.label
    estimator = fit_estimator(
        make_estimator(section.estimator, section.parameters, task=encoding.task, seed=section.seed),
        _features(graph, train),
        encoding.encode(column(train, label)),
        X_dev=_features(graph, dev),
        y_dev=encoding.encode(column(dev, label)),
    )
    model = export(transform, estimator, encoding, threshold=section.threshold, metadata=_metadata(context))
    context.output["model"].write_bytes(model)
    parity = check_parity(Graph.from_bytes(model), estimator, encoding, dev, _features(graph, dev))
    summary = f"{section.estimator} on {train.rows:,} rows; graph = estimator to {parity.max_difference:.0e}"
    properties: JSONObject = {
        "rows": train.rows,
        "parity": parity.to_json(),
        "bytes": len(model),
    }
    failure = None
    if not parity.passed:
        failure = CheckFailed(
            "the graph does not answer as the trained estimator does",
            where=f"{parity.rows} dev rows: {parity.label_mismatches} labels differ, "
            f"probabilities by up to {parity.max_difference:.2g}",
            expected="the same answers, so that what is served is what was evaluated",
            mend="choose another estimator in tilth.toml, and report the case",
        )
    return StepResult(summary, {"model": properties}, failure=failure)


def _evaluate(context: StepContext) -> StepResult:
    project = context.project
    test, encoding, slices = _part(context, "test"), _encoding(context), _slices(context)
    graph = Graph.from_path(context.path("model"))
    answers = answer(graph, test, encoding)
    found = measure(answers, test, project.label, encoding, slices)
    others = _baselines(context, test, encoding, slices)
    champion = _champion(context, test, encoding, slices)
    if champion is not None:
        others["champion"] = champion.theirs
    verdicts: list[Verdict] = []
    for check in project.configuration.checks_at("model"):
        mine = champion.mine if champion is not None and check.baseline == "champion" else found
        verdicts += judge([check], mine, others)
    document: JSONObject = {
        "test": found.to_json(),
        "baselines": {name: evaluation.to_json() for name, evaluation in others.items()},
        "on rows new to the champion": champion.mine.to_json() if champion is not None else None,
        "verdicts": [verdict.to_json() for verdict in verdicts],
    }
    context.output["evaluation"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    _write_reference(context, graph, encoding, test)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    metric = CHIEF_METRIC[encoding.task]
    return StepResult(
        _in_words(metric, found, others, champion),
        {"evaluation": {metric: found.metric(metric), "rows": test.rows}},
        metrics={name: estimate.value for name, estimate in found.slices[0].metrics.items()},
        verdicts=tuple(verdicts),
        failure=_refused(failed) if failed else None,
    )


@dataclass(frozen=True)
class _Duel:
    """The champion and the new model on the rows that the champion has not learned from."""

    rows: int
    theirs: Evaluation
    mine: Evaluation


def _champion(
    context: StepContext, test: Table, encoding: LabelEncoding, slices: Sequence[Sequence[str]]
) -> _Duel | None:
    """The champion against the new model; None without a champion, or without rows that are new to it."""
    if context.optional("champion") is None:
        return None
    dataset, split = context.files["champion_data"]
    rows = test.filter(unseen(test, training_hashes(open_table(dataset), open_table(split))))
    if rows.rows == 0:
        return None
    theirs, mine = (
        measure(
            answer(Graph.from_path(context.path(name)), rows, encoding),
            rows,
            context.project.label,
            encoding,
            slices,
        )
        for name in ("champion", "model")
    )
    return _Duel(rows.rows, theirs, mine)


def _baselines(
    context: StepContext, test: Table, encoding: LabelEncoding, slices: Sequence[Sequence[str]]
) -> dict[str, Evaluation]:
    """What must be beaten: the majority class (or the mean) and a quick linear model."""
    train = _part(context, "train")
    transform = Graph.from_path(context.path("transform"))
    label = context.project.label
    made = baselines(
        encoding,
        _features(transform, train),
        encoding.encode(column(train, label)),
        _features(transform, test),
    )
    return {
        name: measure(Answers.of(*given, encoding), test, label, encoding, slices)
        for name, given in made.items()
    }


def _in_words(
    metric: str, found: Evaluation, others: Mapping[str, Evaluation], champion: _Duel | None
) -> str:
    """The chief metric of the model and of what it is compared with."""
    parts = [f"{metric} {_shown(found.metric(metric))} on {found.rows:,} test rows"]
    parts += [f"{name} {_shown(others[name].metric(metric))}" for name in ("majority", "linear")]
    if champion is not None:
        mine, theirs = _shown(champion.mine.metric(metric)), _shown(champion.theirs.metric(metric))
        parts.append(f"champion {theirs} against {mine} on the {champion.rows:,} rows new to it")
        parts += _recent_in_words(champion)
    return "; ".join(parts)


def _recent_in_words(champion: _Duel) -> list[str]:
    """How the two do on what production has labeled, where that is part of the data."""
    recent = {"tilth.source": "feedback"}
    found = champion.mine.find(recent)
    if found is None:
        return []
    metric = {"binary": "f1", "multiclass": "accuracy", "regression": "r2"}[champion.mine.task]
    mine, theirs = (_shown(e.metric(metric, recent)) for e in (champion.mine, champion.theirs))
    return [f"on the {found.rows:,} of them from feedback: champion {metric} {theirs} against {mine}"]


def _write_reference(context: StepContext, graph: Graph, encoding: LabelEncoding, test: Table) -> None:
    """What production will be compared with: the inputs learned from and the answers on held-out rows.

    A model that learned from feedback is compared with its newest window of feedback: that is the world in
    which it was accepted, which the older data may no longer be.
    """
    inputs = [name for name in graph.inputs if name in test.columns]
    learned, judged = _part(context, "train"), test
    if "tilth.time" in test.columns:
        section = context.project.configuration.monitor
        recent = _newest(open_table(context.path("dataset")), section.window)
        recent_test = _newest(test, section.window)
        learned = recent if recent.rows >= section.minimum_rows else learned
        judged = recent_test if recent_test.rows >= section.minimum_rows else judged
    context.output["reference"].write_text(profile(learned.select(inputs)).to_json(), encoding="utf-8")
    shown = answer(graph, judged, encoding).table(encoding)
    context.output["reference_predictions"].write_text(profile(shown).to_json(), encoding="utf-8")


def _newest(table: Table, rows: int) -> Table:
    """The newest `rows` feedback rows."""
    times = table.select(["tilth.time"]).to_arrow().column(0)
    known = np.sort(times.drop_null().cast(pa.int64()).to_numpy())
    if len(known) == 0:
        return table.filter(np.zeros(table.rows, bool))
    after = known[max(0, len(known) - rows)]
    values = times.cast(pa.int64()).fill_null(after - 1).to_numpy()
    return table.filter(values >= after)


def _part(context: StepContext, part: str) -> Table:
    """The rows of one part of the split."""
    parts = open_table(context.path("split")).to_arrow().column("part")
    return open_table(context.path("dataset")).filter(np.asarray(parts.to_pylist()) == part)


def _features(graph: Graph, table: Table) -> np.ndarray:
    """The transform's output for every row: float32, (rows, features)."""
    return np.concatenate([result["features"] for result in graph.run_table(table)])


def _encoding(context: StepContext) -> LabelEncoding:
    """How labels become numbers, from the whole data set so that no class is forgotten."""
    section = context.project.configuration.project
    values = column(open_table(context.path("dataset")), section.label)
    return LabelEncoding.from_column(values, positive=section.positive, task=section.task)


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
        **_label_parameters(project),
    }


def _json(parameters: Mapping[str, object]) -> JSONObject:
    """Parameters as plain JSON values."""
    made: JSONObject = json.loads(json.dumps(dict(parameters)))
    return made


def _label_parameters(project: Project) -> JSONObject:
    section = project.configuration.project
    return {"label": section.label, "task": section.task, "positive": section.positive}


def _evaluate_parameters(project: Project) -> JSONObject:
    configuration = project.configuration
    checks = [check for check in configuration.checks if check.moment == "model"]
    return {
        "slices": [list(columns) for columns in configuration.evaluate.slices],
        "checks": [[c.metric, c.min, c.max, dict(c.slice), c.baseline] for c in checks],
        "window": configuration.monitor.window,
        "minimum_rows": configuration.monitor.minimum_rows,
        **_label_parameters(project),
    }


MODEL_STEPS: tuple[Step, ...] = (
    Step(
        "transform",
        ("dataset", "split", "features_file"),
        {"transform": Output("transform", ".onnx")},
        _transform,
        lambda project: {"label": project.label},
    ),
    Step(
        "train",
        ("dataset", "split", "transform"),
        {"model": Output("model", ".onnx")},
        _train,
        _train_parameters,
    ),
    Step(
        "evaluate",
        ("dataset", "split", "transform", "model", "champion", "champion_data", "feedback"),
        {
            "evaluation": Output("evaluation", ".json"),
            "reference": Output("profile", ".json"),
            "reference_predictions": Output("profile", ".json"),
        },
        _evaluate,
        _evaluate_parameters,
    ),
)
