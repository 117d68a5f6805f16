"""A profile as a plain text table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from tilth.errors import counted

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile
    from tilth.sketches import DistinctCounts

__all__ = ["report"]

_HEADER = ("column", "type", "missing", "distinct", "mean", "std", "min", "median", "max", "most frequent")
_WIDTH = 32
_HINTS = 20
_DAY = 86_400_000_000


def report(
    rows: int,
    columns: Mapping[str, ColumnProfile],
    slices: Sequence[tuple[Mapping[str, str], int]] = (),
    row_counts: DistinctCounts | None = None,
) -> str:
    """One line a column, aligned; a dash where a figure does not apply. Below: slices, and what to look at.

    Args:
        rows: how many rows.
        columns: the columns' profiles.
        slices: the values of each slice, and how many rows it has.
        row_counts: how often equal rows came.

    Example:
        >>> from tilth.profiles import profile
        >>> print(profile({"x": [1, 2, 2]}).report())
        3 rows, 1 column
        column  type  missing  distinct  mean   std     min  median  max  most frequent
        x       int   0        2         1.667  0.4714  1    2       2    2 (66.7%)
        <BLANKLINE>
        to look at:
          1 row is a copy of another
    """
    lines = [_HEADER, *(_line(column) for column in columns.values())]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADER))]
    body = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)
    head = f"{counted(rows, 'row')}, {counted(len(columns), 'column')}"
    return "\n".join([head, *body, *_slices(rows, slices), *_hints(columns, row_counts)])


def _slices(rows: int, slices: Sequence[tuple[Mapping[str, str], int]]) -> Iterator[str]:
    if slices:
        yield ""
        yield "slices:"
    for values, count in slices[:_HINTS]:
        named = ", ".join(f"{name} = {value}" for name, value in values.items())
        yield f"  {_short(named)}: {counted(count, 'row')} ({count / rows if rows else 0:.1%})"
    if len(slices) > _HINTS:
        yield f"  and {len(slices) - _HINTS:,} more"


def _hints(columns: Mapping[str, ColumnProfile], row_counts: DistinctCounts | None) -> Iterator[str]:
    found = [*_copies(row_counts)]
    for name, column in columns.items():
        found += [f"{_short(name)}: {' '.join(hint.message.split())}" for hint in column.hints]
    if found:
        yield ""
        yield "to look at:"
    for line in found[:_HINTS]:
        yield f"  {line}"
    if len(found) > _HINTS:
        yield f"  and {len(found) - _HINTS:,} more"


def _copies(row_counts: DistinctCounts | None) -> Iterator[str]:
    copies = row_counts.repeats if row_counts is not None else 0
    if row_counts is not None and copies:
        about = "" if row_counts.is_exact else "about "
        yield f"{about}{copies:,} {'row is a copy' if copies == 1 else 'rows are copies'} of another"


def _line(column: ColumnProfile) -> tuple[str, ...]:
    missing = f"{column.missing / column.rows:.1%}" if column.missing else "0"
    about = "" if column.is_distinct_exact else "~"
    shown = cast("dict[str, Any]", column.to_dict())
    median = (shown["quantiles"] or {}).get("0.5")
    figures = (shown["mean"], _spread(column), shown["min"], median, shown["max"])
    return (
        _short(column.name),
        column.type,
        missing,
        f"{about}{column.distinct:,}",
        *(_figure(value) for value in figures),
        _frequent(column),
    )


def _spread(column: ColumnProfile) -> object:
    """The standard deviation; of dates in days."""
    if column.type != "datetime" or column.std is None:
        return column.std
    return f"{column.std / _DAY:.4g} d"


def _figure(value: object) -> str:
    if isinstance(value, int | float):
        return format(value, ".4g") if abs(value) < 1e4 or abs(value) >= 1e9 else format(value, ",.0f")
    return "-" if value is None else _short(str(value))


def _frequent(column: ColumnProfile) -> str:
    found = column.top(1)
    if not found or (found[0][1] == 1 and column.count > 1):
        return "-"
    value = found[0][0]
    shown = _short(value if isinstance(value, str) else str(column.show(value)))
    return f"{shown} ({found[0][1] / column.count:.1%})"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"
