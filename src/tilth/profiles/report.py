"""A profile as a plain text table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["report"]

_HEADER = ("column", "type", "missing", "distinct", "mean", "std", "min", "median", "max", "most frequent")
_WIDTH = 32


def report(rows: int, columns: Sequence[ColumnProfile]) -> str:
    """One line a column, aligned; a dash where a figure does not apply.

    Example:
        >>> from tilth.profiles import profile
        >>> print(profile({"x": [1, 2, 2]}).report())
        3 rows, 1 column
        column  type  missing  distinct  mean   std     min  median  max  most frequent
        x       int   0        2         1.667  0.4714  1    2       2    2 (66.7%)
    """
    lines = [_HEADER, *(_line(column) for column in columns)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADER))]
    head = f"{rows:,} rows, {len(columns)} column{'' if len(columns) == 1 else 's'}"
    body = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join([head, *body])


def _line(column: ColumnProfile) -> tuple[str, ...]:
    summary = column.to_dict()
    missing = f"{column.missing / column.rows:.1%}" if column.missing else "0"
    about = "" if summary["distinct_exact"] else "~"
    quantiles = summary["quantiles"]
    median = quantiles["0.5"] if isinstance(quantiles, dict) else None
    figures = (summary["mean"], summary["std"], summary["min"], median, summary["max"])
    return (
        _short(column.name),
        column.type,
        missing,
        f"{about}{column.distinct:,}",
        *(_figure(value) for value in figures),
        _frequent(column),
    )


def _figure(value: object) -> str:
    if isinstance(value, int | float):
        return format(value, ".4g") if abs(value) < 1e4 or abs(value) >= 1e9 else format(value, ",.0f")
    return "-" if value is None else _short(str(value))


def _frequent(column: ColumnProfile) -> str:
    found = column.top(1)
    if not found or (found[0][1] == 1 and column.count > 1):
        return "-"
    shown = _short(str(found[0][0]))
    return f"{shown} ({found[0][1] / column.count:.1%})"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"
