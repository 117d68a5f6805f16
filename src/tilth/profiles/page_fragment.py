"""A profile in a notebook: a table with a small drawing a column, that leaves the rest of the page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from tilth.errors import counted
from tilth.profiles.drawings import bars, spark
from tilth.profiles.drawings_axes import linear_axis
from tilth.profiles.drawings_columns import column_axis, length_table, number_table
from tilth.profiles.page_base import template
from tilth.profiles.page_figures import Label, duration, figure, label, moment, share
from tilth.profiles.page_slices import TableLike
from tilth.profiles.page_values import ValueTable, value_table

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["fragment"]

_COLUMNS = 200
_BINS = 24
_BARS = 12


@dataclass(frozen=True)
class _Row:
    name: Label
    type: str
    missing: str
    distinct: str
    figures: tuple[str, ...]
    frequent: Label
    share: str
    drawing: Markup


def fragment(profile: TableLike) -> str:
    """The profile as a piece of HTML for a notebook; at most its first 200 columns.

    Example:
        >>> from tilth.profiles import profile
        >>> text = fragment(profile({"x": [1, 2, 2]}))
        >>> "3 rows, 1 column" in text, "<script" in text
        (True, False)
    """
    shown = list(profile.columns.values())[:_COLUMNS]
    many = len(profile.columns)
    return template("fragment.html.jinja").render(
        head=f"{counted(profile.rows, 'row')}, {counted(many, 'column')}",
        rows=[_row(column) for column in shown],
        left_out=many - len(shown),
    )


def _row(column: ColumnProfile) -> _Row:
    values = value_table([column], _BARS)
    top = values.rows[0] if values is not None else None
    repeats = top is not None and column.top(1)[0][1] > max(1, column.count // 100)
    exact = column.is_distinct_exact
    return _Row(
        label(column.name, 40),
        column.type,
        share(column.missing, column.rows) if column.missing else "0",
        f"{'' if exact else '~'}{figure(column.distinct)}",
        _figures(column),
        top.value if top is not None and repeats else Label(""),
        top.shares[0] if top is not None and repeats else "",
        _drawing(column, values),
    )


def _figures(column: ColumnProfile) -> tuple[str, ...]:
    numbers = (column.min, column.median, column.max)
    if column.type == "datetime":
        return (moment(column.mean), duration(column.std), *(moment(number) for number in numbers))
    if column.type in ("int", "float"):
        return (figure(column.mean), figure(column.std), *(figure(number) for number in numbers))
    return ("",) * 5


def _drawing(column: ColumnProfile, values: ValueTable | None) -> Markup:
    axis, table = column_axis([column], _BINS), number_table(column)
    if axis is not None and table is not None:
        return spark(axis, axis.counts(*table))
    if values is not None and (column.type == "bool" or column.distinct * 2 <= column.count):
        return bars(values.drawn, "").svg
    lengths = length_table(column)
    if lengths is None or not len(lengths[0]):
        return Markup("")
    axis = linear_axis(float(lengths[0][0]), float(lengths[0][-1]), whole=True, bins=_BINS)
    return spark(axis, axis.counts(*lengths))
