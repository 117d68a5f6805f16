"""What is drawn of a column: a histogram, a time line, bars, lengths; one data set or two on common axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tilth.profiles.drawings import Drawing, Series, bars, curve, histogram
from tilth.profiles.drawings_axes import BINS, Axis, linear_axis, log_axis
from tilth.profiles.drawings_time import time_axis
from tilth.profiles.page_figures import figure
from tilth.profiles.page_values import ValueTable

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = [
    "NumberTable",
    "column_axis",
    "column_drawings",
    "item_drawings",
    "length_table",
    "number_table",
    "unevenness",
]

NumberTable: TypeAlias = "tuple[np.ndarray, np.ndarray]"
"""Numbers, ascending, shape (k,), and how often each came."""

_MARKS = (0.05, 0.25, 0.5, 0.75, 0.95)
_CURVE = tuple(k / 20 for k in range(21))
_COARSE_CURVE = tuple(k / 10 for k in range(11))
_COARSE_BINS = 20
_UNEVEN = 0.5  # of a possible 1: then a logarithmic scale is shown first, where it is that much more even
_GAIN = 0.25


def column_drawings(
    columns: Sequence[ColumnProfile],
    names: Sequence[str],
    values: ValueTable | None,
    title: str,
    *,
    detailed: bool = True,
) -> tuple[Drawing, ...]:
    """The drawings of a column, the one to look at first in front; none where there is nothing to draw.

    Args:
        columns: the same column of one or two data sets.
        names: what the data sets are called.
        values: the table of the most frequent values, where bars are wanted.
        title: what is drawn, for those who cannot see it.
        detailed: with more bins, and words under the pointer on every scale.

    Example:
        >>> from tilth.profiles import profile
        >>> column = profile({"x": [1, 2, 3, 10]}).columns["x"]
        >>> [drawing.scale for drawing in column_drawings([column], [""], None, "x")]
        ['linear', 'quantiles']
    """
    tables = [number_table(column) for column in columns]
    bins = BINS if detailed else _COARSE_BINS
    if all(table is not None and len(table[0]) for table in tables) and columns[0].type != "bool":
        known = [table for table in tables if table is not None]
        if _reach(known)[0] == _reach(known)[1]:
            return ()  # one number only: there is nothing to see
        if columns[0].type == "datetime":
            return _over_time(known, names, title, bins)
        whole = all(column.type == "int" for column in columns)
        return _numbers(known, names, title, whole=whole, bins=bins, detailed=detailed)
    if values is not None:
        return (bars(values.drawn, title),)
    lengths = [length_table(column) for column in columns]
    known = [table for table in lengths if table is not None and len(table[0])]
    if len(known) != len(columns) or _reach(known)[0] == _reach(known)[1]:
        return ()
    what = "bytes" if columns[0].type in ("image", "audio") else "lengths"
    found = _numbers(known, names, f"{what}, {title}", whole=True, bins=bins, detailed=detailed)
    return tuple(replace(each, scale=f"{what}, {each.scale}") for each in found)


def item_drawings(
    columns: Sequence[ColumnProfile], names: Sequence[str], values: ValueTable | None, title: str
) -> tuple[Drawing, ...]:
    """The one drawing of the items of lists; none for other columns."""
    items = [column.items for column in columns if column.items is not None]
    if len(items) < len(columns):
        return ()
    found = column_drawings(items, names, values, f"items in the {title}", detailed=False)
    return tuple(replace(each, scale=f"items, {each.scale}") for each in found[:1] if each.scale != "bars")


def number_table(column: ColumnProfile) -> NumberTable | None:
    """The numbers of a column and how often each came; None for columns that have none.

    Example:
        >>> from tilth.profiles import profile
        >>> number_table(profile({"x": [2, 1, 2]}).columns["x"])
        (array([1., 2.]), array([1, 2]))
    """
    return column.numbers.table.table() if column.numbers is not None else None


def length_table(column: ColumnProfile) -> NumberTable | None:
    """How long texts (those that are kept) are in characters, lists in items, media in bytes; or None.

    Example:
        >>> from tilth.profiles import profile
        >>> length_table(profile({"x": ["a", "bb", "cc"]}).columns["x"])
        (array([1., 2.]), array([1, 2]))
    """
    if column.sizes is not None:
        return column.sizes.table.table()
    if column.texts is None:
        return None
    import pyarrow.compute as pc

    texts, counts = column.texts.counts.table()
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    found, place = np.unique(lengths, return_inverse=True)
    return found.astype(np.float64), np.bincount(place, weights=counts).astype(np.int64)


def column_axis(columns: Sequence[ColumnProfile], bins: int = BINS) -> Axis | None:
    """The axis on which a column is drawn first; None where it is not drawn by its numbers.

    Example:
        >>> from tilth.profiles import profile
        >>> len(column_axis([profile({"x": [1, 2, 3]}).columns["x"]]).names)
        3
    """
    tables = [table for table in map(number_table, columns) if table is not None and len(table[0])]
    if not tables or columns[0].type == "bool":
        return None
    low, high, nearest = _reach(tables)
    if columns[0].type == "datetime":
        return time_axis(low, high, bins=bins)
    linear = linear_axis(low, high, whole=all(column.type == "int" for column in columns), bins=bins)
    powers = log_axis(low, high, nearest, bins=bins)
    return powers if powers is not None and _is_better(powers, linear, tables[0]) else linear


def _reach(tables: Sequence[NumberTable]) -> tuple[float, float, float]:
    low = min(float(numbers[0]) for numbers, _ in tables)
    high = max(float(numbers[-1]) for numbers, _ in tables)
    sizes = [float(np.abs(numbers[numbers != 0]).min(initial=np.inf)) for numbers, _ in tables]
    nearest = min(sizes)
    return low, high, nearest if np.isfinite(nearest) else 0.0


def unevenness(counts: np.ndarray) -> float:
    """From 0, all counts equal, to 1, all in one place: 1 minus the entropy's share of the greatest possible.

    Example:
        >>> unevenness(np.array([5, 5])), unevenness(np.array([5, 0]))
        (0.0, 1.0)
    """
    total = counts.sum()
    if len(counts) < 2 or not total:
        return 0.0
    shares = counts[counts > 0] / total
    entropy = -float((shares * np.log(shares)).sum())
    return float(min(max(1.0 - entropy / np.log(len(counts)), 0.0), 1.0))


def _is_better(powers: Axis, linear: Axis, table: NumberTable) -> bool:
    uneven = unevenness(linear.counts(*table))
    return uneven > _UNEVEN and uneven - unevenness(powers.counts(*table)) > _GAIN


def _numbers(
    tables: Sequence[NumberTable],
    names: Sequence[str],
    title: str,
    *,
    whole: bool,
    bins: int,
    detailed: bool,
) -> tuple[Drawing, ...]:
    low, high, nearest = _reach(tables)
    linear = linear_axis(low, high, whole=whole, bins=bins)
    powers = log_axis(low, high, nearest, bins=bins)
    log_first = powers is not None and _is_better(powers, linear, tables[0])
    axes = [("linear", linear)]
    if powers is not None:
        axes.insert(0 if log_first else 1, ("log", powers))
    drawings = [
        histogram(
            axis,
            _series(axis, tables, names),
            title,
            scale,
            tooltips=detailed or not place,
            brief=not detailed,
        )
        for place, (scale, axis) in enumerate(axes)
    ]
    if max(len(numbers) for numbers, _ in tables) > 2:
        drawings.append(_curve(tables, names, axes[0][1], title, figure, detailed=detailed))
    return tuple(drawings)


def _over_time(
    tables: Sequence[NumberTable], names: Sequence[str], title: str, bins: int
) -> tuple[Drawing, ...]:
    low, high, _ = _reach(tables)
    axis = time_axis(low, high, bins=bins)
    return (histogram(axis, _series(axis, tables, names), title, "time"),)


def _series(axis: Axis, tables: Sequence[NumberTable], names: Sequence[str]) -> list[Series]:
    return [
        Series(name, axis.counts(*table), tuple(_quantiles(table, _MARKS)))
        for name, table in zip(names, tables, strict=True)
    ]


def _quantiles(table: NumberTable, shares: Sequence[float]) -> list[float]:
    # Without interpolation, so that each mark is a number that is there.
    numbers, counts = table
    until = np.cumsum(counts)
    ranks = np.round(np.array(shares) * (int(until[-1]) - 1))
    return [float(value) for value in numbers[np.searchsorted(until, ranks, side="right")]]


def _curve(
    tables: Sequence[NumberTable],
    names: Sequence[str],
    axis: Axis,
    title: str,
    show: Callable[[float], str],
    *,
    detailed: bool,
) -> Drawing:
    shares = _CURVE if detailed else _COARSE_CURVE
    lines = []
    for name, table in zip(names, tables, strict=True):
        numbers = _quantiles(table, shares)
        lines.append((name, numbers, [show(number) for number in numbers]))
    return curve(shares, lines, axis, title, tooltips=detailed)
