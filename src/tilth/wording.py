"""Lines for people to read."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned", "number_text"]


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


def number_text(value: float | None) -> str:
    """A figure with four decimals; with four digits where these would show nothing of it, or too much.

    Example:
        >>> number_text(0.81), number_text(0.00001234), number_text(123456.0), number_text(None)
        ('0.8100', '1.234e-05', '1.235e+05', 'undefined')
    """
    if value is None:
        return "undefined"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"
