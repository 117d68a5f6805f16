"""Mistakes as lists: for people, as JSON, as files, and as tags that are proposed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tilth.evaluation import DiscoveredSlice, discover
from tilth.pipelines.error_exchange import seen_of
from tilth.pipelines.errors import Mistakes
from tilth.pipelines.mistake import Mistake, MistakePage
from tilth.tables import write_table
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = [
    "Suggestion",
    "listing_report",
    "listing_rows",
    "suggestions",
    "suggestions_report",
    "write_listing",
]

_DIGITS = 8
_WIDTH = 90
_TAG_WIDTH = 80


@dataclass(frozen=True)
class Suggestion:
    """A tag that is proposed: the rule, and the slice that it comes from."""

    tag: str
    found: DiscoveredSlice

    def to_json(self) -> JSONObject:
        """The suggestion as JSON values."""
        return {"tag": self.tag, "where": self.found.expression, "slice": self.found.to_json()}


def listing_rows(rows: Sequence[Mistake]) -> list[JSONValue]:
    """The rows as JSON values."""
    found: list[JSONValue] = []
    for each in rows:
        tags: list[JSONValue] = [
            {
                "tag": tag.tag,
                "who": tag.who,
                "made": tag.made.isoformat(),
                "note": tag.note,
                "rule": tag.rule,
            }
            for tag in each.tags
        ]
        found.append({"row": f"r{each.row}", "tags": tags, "loss": each.loss, **seen_of(each)})
    return found


def write_listing(rows: Sequence[Mistake], path: Path) -> None:
    """Write the rows as a table; the file's ending says how.

    Raises:
        DataError: an ending that is not known, or a place that cannot be written.
    """
    columns: dict[str, list[object]] = {"row": [f"r{each.row}" for each in rows]}
    columns["tags"] = [";".join(tag.tag for tag in each.tags) for each in rows]
    columns["loss"] = [each.loss for each in rows]
    seen = [seen_of(each) for each in rows]
    for name in dict.fromkeys(name for each in seen for name in each):
        columns[name] = [each.get(name) for each in seen]
    kept: dict[str, object] = {
        name: values for name, values in columns.items() if any(v is not None for v in values)
    }
    if not rows:
        kept = {"row": pa.array([], pa.string()), "tags": pa.array([], pa.string())}
    write_table(pa.table(kept), path)


def listing_report(page: MistakePage) -> str:
    """The rows for people: two lines each."""
    if not page.rows:
        return "no mistakes of this kind"
    titles = ("row", "truth", "answer", "sure", "tags")
    heads = aligned([titles, *(_cells(each) for each in page.rows)])
    lines = [heads[0]]
    for head, each in zip(heads[1:], page.rows, strict=True):
        lines += [head, f"  {_data(each)}"]
    if page.total > len(page.rows):
        lines.append(f"{len(page.rows):,} of {page.total:,} mistakes; more with --limit")
    return "\n".join(lines)


def suggestions(mistakes: Mistakes, columns: Sequence[str] | None, limit: int) -> tuple[Suggestion, ...]:
    """Tags for the groups of rows on which the model is worse than elsewhere.

    Args:
        mistakes: the rows.
        columns: what groups are made by; default: every column that holds data.
        limit: how many at most.

    Raises:
        ColumnNotFoundError: a column that is not there.
    """
    mistakes.book.refresh()
    label = mistakes.scored.label
    names = [name for name in mistakes.columns if name != label] if columns is None else list(columns)
    found = discover(mistakes.scored, names, limit=limit).found if names else ()
    ruled = {rule.name for rule in mistakes.book.rules}
    return tuple(Suggestion(_tag(each.expression), each) for each in found if each.expression not in ruled)


def suggestions_report(found: Sequence[Suggestion]) -> str:
    """The suggestions for people, each with the command that takes it."""
    if not found:
        return "no group of rows, beside those of rules, on which the model is clearly worse than elsewhere"
    lines = []
    for each in found:
        rule = shlex.quote(each.found.expression)
        lines += [str(each.found), f"  tilth errors tag {shlex.quote(each.tag)} --where {rule}"]
    return "\n".join(lines)


def _tag(expression: str) -> str:
    plain = " ".join(expression.replace(";", ",").split())
    return plain if len(plain) <= _TAG_WIDTH else f"{plain[: _TAG_WIDTH - 3]}..."


def _cells(each: Mistake) -> tuple[str, ...]:
    sure = f"loss {each.loss:.4g}" if each.confidence is None else f"{100 * each.confidence:.1f} %"
    tags = "; ".join(tag.tag for tag in each.tags)
    return (f"r{each.row[:_DIGITS]}", _cut(each.truth, 30), _cut(each.answer, 30), sure, tags)


def _data(each: Mistake) -> str:
    shown = (f"{name}={value}" for name, value in each.values.items() if value is not None)
    return _cut(" ".join(" ".join(shown).split()), _WIDTH)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
