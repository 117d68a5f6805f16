"""The card of a column on the page: everything there is to say, ready to be written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tilth.profiles.drawings import Drawing
from tilth.profiles.drawings_columns import (
    column_axis,
    column_drawings,
    item_drawings,
    length_table,
    number_table,
    unevenness,
)
from tilth.profiles.page_figures import Label, figure, label, moment, share
from tilth.profiles.page_lines import Group, Summary, groups, read
from tilth.profiles.page_slices import SliceTable
from tilth.profiles.page_values import ValueTable, value_table
from tilth.profiles.page_verdicts import Remark, Verdict
from tilth.profiles.page_words import frequent_words

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["Card", "Gist", "card"]

_VALUES = (6, 12)
_RARE = (3, 5)
_WORDS = (6, 10)


@dataclass(frozen=True)
class Gist:
    """A column in a few words.

    Args:
        value: its most frequent value where it has one, else the whole.
        remark: the share of that value.
    """

    value: Label
    remark: str = ""


@dataclass(frozen=True)
class Card:
    """All that the page says of one column.

    Args:
        number: its place in the table, from 0.
        name: its name.
        type: what it holds.
        kind: what it probably is, where the type does not say it.
        only_in: the one data set that has it, or "".
        missing: the share of missing values in words, for each data set.
        has_missing: whether anything is missing.
        distinct: how many different values, in words, for each data set.
        gist: each data set in a few words: a value, and what is said of it.
        drawings: its distribution, on one scale or several; the first is shown.
        groups: its figures.
        values: its most frequent values, or None.
        rare: its least frequent values with their counts.
        words: the words that are in most of its texts, and in which share of them.
        remarks: anomalies, then hints.
        verdict: whether it drifted, or None.
        slices: its figures by slice, or None.
        parts: the columns of statistics that are drawn from it, with their places in the table.
        keys: what it is sorted by: drift, missing, non-uniformity, distinct, anomalies.
    """

    number: int
    name: Label
    type: str
    kind: str
    only_in: str
    missing: tuple[str, ...]
    has_missing: bool
    distinct: tuple[str, ...]
    gist: tuple[Gist, ...]
    drawings: tuple[Drawing, ...]
    groups: tuple[Group, ...]
    values: ValueTable | None
    rare: tuple[tuple[Label, str], ...]
    words: tuple[tuple[Label, str], ...]
    remarks: tuple[Remark, ...]
    verdict: Verdict | None
    slices: SliceTable | None
    parts: tuple[tuple[Label, int], ...]
    keys: tuple[str, ...]

    @property
    def anomalies(self) -> int:
        """How many remarks are anomalies."""
        return sum(remark.level != "hint" for remark in self.remarks)

    @property
    def has_errors(self) -> bool:
        """Whether an anomaly is an error."""
        return any(remark.level == "error" for remark in self.remarks)


def card(
    number: int,
    columns: Sequence[ColumnProfile],
    names: Sequence[str],
    *,
    only_in: str = "",
    anomalies: Sequence[Remark] = (),
    verdict: Verdict | None = None,
    slices: SliceTable | None = None,
    parts: Sequence[tuple[Label, int]] = (),
    detailed: bool = True,
) -> Card:
    """The card of a column.

    Args:
        number: its place in the table, from 0.
        columns: its profile in each data set that has it.
        names: what those data sets are called; "" for a single one.
        only_in: the one of two data sets that has it, or "".
        anomalies: what is wrong with it.
        verdict: whether it drifted.
        slices: its figures by slice.
        parts: the columns of statistics that are drawn from it.
        detailed: with everything; else shorter, for pages of hundreds of columns.
    """
    summaries = [column.to_dict() for column in columns]
    first = columns[0]
    title = label(first.name)
    drawn = columns if _alike(columns) else columns[:1]
    values, drawings = _drawn(drawn, names[: len(drawn)], summaries[0], title, detailed=detailed)
    hints = [*_hints(summaries, names), *([_apart(columns, names)] if len(drawn) < len(columns) else [])]
    return Card(
        number=number,
        name=title,
        type=first.type,
        kind=_kind(first, summaries[0]),
        only_in=only_in,
        missing=tuple(share(column.missing, column.rows) for column in columns),
        has_missing=any(column.missing for column in columns),
        distinct=tuple(_distinct(column, s) for column, s in zip(columns, summaries, strict=True)),
        gist=tuple(_gist(column, s) for column, s in zip(columns, summaries, strict=True)),
        drawings=drawings,
        groups=groups(columns, summaries),
        values=values,
        rare=_rare(first, summaries[0], values, _RARE[detailed]),
        words=frequent_words(first, _WORDS[detailed]) if read(summaries[0], "kind") == "text" else (),
        remarks=(*anomalies, *hints),
        verdict=verdict,
        slices=slices,
        parts=tuple(parts),
        keys=_keys(columns, verdict, anomalies),
    )


def _drawn(
    columns: Sequence[ColumnProfile], names: Sequence[str], summary: Summary, title: Label, *, detailed: bool
) -> tuple[ValueTable | None, tuple[Drawing, ...]]:
    first = columns[0]
    is_category = first.type == "bool" or _is_category(first, summary)
    items = [column.items for column in columns if column.items is not None]
    many = _VALUES[detailed and is_category]
    values = value_table(items or columns, many) if _has_values(first, summary) else None
    about = f"distribution of {title.text}"
    found = column_drawings(columns, names, values if is_category else None, about, detailed=detailed)
    return values, (*found, *item_drawings(columns, names, values, about))


def _alike(columns: Sequence[ColumnProfile]) -> bool:
    numbers = {"int", "float"}
    kinds = {"number" if column.type in numbers else column.type for column in columns if column.count}
    return len(kinds) < 2


def _apart(columns: Sequence[ColumnProfile], names: Sequence[str]) -> Remark:
    said = " and ".join(f"{column.type} in {name}" for column, name in zip(columns, names, strict=True))
    return Remark("hint", f"The types differ: {said}. Only {names[0]} is drawn.")


def _kind(column: ColumnProfile, summary: Summary) -> str:
    kind = str(summary.get("kind") or "")
    return "" if column.type in ("image", "audio") or (column.type, kind) in _PLAIN else kind


_PLAIN = {("bool", "flag"), ("datetime", "date"), ("int", "number"), ("float", "number")}


def _distinct(column: ColumnProfile, summary: Summary) -> str:
    return f"{'' if summary.get('distinct_exact', True) else '~'}{figure(column.distinct)}"


def _is_category(column: ColumnProfile, summary: Summary) -> bool:
    if column.type != "string":
        return False
    kind = summary.get("kind")
    if kind is not None:
        return kind not in ("text", "identifier")
    return column.distinct * 2 <= column.count


def _has_values(column: ColumnProfile, summary: Summary) -> bool:
    if column.items is not None:
        return _has_values(column.items, read(summary, "items"))
    if column.type == "bool" or _is_category(column, summary):
        return True
    top = column.top(1)
    return bool(top) and top[0][1] > 1 and top[0][1] * 100 >= column.count


def _gist(column: ColumnProfile, summary: Summary) -> Gist:
    if not column.count:
        return Gist(Label("all values missing" if column.rows else "no rows"))
    is_one = column.min is not None and column.min == column.max and not column.infinite
    if is_one and column.type in ("int", "float"):
        return _told(f"always {figure(column.min)}")
    if column.type in ("int", "float") and column.mean is not None:
        return _told(f"mean {figure(column.mean)}, {figure(column.min)} to {figure(column.max)}")
    if column.type == "datetime" and column.min is not None:
        return _told(f"{moment(column.min)} to {moment(column.max)}")
    if column.type == "bool":
        return _told(f"true {share(column.mean or 0.0, 1)}")
    top = column.top(1)
    if top and _has_values(column, summary):  # not for lists, whose items have values
        value, count = top[0]
        shown = label(value, 36) if isinstance(value, str) else Label(figure(value))
        return Gist(shown, share(count, column.count))
    mean = read(summary, "length", "mean")
    unit = _UNITS.get(column.type, "items")
    return _told(f"{figure(mean)} {unit[:-1] if mean == 1 else unit} on average" if mean is not None else "")


def _told(text: str) -> Gist:
    return Gist(Label(text, text if len(text) > _FITS else ""))


_FITS = 28
_UNITS = {"string": "characters", "image": "bytes", "audio": "bytes"}


def _hints(summaries: Sequence[Summary], names: Sequence[str]) -> list[Remark]:
    found: list[Remark] = []
    for summary, name in zip(summaries, names, strict=True):
        for hint in summary.get("hints") or ():
            text = str(hint.get("message", "")) if isinstance(hint, Mapping) else str(hint)
            if text and all(not remark.text.endswith(text) for remark in found):
                found.append(Remark("hint", f"{name}: {text}" if name else text))
    return found


def _rare(
    column: ColumnProfile, summary: Summary, values: ValueTable | None, k: int
) -> tuple[tuple[Label, str], ...]:
    # Only where values repeat, and those most frequent do not say it all.
    if values is None or column.items is not None or column.distinct <= len(values.rows):
        return ()
    show = moment if column.type == "datetime" else figure
    found = list(summary.get("rare") or ())[:k]
    return tuple((label(v) if column.type == "string" else Label(show(v)), figure(n)) for v, n in found)


def _keys(
    columns: Sequence[ColumnProfile], verdict: Verdict | None, anomalies: Sequence[Remark]
) -> tuple[str, ...]:
    missing = max(column.missing / column.rows if column.rows else 0.0 for column in columns)
    uneven = max(_unevenness(column) for column in columns)
    distinct = max(column.distinct for column in columns)
    drift = verdict.sort_key if verdict is not None else -1.0
    shares = (f"{value:.4g}" for value in (drift, missing, uneven))
    return (*shares, str(distinct), str(len(anomalies)))


def _unevenness(column: ColumnProfile) -> float:
    table, axis = number_table(column), column_axis([column])
    if table is not None and axis is not None:
        return unevenness(axis.counts(*table))
    if table is not None:
        return unevenness(table[1])
    if column.texts is not None:
        return unevenness(column.texts.counts.table()[1])
    lengths = length_table(column)
    return unevenness(lengths[1]) if lengths is not None else 0.0
