"""The figures of a column in each slice, beside those of all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup

from tilth.profiles.drawings import spark
from tilth.profiles.drawings_columns import column_axis, number_table
from tilth.profiles.page_figures import Label, figure, label, moment, share

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["SliceLike", "SliceRow", "SliceTable", "TableLike", "shown_slices", "slice_name", "slice_table"]

_CELLS = 3_000  # lines of slices on a page
_MOST = 40  # of one column
_LEAST = 4
_BINS = 24
_NUMBERS = ("mean", "std", "least", "median", "greatest")
_HEADERS: dict[str, tuple[str, ...]] = {
    "int": _NUMBERS,
    "float": _NUMBERS,
    "datetime": ("earliest", "median", "latest"),
}


class TableLike(Protocol):
    """What the page needs of a profile."""

    @property
    def rows(self) -> int:
        """How many rows."""

    @property
    def columns(self) -> Mapping[str, ColumnProfile]:
        """The profiles of the columns by name."""


class SliceLike(Protocol):
    """What the page needs of the profile of a slice."""

    @property
    def values(self) -> Mapping[str, str]:
        """The values that make the slice, by column."""

    @property
    def profile(self) -> TableLike:
        """The profile of its rows."""


@dataclass(frozen=True)
class SliceRow:
    """A column in one slice.

    Args:
        name: the slice, or "all rows".
        cells: the figures in words.
        drawing: its distribution on the axis of the whole; empty where there is none.
    """

    name: Label
    cells: tuple[Label, ...]
    drawing: Markup


@dataclass(frozen=True)
class SliceTable:
    """A column in all slices.

    Args:
        header: what the figures are.
        rows: all rows first, then the slices.
        left_out: how many slices are not shown.
    """

    header: tuple[str, ...]
    rows: tuple[SliceRow, ...]
    left_out: int


def slice_name(values: Mapping[str, str]) -> Label:
    """A slice in words.

    Example:
        >>> slice_name({"sex": "Female", "race": "White"}).text
        'sex = Female, race = White'
    """
    parts = ((label(str(name), 24).text, label(str(value), 24).text) for name, value in values.items())
    return label(", ".join(f"{name} = {value}" for name, value in parts), 64)


def shown_slices(slices: Sequence[SliceLike], columns: int) -> Sequence[SliceLike]:
    """The slices with most rows, as many as a page with so many columns bears, in their own order."""
    many = max(min(_MOST, _CELLS // max(columns, 1)), _LEAST)
    if len(slices) <= many:
        return slices
    largest = sorted(range(len(slices)), key=lambda i: (-slices[i].profile.rows, i))[:many]
    return [slices[i] for i in sorted(largest)]


def slice_table(
    column: ColumnProfile, slices: Sequence[SliceLike], *, left_out: int = 0
) -> SliceTable | None:
    """The figures of a column in these slices; None without slices.

    Args:
        column: the column over all rows.
        slices: those to show.
        left_out: how many more there are.
    """
    if not slices:
        return None
    other = ("distinct", "mean length") if column.sizes is not None else ("distinct", "most frequent")
    figures = _HEADERS.get(column.type, other)
    axis = column_axis([column], _BINS)
    rows = []
    for name, part in [
        (Label("all rows"), column),
        *((slice_name(each.values), each.profile.columns.get(column.name)) for each in slices),
    ]:
        if part is None:
            continue
        table = number_table(part) if axis is not None and part.type == column.type else None
        drawing = spark(axis, axis.counts(*table)) if axis is not None and table is not None else Markup("")
        cells = (Label(figure(part.rows)), Label(share(part.missing, part.rows)), *_figures(part, figures))
        rows.append(SliceRow(name, cells, drawing))
    header = ("rows", "missing", *figures, *(["distribution"] if axis is not None else []))
    return SliceTable(header, tuple(rows), left_out)


def _figures(column: ColumnProfile, names: Sequence[str]) -> list[Label]:
    if "mean" in names:
        numbers = (column.mean, column.std, column.min, column.median, column.max)
        return [Label(figure(number)) for number in numbers]
    if "earliest" in names:
        return [Label(moment(number)) for number in (column.min, column.median, column.max)]
    if column.sizes is not None:
        return [Label(figure(column.distinct)), Label(figure(column.sizes.moments.mean))]
    return [Label(figure(column.distinct)), _most_frequent(column)]


def _most_frequent(column: ColumnProfile) -> Label:
    found = column.top(1)
    if not found:
        return Label(figure(None))
    value, count = found[0]
    shown = label(value, 32) if isinstance(value, str) else Label(figure(value))
    return Label(f"{shown.text} ({share(count, column.count)})", shown.title)
