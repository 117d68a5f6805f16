"""Lines for people to read."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned"]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    r"""Rows of texts as lines with columns below each other, the first to the left, the others to the right.

    Args:
        rows: one at least, of as many texts each.

    Example:
        >>> print("\n".join(aligned([("metric", "value"), ("recall", "0.5")])))
        metric  value
        recall    0.5
    """
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = []
    for name, *cells in rows:
        found = (cell.rjust(width) for cell, width in zip(cells, others, strict=True))
        lines.append("  ".join([name.ljust(first), *found]).rstrip())
    return lines
