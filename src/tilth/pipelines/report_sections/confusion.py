"""The confusion matrix as a table whose cells are the darker, the larger their share of the true class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tilth.profiles.page_figures import label, share

__all__ = ["Confused", "Confusion", "confusion_of"]

_MOST_CLASSES = 16
_MOST_PAIRS = 10


@dataclass(frozen=True)
class Confused:
    """Rows of one true class that were said to be of one class.

    Args:
        rows: how many.
        share: of the rows of the true class, in percent as people write it.
        percent: the same as a whole number from 0 to 100, for the color.
        is_right: whether the two classes are one.
    """

    rows: int
    share: str
    percent: int
    is_right: bool


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix for the page.

    Args:
        names: of the classes; empty where there are too many to draw.
        lines: true class, how many rows it has, and its cells.
        pairs: of many classes what is confused most: true class, class that was said, rows, share.
        classes: how many classes there are.
    """

    names: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[Confused, ...]], ...]
    pairs: tuple[tuple[str, str, int, str], ...]
    classes: int


def confusion_of(names: Sequence[str], counts: Sequence[Sequence[int]] | None) -> Confusion | None:
    """The confusion matrix for the page; None where there is none.

    Args:
        names: of the c classes.
        counts: (c, c), rows by true class (down) and class that was said (across).

    Example:
        >>> found = confusion_of(["no", "yes"], [[90, 10], [5, 15]])
        >>> [(name, [cell.share for cell in cells]) for name, _, cells in found.lines]
        [('no', ['90.0%', '10.0%']), ('yes', ['25.0%', '75.0%'])]
    """
    if not counts or not any(map(sum, counts)):
        return None
    shown = [label(name, 32).text for name in names]
    lines = tuple(
        (shown[at], f"{sum(row):,}", _cells(row, at))
        for at, row in enumerate(counts)
        if len(counts) <= _MOST_CLASSES
    )
    few = len(counts) <= _MOST_CLASSES
    return Confusion(
        tuple(shown) if few else (), lines, () if len(counts) == 2 else _pairs(shown, counts), len(counts)
    )


def _cells(row: Sequence[int], at: int) -> tuple[Confused, ...]:
    whole = sum(row)
    return tuple(
        Confused(
            rows, share(rows, whole) if whole else "", round(100 * rows / whole) if whole else 0, at == column
        )
        for column, rows in enumerate(row)
    )


def _pairs(names: Sequence[str], counts: Sequence[Sequence[int]]) -> tuple[tuple[str, str, int, str], ...]:
    """The greatest cells beside the diagonal."""
    wrong = [
        (-rows, at, column)
        for at, row in enumerate(counts)
        for column, rows in enumerate(row)
        if rows and at != column
    ]
    return tuple(
        (names[at], names[column], -rows, share(-rows, sum(counts[at])))
        for rows, at, column in sorted(wrong)[:_MOST_PAIRS]
    )
