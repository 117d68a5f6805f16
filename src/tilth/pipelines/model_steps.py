"""The steps from features to a judged model: train, evaluate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import tilth
from tilth.checks import Check, Verdict
from tilth.errors import CheckFailed
from tilth.evaluation import Evaluation, judge
from tilth.inference import Graph
from tilth.metrics import CHIEF_METRIC, LabelEncoding
from tilth.pipelines.challenge import Champion, Duel, Incomparable, challenge
from tilth.pipelines.curves_step import CURVES_STEP
from tilth.pipelines.growth_step import GROWTH_STEP
from tilth.pipelines.learning import Material, material_of, recipe_parameters
from tilth.pipelines.parts import Parts, slices_of
from tilth.pipelines.rivals import Rival, called_out, rivals
from tilth.pipelines.sanity_step import SANITY_STEP
from tilth.pipelines.scoring import Answers, answer, measure, measure_rows
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.pipelines.transform_step import TRANSFORM_STEP
from tilth.profiles import profile
from tilth.projects import Project
from tilth.tables.slicings import Slicing
from tilth.training import Learned, Parity, Rows, baselines, check_parity, decide, export
from tilth.types import JSONObject

__all__ = ["MODEL_STEPS"]

_MOST_CELLS = 8_000_000
_LEAST_ROWS = 10_000
"""Baselines are quick: of more cells so many are learned from, but of so many rows at least."""

_MOST_DEV = 50_000
"""Of more dev rows a baseline's rule is chosen on so many."""

_MOST_SEEN = 500_000
"""Of more training rows the metrics are those of so many."""


def _train(context: StepContext) -> StepResult:
    material = material_of(context)
    train, dev = material.rows("train"), material.rows("dev")
    learned = material.learned
    model = export(material.transform, learned, metadata=_metadata(context))
    context.output["model"].write_bytes(model)
    document = _training(learned, train, dev)
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
    return measure_rows(answers, rows.y, learned.encoding, groups=rows.groups)


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
    material = material_of(context)
    parts, encoding, slices = material.parts, material.encoding, slices_of(project, material.parts)
    test = parts.part("test")
    graph = Graph.from_path(context.path("model"))
    found = measure(answer(graph, test, encoding), test, project.label, encoding, slices)
    others = _baselines(context, parts, encoding, slices)
    met = None
    if context.files["champion"]:
        champion = Champion.read(context.files["champion"])
        met = challenge(champion, graph, parts, project.label, encoding, slices)
    if isinstance(met, Duel):
        others["champion"] = met.theirs
    held = rivals(context, parts, encoding, graph, found, slices)
    others |= {name: rival.theirs for name, rival in held.items() if rival.theirs is not None}
    checks = project.configuration.checks_at("model")
    verdicts = [_verdict(check, found, others, met, held) for check in checks]
    training = json.loads(context.text("training"))
    document: JSONObject = {
        "test": found.to_json(),
        "train": training["train"],
        "dev": training["dev"],
        "baselines": {name: evaluation.to_json() for name, evaluation in others.items()},
        "on rows new to the champion": met.mine.to_json() if isinstance(met, Duel) else None,
        "verdicts": [verdict.to_json() for verdict in verdicts],
        "warnings": list(called_out(project, encoding, found, others)),
    }
    context.output["evaluation"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    _write_reference(context, parts, graph, encoding)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    metric = CHIEF_METRIC[encoding.task]
    return StepResult(
        _in_words(metric, found, others, met),
        {"evaluation": {metric: found.metric(metric), "rows": test.rows}},
        metrics=found.slices[0].metrics,
        verdicts=tuple(verdicts),
        failure=_refused(failed) if failed else None,
    )


def _verdict(
    check: Check,
    found: Evaluation,
    others: Mapping[str, Evaluation],
    met: Duel | Incomparable | None,
    held: Mapping[str, Rival],
) -> Verdict:
    """A check's verdict; champion and rivals are met on rows of their own, and so is the model then."""
    rival = held.get(check.baseline or "")
    if rival is not None and rival.theirs is None:
        return Verdict(check, None, None, False, f"undefined: {rival.reason}")
    if rival is not None and rival.mine is not None:
        found = rival.mine
    if check.baseline == "champion" and isinstance(met, Incomparable):
        return Verdict(check, None, None, False, f"undefined: {met.reason}")
    mine = met.mine if check.baseline == "champion" and isinstance(met, Duel) else found
    (verdict,) = judge([check], mine, others)
    return verdict


def _baselines(
    context: StepContext, parts: Parts, encoding: LabelEncoding, slices: Slicing
) -> dict[str, Evaluation]:
    """What must be beaten: the majority class (or the mean) and a quick linear model."""
    material = material_of(context)
    train, test = material.rows("train"), parts.part("test")
    train = train.some(max(_LEAST_ROWS, _MOST_CELLS // max(1, train.X.shape[1])))
    threshold = material.recipe.threshold
    half = 0.5 if isinstance(threshold, str) else threshold
    made = baselines(encoding, train.X, train.y, material.rows("test").X, threshold=half)
    answers = {name: Answers.of(*given, encoding) for name, given in made.items()}
    if isinstance(threshold, str):
        answers |= _aiming(threshold, material, train, answers)
    label = context.project.label
    return {name: measure(given, test, label, encoding, slices) for name, given in answers.items()}


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
    metric = "f1" if duel.mine.task == "binary" else CHIEF_METRIC[duel.mine.task]
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


def _evaluate_parameters(project: Project) -> JSONObject:
    configuration = project.configuration
    checks = [check for check in configuration.checks if check.moment == "model"]
    return {
        "slices": [list(columns) for columns in configuration.evaluate.slices],
        "checks": [[c.metric, c.min, c.max, dict(c.slice), c.baseline] for c in checks],
        "window": configuration.monitor.window,
        "minimum_rows": configuration.monitor.minimum_rows,
        "baselines": configuration.to_json()["baselines"],
        "business": configuration.to_json()["business"],
        **recipe_parameters(project),
    }


_MATERIAL = ("dataset", "split", "transform", "training_transform")

MODEL_STEPS: tuple[Step, ...] = (
    TRANSFORM_STEP,
    SANITY_STEP,
    Step(
        "train",
        (*_MATERIAL, "sanity", "training_files"),
        {"model": Output("model", ".onnx"), "training": Output("training", ".json")},
        _train,
        recipe_parameters,
    ),
    CURVES_STEP,
    GROWTH_STEP,
    Step(
        "evaluate",
        (*_MATERIAL, "model", "training", "champion", "older", "feedback"),
        {
            "evaluation": Output("evaluation", ".json"),
            "reference": Output("profile", ".json"),
            "reference_predictions": Output("profile", ".json"),
        },
        _evaluate,
        _evaluate_parameters,
    ),
)
