"""Figures as the tables of a report show them: the value, its interval in words, and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tilth.metrics import Estimate, direction
from tilth.profiles.page_figures import figure

__all__ = ["Cell", "Row", "estimate_cell", "signed"]

_NOTHING = Markup("")
_LARGE = 100


@dataclass(frozen=True)
class Cell:
    """A figure in a table.

    Args:
        value: in words.
        around: its interval, or what else is said beside it.
        drawn: the same as a small drawing.
        sort: the number by which the lines of the table can be sorted.
    """

    value: str
    around: str = ""
    drawn: Markup = _NOTHING
    sort: float | None = None


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Args:
        name: what it is about.
        cells: its figures.
        mark: a word that stands out, such as "small".
        title: what is said beside the name.
    """

    name: str
    cells: Sequence[Cell]
    mark: str = ""
    title: str = ""


def estimate_cell(estimate: Estimate, drawn: Markup = _NOTHING) -> Cell:
    """A value with its interval.

    Example:
        >>> estimate_cell(Estimate(0.5, 0.25, 0.75)).around, estimate_cell(Estimate(None)).value
        ('0.25 to 0.75', 'undefined')
    """
    if estimate.value is None:
        return Cell("undefined")
    low, high = estimate.low, estimate.high
    around = "" if low is None or high is None else f"{_end(low)} to {_end(high)}"
    return Cell(figure(float(estimate.value)), around, drawn, estimate.value)


def _end(value: float) -> str:
    """An end of an interval, to three digits: what is uncertain needs no more."""
    return figure(float(f"{value:.3g}") if abs(value) < _LARGE else value)


def signed(change: Estimate, name: str) -> tuple[str, str]:
    """A difference in words, and whether it is one: better, worse, or "" where chance explains it.

    Args:
        change: of a metric.
        name: the metric.

    Example:
        >>> signed(Estimate(-0.02, -0.03, -0.01), "accuracy")
        ('-0.02 (-0.03 to -0.01)', 'worse')
    """
    if change.value is None:
        return "undefined", ""
    around = "" if change.low is None else f" ({change.low:+.3g} to {change.high:+.3g})"
    low, high = change.low, change.high
    sure = low is not None and high is not None and (low > 0 or high < 0)
    better = change.value * direction(name) > 0
    return f"{change.value:+.3g}{around}", ("better" if better else "worse") if sure else ""
