"""What a run has come to, told: the milestones apart, the baselines beside, and one sentence of advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tilth.errors import counted
from tilth.evaluation import Discovery, Evaluation
from tilth.metrics import CHIEF_METRIC, PAIRED_METRICS, Estimate
from tilth.pipelines.business import Business, business_of
from tilth.pipelines.effects import slice_name
from tilth.pipelines.standing import (
    PARTS,
    Documents,
    Milestones,
    estimate,
    figures_of,
    is_owed,
    warnings_of,
)
from tilth.projects.configuration import Configuration
from tilth.training.advice import Advice, advise
from tilth.training.figures import Figures
from tilth.training.learning_curve import LearningCurve
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = ["DOCUMENTS", "Telling", "tell"]

DOCUMENTS = ("evaluation", "training", "curves", "growth", "sanity")
"""The names of the documents of a run that it is told from."""

_MOST_METRICS = 3
_WIDTH = 14


@dataclass(frozen=True)
class Telling:
    """What a run has come to.

    Args:
        metrics: those that are told first, the chief one before the others.
        milestones: "train", "dev", "test" -> the model there; None where nothing is known of it.
        business: the business milestone.
        baselines: what the model is held against, on the test rows.
        figures: what the advice follows from.
        advice: what to do next.
        warnings: what people should look at before they believe the figures.
        curve: what is reached from fewer rows; None where it was not drawn.
        documents: what all of this was read from, by name.
    """

    metrics: tuple[str, ...]
    milestones: Milestones
    business: Business
    baselines: Mapping[str, Evaluation]
    figures: Figures
    advice: Advice
    warnings: tuple[str, ...] = ()
    curve: LearningCurve | None = None
    documents: Documents = field(default_factory=dict)

    @property
    def test(self) -> Evaluation:
        """The model on the test part."""
        found = self.milestones["test"]
        assert found is not None
        return found

    @property
    def discovered(self) -> Discovery:
        """Where the model is worse than elsewhere, on the dev part."""
        return Discovery.from_json(self.documents.get("evaluation", {}))

    def to_json(self) -> JSONObject:
        """The telling as JSON values; milestones and baselines with the metrics of all rows."""
        return {
            "milestones": {
                **{name: _figures_of(found) for name, found in self.milestones.items()},
                "business": self.business.to_json(),
            },
            "baselines": {name: _figures_of(found) for name, found in self.baselines.items()},
            "advice": self.advice.to_json(),
            "discovered": self.discovered.to_json()["discovered"],
            "warnings": [*self.warnings],
        }

    def report(self) -> str:
        """The telling for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from aligned([("", "rows", *self.metrics), *map(self._milestone, PARTS)])
        yield f"{'business':<{_WIDTH}}{self._business()}"
        metric = self.metrics[0]
        if self.baselines:
            values = (f"{name} {_value(estimate(found, metric))}" for name, found in self.baselines.items())
            yield f"{'baselines':<{_WIDTH}}{metric} {', '.join(values)}"
        for worst in self.discovered.found[:1]:
            yield f"{'worse where':<{_WIDTH}}{worst} (dev)"
        for warning in self.warnings:
            yield f"{'warning':<{_WIDTH}}{warning}"
        yield f"{'advice':<{_WIDTH}}{self.advice}"

    def _milestone(self, part: str) -> tuple[str, ...]:
        found = self.milestones[part]
        if found is None:
            return (PARTS[part], "0", *("" for _ in self.metrics))
        return (PARTS[part], f"{found.rows:,}", *(_shown(estimate(found, name)) for name in self.metrics))

    def _business(self) -> str:
        told = self.business
        if told.lack is not None:
            return told.lack
        said = f"{told.metric} {told.shown(told.value)} on test"
        if told.target is not None:
            said += f", target {told.shown(told.target)}: {'reached' if told.is_reached else 'missed'}"
        others = [f"{name} {_value(each)}" for name, each in told.baselines.items()]
        return f"{said} ({', '.join(others)})" if others else said


