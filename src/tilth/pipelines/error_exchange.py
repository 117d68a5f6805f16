"""Mistakes as a file to tag in a spreadsheet, and what comes back from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tilth.errors import DataError
from tilth.evaluation.errors import OWN_COLUMNS, ExchangedRow, TagChange, changes
from tilth.pipelines.errors import Mistakes
from tilth.pipelines.mistake import Filters, Mistake
from tilth.pipelines.mistake_words import checked_name, checked_note, checked_tag
from tilth.pipelines.tag_book import LOOKED, TAG
from tilth.types import JSONObject, JSONValue

__all__ = ["ImportedTags", "exchanged_rows", "import_rows", "seen_of"]

_SHOWN = 5


@dataclass(frozen=True)
class ImportedTags:
    """What an import changed.

    Args:
        rows: how many rows the file has.
        given: how many tags were given.
        taken: how many were taken away.
        known: how many changes had been made already.
        looked: how many right rows count as looked at from now on.
    """

    rows: int
    given: int
    taken: int
    known: int
    looked: int

    def to_json(self) -> JSONObject:
        """The numbers as JSON values."""
        return {name: getattr(self, name) for name in ("rows", "given", "taken", "known", "looked")}


def exchanged_rows(
    mistakes: Mistakes,
    *,
    filters: Filters | None = None,
    limit: int = 1_000_000,
    right: int = 0,
    seed: int = 0,
) -> list[ExchangedRow]:
    """Mistakes as rows of a file, the most wrong first; equal rows once.

    Args:
        mistakes: the rows.
        filters: which of them; default: all mistakes.
        limit: how many at most.
        right: how many right rows go along, drawn by chance, to be looked at.
        seed: which right rows are drawn.
    """
    found = list(mistakes.rows(0, limit, filters or Filters()).rows)
    chosen = [_exchanged(each) for each in found]
    places = np.flatnonzero(~mistakes.wrong)
    if right and len(places):
        drawn = np.random.default_rng(seed).permutation(len(places))[:right]
        sample = mistakes.at(places[np.sort(drawn)])
        chosen += [_exchanged(each, sampled=True) for each in sample]
    return list({each.row: each for each in reversed(chosen)}.values())[::-1]


def seen_of(mistake: Mistake) -> dict[str, JSONValue]:
    """What is shown of a row beside its tags."""
    data = {f"data.{name}" if name in OWN_COLUMNS else name: _value(v) for name, v in mistake.values.items()}
    return {
        "truth": mistake.truth,
        "answer": mistake.answer,
        "confidence": mistake.confidence,
        **data,
    }


def import_rows(mistakes: Mistakes, rows: list[ExchangedRow], who: str, name: str) -> ImportedTags:
    """Do what a person changed in a file, all or nothing.

    Args:
        mistakes: the rows that may be tagged.
        rows: those of the file.
        who: who changed, where a row does not say so.
        name: the file, for messages.

    Raises:
        DataError: rows that are not here, or something that is no tag.
    """
    author = checked_name(who)
    mistakes.book.refresh()
    unknown = [row for row in rows if not mistakes.has(row.row)]
    if unknown:
        shown = "; ".join(f"{row.place} (r{row.row})" for row in unknown[:_SHOWN])
        raise DataError(
            f"{len(unknown)} of {len(rows)} rows are not in these data, so nothing was changed",
            where=f"{name}, {shown}{', ...' if len(unknown) > _SHOWN else ''}",
            mend="give the --part, --data or --run that the file was exported with",
        )
    said = list(_checked(changes(rows), name))
    news = [change for change in said if not _is_known(mistakes, change)]
    looked = [row.row for row in rows if row.sampled and row.row not in mistakes.book.looked]
    remarks: list[tuple[str, str, str, JSONValue, str]] = [
        (
            TAG,
            each.row,
            each.tag,
            mistakes.remark(each.note or None) if each.given else None,
            each.who or author,
        )
        for each in news
    ]
    mistakes.book.say([*remarks, *((LOOKED, row, "looked", True, author) for row in looked)])
    given = sum(change.given for change in news)
    return ImportedTags(len(rows), given, len(news) - given, len(said) - len(news), len(looked))


def _exchanged(each: Mistake, *, sampled: bool = False) -> ExchangedRow:
    notes = dict.fromkeys(tag.note for tag in each.tags if tag.note)
    who = ";".join(dict.fromkeys(tag.who for tag in each.tags))
    tags = frozenset(tag.tag for tag in each.tags)
    return ExchangedRow(each.row, tags, who, "\n".join(notes), seen_of(each), sampled=sampled)


def _value(value: object) -> JSONValue:
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _checked(said: tuple[TagChange, ...], name: str) -> Iterator[TagChange]:
    for change in said:
        try:
            checked_tag(change.tag)
            checked_note(change.note)
            checked_name(change.who or "-")
        except ValueError as error:
            raise DataError(
                f"{str(error).splitlines()[0]}; nothing was changed", where=f"{name}, {change.place}"
            ) from error
        yield change


def _is_known(mistakes: Mistakes, change: TagChange) -> bool:
    """Whether a tag is as the change wants it already."""
    has = {tag.tag: tag for tag in mistakes.tags_of(change.row)}
    if not change.given:
        return change.tag not in has
    return change.tag in has and change.note in (None, has[change.tag].note)
