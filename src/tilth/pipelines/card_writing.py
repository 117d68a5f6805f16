"""A model card as Markdown and as one self-contained page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from tilth.metrics import Estimate
from tilth.pipelines.card_parts import CardTable, Plot, Section
from tilth.pipelines.line_charts import Chart, Line, chart, whisker_axis, whiskers
from tilth.profiles.page_base import render

__all__ = ["card_markdown", "card_page"]

_CELLS = 24
_SPECIAL = {character: f"\\{character}" for character in "\\`*_[]#|~$"} | {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
}
_ESCAPES = str.maketrans(_SPECIAL | {"\n": " ", "\r": " ", "\t": " "})


def card_markdown(title: str, lead: str, sections: Sequence[Section]) -> str:
    r"""The card as Markdown; intervals and curves are drawn in text, so that it needs no other file.

    Args:
        title: of the card.
        lead: the sentence below it.
        sections: those with nothing to say are left out.

    Example:
        >>> table = CardTable(["slice", "f1"], [["a|b", "0.5"]], [Estimate(0.5, 0.25, 1.0)])
        >>> print(card_markdown("m@1", "A model.", [Section("Slices", tables=[table])]))
        # m@1
        <BLANKLINE>
        A model.
        <BLANKLINE>
        ## Slices
        <BLANKLINE>
        | slice | f1 | 0.25 to 1 |
        | --- | --- | --- |
        | a\|b | 0.5 | `├───────●──────────────┤` |
        <BLANKLINE>
    """
    lines = [f"# {_escaped(title)}", "", _escaped(lead), ""]
    for section in sections:
        if not section.is_empty:
            lines += [f"## {section.title}", "", *_section(section)]
    return "\n".join(lines)


def card_page(title: str, lead: str, sections: Sequence[Section], *, holds: bool) -> str:
    """The card as HTML text: no network, no other file; the same arguments give the same text.

    Args:
        title: of the card.
        lead: the sentence below it.
        sections: those with nothing to say are left out.
        holds: whether the audit does.
    """
    shown = [section for section in sections if not section.is_empty]
    return render(
        "card.html.jinja",
        room="tilth.pipelines",
        styles=["run.css", "card.css"],
        script="run.js",
        title=title,
        lead=lead,
        holds=holds,
        sections=[
            {
                "title": section.title,
                "words": section.words,
                "facts": section.facts,
                "tables": [_drawn(table) for table in section.tables],
                "charts": [(found, plot.below) for plot in section.plots if (found := _chart(plot))],
                "points": section.points,
            }
            for section in shown
        ],
    )


def _section(section: Section) -> Iterator[str]:
    for sentence in section.words:
        yield from (_escaped(sentence), "")
    if section.facts:
        yield from (f"- **{_escaped(name)}**: {_escaped(value)}" for name, value in section.facts)
        yield ""
    for table in section.tables:
        yield from _table(table)
    for plot in section.plots:
        yield from _plot(plot)
    if section.points:
        yield from (f"- {_escaped(sentence)}" for sentence in section.points)
        yield ""


def _table(table: CardTable) -> Iterator[str]:
    if table.caption:
        yield from (f"**{_escaped(table.caption)}**", "")
    ends = _ends(table.drawn)
    header = [_escaped(name) or " " for name in table.header]
    if ends is not None:
        header.append(f"{ends[0]:.3g} to {ends[1]:.3g}")
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join('---' for _ in header)} |"
    for at, row in enumerate(table.rows):
        cells = [_escaped(cell) or " " for cell in row]
        if ends is not None:
            cells.append(_whiskers(table.drawn[at], *ends))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _ends(estimates: Sequence[Estimate]) -> tuple[float, float] | None:
    """The least and the greatest of values and ends of intervals; None where they are no range."""
    ends = [end for e in estimates for end in (e.value, e.low, e.high) if end is not None]
    return (min(ends), max(ends)) if ends and max(ends) > min(ends) else None


def _whiskers(estimate: Estimate, low: float, high: float) -> str:
    """A value and its interval in text, on the axis of its table."""
    if estimate.value is None:
        return " "

    def place(value: float) -> int:
        return math.floor((value - low) / (high - low) * (_CELLS - 1) + 0.5)

    cells = [" "] * _CELLS
    if estimate.low is not None and estimate.high is not None:
        first, last = place(estimate.low), place(estimate.high)
        cells[first : last + 1] = "─" * (last + 1 - first)
        cells[first], cells[last] = "├", "┤"
    cells[place(estimate.value)] = "●"
    return f"`{''.join(cells).rstrip()}`".replace("` ", "`\u00a0").replace(" ", "\u00a0")


def _plot(plot: Plot) -> Iterator[str]:
    """A curve in text: a line for each point, upon the perfect one."""
    yield from ("```text", f"{plot.below:<18}{plot.title}, from 0 to 1: ● measured, + perfect")
    for (x, estimate), (_, perfect) in zip(plot.points, plot.perfect, strict=True):
        cells = list(_whiskers(estimate, 0.0, 1.0).strip("`").replace("\u00a0", " ").ljust(_CELLS))
        at = math.floor((perfect.value or 0.0) * (_CELLS - 1) + 0.5)
        cells[at] = "●" if cells[at] == "●" else "+"
        yield f"{x:<18.3f}|{''.join(cells).rstrip():<{_CELLS}}|"
    yield from ("```", "")


def _chart(plot: Plot) -> Chart | None:
    lines = [Line("measured", "a", plot.points), Line("perfect", "b", plot.perfect)]
    return chart(plot.title, lines)


def _drawn(table: CardTable) -> dict[str, object]:
    axis = whisker_axis(table.drawn)
    drawings = [whiskers(each, axis) for each in table.drawn] or [Markup("") for _ in table.rows]
    return {
        "caption": table.caption,
        "header": table.header,
        "rows": list(zip(table.rows, drawings, strict=True)),
        "is_drawn": bool(table.drawn),
    }


def _escaped(text: str) -> str:
    """A text that Markdown shows as it is, in one line."""
    return text.translate(_ESCAPES)
