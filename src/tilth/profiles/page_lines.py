"""The figures of a column in groups of lines, one data set or two beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from tilth.profiles.page_figures import Label, duration, figure, label, moment, share

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["Group", "Line", "Summary", "groups", "read"]

Summary: TypeAlias = Mapping[str, Any]
"""What `ColumnProfile.to_dict` gives."""

_QUANTILES = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
_DASH = figure(None)
_HEAVIEST = 5


@dataclass(frozen=True)
class Line:
    """One figure of each data set.

    Args:
        name: what it is.
        values: the figure in words, for each data set.
    """

    name: str
    values: tuple[Label, ...]


@dataclass(frozen=True)
class Group:
    """Lines that belong together.

    Args:
        title: what they are about.
        lines: the lines; none where nothing applies.
    """

    title: str
    lines: tuple[Line, ...]


def read(summary: object, *keys: str) -> Any:
    """The value at a path of keys; None where there is none.

    Example:
        >>> read({"length": {"mean": 2.0}}, "length", "mean"), read({"length": None}, "length", "mean")
        (2.0, None)
    """
    for key in keys:
        if not isinstance(summary, Mapping):
            return None
        summary = summary.get(key)
    return summary


def groups(columns: Sequence[ColumnProfile], summaries: Sequence[Summary]) -> tuple[Group, ...]:
    """All figures of a column; a line appears where any of the data sets has its figure.

    Args:
        columns: the same column of one or two data sets.
        summaries: their `to_dict`.

    Example:
        >>> from tilth.profiles import profile
        >>> column = profile({"x": [1, 2, 4]}).columns["x"]
        >>> [group.title for group in groups([column], [column.to_dict()])]
        ['Rows', 'Numbers', 'Quantiles']
    """
    kind = columns[0].type
    first = summaries[0]
    about = "Numbers" if kind in ("int", "float") else "Dates" if kind == "datetime" else "Shares"
    found = [
        Group("Rows", _rows(columns, summaries)),
        Group(about, _numbers(summaries, kind)),
        Group("Quantiles", _quantiles(summaries)),
        Group("Steps", _gaps(summaries)),
        Group(*_lengths(summaries, kind)),
        Group("Words and characters", _words(summaries)),
        Group("Weighted", _weighted(summaries)),
        Group(f"Items ({read(first, 'items', 'type')})", _items(summaries)),
    ]
    return tuple(group for group in found if group.lines)


def _line(
    name: str, summaries: Sequence[Summary], keys: Sequence[str], show: Callable[[Any], str]
) -> list[Line]:
    found = [read(summary, *keys) for summary in summaries]
    if all(value is None for value in found):
        return []
    return [Line(name, tuple(Label(show(value) if value is not None else _DASH) for value in found))]


def _rows(columns: Sequence[ColumnProfile], summaries: Sequence[Summary]) -> tuple[Line, ...]:
    lines = [
        Line("values", tuple(Label(figure(column.count)) for column in columns)),
        Line("missing", tuple(_part(column.missing, column.rows) for column in columns)),
    ]
    for name, parts in (
        ("of them NaN", [column.nan for column in columns]),
        ("infinite", [column.infinite for column in columns]),
    ):
        if any(parts):
            lines.append(
                Line(name, tuple(_part(n, column.rows) for n, column in zip(parts, columns, strict=True)))
            )
    distinct = (
        f"{'' if summary.get('distinct_exact', True) else '~'}{figure(column.distinct)}"
        for column, summary in zip(columns, summaries, strict=True)
    )
    return (*lines, Line("distinct", tuple(Label(text) for text in distinct)))


def _part(part: int, whole: int) -> Label:
    return Label(f"{figure(part)} ({share(part, whole)})" if part else "0")


def _numbers(summaries: Sequence[Summary], kind: str) -> tuple[Line, ...]:
    show: Callable[[Any], str] = moment if kind == "datetime" else figure
    spread: Callable[[Any], str] = duration if kind == "datetime" else figure
    names = ("earliest", "latest") if kind == "datetime" else ("least", "greatest")
    if kind == "bool":
        return tuple(_line("share of true", summaries, ["mean"], lambda value: share(value, 1)))
    lines = [
        *_line("mean", summaries, ["mean"], show),
        *_line("standard deviation", summaries, ["std"], spread),
        *_line(names[0], summaries, ["min"], show),
        *_line("median", summaries, ["quantiles", "0.5"], show),
        *_line(names[1], summaries, ["max"], show),
    ]
    if kind != "datetime":
        lines += [*_line("sum", summaries, ["sum"], figure), *_zeros(summaries)]
    return tuple(lines)


def _zeros(summaries: Sequence[Summary]) -> list[Line]:
    parts = [summary.get("zeros") for summary in summaries]
    if all(part is None for part in parts):
        return []
    counts = (summary["count"] - summary.get("infinite", 0) for summary in summaries)
    return [Line("zeros", tuple(_part(part or 0, n) for part, n in zip(parts, counts, strict=True)))]


def _quantiles(summaries: Sequence[Summary]) -> tuple[Line, ...]:
    if all(summary.get("min") == summary.get("max") for summary in summaries):
        return ()
    show: Callable[[Any], str] = moment if summaries[0]["type"] == "datetime" else figure
    lines = (_line(f"{float(key) * 100:g}%", summaries, ["quantiles", key], show) for key in _QUANTILES)
    return tuple(line for found in lines for line in found)


def _gaps(summaries: Sequence[Summary]) -> tuple[Line, ...]:
    gaps = [(read(summary, "dates", "gaps") or [None])[0] for summary in summaries]
    lines = [
        *_line("span", summaries, ["dates", "span"], _seconds),
        *_line("usual step", summaries, ["dates", "step"], _seconds),
        *([Line("largest gap", tuple(_gap(gap) for gap in gaps))] if any(gaps) else []),
        *_line("repeats", summaries, ["dates", "repeats"], figure),
    ]
    return tuple(lines)


def _seconds(seconds: float) -> str:
    return duration(seconds * 1e6)


def _gap(gap: Sequence[Any] | None) -> Label:
    if gap is None:
        return Label(_DASH)
    start, end, seconds = gap
    return Label(_seconds(seconds), f"{moment(start)} to {moment(end)}")


def _lengths(summaries: Sequence[Summary], kind: str) -> tuple[str, tuple[Line, ...]]:
    if kind.startswith("list"):
        return "Items in a list", _spans(summaries, ("length",), "fewest", "mean", "most", "empty")
    if kind in ("image", "audio"):
        return "Bytes", _spans(summaries, ("length",), "fewest", "mean", "most")
    lines = _spans(summaries, ("length",), "shortest", "mean", "longest", "empty")
    if any(read(s, "length", "max") != read(s, "length", "bytes", "max") for s in summaries):
        lines += _spans(summaries, ("length", "bytes"), "fewest bytes", "mean bytes", "most bytes")
    return "Characters", lines


def _spans(summaries: Sequence[Summary], path: tuple[str, ...], *names: str) -> tuple[Line, ...]:
    pairs = zip(names, ("min", "mean", "max", "empty"), strict=False)
    return tuple(line for name, key in pairs for line in _line(name, summaries, [*path, key], figure))


def _words(summaries: Sequence[Summary]) -> tuple[Line, ...]:
    if all(summary.get("kind") not in ("text", "identifier") for summary in summaries):
        return ()
    characters: Sequence[str] = list(read(summaries[0], "length", "characters") or {})
    shares = (
        _line(name, summaries, ["length", "characters", name], lambda value: share(value, 1))
        for name in characters
    )
    words = _spans(summaries, ("length", "tokens"), "fewest words", "mean words", "most words")
    return (*words, *(line for found in shares for line in found))


def _weighted(summaries: Sequence[Summary]) -> tuple[Line, ...]:
    weighted = [read(summary, "weighted") or {} for summary in summaries]
    is_date = summaries[0]["type"] == "datetime"
    show: Callable[[Any], str] = moment if is_date else figure
    lines = [
        *_line("weight of values", weighted, ["count"], figure),
        *_line("weight of missing", weighted, ["missing"], figure),
        *_line("mean", weighted, ["mean"], show),
        *_line("standard deviation", weighted, ["std"], duration if is_date else figure),
        *_line("median", weighted, ["quantiles", "0.5"], show),
    ]
    return (*lines, *_heaviest(weighted[0])) if len(weighted) == 1 else tuple(lines)


def _heaviest(weighted: Mapping[str, Any]) -> list[Line]:
    top = weighted.get("top") or ()
    texts = [(value, weight) for value, weight in top if isinstance(value, str | bool)][:_HEAVIEST]
    shown = ((label(v, 24).text if isinstance(v, str) else figure(v), weight) for v, weight in texts)
    return [Line(text, (Label(share(weight, weighted["count"])),)) for text, weight in shown]


def _items(summaries: Sequence[Summary]) -> tuple[Line, ...]:
    items = [read(summary, "items") or {} for summary in summaries]
    show: Callable[[Any], str] = moment if items[0].get("type") == "datetime" else figure
    wanted: tuple[tuple[str, tuple[str, ...], Callable[[Any], str]], ...] = (
        ("items", ("count",), figure),
        ("missing", ("missing",), figure),
        ("distinct", ("distinct",), figure),
        ("mean", ("mean",), show),
        ("least", ("min",), show),
        ("median", ("quantiles", "0.5"), show),
        ("greatest", ("max",), show),
    )
    return tuple(line for name, keys, shown in wanted for line in _line(name, items, keys, shown))
