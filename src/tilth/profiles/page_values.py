"""The most frequent values of a column, in one data set or in two beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tilth.profiles.page_figures import Label, figure, label, moment, share

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile, Value

__all__ = ["ValueRow", "ValueTable", "value_table"]

_DRAWN = 20


@dataclass(frozen=True)
class ValueRow:
    """A value and how often it came in each data set.

    Args:
        value: the value.
        counts: how often it came.
        shares: its share of the values that are there, in words.
        widths: the same in percent of the greatest share, for the bars; none for all others together.
    """

    value: Label
    counts: tuple[str, ...]
    shares: tuple[str, ...]
    widths: tuple[float, ...]


@dataclass(frozen=True)
class ValueTable:
    """The most frequent values of a column.

    Args:
        rows: a row a value, the most frequent first; the last one may stand for all others.
        is_exact: whether every value is kept, so that nothing more frequent can be missing.
        drawn: for each data set the shares of the first values, in [0, 1].
    """

    rows: tuple[ValueRow, ...]
    is_exact: bool
    drawn: tuple[tuple[float, ...], ...]


def value_table(columns: Sequence[ColumnProfile], k: int) -> ValueTable | None:
    """The `k` values with the greatest share in any of the data sets; None where none are kept.

    Example:
        >>> from tilth.profiles import profile
        >>> column = profile({"x": ["a", "a", "b", "c"]}).columns["x"]
        >>> [(row.value.text, row.shares) for row in value_table([column], 1).rows]
        [('a', ('50.0%',)), ('2 other values', ('50.0%',))]
    """
    many = max(k, _DRAWN)
    tops = [dict(column.top(many)) for column in columns]
    values = list(dict.fromkeys(value for top in tops for value in top))
    if not values:
        return None
    counts = [_counts(column, values, top) for column, top in zip(columns, tops, strict=True)]
    totals = [column.count - column.infinite for column in columns]
    shares = np.array([each / max(total, 1) for each, total in zip(counts, totals, strict=True)])
    order = np.argsort(-shares.max(axis=0), kind="stable").tolist()
    rows = [
        (_label(columns[0], values[i]), [int(each[i]) for each in counts])
        for i in order[: k if len(values) > k + 1 else k + 1]
    ]
    rest = [max(total - sum(row[1][j] for row in rows), 0) for j, total in enumerate(totals)]
    top = float(shares.max())
    lines = [_row(value, numbers, totals, top) for value, numbers in rows]
    if any(part > 0 for part in rest):
        lines.append(replace(_row(_others(columns, len(rows)), rest, totals, 0.0), widths=()))
    return ValueTable(
        tuple(lines),
        all(column.is_exact for column in columns),
        tuple(tuple(each[order[:_DRAWN]].tolist()) for each in shares),
    )


def _row(value: Label, counts: Sequence[int], totals: Sequence[int], top: float) -> ValueRow:
    pairs = list(zip(counts, totals, strict=True))
    return ValueRow(
        value,
        tuple(figure(count) for count in counts),
        tuple(share(count, total) for count, total in pairs),
        tuple(round(100 * count / max(total, 1) / top, 1) if top else 0.0 for count, total in pairs),
    )


def _others(columns: Sequence[ColumnProfile], shown: int) -> Label:
    if len(columns) == 1 and columns[0].is_exact:
        rest = columns[0].distinct - shown
        return Label(f"{figure(rest)} other value{'' if rest == 1 else 's'}", is_empty=True)
    return Label("all others", is_empty=True)


def _label(column: ColumnProfile, value: str | float | bool) -> Label:
    if column.type == "datetime" and not isinstance(value, str):
        return Label(moment(float(value)))
    return label(value) if isinstance(value, str) else Label(figure(value))


def _counts(column: ColumnProfile, values: Sequence[Value], top: Mapping[Value, int]) -> np.ndarray:
    # What is frequent is known even where not every value is kept; the rest is looked up among those kept.
    kept = _kept_texts(column, values) if column.texts is not None else _kept_numbers(column, values)
    return np.array([top.get(value, count) for value, count in zip(values, kept.tolist(), strict=True)])


def _kept_texts(column: ColumnProfile, values: Sequence[Value]) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    assert column.texts is not None
    texts, counts = column.texts.counts.table()
    wanted = pa.array([value if isinstance(value, str) else None for value in values], texts.type)
    places = pc.fill_null(pc.index_in(wanted, value_set=texts), -1).to_numpy(zero_copy_only=False)
    return np.where(places >= 0, counts[places], 0) if len(counts) else np.zeros(len(values), dtype=np.int64)


def _kept_numbers(column: ColumnProfile, values: Sequence[Value]) -> np.ndarray:
    numbers, counts = (
        column.numbers.table.table() if column.numbers is not None else (np.zeros(0), np.zeros(0))
    )
    if not len(numbers):
        return np.zeros(len(values), dtype=np.int64)
    wanted = np.array([np.nan if isinstance(value, str) else float(value) for value in values])
    places = np.clip(np.searchsorted(numbers, wanted), 0, len(numbers) - 1)
    return np.where(numbers[places] == wanted, counts[places], 0)
