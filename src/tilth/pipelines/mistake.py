"""One row that a model gets wrong, some of them, and which ones are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilth.pipelines.tag_book import GivenTag

__all__ = ["EVERYTHING", "Filters", "Mistake", "MistakePage"]


@dataclass(frozen=True)
class Filters:
    """Which rows are wanted; all that is given must hold.

    Args:
        tag: only rows that have this tag.
        untagged: only rows that have none.
        truth: only rows of this true label, as text.
        answer: only rows for which the model says this, as text.
        text: only rows in which a column, the truth or the answer holds this text, in whatever case.
        rows: "wrong", "right" or "all".
    """

    tag: str | None = None
    untagged: bool = False
    truth: str | None = None
    answer: str | None = None
    text: str | None = None
    rows: str = "wrong"


EVERYTHING = Filters()
"""All mistakes."""


@dataclass(frozen=True)
class Mistake:
    """One row with what is true of it, what the model says, and its tags.

    Args:
        row: what the row is known by: 16 hexadecimal digits, the hash of its data; equal rows share it.
        at: its position among the rows of the part.
        wrong: whether the model is wrong.
        truth: the true label, as text.
        answer: what the model says, as text.
        confidence: the probability that the model gives to its answer; None where it gives none.
        loss: how wrong it is: minus the logarithm of the probability of the truth, or the absolute error.
        tags: the tags of the row.
        values: its data by column, without images and recordings.
    """

    row: str
    at: int
    wrong: bool
    truth: str
    answer: str
    confidence: float | None
    loss: float
    tags: tuple[GivenTag, ...]
    values: Mapping[str, object]


@dataclass(frozen=True)
class MistakePage:
    """Some rows, the most wrong first, and how many there are in all."""

    rows: tuple[Mistake, ...]
    total: int
