"""TagBook: the tags of rows as the store has them: given by hand, by rules, and taken back."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.store import Remark, Said, Store
from tilth.types import JSONValue

__all__ = ["FIGURES", "LOOKED", "RULE", "TAG", "GivenTag", "TagBook"]

TAG = "tag"
RULE = "tag_rule"
FIGURES = "tag_figures"
LOOKED = "looked"

_Hand = tuple[str, str]


@dataclass(frozen=True)
class GivenTag:
    """A tag that a row has.

    Args:
        tag: its name.
        who: who gave it, to this row or as a rule.
        made: when.
        note: what was said with it.
        rule: the SQL expression that gives it; None where a person gave it to this row.
    """

    tag: str
    who: str
    made: datetime.datetime
    note: str | None = None
    rule: str | None = None


class TagBook:
    """The tags of one topic, read anew where somebody has added to them. Threads may share it.

    A tag that is taken from a row by hand is gone from it, also where an earlier rule would give it; a later
    rule gives it again.

    Args:
        store: where remarks are.
        topic: the name of the project.

    Example:
        >>> with Store.open(":memory:") as store:
        ...     book = TagBook(store, "cats")
        ...     _ = store.record_remarks([Said("cats", TAG, "01", "blurry", {"note": "lens"}, "ann")])
        ...     _ = store.record_remarks([Said("cats", RULE, "dark", "light < 3", True, "bob")])
        ...     book.refresh()
        ...     [(tag.tag, tag.who, tag.note) for tag in book.of("01")], book.names
        ([('blurry', 'ann', 'lens')], ('blurry', 'dark'))
    """

    def __init__(self, store: Store, topic: str) -> None:
        self._store = store
        self.topic = topic
        self._turn = threading.Lock()
        self._last: dict[str, int] = {}
        self._hand: dict[str, dict[str, Remark]] = {}
        self._rules: dict[_Hand, Remark] = {}
        self._figures: dict[_Hand, Remark] = {}
        self._looked: set[str] = set()

    def refresh(self) -> None:
        """Read what has been said since."""
        with self._turn:
            for remark in self._news(TAG):
                self._hand.setdefault(remark.subject, {})[remark.name] = remark
            self._rules.update({(each.subject, each.name): each for each in self._news(RULE)})
            self._figures.update({(each.subject, each.name): each for each in self._news(FIGURES)})
            for remark in self._news(LOOKED):
                change = self._looked.add if remark.value is not None else self._looked.discard
                change(remark.subject)

    @property
    def version(self) -> str:
        """Another one whenever something more has been said and read."""
        return "-".join(str(self._last.get(kind, 0)) for kind in (TAG, RULE, FIGURES, LOOKED))

    def _news(self, kind: str) -> Sequence[Remark]:
        found = self._store.remarks(self.topic, kind, after=self._last.get(kind, 0))
        if found:
            self._last[kind] = found[-1].number
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Every tag that some row or rule has, in the order of the alphabet."""
        given = {
            name for row in list(self._hand.values()) for name, said in list(row.items()) if _holds(said)
        }
        return tuple(sorted(given | {rule.subject for rule in self.rules}))

    @property
    def rules(self) -> tuple[Remark, ...]:
        """The rules that hold, the earliest first; `subject` is the tag, `name` the SQL expression."""
        return tuple(sorted(filter(_holds, list(self._rules.values())), key=lambda rule: rule.number))

    @property
    def looked(self) -> frozenset[str]:
        """The rows that somebody has looked at, whether or not they have a tag."""
        return frozenset(self._looked)

    def by_hand(self) -> Mapping[str, Mapping[str, Remark]]:
        """For each row that somebody spoke of the last word on each tag; its value is None where taken."""
        return self._hand

    def figures(self, tag: str) -> dict[str, float]:
        """What people say of a tag: "hlp", "ease", "importance"."""
        said = {name: each.value for (of, name), each in list(self._figures.items()) if of == tag}
        return {name: float(value) for name, value in said.items() if isinstance(value, (int, float))}

    def of(self, row: str, rules: Sequence[Remark] = ()) -> tuple[GivenTag, ...]:
        """The tags of a row, in the order of the alphabet.

        Args:
            row: its hash.
            rules: those that hold for it.
        """
        said = dict(self._hand.get(row, {}))
        found = {name: _given(each) for name, each in said.items() if _holds(each)}
        for rule in rules:
            taken = said.get(rule.subject)
            if rule.subject not in found and (taken is None or taken.number < rule.number):
                found[rule.subject] = GivenTag(
                    rule.subject, rule.who, rule.made, _note(rule.value), rule.name
                )
        return tuple(found[name] for name in sorted(found))

    def say(self, said: Sequence[tuple[str, str, str, JSONValue, str]]) -> None:
        """Record remarks of kind, subject, name, value and author, all or none; stands when this returns."""
        self._store.record_remarks([Said(self.topic, *each) for each in said])
        self.refresh()


def _holds(remark: Remark) -> bool:
    return remark.value is not None


def _note(value: JSONValue) -> str | None:
    note = value.get("note") if isinstance(value, dict) else None
    return note if isinstance(note, str) else None


def _given(remark: Remark) -> GivenTag:
    return GivenTag(remark.name, remark.who, remark.made, _note(remark.value))
