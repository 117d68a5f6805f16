"""The step that judges a model: on the test part, against its baselines, rivals and the champion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tilth.checks import Check, Verdict
from tilth.errors import CheckFailed
from tilth.evaluation import Evaluation, judge
from tilth.evaluation.fairness import with_figures
from tilth.evaluation.importance import Weighing
from tilth.inference import Graph
from tilth.metrics import CHIEF_METRIC, LabelEncoding
from tilth.pipelines.challenge import Champion, Duel, Incomparable, challenge
from tilth.pipelines.custom_metrics import custom_digests, project_metrics
from tilth.pipelines.discovering import discover_on_dev
from tilth.pipelines.learning import material_of, recipe_parameters
from tilth.pipelines.measured_baselines import measured_baselines
from tilth.pipelines.obligations import (
    declared_and_implied,
    obligation_parameters,
    obligations,
    with_gaps,
)
from tilth.pipelines.parts import Parts, slices_of, weighing_in
from tilth.pipelines.rivals import Rival, called_out, rivals
from tilth.pipelines.scoring import Answers, answer, measure
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.profiles import profile
from tilth.projects import Project
from tilth.tables import Table
from tilth.types import JSONObject

__all__ = ["EVALUATE_STEP"]


def _evaluate(context: StepContext) -> StepResult:
    project = context.project
    material = material_of(context)
    parts, encoding, slices = material.parts, material.encoding, slices_of(project, material.parts)
    test, weighing = parts.part("test"), weighing_in(project, parts)
    graph = Graph.from_path(context.path("model"))
    answers = answer(graph, test, encoding)
    custom = project_metrics(project)
    found = measure(answers, test, project.label, encoding, slices, weighing, custom)
    owed = obligations(context, parts, encoding, graph, answers, found)
    found = with_figures(found, owed.figures).marked(project.configuration.evaluate.minimum_rows)
    discovery = discover_on_dev(project, parts, encoding, graph)
    others = measured_baselines(material, slices, weighing, custom)
    met = None
    if context.files["champion"]:
        champion = Champion.read(context.files["champion"])
        met = challenge(champion, graph, parts, project.label, encoding, slices, weighing, custom)
    if isinstance(met, Duel):
        others["champion"] = met.theirs
    held = rivals(context, parts, encoding, graph, found, slices, weighing, custom)
    others |= {name: rival.theirs for name, rival in held.items() if rival.theirs is not None}
    others = {name: with_gaps(project, evaluation) for name, evaluation in others.items()}
    checks = declared_and_implied(project)
    verdicts = [_verdict(project, check, found, others, met, held) for check in checks]
    training = json.loads(context.text("training"))
    document: JSONObject = {
        "test": found.to_json(),
        "train": training["train"],
        "dev": training["dev"],
        "baselines": {name: evaluation.to_json() for name, evaluation in others.items()},
        "on rows new to the champion": met.mine.to_json() if isinstance(met, Duel) else None,
        "verdicts": [verdict.to_json() for verdict in verdicts],
        "warnings": [*owed.warnings, *called_out(project, encoding, found, others)],
        **owed.to_json(),
        **({} if discovery is None else discovery.to_json()),
        "unweighted": _unweighted(weighing, answers, test, project.label, encoding),
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


def _unweighted(
    weighing: Weighing | None, answers: Answers, test: Table, label: str, encoding: LabelEncoding
) -> JSONObject | None:
    """The metrics of rows that count alike, since those of production do; None where these do too."""
    return None if weighing is None else measure(answers, test, label, encoding).to_json()


def _verdict(
    project: Project,
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
        found = with_gaps(project, rival.mine)
    if check.baseline == "champion" and isinstance(met, Incomparable):
        return Verdict(check, None, None, False, f"undefined: {met.reason}")
    if check.baseline == "champion" and isinstance(met, Duel):
        found = with_gaps(project, met.mine)
    (verdict,) = judge([check], found, others)
    return verdict


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
        **obligation_parameters(project),
        **custom_digests(project),
        "discover": configuration.evaluate.discover,
        "checks": [[c.metric, c.min, c.max, dict(c.slice), c.baseline] for c in checks],
        "window": configuration.monitor.window,
        "minimum_rows": configuration.monitor.minimum_rows,
        "baselines": configuration.to_json()["baselines"],
        "business": configuration.to_json()["business"],
        **recipe_parameters(project),
    }


_MATERIAL = ("dataset", "split", "transform", "training_transform")

EVALUATE_STEP = Step(
    "evaluate",
    (*_MATERIAL, "model", "training", "champion", "older", "feedback", "must_pass", "never"),
    {
        "evaluation": Output("evaluation", ".json"),
        "reference": Output("profile", ".json"),
        "reference_predictions": Output("profile", ".json"),
    },
    _evaluate,
    _evaluate_parameters,
)
