"""Drawings of distributions as small SVG, for one data set or two over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from tilth.profiles.drawings_axes import Axis
from tilth.profiles.page_figures import share

__all__ = ["Drawing", "Series", "bars", "curve", "histogram", "spark"]

_WIDTH = 1000
_HEIGHT = 200
_STRIP = 22
_CLASSES = (Markup("a"), Markup("b"))
_LEAST = 3  # a bin that holds something is seen
_BROKEN = 8  # a bar so many times as high as all others is broken off, lest it flatten them
_MOST_BROKEN = 2
_ROOM = 0.72  # the height of the highest bar that is not broken, beside a broken one
_BARS = 8


@dataclass(frozen=True, eq=False)
class Series:
    """One data set of a drawing.

    Args:
        name: what it is called, such as "reference"; "" where there is only one.
        counts: how many values in each bin, shape (k,).
        marks: five numbers in ascending order for the strip below, or empty.
    """

    name: str
    counts: np.ndarray
    marks: tuple[float, ...] = ()

    @property
    def total(self) -> int:
        """How many values in all bins."""
        return int(self.counts.sum())

    @property
    def shares(self) -> np.ndarray:
        """The share of each bin, in [0, 1], shape (k,)."""
        found: np.ndarray = self.counts / max(self.total, 1)
        return found


@dataclass(frozen=True)
class Drawing:
    """A drawing and the words around it.

    Args:
        scale: "linear", "log", "quantiles" or "bars".
        svg: the drawing itself.
        ticks: (percent from the left, text) below it.
        notes: (percent from the left, text) above it, at bars that are broken off.
        top: what the height of the drawing stands for.
    """

    scale: str
    svg: Markup
    ticks: tuple[tuple[float, str], ...] = ()
    notes: tuple[tuple[float, str], ...] = ()
    top: str = ""


def histogram(
    axis: Axis,
    series: Sequence[Series],
    title: str,
    scale: str,
    *,
    tooltips: bool = True,
    brief: bool = False,
) -> Drawing:
    """Bins as areas, each data set by its shares, with a strip of quantiles below.

    A bar that is far above all others is broken off, with its share written above.

    Args:
        axis: the bins.
        series: one or two data sets, on these bins.
        title: what is drawn, for those who cannot see it.
        scale: the drawing's name.
        tooltips: say each bin's name and shares under the pointer.
        brief: the shares of two data sets alone, without their names and counts.

    Example:
        >>> from tilth.profiles.drawings_axes import linear_axis
        >>> axis = linear_axis(0, 9, whole=True)
        >>> drawing = histogram(axis, [Series("", np.arange(10))], "digits", "linear", tooltips=False)
        >>> drawing.top, drawing.svg.count("<path")
        ('20.0%', 1)
    """
    places = [round(float(place) * _WIDTH) for place in axis.places]
    top, broken = _top(series)
    parts = [_area(places, each.shares, top, name) for each, name in zip(series, _CLASSES, strict=False)]
    parts.insert(1, _tooltips(places, axis.names, series, brief=brief) if tooltips else Markup(""))
    cracks = "".join(f"M{places[i] - 4} 34L{places[i + 1] + 4} 20" for i in broken)
    if cracks:
        parts.append(Markup('<path class=k d="{}"/>').format(cracks))
    strips = [_strip(axis, each, i) for i, each in enumerate(series) if each.marks]
    height = _HEIGHT + _STRIP * (len(series) if strips else 0)
    notes = tuple((_percent((places[i] + places[i + 1]) / 2), _shares(series, i)) for i in broken)
    svg = _svg(height, title, Markup("").join([*parts, *strips]))
    ticks = tuple((_percent(place * _WIDTH), text) for place, text in axis.ticks)
    return Drawing(scale, svg, ticks, notes, share(top, 1))


def _percent(place: float) -> float:
    return round(place * 100 / _WIDTH, 1)


def _top(series: Sequence[Series]) -> tuple[float, list[int]]:
    heights = np.max([each.shares for each in series], axis=0)
    order = np.argsort(-heights, kind="stable")
    for many in range(1, min(_MOST_BROKEN, len(heights) - 1) + 1):
        rest = float(heights[order[many]])
        if rest > 0 and heights[order[many - 1]] > _BROKEN * rest:
            return rest / _ROOM, sorted(order[:many].tolist())
    return float(heights.max(initial=0)) or 1.0, []


def _shares(series: Sequence[Series], place: int) -> str:
    return " / ".join(share(int(each.counts[place]), each.total) for each in series)


def _area(places: Sequence[int], shares: np.ndarray, top: float, name: Markup) -> Markup:
    heights = [_height(value, top) for value in shares.tolist()]
    steps, level = [f"M{places[0]} {_HEIGHT}"], 0
    for right, height, following in zip(places[1:], heights, [*heights[1:], 0], strict=True):
        if height != level:
            steps.append(f"V{_HEIGHT - height}")
            level = height
        if following != height:
            steps.append(f"H{right}")
    steps.append(f"V{_HEIGHT}" if level else "")
    return Markup('<path class={} d="{}Z"/>').format(name, "".join(steps))


def _height(value: float, top: float) -> int:
    return max(round(min(value / top, 1.0) * _HEIGHT), _LEAST) if value > 0 else 0


def _tooltips(
    places: Sequence[int], names: Sequence[str], series: Sequence[Series], *, brief: bool
) -> Markup:
    cell = Markup("<rect x={} width={}><title>{}</title></rect>")
    cells = [
        cell.format(left, right - left, _tooltip(names[i], series, i, brief=brief))
        for i, (left, right) in enumerate(pairwise(places))
        if right > left
    ]
    return Markup("<g class=t>{}</g>").format(Markup("").join(cells))


def _tooltip(name: str, series: Sequence[Series], i: int, *, brief: bool) -> str:
    if brief and len(series) > 1:
        return f"{name}: {_shares(series, i)}"
    said = (
        f"{each.name} {share(int(each.counts[i]), each.total)} ({int(each.counts[i]):,})".strip()
        for each in series
    )
    return f"{name}: {', '.join(said)}"


def _strip(axis: Axis, series: Series, row: int) -> Markup:
    low, first, middle, third, high = (
        round(float(place) * _WIDTH) for place in axis.place(np.array(series.marks))
    )
    y = _HEIGHT + _STRIP * row + 4
    box = f"M{low} {y + 9}H{first}V{y + 3}H{third}V{y + 15}H{first}V{y + 9}"
    path = f"{box}M{third} {y + 9}H{high}M{middle} {y}v18"
    return Markup('<path class="q {}" d="{}"/>').format(_CLASSES[row], path)


def _svg(height: int, title: str, inside: Markup) -> Markup:
    opening = Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio=none role=img aria-label="{}">')
    return opening.format(_WIDTH, height, title) + inside + Markup("</svg>")


def curve(
    shares: Sequence[float],
    lines: Sequence[tuple[str, Sequence[float], Sequence[str]]],
    axis: Axis,
    title: str,
    *,
    tooltips: bool = True,
) -> Drawing:
    """The quantile function: which number (upward) a share of the values (to the right) does not exceed.

    Args:
        shares: ascending, in [0, 1], shape (k,).
        lines: for each data set its name, its quantiles at `shares` and the same in words.
        axis: where numbers lie, upward.
        title: what is drawn.
        tooltips: say the quantiles under the pointer.

    Example:
        >>> from tilth.profiles.drawings_axes import linear_axis
        >>> drawing = curve([0, 1], [("", [0.0, 9.0], ["0", "9"])], linear_axis(0, 9), "x", tooltips=False)
        >>> '<path class="c a" d="M0 200L1000 0"/>' in drawing.svg
        True
    """
    across = [round(share * _WIDTH) for share in shares]
    parts = []
    for (_, numbers, _), name in zip(lines, _CLASSES, strict=False):
        up = [_HEIGHT - round(float(place) * _HEIGHT) for place in axis.along(np.array(numbers))]
        points = "L".join(f"{x} {y}" for x, y in zip(across, up, strict=True))
        parts.append(Markup('<path class="c {}" d="M{}"/>').format(name, points))
    if tooltips:
        parts.append(_curve_tooltips(shares, across, lines))
    ticks = tuple((float(percent), f"{percent}%") for percent in (0, 25, 50, 75, 100))
    highest = max((numbers[-1], words[-1]) for _, numbers, words in lines)[1]
    return Drawing("quantiles", _svg(_HEIGHT, title, Markup("").join(parts)), ticks, (), highest)


def _curve_tooltips(
    shares: Sequence[float],
    across: Sequence[int],
    lines: Sequence[tuple[str, Sequence[float], Sequence[str]]],
) -> Markup:
    middles = [0, *((a + b) // 2 for a, b in pairwise(across)), _WIDTH]
    cell = Markup("<rect x={} width={}><title>{}</title></rect>")
    cells = [
        cell.format(
            left, right - left, f"{share:.0%}: " + ", ".join(f"{n} {w[i]}".strip() for n, _, w in lines)
        )
        for i, (share, left, right) in enumerate(zip(shares, middles[:-1], middles[1:], strict=True))
    ]
    return Markup("<g class=t>{}</g>").format(Markup("").join(cells))


def bars(shares: Sequence[Sequence[float]], title: str) -> Drawing:
    """Categories side by side, each data set by its shares; without words, which stand in the table.

    Args:
        shares: for each data set the share of each category, in [0, 1], in one order.
        title: what is drawn.

    Example:
        >>> bars([[0.7, 0.3]], "sizes").svg.count("<path")
        1
    """
    top = max((value for each in shares for value in each), default=0.0) or 1.0
    many = max(len(shares[0]), _BARS)
    slot = _WIDTH / many
    width = slot * 0.8 / len(shares)
    parts = []
    for row, (each, name) in enumerate(zip(shares, _CLASSES, strict=False)):
        left = (many - len(each)) / 2 * slot if len(each) < _BARS // 2 else 0
        starts = [round(left + i * slot + slot * 0.1 + row * width) for i in range(len(each))]
        steps = [
            f"M{start} {_HEIGHT}v-{_height(value, top)}h{round(width)}V{_HEIGHT}Z"
            for start, value in zip(starts, each, strict=True)
            if value > 0
        ]
        parts.append(Markup('<path class={} d="{}"/>').format(name, "".join(steps)))
    return Drawing("bars", _svg(_HEIGHT, title, Markup("").join(parts)))


def spark(axis: Axis, counts: np.ndarray) -> Markup:
    """A histogram without words, for a line of a table.

    Example:
        >>> from tilth.profiles.drawings_axes import linear_axis
        >>> "<path" in spark(linear_axis(0, 9, whole=True), np.arange(10))
        True
    """
    places = [round(float(place) * _WIDTH) for place in axis.places]
    series = Series("", counts)
    area = _area(places, series.shares, _top([series])[0], _CLASSES[0])
    inside = Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio=none aria-hidden=true>{}</svg>')
    return inside.format(_WIDTH, _HEIGHT, area)
