"""What a model card is made of: sections of facts, tables and plots, whatever they are written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tilth.metrics import Estimate

__all__ = ["CardTable", "Plot", "Section"]


@dataclass(frozen=True)
class CardTable:
    """A table; its lines may end with a value and its interval, drawn on one axis for all.

    Args:
        header: the names of the columns.
        rows: of as many texts each.
        drawn: for each row the estimate that is drawn beside it; empty: none is.
        caption: what it shows.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    drawn: Sequence[Estimate] = ()
    caption: str = ""


@dataclass(frozen=True)
class Plot:
    """A curve with the one that would be perfect beside it.

    Args:
        title: what is drawn upward.
        below: what is drawn to the right.
        points: (x, estimate), x ascending.
        perfect: the same for the perfect curve.
    """

    title: str
    below: str
    points: Sequence[tuple[float, Estimate]]
    perfect: Sequence[tuple[float, Estimate]]


@dataclass(frozen=True)
class Section:
    """A section of a card.

    Args:
        title: its heading.
        words: its sentences, each a paragraph.
        facts: name -> value.
        tables: after the facts.
        plots: after the tables.
        points: sentences as a list, at the end.
    """

    title: str
    words: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[CardTable] = ()
    plots: Sequence[Plot] = field(default=())
    points: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.words or self.facts or self.tables or self.plots or self.points)
