"""A model against another on the same rows: differences with paired intervals, and the rows that flip."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tilth.evaluation import ComparedSlice, Comparison, ScoredRows
from tilth.metrics import Estimate, direction
from tilth.pipelines.line_charts import whisker_axis, whiskers
from tilth.pipelines.report_sections.figures import Cell, Row, signed
from tilth.pipelines.report_sections.mistakes import Mistake, cards
from tilth.pipelines.report_sections.slices import slice_title
from tilth.profiles.page_figures import figure, label

__all__ = ["Versus", "versus_of"]

_MOST_SHOWN = 6
_MOST_SLICES = 100


@dataclass(frozen=True)
class Versus:
    """A model against another.

    Args:
        other: what the other one is called.
        rows: how many rows both answered.
        metrics: a line for each metric: the other's value, this model's, and the difference.
        flips: how many rows only the other model gets right, how many only this one does, and McNemar's p;
            None where rows are not right or wrong.
        metric: by which slices are compared; "" where there are no slices.
        slices: a line for each slice, the worst first.
        is_open: whether the slices are to be seen at once, since one differs beyond chance.
        shown: some of the rows that only the other model gets right.
        is_number: whether what is predicted is a number.
    """

    other: str
    rows: int
    metrics: tuple[Row, ...]
    flips: tuple[str, str, str] | None
    metric: str
    slices: tuple[Row, ...] = ()
    is_open: bool = False
    shown: tuple[Mistake, ...] = ()
    is_number: bool = False


def versus_of(
    found: Comparison,
    names: Sequence[str],
    rows: ScoredRows | None = None,
    *,
    hidden: Collection[str] = (),
    known: Collection[str] = (),
) -> Versus:
    """A comparison for the page.

    Args:
        found: the comparison.
        names: the metrics that are told, the first one on slices too; others follow.
        rows: the rows that were compared, with this model's answers, to show some that got worse.
        hidden: columns whose values are not shown.
        known: columns that are no inputs.

    Example:
        >>> from tilth.evaluation import Scored, compare
        >>> data = {"y": ["a", "b", "a"], "said": ["a", "a", "a"], "before": ["b", "b", "a"]}
        >>> mine, before = (Scored.of(data, label="y", prediction=name).rows() for name in ("said", "before"))
        >>> made = versus_of(compare(mine, before), ["accuracy"], mine)
        >>> made.flips, made.metrics[0].cells[2].value, [each.row for each in made.shown]
        (('1', '1', '1'), '+0 (-0.784 to +0.784)', [2])
    """
    whole, *slices = found.slices
    told = [name for name in dict.fromkeys([*names, *whole.difference]) if name in whole.difference]
    metric = told[0] if told else ""
    compared = tuple(_by_slice(metric, slices)) if metric else ()
    flips = whole.flips
    return Versus(
        label(found.against, 60).text,
        whole.rows,
        tuple(Row(name, *_line(name, whole)) for name in told),
        None
        if flips is None
        else (f"{flips.right_to_wrong:,}", f"{flips.wrong_to_right:,}", _chance(flips.p)),
        metric,
        compared,
        any(row.mark for row in compared),
        _broken(found, rows, hidden, known),
        found.task == "regression",
    )


def _chance(p: float | None) -> str:
    return "" if p is None else f"{p:.2g}" if p >= 1e-9 else "< 1e-9"


def _line(metric: str, each: ComparedSlice) -> tuple[list[Cell], str]:
    change = each.difference[metric]
    said, mark = signed(change, metric)
    values = (each.other[metric], each.this[metric])
    cells = [Cell("undefined" if value is None else figure(float(value)), sort=value) for value in values]
    return [*cells, Cell(said, sort=change.value)], mark


def _by_slice(metric: str, slices: Sequence[ComparedSlice]) -> list[Row]:
    """The metric on each slice, that in which this model is surely worst against the other first."""

    def gain(each: ComparedSlice) -> tuple[bool, float]:
        # The better end of the interval, lest a few rows come first by chance.
        change = each.difference[metric]
        ends = [end * direction(metric) for end in (change.low, change.high) if end is not None]
        return (not ends, max(ends, default=0.0))

    kept = sorted(slices, key=gain)[:_MOST_SLICES]
    axis = whisker_axis([Estimate(0.0), *(each.difference[metric] for each in kept)])
    rows = []
    for each in kept:
        (*values, last), mark = _line(metric, each)
        drawn = Cell(last.value, drawn=whiskers(each.difference[metric], axis), sort=last.sort)
        title = "small" if each.small else ""
        rows.append(
            Row(
                slice_title(each.slice), [Cell(f"{each.rows:,}", sort=each.rows), *values, drawn], mark, title
            )
        )
    return rows


def _broken(
    found: Comparison, rows: ScoredRows | None, hidden: Collection[str], known: Collection[str]
) -> tuple[Mistake, ...]:
    """Some of the rows that only the other model gets right: those that this one is most wrong about."""
    if rows is None or found.lost is None or not found.lost.any():
        return ()
    return cards(rows, found.lost, hidden=hidden, known=known, most=_MOST_SHOWN)[0]
