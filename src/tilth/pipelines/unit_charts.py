"""Drawings of two quantities that both go from 0 to 1: ROC, precision against recall, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tilth.pipelines.line_charts import Chart
from tilth.profiles.page_figures import tick

__all__ = ["UnitLine", "UnitPoint", "unit_chart"]

_SIDE = 1000
_LIMITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_TICKS = 4


@dataclass(frozen=True)
class UnitPoint:
    """A point of a line.

    Args:
        x: from left to right, 0 to 1.
        y: upward, 0 to 1.
        said: what is said of it under the pointer.
        low: the lower end of the interval of y, if there is one.
        high: its upper end.
    """

    x: float
    y: float
    said: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class UnitLine:
    """Points that are drawn with one style.

    Args:
        name: what it is called.
        style: "a" or "b", one of the page's two colors, or "n", gray.
        points: in the order in which they are joined.
        joined: whether a line goes through them.
        dotted: whether each is drawn as a dot.
    """

    name: str
    style: str
    points: Sequence[UnitPoint]
    joined: bool = True
    dotted: bool = False


def unit_chart(
    title: str,
    lines: Sequence[UnitLine],
    *,
    diagonal: bool = False,
    level: float | None = None,
    whole: bool = True,
) -> Chart | None:
    """Lines in a square; None where there is no point.

    Args:
        title: above it.
        lines: what is drawn; a line without a name has no key.
        diagonal: whether the line from corner to corner is drawn: chance, or perfect calibration.
        level: a line across, such as the precision of chance.
        whole: draw from 0 to 1 in any case; otherwise up to the least round number that holds all points.

    Example:
        >>> points = [UnitPoint(0, 0, "at 1"), UnitPoint(0.1, 0.8, "at 0.5"), UnitPoint(1, 1, "at 0")]
        >>> drawn = unit_chart("ROC", [UnitLine("dev", "a", points)], diagonal=True)
        >>> drawn.below[0], drawn.beside[0], drawn.svg.count("<title>")
        ((0.0, '0'), (100.0, '0'), 3)
    """
    points = [point for line in lines for point in line.points]
    if not points:
        return None
    ends = [end for p in points for end in (p.x, p.y, p.high) if end is not None]
    limit = 1.0 if whole else next(each for each in _LIMITS if max(ends) <= each or each == 1.0)
    parts = [Markup('<path class=goal d="M0 {0}L{0} 0"/>').format(_SIDE)] if diagonal else []
    if level is not None:
        parts.append(Markup('<path class=goal d="M0 {}H{}"/>').format(_up(level, limit), _SIDE))
    parts += [_drawn(line, limit) for line in lines]
    opening = Markup('<svg viewBox="0 0 {0} {0}" preserveAspectRatio=none role=img aria-label="{1}">')
    marks = [(at / _TICKS, tick(limit * at / _TICKS)) for at in range(_TICKS + 1)]
    return Chart(
        title,
        opening.format(_SIDE, title) + Markup("").join(parts) + Markup("</svg>"),
        tuple((100 * place, text) for place, text in marks),
        tuple((100 - 100 * place, text) for place, text in marks),
        tuple((line.style, line.name) for line in lines if line.name),
    )


def _across(value: float, limit: float) -> int:
    return round(_SIDE * value / limit)


def _up(value: float, limit: float) -> int:
    return round(_SIDE * (1 - value / limit))


def _drawn(line: UnitLine, limit: float) -> Markup:
    places = [(_across(p.x, limit), _up(p.y, limit)) for p in line.points]
    found = Markup("")
    if line.joined and len(places) > 1:
        way = "L".join(f"{x} {y}" for x, y in places)
        found += Markup('<path class="l {}" d="M{}"/>').format(line.style, way)
    for (x, _), point in zip(places, line.points, strict=True):
        if point.low is not None and point.high is not None:
            ends = (_up(point.low, limit), _up(point.high, limit))
            found += Markup('<path class="l {}" d="M{} {}V{}"/>').format(line.style, x, *ends)
    kind = "o" if line.dotted else "h"
    for (x, y), point in zip(places, line.points, strict=True):
        dot = Markup('<path class="{} {}" d="M{} {}h0"><title>{}</title></path>')
        found += dot.format(kind, line.style, x, y, point.said)
    return found