def tell(configuration: Configuration, documents: Documents) -> Telling | None:
    """What the documents of a run come to; None where the model was not evaluated.

    Args:
        configuration: with which the run was carried out.
        documents: its documents by name, see `DOCUMENTS`; all but "evaluation" may be absent.
    """
    evaluation = documents.get("evaluation")
    if not evaluation:
        return None
    milestones = {part: _evaluation(evaluation.get(part)) for part in PARTS}
    baselines = cast("dict[str, JSONObject]", evaluation["baselines"])
    others = {name: Evaluation.from_json(found) for name, found in baselines.items()}
    test = milestones["test"]
    assert test is not None
    met = {name: found for name, found in others.items() if found.rows == test.rows}
    business = business_of(configuration.business, test, met)
    curve = _curve(documents)
    figures = figures_of(configuration, documents, milestones, others, curve)
    return Telling(
        metrics=_told(configuration, milestones),
        milestones=milestones,
        business=business,
        baselines=others,
        figures=figures,
        advice=_on_added(documents)
        or _with_owed(_with_business(advise(figures), figures, business), evaluation),
        warnings=tuple(warnings_of(documents, milestones)),
        curve=curve,
        documents=documents,
    )


def _told(configuration: Configuration, milestones: Milestones) -> tuple[str, ...]:
    """The chief metric, and those that a check or people's level speaks of."""
    task = configuration.project.task
    known = milestones["test"] or milestones["dev"] or milestones["train"]
    wanted = [CHIEF_METRIC[task], *(check.metric for check in configuration.checks_at("model"))]
    wanted += [configuration.baselines.human_metric] if configuration.baselines.human_metric else []
    wanted = [name for name in wanted if not is_owed(name)]
    there = [] if known is None else [name for name in wanted if name in known.slices[0].metrics]
    return tuple(dict.fromkeys(there or wanted[:1]))[:_MOST_METRICS]


def _on_added(documents: Documents) -> Advice | None:
    """Where added rows contradict those of before and harm a slice, nothing else matters as much."""
    growth = cast("Mapping[str, Any]", documents.get("growth", {}))
    unclear = growth.get("ambiguity") or {}
    harmed = [slice_name(effect["slice"]) for effect in growth.get("effects") or [] if effect["harm"]]
    if not harmed or not unclear.get("striking"):
        return None
    return Advice(
        "better labels",
        f"the {growth['added']:,} training rows added since the champion's data contradict those of before "
        f"and make it worse on {counted(len(harmed), 'slice')} ({harmed[0]}): mend their labels, or leave "
        "them out",
    )


def _with_owed(advice: Advice, evaluation: JSONObject) -> Advice:
    """What a model owes to groups, and on rows that matter, goes before what is enough on average."""
    verdicts = cast("list[JSONObject]", evaluation.get("verdicts") or [])
    failed = [each for each in verdicts if not each["passed"] and is_owed(str(each["metric"]))]
    if advice.kind != "enough" or not failed:
        return advice
    said = ", ".join(f"{each['check']} {each['reason']}" for each in failed)
    return Advice("another model", f"{advice.sentence}; yet it does not do what it owes: {said}")


def _with_business(advice: Advice, figures: Figures, business: Business) -> Advice:
    """Where the business target is what counts, it has the last word on what is enough."""
    if business.is_reached is None:
        return advice
    said = f"{business.metric} {business.shown(business.value)}, target {business.shown(business.target)}"
    if business.is_reached and figures.goal is None:
        luck = "" if business.is_sure else ", though with so many test rows that may be luck"
        return Advice("enough", f"the business target is reached on test: {said}{luck}")
    if not business.is_reached and advice.kind == "enough":
        return Advice("another model", f"{advice.sentence}; yet the business target is missed: {said}")
    return advice


def _curve(documents: Documents) -> LearningCurve | None:
    found = documents.get("curves", {}).get("learning_curve")
    return LearningCurve.from_json(found) if isinstance(found, dict) else None


def _evaluation(found: JSONValue) -> Evaluation | None:
    return Evaluation.from_json(found) if isinstance(found, dict) else None


def _figures_of(found: Evaluation | None) -> JSONObject | None:
    if found is None:
        return None
    wanted = {CHIEF_METRIC[found.task], *PAIRED_METRICS}
    every = found.slices[0].metrics.items()
    metrics: JSONObject = {name: each.to_json() for name, each in every if name in wanted}
    return {"rows": found.rows, "metrics": metrics}


def _shown(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    around = "" if estimate.low is None else f" [{estimate.low:.3g}, {estimate.high:.3g}]"
    return f"{estimate.value:.4g}{around}"


def _value(estimate: Estimate) -> str:
    return "undefined" if estimate.value is None else f"{estimate.value:.4g}"
