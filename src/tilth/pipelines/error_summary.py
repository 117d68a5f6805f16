"""`tilth errors`: how many mistakes there are, what their tags say, and what to work on first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tilth.errors import counted
from tilth.evaluation.errors import (
    Circumstances,
    Priority,
    TagFigures,
    checked_weight,
    prioritize,
    priority_table,
)
from tilth.metrics import Estimate
from tilth.pipelines.errors import Mistakes
from tilth.pipelines.mistake_words import checked_name
from tilth.pipelines.tag_book import FIGURES
from tilth.types import MEDIA_TYPES, JSONObject
from tilth.wording import aligned

__all__ = ["ErrorSummary", "summarize", "weigh"]

_SURE = 0.9
_LONG_TEXT = 80.0
_LOOKED_AT = 200
_FOLLOWED = 3


@dataclass(frozen=True)
class ErrorSummary:
    """What is known of the mistakes.

    Args:
        name: what was looked at, such as "run 4, dev".
        rows: how many rows there are.
        errors: how many of them are wrong.
        error_rate: their share.
        untagged: how many mistakes have no tag.
        figures: the four figures of each tag.
        priorities: what to work on, the first first.
        notes: what else is to be known.
    """

    name: str
    rows: int
    errors: int
    error_rate: float
    untagged: int
    figures: tuple[TagFigures, ...]
    priorities: tuple[Priority, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> JSONObject:
        """The summary as JSON values."""
        return {
            "name": self.name,
            "rows": self.rows,
            "errors": self.errors,
            "error_rate": self.error_rate,
            "untagged": self.untagged,
            "tags": [each.to_json() for each in self.figures],
            "priorities": [each.to_json() for each in self.priorities],
            "notes": list(self.notes),
        }

    def report(self) -> str:
        """The summary for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        share = f"{100 * self.error_rate:.2f} %"
        yield f"{self.name}: {counted(self.errors, 'mistake')} in {counted(self.rows, 'row')} ({share})"
        yield f"without a tag: {self.untagged:,}"
        if not self.figures:
            yield "no tags yet: tilth errors list shows the mistakes, tilth errors tag TAG ROW... tags them,"
            yield "tilth errors page does both in the browser, tilth errors suggest proposes tags"
        else:
            yield ""
            yield from aligned([_TITLES, *map(_cells, self.figures)])
            if any(each.error_rate.value is None for each in self.figures):
                yield ""
                yield "-: nobody looked at right rows for this tag. Export some of them with"
                yield "   tilth errors export --right 100 -o F.csv, tag those that have it, import the file"
            yield ""
            yield "what to work on (room: points of accuracy when the gap to people is closed)"
            yield from priority_table(self.priorities)
            yield from self._next()
        yield from (f"note: {note}" for note in self.notes)

    def _next(self) -> Iterator[str]:
        told = [each for each in self.priorities if each.actions][:_FOLLOWED]
        if told:
            yield ""
        for each in told:
            yield from (f"{each.tag}: {action} ({why})" for action, why in each.actions)
        unknown = [each.tag for each in self.priorities if each.hlp is None]
        if unknown:
            yield ""
            yield f"how well do people do? tilth errors weigh '{unknown[0]}' --hlp 0.95"


_TITLES = ("tag", "mistakes", "share of errors", "wrong within", "share of data", "room")


def summarize(mistakes: Mistakes, name: str) -> ErrorSummary:
    """What is known of the mistakes of some rows.

    Args:
        mistakes: the rows and tags.
        name: what they are, for people.
    """
    figures = mistakes.figures()
    tagged = mistakes.tagged()
    wrong = mistakes.wrong
    weights = np.ones(len(wrong)) if mistakes.scored.weights is None else mistakes.scored.weights
    covered = np.zeros(len(wrong), bool)
    for each in tagged.values():
        covered |= each.rows
    rate = float(weights[wrong].sum() / weights.sum()) if weights.sum() else 0.0
    said = {each.tag: mistakes.book.figures(each.tag) for each in figures}
    around = Circumstances(_is_unstructured(mistakes), rate, _sure(mistakes))
    return ErrorSummary(
        name,
        len(wrong),
        int(wrong.sum()),
        rate,
        int((wrong & ~covered).sum()),
        figures,
        prioritize(figures, said, around),
        mistakes.notes,
    )


def weigh(mistakes: Mistakes, tag: str, figures: dict[str, float | None], who: str) -> dict[str, float]:
    """Keep what people say of a tag; what is known of it then.

    Args:
        mistakes: whose tag.
        tag: its name.
        figures: "hlp", "ease", "importance"; None where nothing is said of it.
        who: who says so.

    Raises:
        UsageError: a figure that cannot be.
        NotFoundError: no such tag.
    """
    mistakes.require_tag(tag)
    author = checked_name(who)
    given = {name: checked_weight(name, value) for name, value in figures.items() if value is not None}
    mistakes.book.say([(FIGURES, tag, name, value, author) for name, value in given.items()])
    return mistakes.book.figures(tag)


def _sure(mistakes: Mistakes) -> dict[str, float]:
    """For each tag the share of its errors in which the model is sure of its wrong answer."""
    confidences = mistakes.confidences
    if confidences is None:
        return {}
    found = {}
    for name, tagged in mistakes.tagged().items():
        own = confidences[tagged.rows & mistakes.wrong]
        if len(own):
            found[name] = float((own >= _SURE).mean())
    return found


def _is_unstructured(mistakes: Mistakes) -> bool:
    """Whether the rows are images, recordings or long texts."""
    columns = mistakes.columns
    if any(kind in MEDIA_TYPES for kind in columns.values()):
        return True
    texts = [name for name, kind in columns.items() if kind == "string"]
    if not texts:
        return False
    batch = next(mistakes.table.select(texts).batches(_LOOKED_AT), None)
    columns_of_texts = [] if batch is None else [batch.column(name).drop_null() for name in texts]
    lengths = [[len(text) for text in values.to_pylist()] for values in columns_of_texts]
    return any(each and sum(each) / len(each) > _LONG_TEXT for each in lengths)


def _cells(each: TagFigures) -> tuple[str, ...]:
    estimates = (each.share_of_errors, each.error_rate, each.share_of_data)
    shown = (_percent(estimate) for estimate in estimates)
    room = "-" if each.room.value is None else f"{100 * each.room.value:.2f}"
    return (each.tag, f"{each.errors:,}", *shown, room)


def _percent(estimate: Estimate) -> str:
    if estimate.value is None:
        return "-"
    ends = estimate.scaled(100)
    interval = "" if ends.low is None else f" [{ends.low:.1f}, {ends.high:.1f}]"
    return f"{ends.value:.1f} %{interval}"
