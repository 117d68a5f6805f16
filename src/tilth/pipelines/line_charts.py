"""Line charts and intervals as small SVG, for the page of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from tilth.metrics import Estimate
from tilth.profiles.drawings_axes import Axis, apart, linear_axis
from tilth.profiles.page_figures import figure, tick

__all__ = ["Chart", "Line", "chart", "spark_line", "whisker_axis", "whiskers"]

_WIDTH = 1000
_HEIGHT = 300
_MOST_POINTS = 400
_BINS = 20
_MARGIN = 0.06


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Args:
        name: what it is called.
        style: "a" or "b", one of the page's two colors.
        points: (x, estimate); undefined ones are left out.
    """

    name: str
    style: str
    points: Sequence[tuple[float, Estimate]]

    @property
    def known(self) -> list[tuple[float, Estimate]]:
        """The points that are defined."""
        return [(x, each) for x, each in self.points if each.value is not None]


@dataclass(frozen=True)
class Chart:
    """A chart and the words around it.

    Args:
        title: what is drawn upward.
        svg: the drawing.
        below: (percent from the left, text) of the marks below it.
        beside: (percent from the top, text) of the marks to its left.
        lines: (style, name) of its lines.
    """

    title: str
    svg: Markup
    below: tuple[tuple[float, str], ...]
    beside: tuple[tuple[float, str], ...]
    lines: tuple[tuple[str, str], ...]


def chart(
    title: str, lines: Sequence[Line], *, logarithmic: bool = False, goal: float | None = None, unit: str = ""
) -> Chart | None:
    """Lines with their intervals as bands; None where there are no two points to draw a line between.

    Args:
        title: what is drawn upward.
        lines: one or two.
        logarithmic: numbers to the right are drawn by their logarithm, with a mark for each.
        goal: a value to be reached, drawn across.
        unit: of the numbers to the right.

    Example:
        >>> line = Line("dev", "a", [(100, Estimate(0.7, 0.6, 0.8)), (200, Estimate(0.8, 0.75, 0.85))])
        >>> drawn = chart("accuracy", [line], logarithmic=True)
        >>> drawn.below, drawn.svg.count("<path")
        (((0.0, '100'), (100.0, '200')), 3)
    """
    shown = [line for line in lines if line.known]
    numbers = sorted({x for line in shown for x, _ in line.known})
    if len(numbers) < 2:
        return None
    across = _Across(numbers[0], numbers[-1], logarithmic)
    upward = _upward(shown, goal)
    parts = [_goal(goal, upward)] if goal is not None else []
    parts += [_band(line, across, upward) for line in shown]
    parts += [_path(line, across, upward) for line in shown]
    parts += [_tooltips(title, shown, numbers, across, unit)]
    opening = Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio=none role=img aria-label="{}">')
    svg = opening.format(_WIDTH, _HEIGHT, title) + Markup("").join(parts) + Markup("</svg>")
    beside = tuple((round(100 * (1 - place), 1), text) for place, text in upward.ticks)
    return Chart(title, svg, across.marks(numbers), beside, tuple((line.style, line.name) for line in shown))


@dataclass(frozen=True)
class _Across:
    """Where numbers lie from left to right."""

    low: float
    high: float
    logarithmic: bool

    def place(self, number: float) -> float:
        if self.logarithmic:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def marks(self, numbers: Sequence[float]) -> tuple[tuple[float, str], ...]:
        if not self.logarithmic:
            ticks = linear_axis(self.low, self.high, bins=_BINS).ticks
            edges = linear_axis(self.low, self.high, bins=_BINS).edges
            span = float(edges[-1] - edges[0])
            values = [(float(edges[0]) + place * span, text) for place, text in ticks]
            numbers, texts = [value for value, _ in values], [text for _, text in values]
        else:
            texts = [tick(number) for number in numbers]
        placed = [
            (self.place(n), t) for n, t in zip(numbers, texts, strict=True) if self.low <= n <= self.high
        ]
        kept = apart([place for place, _ in placed], [text for _, text in placed])
        return tuple((round(100 * place, 1), text) for place, text in kept)


def _upward(lines: Sequence[Line], goal: float | None) -> Axis:
    ends = [
        end
        for line in lines
        for _, each in line.known
        for end in (each.value, each.low, each.high)
        if end is not None
    ]
    ends += [] if goal is None else [goal]
    low, high = min(ends), max(ends)
    room = (high - low) * _MARGIN or abs(high) * _MARGIN or 1.0
    return linear_axis(low - room, high + room, bins=_BINS)


def _y(value: float, upward: Axis) -> int:
    return round(_HEIGHT * (1 - float(upward.place(np.array([value]))[0])))


