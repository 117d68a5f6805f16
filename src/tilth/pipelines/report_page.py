"""The page of a run: milestones, curves, baselines, slices and checks, in one self-contained file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from markupsafe import Markup

from tilth.evaluation import Evaluation
from tilth.metrics import CHIEF_METRIC, PAIRED_METRICS, Estimate, direction
from tilth.pipelines.effects import slice_name
from tilth.pipelines.line_charts import Chart, Line, chart, spark_line, whisker_axis, whiskers
from tilth.pipelines.standing import PARTS
from tilth.pipelines.standing import estimate as _estimates
from tilth.pipelines.telling import Telling
from tilth.profiles.page_base import render
from tilth.profiles.page_figures import figure, label
from tilth.store import Usage

__all__ = ["Facts", "page"]

_ROOM = "tilth.pipelines"
_STYLES = {"train": "b", "dev": "a"}
_NOTHING = Markup("")
_MOST_SLICES = 300
_MOST_CHARTS = 6
_OF_ITERATIONS = 4


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


@dataclass(frozen=True)
class _Cell:
    """A figure in a table: the value, its interval in words, and drawn; and a number to sort by."""

    value: str
    around: str = ""
    drawn: Markup = _NOTHING
    sort: float | None = None


@dataclass(frozen=True)
class _Row:
    """A line of a table."""

    name: str
    cells: Sequence[_Cell]
    mark: str = ""
    title: str = ""


def page(told: Telling, facts: Facts) -> str:
    """The page as HTML text: no network, no other file; the same arguments give the same text.

    Args:
        told: what the run has come to.
        facts: what is said of the run itself.
    """
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
        metrics=_names(told),
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
        slices=_slices(told),
        slice_metrics=_names(told)[:_OF_ITERATIONS],
        left_out=max(0, len(told.test.slices) - 1 - _MOST_SLICES),
        growth=growth,
        effects=_effects(growth),
        effect_metrics=list(_effect_metrics(growth)),
        verdicts=_verdicts(told),
        findings=cast("Any", told.documents.get("sanity", {})).get("findings", []),
        usage=[_used(step, used) for step, used in facts.usage.items()],
    )


def _names(told: Telling) -> list[str]:
    """The metrics of the page: those that are told first, then the usual ones, but no more than fit."""
    there = told.test.slices[0].metrics
    usual = (CHIEF_METRIC[told.test.task], *PAIRED_METRICS)
    return [name for name in dict.fromkeys([*told.metrics, *usual]) if name in there]


def _cell(estimate: Estimate, drawn: Markup = _NOTHING) -> _Cell:
    if estimate.value is None:
        return _Cell("undefined")
    around = "" if estimate.low is None else f"{figure(estimate.low)} to {figure(estimate.high)}"
    return _Cell(figure(float(estimate.value)), around, drawn, estimate.value)


def _cards(told: Telling) -> list[_Row]:
    """The milestones apart, by the chief metric, drawn on one axis."""
    name = told.metrics[0]
    axis = whisker_axis([_estimates(found, name) for found in told.milestones.values()])
    rows = []
    for part, words in PARTS.items():
        found = told.milestones[part]
        estimate = _estimates(found, name)
        drawn = whiskers(estimate, axis, _STYLES.get(part, "n"))
        rows.append(
            _Row(words, [_cell(estimate, drawn)], title=f"{0 if found is None else found.rows:,} rows")
        )
    return rows


def _milestones(told: Telling) -> list[_Row]:
    return [
        _Row(name, [_cell(_estimates(told.milestones[part], name)) for part in PARTS])
        for name in _names(told)
    ]


def _business_rows(told: Telling) -> list[_Row]:
    business = told.business
    if business.value is None:
        return []
    estimates = {"this model": business.value, **business.baselines}
    axis = whisker_axis([*estimates.values(), Estimate(business.target)])
    return [
        _Row(name, [_cell(each, whiskers(each, axis, "a" if name == "this model" else "n"))])
        for name, each in estimates.items()
    ]


def _against(told: Telling) -> list[_Row]:
    """The model and what it is held against, by the metrics that are told first."""
    names = told.metrics
    evaluations = {"this model": told.test, **told.baselines}
    axes = [whisker_axis([_estimates(found, name) for found in evaluations.values()]) for name in names]
    return [
        _Row(
            who,
            [
                _cell(
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
    for name in _names(told):
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
    return [(name, *_signed(curve.gains[name], name)) for name in _names(told) if name in curve.gains]


def _signed(change: Estimate, name: str) -> tuple[str, str]:
    """A difference in words, and whether it is one: better, worse, or "" where chance explains it."""
    if change.value is None:
        return "undefined", ""
    around = "" if change.low is None else f" ({change.low:+.3g} to {change.high:+.3g})"
    low, high = change.low, change.high
    sure = low is not None and high is not None and (low > 0 or high < 0)
    better = change.value * direction(name) > 0
    return f"{change.value:+.3g}{around}", ("better" if better else "worse") if sure else ""


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


def _slices(told: Telling) -> list[_Row]:
    names = _names(told)[:_OF_ITERATIONS]
    shown = told.test.slices[: _MOST_SLICES + 1]
    axis = whisker_axis([each.metrics[names[0]] for each in shown])
    return [
        _Row(
            each.name,
            [
                _Cell(f"{each.rows:,}", sort=each.rows),
                _cell(each.metrics[names[0]], whiskers(each.metrics[names[0]], axis)),
                *(_cell(each.metrics[name]) for name in names[1:]),
            ],
        )
        for each in shown
    ]


def _effect_metrics(growth: Mapping[str, Any]) -> Iterator[str]:
    effects = growth.get("effects") or []
    yield from effects[0]["change"] if effects else ()


def _effects(growth: Mapping[str, Any]) -> list[_Row]:
    """What the added rows do to every slice."""
    rows = []
    for effect in growth.get("effects") or []:
        cells = []
        for name in _effect_metrics(growth):
            said, mark = _signed(Estimate.from_json(effect["change"][name]), name)
            values = (effect[side][name] for side in ("without", "with"))
            both = " to ".join(_said(value) for value in values)
            sort = effect["change"][name]["value"]
            around = "" if sort is None else f"{said}{f', {mark}' if mark else ''}"
            cells.append(_Cell("undefined" if sort is None else both, around, sort=sort))
        counts = [_Cell(f"{effect[name]:,}", sort=effect[name]) for name in ("rows", "added")]
        mark = f"worse: {', '.join(effect['harm'])}" if effect["harm"] else ""
        rows.append(_Row(slice_name(effect["slice"]), [*counts, *cells], mark))
    return rows


def _said(value: float | None) -> str:
    return "undefined" if value is None else figure(float(value))


def _verdicts(told: Telling) -> list[_Row]:
    found = cast("Sequence[Mapping[str, Any]]", told.documents["evaluation"].get("verdicts") or [])
    return [
        _Row(str(v["check"]), [_Cell(str(v["reason"]))], "passed" if v["passed"] else "failed") for v in found
    ]


def _used(step: str, used: Usage) -> _Row:
    cells = [
        _Cell(f"{used.wall_s:.1f} s"),
        _Cell(f"{used.cpu_s:.1f} s"),
        _Cell(
            f"{used.peak_memory_mb:,.0f} MB", drawn=spark_line([(s.at_s, s.memory_mb) for s in used.samples])
        ),
    ]
    return _Row(step, cells)
