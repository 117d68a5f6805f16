"""The page of a run: milestones, curves, baselines, slices and checks, in one self-contained file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tilth.evaluation import Evaluation
from tilth.metrics import Estimate
from tilth.pipelines.effects import slice_name
from tilth.pipelines.line_charts import Chart, Line, chart, spark_line, whisker_axis, whiskers
from tilth.pipelines.report_sections import Looked, metric_names, sections
from tilth.pipelines.report_sections.figures import Cell, Row, estimate_cell, signed
from tilth.pipelines.standing import PARTS
from tilth.pipelines.standing import estimate as _estimates
from tilth.pipelines.telling import Telling
from tilth.profiles.page_base import render
from tilth.profiles.page_figures import figure, label
from tilth.store import Usage

__all__ = ["Facts", "page"]

_ROOM = "tilth.pipelines"
_STYLES = {"train": "b", "dev": "a"}
_MOST_CHARTS = 6


@dataclass(frozen=True)
class Facts:
    """What a page says of the run itself.

    Args:
        title: of the page.
        lines: name -> value, such as the estimator and the commit.
        usage: step -> what it used.
    """

    title: str
    lines: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)


def page(told: Telling, facts: Facts, looked: Looked | None = None) -> str:
    """The page as HTML text: no network, no other file; the same arguments give the same text.

    Args:
        told: what the run has come to.
        facts: what is said of the run itself.
        looked: what only its rows show.
    """
    evaluation = told.documents["evaluation"]
    names = metric_names(told.test, told.metrics)
    growth = told.documents.get("growth", {})
    return render(
        "run.html.jinja",
        room=_ROOM,
        styles=["run.css"],
        script="run.js",
        title=label(facts.title, 120).text,
        facts=[(name, label(value, 200).text) for name, value in facts.lines.items()],
        advice=told.advice,
        warnings=told.warnings,
        cards=_cards(told),
        metrics=names,
        notes=[label(note, 600).text for note in told.test.notes],
        milestones=_milestones(told),
        business=told.business,
        business_rows=_business_rows(told),
        baselines=_against(told),
        shown=told.metrics,
        by_examples=_by_examples(told),
        has_goal=bool(_goal(told)),
        gain=_gain(told),
        gained_from=None if told.curve is None else told.curve.gained_from,
        rows=told.figures.rows,
        not_learned=[] if told.curve is None else [(p.rows, p.error) for p in told.curve.points if p.error],
        by_iterations=_by_iterations(told),
        growth=growth,
        effects=_effects(growth),
        effect_metrics=list(_effect_metrics(growth)),
        verdicts=_verdicts(told),
        findings=cast("Any", told.documents.get("sanity", {})).get("findings", []),
        usage=[_used(step, used) for step, used in facts.usage.items()],
        **sections(
            cast("Mapping[str, Any]", evaluation["test"]),
            looked or Looked(),
            beside=evaluation,
            names=names,
            on="test",
        ),
    )


def _cards(told: Telling) -> list[Row]:
    """The milestones apart, by the chief metric, drawn on one axis."""
    name = told.metrics[0]
    axis = whisker_axis([_estimates(found, name) for found in told.milestones.values()])
    rows = []
    for part, words in PARTS.items():
        found = told.milestones[part]
        estimate = _estimates(found, name)
        drawn = whiskers(estimate, axis, _STYLES.get(part, "n"))
        rows.append(
            Row(words, [estimate_cell(estimate, drawn)], title=f"{0 if found is None else found.rows:,} rows")
        )
    return rows


def _milestones(told: Telling) -> list[Row]:
    return [
        Row(name, [estimate_cell(_estimates(told.milestones[part], name)) for part in PARTS])
        for name in metric_names(told.test, told.metrics)
    ]


def _business_rows(told: Telling) -> list[Row]:
    business = told.business
    if business.value is None:
        return []
    estimates = {"this model": business.value, **business.baselines}
    axis = whisker_axis([*estimates.values(), Estimate(business.target)])
    return [
        Row(name, [estimate_cell(each, whiskers(each, axis, "a" if name == "this model" else "n"))])
        for name, each in estimates.items()
    ]


def _against(told: Telling) -> list[Row]:
    """The model and what it is held against, by the metrics that are told first."""
    names = told.metrics
    evaluations = {"this model": told.test, **told.baselines}
    axes = [whisker_axis([_estimates(found, name) for found in evaluations.values()]) for name in names]
    return [
        Row(
            who,
            [
                estimate_cell(
                    _estimates(found, name),
                    whiskers(_estimates(found, name), axis, "a" if who == "this model" else "n"),
                )
                for name, axis in zip(names, axes, strict=True)
            ],
            title=_on_which(found, told),
        )
        for who, found in evaluations.items()
    ]


def _on_which(found: Evaluation, told: Telling) -> str:
    if not found.rows:
        return "as declared"
    return "" if found.rows == told.test.rows else f"on {found.rows:,} rows"


def _by_examples(told: Telling) -> list[Chart]:
    if told.curve is None:
        return []
    goal = _goal(told)
    drawn = []
    for name in metric_names(told.test, told.metrics):
        lines = [
            Line(PARTS[part], _STYLES[part], [(p.rows, side.get(name, Estimate(None))) for p, side in sides])
            for part, sides in (
                ("train", [(p, p.train) for p in told.curve.points]),
                ("dev", [(p, p.dev) for p in told.curve.points]),
            )
        ]
        found = chart(name, lines, logarithmic=True, goal=goal.get(name), unit="rows")
        drawn += [found] if found is not None else []
    return drawn[:_MOST_CHARTS]


def _goal(told: Telling) -> dict[str, float]:
    """The values that are to be reached, by metric."""
    goal = told.figures.goal
    return {} if goal is None else {told.figures.metric: goal.value}


def _gain(told: Telling) -> list[tuple[str, str, str]]:
    """What the last step of the curve brought, by metric."""
    curve = told.curve
    if curve is None or curve.gained_from is None:
        return []
    return [
        (name, *signed(curve.gains[name], name))
        for name in metric_names(told.test, told.metrics)
        if name in curve.gains
    ]


def _by_iterations(told: Telling) -> list[Chart]:
    """How the fitting went, metric by metric, where the estimator tells."""
    curves = cast(
        "Mapping[str, Mapping[str, Sequence[float]]]", told.documents.get("training", {}).get("curves") or {}
    )
    metrics = dict.fromkeys(metric for found in curves.values() for metric in found)
    drawn = []
    for metric in metrics:
        lines = [
            Line(PARTS.get(part, part), _STYLES[part], _counted(curves[part][metric]))
            for part in _STYLES
            if metric in curves.get(part, {})
        ]
        found = chart(metric, lines, unit="iterations")
        drawn += [found] if found is not None else []
    return drawn[:_MOST_CHARTS]


def _counted(values: Sequence[float | None]) -> list[tuple[float, Estimate]]:
    return [(float(at), Estimate(value)) for at, value in enumerate(values, 1)]


def _effect_metrics(growth: Mapping[str, Any]) -> Iterator[str]:
    effects = growth.get("effects") or []
    yield from effects[0]["change"] if effects else ()


def _effects(growth: Mapping[str, Any]) -> list[Row]:
    """What the added rows do to every slice."""
    rows = []
    for effect in growth.get("effects") or []:
        cells = []
        for name in _effect_metrics(growth):
            said, mark = signed(Estimate.from_json(effect["change"][name]), name)
            values = (effect[side][name] for side in ("without", "with"))
            both = " to ".join(_said(value) for value in values)
            sort = effect["change"][name]["value"]
            around = "" if sort is None else f"{said}{f', {mark}' if mark else ''}"
            cells.append(Cell("undefined" if sort is None else both, around, sort=sort))
        counts = [Cell(f"{effect[name]:,}", sort=effect[name]) for name in ("rows", "added")]
        mark = f"worse: {', '.join(effect['harm'])}" if effect["harm"] else ""
        rows.append(Row(slice_name(effect["slice"]), [*counts, *cells], mark))
    return rows


def _said(value: float | None) -> str:
    return "undefined" if value is None else figure(float(value))


def _verdicts(told: Telling) -> list[Row]:
    found = cast("Sequence[Mapping[str, Any]]", told.documents["evaluation"].get("verdicts") or [])
    return [
        Row(str(v["check"]), [Cell(str(v["reason"]))], "passed" if v["passed"] else "failed") for v in found
    ]


def _used(step: str, used: Usage) -> Row:
    cells = [
        Cell(f"{used.wall_s:.1f} s"),
        Cell(f"{used.cpu_s:.1f} s"),
        Cell(
            f"{used.peak_memory_mb:,.0f} MB", drawn=spark_line([(s.at_s, s.memory_mb) for s in used.samples])
        ),
    ]
    return Row(step, cells)