def _goal(goal: float, upward: Axis) -> Markup:
    return Markup('<path class=goal d="M0 {}H{}"/>').format(_y(goal, upward), _WIDTH)


def _path(line: Line, across: _Across, upward: Axis) -> Markup:
    known = _thinned(line.known)
    points = [(round(across.place(x) * _WIDTH), _y(each.value or 0.0, upward)) for x, each in known]
    path = Markup('<path class="l {}" d="M{}"/>').format(line.style, "L".join(f"{x} {y}" for x, y in points))
    if len(points) > _BINS:
        return path
    dots = "".join(f"M{x} {y}h0" for x, y in points)
    return path + Markup('<path class="o {}" d="{}"/>').format(line.style, dots)


def _band(line: Line, across: _Across, upward: Axis) -> Markup:
    known = [(x, each) for x, each in _thinned(line.known) if each.low is not None and each.high is not None]
    if len(known) < 2:
        return Markup("")
    there = [f"{round(across.place(x) * _WIDTH)} {_y(each.high or 0.0, upward)}" for x, each in known]
    back = [f"{round(across.place(x) * _WIDTH)} {_y(each.low or 0.0, upward)}" for x, each in reversed(known)]
    return Markup('<path class="i {}" d="M{}Z"/>').format(line.style, "L".join([*there, *back]))


def _thinned(points: list[tuple[float, Estimate]]) -> list[tuple[float, Estimate]]:
    """Every second, third, ... point, and the last."""
    every = -(-len(points) // _MOST_POINTS)
    return [*points[:-1:every], points[-1]] if every > 1 else points


def _tooltips(
    title: str, lines: Sequence[Line], numbers: Sequence[float], across: _Across, unit: str
) -> Markup:
    every = -(-len(numbers) // _MOST_POINTS)
    shown = list(numbers[::every])
    places = [across.place(x) * _WIDTH for x in shown]
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(places)), float(_WIDTH)]
    cell = Markup("<rect x={} width={}><title>{}</title></rect>")
    known = [(line.name, dict(line.known)) for line in lines]
    cells = []
    for x, left, right in zip(shown, edges[:-1], edges[1:], strict=True):
        values = [f"{name} {points[x]}" for name, points in known if x in points]
        said = f"{figure(int(x) if float(x).is_integer() else x)} {unit}: {title} {', '.join(values)}"
        cells.append(cell.format(round(left), max(1, round(right) - round(left)), said))
    return Markup("<g class=t>{}</g>").format(Markup("").join(cells))


def whisker_axis(estimates: Sequence[Estimate]) -> Axis | None:
    """The axis on which intervals of several lines of a table are drawn; None where all are undefined."""
    ends = [end for e in estimates for end in (e.value, e.low, e.high) if end is not None]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    room = (high - low) * _MARGIN or abs(high) * _MARGIN or 1.0
    return linear_axis(low - room, high + room, bins=_BINS)


def whiskers(estimate: Estimate, axis: Axis | None, style: str = "a") -> Markup:
    """A value and its interval on an axis, for a line of a table.

    Example:
        >>> whiskers(Estimate(0.5, 0.25, 0.75), whisker_axis([Estimate(0.0), Estimate(1.0)])).count("<path")
        2
    """
    if axis is None or estimate.value is None:
        return Markup("")
    ends = (estimate.value, estimate.low, estimate.high)
    at, low, high = (
        round(_WIDTH * float(axis.place(np.array([estimate.value if end is None else end]))[0]))
        for end in ends
    )
    inside = Markup('<path class="l {}" d="M{} 50H{}"/><path class="o {}" d="M{} 50h0"/>')
    opening = Markup('<svg class=wh viewBox="0 0 {} 100" preserveAspectRatio=none aria-hidden=true>')
    return opening.format(_WIDTH) + inside.format(style, low, high, style, at) + Markup("</svg>")


def spark_line(points: Sequence[tuple[float, float]]) -> Markup:
    """A line without words, from 0 upward, for a line of a table; nothing of fewer than two points.

    Example:
        >>> spark_line([(0.0, 1.0), (1.0, 3.0)]).count("<path")
        1
    """
    if len(points) < 2 or points[-1][0] <= points[0][0]:
        return Markup("")
    top = max(y for _, y in points) or 1.0
    start, span = points[0][0], points[-1][0] - points[0][0]
    path = "L".join(f"{round((x - start) / span * _WIDTH)} {round(100 - y / top * 96)}" for x, y in points)
    inside = Markup('<svg class=wh viewBox="0 0 {} 100" preserveAspectRatio=none aria-hidden=true>')
    return inside.format(_WIDTH) + Markup('<path class="l a" d="M{}"/></svg>').format(path)
