"""What a model must get right, and what it must never say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tilth.profiles.page_figures import figure, label

__all__ = ["Obligation", "obligations_of"]

_MOST = 20

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Obligation:
    """One must-pass set or word list.

    Args:
        name: of the set or list.
        kind: which of the two.
        holds: whether nothing breaks it.
        said: the outcome in a sentence.
        broken: by what, the first few.
        more: how many there are beside.
    """

    name: str
    kind: str
    holds: bool
    said: str
    broken: tuple[str, ...]
    more: int


def obligations_of(evaluation: Document) -> tuple[Obligation, ...]:
    """The must-pass sets and word lists of an evaluation.

    Args:
        evaluation: as JSON values, perhaps with "must_pass" and "never".

    Example:
        >>> failing = [{"row": 2, "label": "yes", "answer": "no"}]
        >>> sets = [{"name": "loyal", "rows": 3, "failed": 1, "failing": failing}]
        >>> (found,) = obligations_of({"must_pass": sets})
        >>> found.holds, found.said, found.broken
        (False, '1 of 3 rows wrong', ('row 2: no, which is yes',))
    """
    sets = (_set(each) for each in evaluation.get("must_pass") or ())
    return (*sets, *(_list(each) for each in evaluation.get("never") or ()))


def _set(found: Document) -> Obligation:
    rows, failed = found["rows"], found["failed"]
    said = (
        f"{failed:,} of {rows:,} rows wrong" if failed else f"all {rows:,} rows right" if rows else "no rows"
    )
    broken = tuple(
        f"row {each['row']:,}: {_text(each['answer'])}, which is {_text(each['label'])}"
        for each in found.get("failing", ())[:_MOST]
    )
    name = label(str(found["name"]), 80).text
    return Obligation(
        name, "must pass", bool(rows) and not failed, said, broken, max(0, failed - len(broken))
    )


def _list(found: Document) -> Obligation:
    rows, hits, words = found["rows"], found["hits"], found.get("words") or ()
    said = f"{hits:,} of {rows:,} rows hold a word of it" if hits else f"no word of it in {rows:,} rows"
    broken = tuple(f"\u201c{_text(each['word'])}\u201d in {each['rows']:,} rows" for each in words[:_MOST])
    name = label(str(found["name"]), 80).text
    return Obligation(
        name, "never say", bool(rows) and not hits, said, broken, max(0, len(words) - len(broken))
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return label(", ".join(map(str, value)) or "none", 80).text
    return figure(value) if isinstance(value, float) else label(str(value), 80).text
