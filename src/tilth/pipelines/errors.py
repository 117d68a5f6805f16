"""Mistakes: the rows that a model gets wrong, to look at and to tag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from tilth.errors import NotFoundError, UsageError, closest
from tilth.evaluation import ScoredRows
from tilth.evaluation.errors import TagFigures, Tagged, tag_figures
from tilth.pipelines.answered_rows import AnsweredRows, Mask
from tilth.pipelines.mistake import EVERYTHING, Filters, Mistake, MistakePage
from tilth.pipelines.mistake_rules import RowRules
from tilth.pipelines.mistake_words import (
    checked_name,
    checked_note,
    checked_tag,
)
from tilth.pipelines.scored_parts import ScoredPart, scored_data, scored_part
from tilth.pipelines.tag_book import LOOKED, RULE, TAG, GivenTag, TagBook
from tilth.projects import Project, Workspace
from tilth.store import Store
from tilth.types import MEDIA_TYPES, JSONValue

__all__ = ["Mistakes", "topic_of"]

_WHICH = ("wrong", "right", "all")


@dataclass
class Mistakes(AnsweredRows):
    """The rows of a part with a model's answers, their mistakes, and the tags that people give them.

    Tags belong to the data of a row, so they outlive runs, models and versions of the data set. Threads may
    share one of these; what others do to the tags is seen with the next call. Close it after use.

    Args:
        scored: the n rows and what the model says of them.
        store: where tags are kept.
        topic: the name under which they are kept.
        answer_columns: columns of the rows that no data are: another model's predictions and scores.
        source: the run and data that the rows come from, where that is known.
    """

    scored: ScoredRows
    store: Store
    topic: str
    answer_columns: tuple[str, ...] = ()
    source: ScoredPart | None = None
    _book: TagBook = field(init=False, repr=False)
    _rules: RowRules = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _ = self.wrong  # a ranking has none, which is said before anything is opened
        self._book = TagBook(self.store, self.topic)
        self._rules = RowRules(self.scored, tuple(self.columns))

    @classmethod
    def of_project(
        cls,
        project: Project,
        reference: str | None = None,
        parts: Sequence[str] = ("dev",),
        data: str | None = None,
    ) -> Self:
        """The mistakes of a run's model on parts of its data, or of a registered model on a table.

        Args:
            project: the project.
            reference: a run or a model; default: the newest run, or with `data` the champion.
            parts: "train", "dev", "test".
            data: a labeled table of one's own.

        Raises:
            NotFoundError: no such run or model.
            UsageError: a ranking, which has no wrong rows.
            DataError: the data cannot be read.
        """
        part = (
            scored_part(project, reference, parts) if data is None else scored_data(project, data, reference)
        )
        return cls(part.rows, project.store(), project.name, source=part)

    @classmethod
    def of_scored(cls, space: Workspace, rows: ScoredRows, answers: Sequence[str]) -> Self:
        """The mistakes of a table with labels and answers that anyone's model gave.

        Args:
            space: the folder whose `.tilth` keeps the tags.
            rows: the rows.
            answers: its columns of predictions and scores.

        Raises:
            UsageError: a ranking, which has no wrong rows.
        """
        return cls(rows, space.store(), topic_of(space), tuple(answers))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag that has been given to any row of the topic, and those of rules."""
        self._book.refresh()
        return self._book.names

    def rows(self, offset: int = 0, limit: int = 50, filters: Filters = EVERYTHING) -> MistakePage:
        """Some rows with all that is known of them, the most wrong first.

        Args:
            offset: how many to pass over.
            limit: how many to give at most.
            filters: which rows.

        Raises:
            UsageError: `rows` is not one of the three words.
        """
        self._book.refresh()
        chosen = self.order[self._matching(filters)[self.order]]
        wanted = chosen[max(offset, 0) :][: max(limit, 0)]
        return MistakePage(tuple(self._read(wanted)), len(chosen))

    def at(self, positions: npt.NDArray[np.int64]) -> tuple[Mistake, ...]:
        """The rows at some positions of the part, in this order."""
        self._book.refresh()
        return tuple(self._read(positions))

    def require_tag(self, tag: str) -> None:
        """Make sure that there is such a tag.

        Raises:
            NotFoundError: there is none.
        """
        known = self.tags
        if tag not in known:
            near = closest(tag, known)
            raise NotFoundError(
                f"there is no tag '{tag}'",
                expected=f"one of {', '.join(known[:30])}" if known else "a tag, of which there is none yet",
                mend=f"did you mean '{near}'?" if near else None,
            )

    def tags_of(self, row: str) -> tuple[GivenTag, ...]:
        """The tags of a row.

        Raises:
            NotFoundError: there is no such row.
        """
        return self.tags_of_all([row])[row]

    def tags_of_all(self, rows: Iterable[str]) -> dict[str, tuple[GivenTag, ...]]:
        """The tags of several rows at one moment.

        Raises:
            NotFoundError: there is no such row.
        """
        places = {row: self.positions(row)[0] for row in rows}
        self._book.refresh()
        return {row: self._tags_at(row, at) for row, at in places.items()}

    def tag(self, row: str, tag: str, who: str, note: str | None = None) -> None:
        """Give a row a tag; it is kept when this returns.

        Args:
            row: its hash.
            tag: any name; spaces around it are dropped.
            who: who gives it.
            note: why, for people.

        Raises:
            NotFoundError: there is no such row.
            UsageError: no name of a tag, or of a person.
        """
        self.tag_all([row], tag, who, note)

    def tag_all(self, rows: Sequence[str], tag: str, who: str, note: str | None = None) -> None:
        """The same for several rows: all or none."""
        name, author = checked_tag(tag), checked_name(who)
        for row in rows:
            self.positions(row)
        value = self.remark(checked_note(note))
        self._book.say([(TAG, row, name, value, author) for row in dict.fromkeys(rows)])

    def untag(self, row: str, tag: str, who: str) -> None:
        """Take a tag from a row, also where a rule gives it; nothing happens where it has none.

        Raises:
            NotFoundError: there is no such row.
        """
        self.untag_all([row], tag, who)

    def untag_all(self, rows: Sequence[str], tag: str, who: str) -> None:
        """The same for several rows: all or none."""
        name, author = checked_tag(tag), checked_name(who)
        has = [row for row in dict.fromkeys(rows) if any(name == each.tag for each in self.tags_of(row))]
        self._book.say([(TAG, row, name, None, author) for row in has])

    def add_rule(self, tag: str, where: str, who: str, note: str | None = None) -> int:
        """Give a tag to all rows, right or wrong, for which a SQL expression is true, now and in future.

        Args:
            tag: its name.
            where: the expression, on the columns of the data, `tilth.label` and `tilth.score`.
            who: who says so.
            note: why, for people.

        Returns:
            How many rows it is true for here.

        Raises:
            ColumnNotFoundError: a column that the data do not have.
            UsageError: no expression that is true or false for each row.
        """
        name, author, said = checked_tag(tag), checked_name(who), checked_note(note)
        rule = self._rules.checked(where)
        found = int(self._rules.mask(rule).sum())
        self._book.say([(RULE, name, rule, {"note": said} if said else True, author)])
        return found

    def remove_rule(self, tag: str, where: str | None, who: str) -> tuple[str, ...]:
        """Take back a rule of a tag, or all of them; those that were.

        Raises:
            NotFoundError: there is no such rule.
        """
        self._book.refresh()
        wanted = None if where is None else self._rules.normal(where)
        found = [
            rule.name for rule in self._book.rules if rule.subject == tag and wanted in (None, rule.name)
        ]
        if not found and wanted is not None:
            raise NotFoundError(
                f"the tag '{tag}' has no rule {wanted!r}", mend="tilth errors shows the rules"
            )
        self._book.say([(RULE, tag, rule, None, checked_name(who)) for rule in found])
        return tuple(found)

    def mark_looked(self, rows: Sequence[str], who: str) -> None:
        """Remember that somebody has looked at these rows, so that what is not tagged there has no tag."""
        self._book.refresh()
        new = [row for row in dict.fromkeys(rows) if row not in self._book.looked]
        self._book.say([(LOOKED, row, "looked", True, checked_name(who)) for row in new])

    def figures(self) -> tuple[TagFigures, ...]:
        """The four figures of every tag, the one with the most errors first."""
        self._book.refresh()
        return tag_figures(self.wrong, self.tagged(), self.scored.weights)

    def tagged(self) -> dict[str, Tagged]:
        """Which rows have each tag."""
        looked, everywhere = self._looked_mask(), np.ones(len(self.wrong), bool)
        found = {}
        for name in self._book.names:
            rules = tuple(rule.name for rule in self._book.rules if rule.subject == name)
            known = everywhere if rules and not self._has_hand_tags(name) else looked
            found[name] = Tagged(self._tag_mask(name), known, rules)
        return {name: tagged for name, tagged in found.items() if tagged.rows.any() or tagged.rules}

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know, such as rules that say nothing of these rows."""
        return self._rules.notes(self._book.rules)

    @property
    def book(self) -> TagBook:
        """What is said of the tags."""
        return self._book

    def remark(self, note: str | None) -> JSONValue:
        """What is kept of a tag: the note, and with which data and run it was given, as far as is known."""
        own: dict[str, JSONValue] = {} if note is None else {"note": note}
        if self.source is not None and self.source.dataset is not None:
            mark = self.source.dataset.fingerprint or self.source.dataset.digest
            own |= {"data": mark[:12], "run": self.source.run}
        return own or True

    def _tags_at(self, row: str, at: int) -> tuple[GivenTag, ...]:
        return self._book.of(row, [rule for rule in self._book.rules if self._rules.holds(rule.name, at)])

    def _tag_mask(self, tag: str) -> Mask:
        """Which rows have a tag."""
        said = {row: own[tag] for row, own in dict(self._book.by_hand()).items() if tag in own}
        found = np.zeros(len(self.wrong), bool)
        newest = np.zeros(len(self.wrong), np.int64)
        for rule in self._book.rules:
            if rule.subject == tag:
                newest[self._rules.mask(rule.name)] = rule.number
        found[newest > 0] = True
        for row, remark in said.items():
            for at in self.places.get(row, ()):
                found[at] = remark.value is not None or newest[at] > remark.number
        return found

    def _looked_mask(self) -> Mask:
        found = np.zeros(len(self.wrong), bool)
        for row in self._book.looked:
            found[self.places.get(row, [])] = True
        return found

    def _has_hand_tags(self, tag: str) -> bool:
        """Whether somebody gave a tag to one of these rows, and has not taken it back."""
        return any(
            row in self.places and tag in own and own[tag].value is not None
            for row, own in dict(self._book.by_hand()).items()
        )

    def _matching(self, filters: Filters) -> Mask:
        """Which rows pass all filters."""
        if filters.rows not in _WHICH:
            raise UsageError(f"there are no '{filters.rows}' rows", expected="wrong, right or all")
        found = np.ones(len(self.wrong), bool)
        if filters.rows != "all":
            found &= self.wrong if filters.rows == "wrong" else ~self.wrong
        if filters.truth is not None:
            found &= np.asarray(self.truths == filters.truth, bool)
        if filters.answer is not None:
            found &= np.asarray(self.answers == filters.answer, bool)
        if filters.tag is not None:
            found &= self._tag_mask(filters.tag)
        if filters.untagged:
            for name in self._book.names:
                found &= ~self._tag_mask(name)
        return self._holding(filters.text, found) if filters.text else found

    def _holding(self, text: str, among: Mask) -> Mask:
        """Which of some rows have a value, truth or answer that holds a text."""
        wanted = text.casefold()
        names = [name for name, kind in self.columns.items() if kind not in MEDIA_TYPES]
        found = np.zeros(len(among), bool)
        for at, values in zip(np.flatnonzero(among).tolist(), self.values(among, names), strict=True):
            shown = (self.truths[at], self.answers[at], *values.values())
            found[at] = any(wanted in str(value).casefold() for value in shown if value is not None)
        return found

    def _read(self, wanted: npt.NDArray[np.int64]) -> Iterator[Mistake]:
        """The rows at some positions, in their order."""
        chosen = np.zeros(len(self.wrong), bool)
        chosen[wanted] = True
        names = [name for name, kind in self.columns.items() if kind not in MEDIA_TYPES]
        found = dict(zip(np.flatnonzero(chosen).tolist(), self.values(chosen, names), strict=True))
        for at in wanted.tolist():
            row = self.ids[at]
            yield Mistake(
                row,
                at,
                bool(self.wrong[at]),
                str(self.truths[at]),
                str(self.answers[at]),
                None if self.confidences is None else float(self.confidences[at]),
                float(self.losses[at]),
                self._tags_at(row, at),
                found[at],
            )


def topic_of(space: Workspace) -> str:
    """The name under which a folder's tags are kept."""
    return space.project or space.directory.resolve().name
