"""Associations as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["association_report"]

_WIDTH = 32


def association_report(found: Mapping[str, Any], pairs: int) -> str:
    """A table for each kind of association, the strongest `pairs` rows of each.

    Args:
        found: associations as their `to_dict` tells them.
        pairs: how many rows of a table to show.

    Example:
        >>> from tilth.profiles import associations
        >>> found = associations({"x": [1, 2, 3], "y": [1, 2, 4]})
        >>> print(association_report(found.to_dict(), 1))
        3 rows
        <BLANKLINE>
        correlations of numbers (pairs: 1)
          column  column  rows  Pearson  Spearman
          x       y       3     0.9820   1.0000
        <BLANKLINE>
        ...
    """
    sections = [
        _section(
            f"correlations of numbers (pairs: {len(found['correlations']):,})",
            {
                "column": "first",
                "column ": "second",
                "rows": "rows",
                "Pearson": "pearson",
                "Spearman": "spearman",
            },
            found["correlations"][:pairs],
        ),
        _section(
            f"categories that go together (pairs: {len(found['categories']):,})",
            {"column": "first", "column ": "second", "rows": "rows", "Cramér's V": "cramers_v"},
            found["categories"][:pairs],
        ),
        _section(
            f"what tells of '{found['label']}'",
            {
                "column": "column",
                "rows": "rows",
                "bits": "bits",
                "by chance": "chance",
                "of its uncertainty": "share",
            },
            found["information"][:pairs],
        ),
        _patterns(found, pairs),
    ]
    left_out = found["left_out"]
    if left_out:
        names = ", ".join(left_out[:10]) + (", ..." if len(left_out) > 10 else "")
        sections.append(f"not looked at in pairs, being too many ({len(left_out)}): {names}")
    return "\n\n".join([f"{found['rows']:,} rows", *(section for section in sections if section)])


def _section(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with a column for each heading: its key in the rows."""
    if not rows:
        return ""
    return _table(title, list(columns), [[_cell(row[key]) for key in columns.values()] for row in rows])


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    body = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join([title, *(f"  {line}" for line in body)])


def _patterns(found: Mapping[str, Any], pairs: int) -> str:
    patterns = found["missing_patterns"]
    if patterns is None:
        return "missing together: more than 65,536 different sets of columns"
    rows = [
        (
            f"{each['rows']:,}",
            f"{each['rows'] / found['rows']:.1%}",
            ", ".join(each["columns"]) or "nothing is missing",
        )
        for each in patterns[:pairs]
    ]
    return _table("missing together", ("rows", "share", "columns"), rows) if rows else ""


def _cell(value: str | float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return _short(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"
