"""An explanation as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tilth.evaluation.explanation.attribution import Method
from tilth.evaluation.explanation.dependence import Dependence, DependencePoint
from tilth.evaluation.explanation.importance import Importance
from tilth.evaluation.explanation.influence import Influence
from tilth.evaluation.slice_result import slice_text
from tilth.wording import aligned, number_text

__all__ = ["how", "told"]

_MOST_COLUMNS = 15
_MOST_ON_SLICES = 6
_WIDTH = 24


def told(
    importance: Importance | None,
    influences: Sequence[Influence],
    dependences: Sequence[Dependence],
    *,
    how: tuple[str, str],
    of: str | None,
    notes: Sequence[str],
) -> str:
    """Importance, influence and dependence below each other.

    Args:
        importance: if rows had labels.
        influences: that of all rows first.
        dependences: of some columns.
        how: what `how` says of the influences.
        of: the class that was asked for.
        notes: sentences for the end.
    """
    parts = [] if importance is None else [_importance(importance)]
    parts.append(_influence(influences, how))
    if dependences:
        parts.append(_dependences(dependences, of))
    if notes:
        parts.append("\n".join(f"note: {note}" for note in notes))
    return "\n\n".join(parts)


def how(scale: str, method: Method, background: int) -> tuple[str, str]:
    """What columns move, and how that was found out, in words.

    Args:
        scale: such as "log-odds of yes".
        method: how the contributions were found.
        background: how many rows the answers are held against.
    """
    drawn = "exact, from its trees" if method == "trees" else "drawn"
    doubles = "; 0.69 doubles the odds or halves them" if "log-odds" in scale else ""
    return scale, f"Shapley values, {drawn}, against {background:,} background rows{doubles}"


def _importance(found: Importance) -> str:
    whole = found.slices[0]
    head = (
        f"Importance: what {found.metric} ({number_text(whole.value)} on {whole.rows:,} rows) loses when a "
        f"column is shuffled ({found.repeats} times)"
    )
    lines = [("column", "lost", "95 % interval")]
    for column in found.order[:_MOST_COLUMNS]:
        lost = whole.lost[column]
        around = "" if lost.low is None else f"{number_text(lost.low)} to {number_text(lost.high)}"
        lines.append((column, number_text(lost.value), around))
    parts = [head, *aligned(lines), *_left_out(len(found.order))]
    if len(found.slices) > 1:
        columns = found.order[:_MOST_ON_SLICES]
        table = [("slice", "rows", found.metric, *columns)]
        table += [
            (
                slice_text(each.slice),
                f"{each.rows:,}",
                number_text(each.value),
                *(number_text(each.lost[c].value) for c in columns),
            )
            for each in found.slices
        ]
        parts += ["", *aligned(table)]
    return "\n".join(parts)


def _influence(found: Sequence[Influence], how: tuple[str, str]) -> str:
    whole, (scale, way) = found[0], how
    head = (
        f"Influence: how much columns move the {scale} of a row, on average over {whole.rows:,} rows\n({way})"
    )
    order = whole.order[:_MOST_COLUMNS]
    lines = [("column", "size", "mean")]
    lines += [
        (" x ".join(columns), f"{whole.mean_absolute[columns]:.4f}", f"{whole.mean[columns]:+.4f}")
        for columns in order
    ]
    parts = [head, *aligned(lines), *_left_out(len(whole.order))]
    if len(found) > 1:
        parts += ["", *_on_slices(found, order[:_MOST_ON_SLICES])]
    return "\n".join(parts)


def _on_slices(found: Sequence[Influence], columns: Sequence[tuple[str, ...]]) -> list[str]:
    table = [("mean contribution", "rows", *(" x ".join(each) for each in columns))]
    table += [
        (slice_text(each.slice), f"{each.rows:,}", *(f"{each.mean[c]:+.4f}" for c in columns))
        for each in found
    ]
    return aligned(table)


def _dependences(found: Sequence[Dependence], of: str | None) -> str:
    number = found[0].outputs == ("prediction",)
    head = (
        f"Dependence: the mean {'prediction' if number else 'probability'} where all rows have one value of "
        "a column, and between what 80 % of them lie"
    )
    return "\n\n".join([head, *(_dependence(each, of) for each in found)])


def _dependence(found: Dependence, of: str | None) -> str:
    output = found.outputs.index(of) if of in found.outputs else int(np.argmax(found.reach))
    what = found.outputs[output]
    greatest = max((abs(point.mean[output]) for point in found.points), default=0.0)
    head = (found.column, "rows", "mean" if what == "prediction" else f"P({what})", "80 % of the rows")
    shown = [_point(point, output, greatest) for point in found.points]
    lines = aligned([head, *(cells for cells, _ in shown)])
    bars = ["", *(bar for _, bar in shown)]
    drawn = [f"{line}  {bar}".rstrip() for line, bar in zip(lines, bars, strict=True)]
    return "\n".join([*drawn, f"rows follow it differently by {found.spread[output]:.3g} around the mean"])


def _point(point: DependencePoint, output: int, greatest: float) -> tuple[tuple[str, str, str, str], str]:
    """The cells of a point and its bar."""
    mean = point.mean[output]
    bar = "#" * round(_WIDTH * max(mean, 0.0) / greatest) if greatest else ""
    around = f"{number_text(point.low[output])} to {number_text(point.high[output])}"
    return (point.text, f"{point.rows:,}", number_text(mean), around), bar


def _left_out(columns: int) -> Iterable[str]:
    if columns > _MOST_COLUMNS:
        yield f"and {columns - _MOST_COLUMNS} more columns (--json has them all)"
