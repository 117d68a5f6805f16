"""Drawings of a search: scores over time, over each parameter, and against costs, as small SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from tilth.pipelines.line_charts import Chart
from tilth.profiles.drawings_axes import Axis, apart, linear_axis
from tilth.profiles.page_figures import figure, tick
from tilth.training.tuning import Aim, Choice, Range, Trial

__all__ = ["against_cost", "history", "over_parameter"]

_WIDTH = 1000
_HEIGHT = 300
_ROOM = 0.04
_BINS = 20
_FEW_DECADES = 2.5
_FAR = 4.0
"""Scores that are farther from the best than so many times the median's distance are drawn at the edge."""


@dataclass(frozen=True)
class _Scores:
    """Where scores lie upward."""

    axis: Axis
    low: float
    high: float

    @classmethod
    def of(cls, aim: Aim, trials: Sequence[Trial]) -> _Scores:
        values = [trial.score.value for trial in trials if trial.score.value is not None]
        best, middle = (max(values) if aim.upward else min(values)), float(np.median(values))
        reach = _FAR * abs(best - middle) or max(values) - min(values) or abs(best) * _ROOM or 1.0
        low, high = max(min(values), best - reach), min(max(values), best + reach)
        room = (high - low) * 2 * _ROOM or reach * _ROOM
        return cls(linear_axis(low - room, high + room, bins=_BINS), low, high)

    def y(self, value: float) -> int:
        return round(
            _HEIGHT * (1 - float(self.axis.place(np.array([min(max(value, self.low), self.high)]))[0]))
        )

    @property
    def beside(self) -> tuple[tuple[float, str], ...]:
        return tuple((round(100 * (1 - place), 1), text) for place, text in self.axis.ticks)


@dataclass(frozen=True)
class _Across:
    """Where values lie from left to right, and the marks below."""

    place: Callable[[float], float]
    marks: tuple[tuple[float, str], ...]

    def x(self, value: float) -> int:
        return round(_WIDTH * self.place(value))

    @property
    def below(self) -> tuple[tuple[float, str], ...]:
        kept = apart([place for place, _ in self.marks], [text for _, text in self.marks])
        return tuple((round(100 * place, 1), text) for place, text in kept)


def history(aim: Aim, trials: Sequence[Trial], total: int, words: Callable[[Trial], str]) -> Chart | None:
    """The score of each trial, and the best so far; None without any.

    Args:
        aim: what the search is after.
        trials: by number.
        total: how many there shall be.
        words: what is said of a trial that is pointed at.
    """
    complete = [trial for trial in trials if trial.is_complete]
    if not complete:
        return None
    scores, across = _Scores.of(aim, complete), _linear(0, max(total - 1, complete[-1].number, 1), whole=True)
    steps: list[str] = []
    best: Trial | None = None
    for trial in complete:
        if not aim.allows(trial) or (best is not None and aim.loss(trial) >= aim.loss(best)):
            continue
        at, value = across.x(trial.number), scores.y(trial.score.value or 0.0)
        steps.append(f"H{at}V{value}" if best is not None else f"M{at} {value}")
        best = trial
    line = Markup('<path class="l b" d="{}H{}"/>').format("".join(steps), _WIDTH) if steps else Markup("")
    dots = _dots(aim, complete, lambda trial: across.x(trial.number), scores, words)
    keys = [("b", "best so far"), *_keys(aim, complete)]
    return _drawn(aim.metric, line + dots, across, scores, keys)


def over_parameter(
    aim: Aim, trials: Sequence[Trial], name: str, values: Range | Choice, words: Callable[[Trial], str]
) -> Chart | None:
    """The scores over the values of one parameter; None where fewer than two trials have it.

    Args:
        aim: what the search is after.
        trials: of one estimator.
        name: the parameter.
        values: its values.
        words: what is said of a trial that is pointed at.
    """
    shown = [t for t in trials if t.is_complete and values.contains(t.proposal.parameters.get(name))]
    if len(shown) < 2:
        return None
    if isinstance(values, Choice):
        places = {repr(value): (at + 0.5) / len(values.values) for at, value in enumerate(values.values)}
        marks = tuple((places[repr(value)], _text(value)) for value in values.values)

        def at(trial: Trial) -> int:
            return round(_WIDTH * places[repr(trial.proposal.parameters[name])])

        across = _Across(lambda place: place, marks)
    else:
        across = _logarithmic(values.low, values.high) if values.log else _linear(values.low, values.high)

        def at(trial: Trial) -> int:
            return across.x(float(trial.proposal.parameters[name]))

    scores = _Scores.of(aim, shown)
    return _drawn(name, _dots(aim, shown, at, scores, words), across, scores, [])


