"""What the page of mistakes shows, from the rows of a part and the tags that people gave them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tilth.console.asking import PAGE_ROWS, Asked
from tilth.console.cells import Shown, Sight, shown_cell
from tilth.console.media_cells import MediaCells
from tilth.errors import NotFoundError
from tilth.evaluation.errors import TagFigures
from tilth.pipelines.errors import Mistakes
from tilth.pipelines.mistake import Mistake
from tilth.pipelines.tag_book import GivenTag
from tilth.profiles.page_figures import Label, figure, label, share
from tilth.types import MEDIA_TYPES

__all__ = ["Desk", "Page", "RowView", "TagLine", "TagView"]

_MOST_COLUMNS = 60
_MOST_CLASSES = 1_000
_UNDEFINED = "\u2013"


@dataclass(frozen=True)
class TagView:
    """A tag of a row.

    Args:
        tag: its name.
        shown: the same, fit to be read.
        rule: whether a rule gives it.
        note: what whoever gave it wrote beside it.
        story: who gave it, when and why.
    """

    tag: str
    shown: Label
    rule: bool
    note: Label | None
    story: str


@dataclass(frozen=True)
class TagLine:
    """A tag with its figures, in words."""

    tag: str
    shown: Label
    figures: tuple[str, ...]


@dataclass(frozen=True)
class RowView:
    """A row of the part.

    Args:
        row: its hash, 16 hexadecimal digits.
        number: its position in the part, from 1.
        wrong: whether the model gets it wrong.
        truth: what is right.
        said: what the model says.
        confidence: the probability of what it says; "" where there is none.
        loss: how wrong that is; "" where it is only right or wrong.
        cells: its columns, but for media and the label.
        sights: its images and recordings.
        left_out: how many columns are not shown.
    """

    row: str
    number: int
    wrong: bool
    truth: Label
    said: Label
    confidence: str
    loss: str
    cells: tuple[Shown, ...]
    sights: tuple[Sight, ...]
    left_out: int


@dataclass(frozen=True)
class Page:
    """The rows of a page, and how many there are on all pages."""

    rows: tuple[RowView, ...]
    total: int


class Desk:
    """The rows of a part with their tags, as a page shows them.

    Args:
        mistakes: the rows and the tags.
        title: of the page.
    """

    def __init__(self, mistakes: Mistakes, title: str) -> None:
        self.title = title
        self._mistakes = mistakes
        kinds = mistakes.columns
        self._label = mistakes.scored.label
        self._shown = [
            name for name, kind in kinds.items() if kind not in MEDIA_TYPES and name != self._label
        ]
        self._positions = {name: at for at, name in enumerate(mistakes.table.columns)}
        self._media = MediaCells(
            mistakes.table, [name for name, kind in kinds.items() if kind in MEDIA_TYPES]
        )

    @property
    def sentence(self) -> str:
        """How many rows are wrong."""
        wrong, n = int(self._mistakes.wrong.sum()), len(self._mistakes.wrong)
        if self._mistakes.scored.encoding.is_number:
            return f"the {wrong:,} of {n:,} rows with the greatest errors count as mistakes"
        return f"{wrong:,} of {n:,} rows are wrong ({share(wrong, n)})"

    @property
    def loss_name(self) -> str:
        """What the losses of rows are called."""
        return "off by" if self._mistakes.scored.encoding.is_number else "log loss"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that one can ask for."""
        names = self._mistakes.classes
        return names if len(names) <= _MOST_CLASSES else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know, such as rules that say nothing of these rows."""
        return self._mistakes.notes

    def page(self, asked: Asked) -> Page:
        """The rows that are asked for."""
        found = self._mistakes.rows(asked.offset, PAGE_ROWS, asked.filters)
        return Page(tuple(self._views(found.rows)), found.total)

    def version(self) -> str:
        """Another one whenever somebody has said something of the tags."""
        self._mistakes.book.refresh()
        return self._mistakes.book.version

    def tags_of(self, rows: Iterable[str]) -> dict[str, tuple[TagView, ...]]:
        """The tags of rows as they are now.

        Raises:
            NotFoundError: no such row.
        """
        found = self._mistakes.tags_of_all(rows)
        return {row: tuple(_tag_view(tag) for tag in tags) for row, tags in found.items()}

    def lines(self) -> tuple[TagLine, ...]:
        """All tags with the four figures."""
        return tuple(_line(each) for each in self._mistakes.figures())

    def tag(self, row: str, tag: str, who: str, note: str = "") -> None:
        """Give a row a tag; when this returns, the store has it.

        Raises:
            NotFoundError: no such row.
            UsageError: a tag or note that cannot be kept.
            StoreError: it could not be kept.
        """
        self._mistakes.tag(row, tag, who, note or None)

    def untag(self, row: str, tag: str, who: str) -> None:
        """Take a tag from a row; when this returns, the store has it.

        Raises:
            NotFoundError: no such row.
            StoreError: it could not be kept.
        """
        self._mistakes.untag(row, tag, who)

    def look(self, rows: Sequence[str], who: str) -> None:
        """Remember that somebody has looked at rows, so that a tag which is not there is known not to be.

        Raises:
            NotFoundError: no such row.
            StoreError: it could not be kept.
        """
        for row in rows:
            self._mistakes.positions(row)
        self._mistakes.mark_looked(rows, who)

    def media(self, row: str, column: int) -> bytes | None:
        """The bytes of an image or a recording.

        Args:
            row: its hash.
            column: the position of the column in the table, from 0.

        Raises:
            NotFoundError: no such row, or none with media there.
        """
        place = self._mistakes.positions(row)[0]
        name = next((name for name in self._media.columns if self._positions[name] == column), None)
        if name is None:
            raise NotFoundError("there are no images or recordings in this column")
        return self._media.read(place, name)

    def _views(self, rows: Sequence[Mistake]) -> Iterator[RowView]:
        there = self._media.look([each.at for each in rows])
        for each, cells in zip(rows, there, strict=True):
            sights = [self._sight(each.row, name, there=cells[name]) for name in self._media.columns]
            yield self._view(each, tuple(sights))

    def _view(self, found: Mistake, sights: tuple[Sight, ...]) -> RowView:
        names, kinds = self._shown[:_MOST_COLUMNS], self._mistakes.columns
        return RowView(
            row=found.row,
            number=found.at + 1,
            wrong=found.wrong,
            truth=label(found.truth, 120),
            said=label(found.answer, 120),
            confidence="" if found.confidence is None else share(found.confidence, 1),
            loss=figure(float(found.loss)) if self._has_losses else "",
            cells=tuple(shown_cell(name, kinds[name], found.values[name]) for name in names),
            sights=sights,
            left_out=len(self._shown) - len(names),
        )

    @property
    def _has_losses(self) -> bool:
        """Whether losses say more than right and wrong."""
        rows = self._mistakes.scored
        return rows.encoding.is_number or rows.answered.scores is not None

    def _sight(self, row: str, name: str, *, there: bool) -> Sight:
        address = f"/media/{row}/{self._positions[name]}" if there else ""
        return Sight(label(name, 60), self._mistakes.columns[name], address)


def _tag_view(given: GivenTag) -> TagView:
    note = None if given.note is None else label(given.note, 80)
    how = f"by the rule {given.rule}, which {given.who} made" if given.rule else f"by {given.who}"
    story = f"{how}, {given.made:%Y-%m-%d %H:%M}" + (f": {given.note}" if given.note else "")
    return TagView(given.tag, label(given.tag, 80), given.rule is not None, note, label(story, 300).text)


def _line(found: TagFigures) -> TagLine:
    estimates = (found.share_of_errors, found.error_rate, found.share_of_data, found.room)
    shares = (_UNDEFINED if each.value is None else share(each.value, 1) for each in estimates)
    return TagLine(found.tag, label(found.tag, 80), (f"{found.errors:,}", *shares))