def against_cost(
    aim: Aim, trials: Sequence[Trial], cost: str, title: str, words: Callable[[Trial], str]
) -> Chart | None:
    """Scores against a cost, with the trials between which one must choose joined by a line.

    Args:
        aim: what the search is after.
        trials: all.
        cost: which.
        title: what it is called.
        words: what is said of a trial that is pointed at.
    """
    shown = [trial for trial in trials if trial.is_complete and cost in trial.costs]
    if len(shown) < 2:
        return None
    costs = [trial.costs[cost] for trial in shown]
    bound = aim.constraints.get(cost)
    ends = [*costs, *([] if bound is None else [bound])]
    low, high = min(ends), max(ends)
    across = _logarithmic(low, high) if low > 0 and high > 10 * low else _linear(low, high)
    scores = _Scores.of(aim, shown)
    parts = Markup("")
    if bound is not None:
        parts += Markup('<path class=goal d="M{} 0V{}"/>').format(across.x(bound), _HEIGHT)
    front = sorted(aim.front(shown), key=lambda t: t.costs[cost]) if cost == aim.second else []
    if len(front) > 1:
        points = "L".join(f"{across.x(t.costs[cost])} {scores.y(t.score.value or 0.0)}" for t in front)
        parts += Markup('<path class="l b" d="M{}"/>').format(points)
    parts += _dots(aim, shown, lambda trial: across.x(trial.costs[cost]), scores, words)
    keys = [("b", "none better in both")] if len(front) > 1 else []
    return _drawn(title, parts, across, scores, keys)


def _dots(
    aim: Aim,
    trials: Sequence[Trial],
    at: Callable[[Trial], int],
    scores: _Scores,
    words: Callable[[Trial], str],
) -> Markup:
    best = aim.best(trials)
    dot = Markup('<path class="o {}" d="M{} {}h0"><title>{}</title></path>')
    ordered = sorted(trials, key=lambda trial: trial is best)
    return Markup("").join(
        dot.format(_style(aim, trial, best), at(trial), scores.y(trial.score.value or 0.0), words(trial))
        for trial in ordered
    )


def _style(aim: Aim, trial: Trial, best: Trial | None) -> str:
    if trial is best:
        return "b"
    return "a" if aim.allows(trial) else "n"


def _keys(aim: Aim, trials: Sequence[Trial]) -> list[tuple[str, str]]:
    above = any(not aim.allows(trial) for trial in trials)
    return [("a", "trials"), *([("n", "above a bound")] if above else [])]


def _drawn(
    title: str, inside: Markup, across: _Across, scores: _Scores, keys: list[tuple[str, str]]
) -> Chart:
    opening = Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio=none role=img aria-label="{}">')
    svg = opening.format(_WIDTH, _HEIGHT, title) + inside + Markup("</svg>")
    return Chart(title, svg, across.below, scores.beside, tuple(keys))


def _linear(low: float, high: float, *, whole: bool = False) -> _Across:
    axis = linear_axis(low, high, whole=whole, bins=_BINS)
    first, last = float(axis.edges[0]), float(axis.edges[-1])
    start, span = min(low, last), (high - low) or 1.0

    def place(value: float) -> float:
        return _ROOM + (1 - 2 * _ROOM) * (value - start) / span

    values = [(first + at * (last - first), text) for at, text in axis.ticks]
    return _Across(place, tuple((place(v), text) for v, text in values if low <= v <= high))


def _logarithmic(low: float, high: float) -> _Across:
    def place(value: float) -> float:
        return _ROOM + (1 - 2 * _ROOM) * math.log(value / low) / math.log(high / low)

    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    few = math.log10(high / low) < _FEW_DECADES
    values = [
        factor * 10.0**exponent
        for exponent in range(first, last + 1)
        for factor in ((1, 2, 5) if few else (1,))
        if low <= factor * 10.0**exponent <= high
    ]
    return _Across(place, tuple((place(value), tick(value)) for value in values or [low, high]))


def _text(value: object) -> str:
    return value if isinstance(value, str) else figure(value)
