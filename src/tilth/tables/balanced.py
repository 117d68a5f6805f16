"""How many rows of each class go to each part, so that every class and every margin gets its share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["largest_remainders", "rounded_shares"]

_MOST_PASSES = 20
_LEAST_GAIN = 1e-9

Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def largest_remainders(rows: int, fractions: Sequence[float]) -> list[int]:
    """How many rows each part gets, by largest remainder; of equal remainders the first part wins.

    Example:
        >>> largest_remainders(30, (0.6, 0.2, 0.2)), largest_remainders(8, (0.6, 0.2, 0.2))
        ([18, 6, 6], [5, 2, 1])
    """
    # Rounded, so that 0.2 * 35 = 7.000000000000001 counts as 7.
    exact = [round(rows * share, 9) for share in fractions]
    sizes = [int(size) for size in exact]
    order = sorted(range(len(sizes)), key=lambda part: (sizes[part] - exact[part], part))
    for part in order[: rows - sum(sizes)]:
        sizes[part] += 1
    return sizes


def rounded_shares(sizes: Whole, margins: Sequence[Whole], fractions: Sequence[float]) -> Whole:
    """How many rows of each cell go to each part: the exact shares, each rounded up or down.

    Which are rounded up is chosen so that the cells, the margins and the whole are together as near to their
    exact shares as can be found: least squares, first cell by cell, then by exchanges until none helps.

    Args:
        sizes: how many rows each cell has, shape (k,).
        margins: for each margin, which of its groups each cell belongs to, from 0 on; each of shape (k,).
        fractions: the shares of the p parts; together 1.

    Returns:
        (k, p), the sums of the rows are `sizes`.

    Example:
        >>> label, place = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> dealt = rounded_shares(np.array([1, 1, 1, 1]), [label, place], (0.5, 0.5))
        >>> dealt[:, 0].tolist()
        [1, 0, 0, 1]
    """
    exact: Floats = np.round(sizes[:, None] * np.asarray(fractions, np.float64), 9)
    dealt = np.floor(exact).astype(np.int64)
    rounding = _Rounding(exact, [*margins, np.arange(len(sizes)), np.zeros(len(sizes), np.int64)])
    open_cells = np.flatnonzero(sizes - dealt.sum(axis=1)).tolist()
    for cell in range(len(sizes)):
        more = int(sizes[cell] - dealt[cell].sum())
        dealt[cell] += rounding.best(cell, dealt[cell], more) if more else 0
        rounding.add(cell, dealt[cell] - exact[cell])
    for _ in range(_MOST_PASSES):
        improved = [rounding.improve(cell, dealt) for cell in open_cells]
        if not any(improved):
            break
    return dealt


class _Rounding:
    """How far every margin is from its exact share, as cells are dealt."""

    def __init__(self, exact: Floats, margins: Sequence[Whole]) -> None:
        self._exact = exact
        self._groups = [margin.tolist() for margin in margins]
        self._off = [np.zeros((int(margin.max(initial=-1)) + 1, exact.shape[1])) for margin in margins]

    def add(self, cell: int, off: Floats, times: int = 1) -> None:
        """Count a cell that is this far from its exact shares."""
        for groups, total in zip(self._groups, self._off, strict=True):
            total[groups[cell]] += times * off

    def _cost(self, cell: int, off: Floats) -> float:
        return float(
            sum(
                np.square(total[groups[cell]] + off).sum()
                for groups, total in zip(self._groups, self._off, strict=True)
            )
        )

    def best(self, cell: int, dealt: Whole, more: int) -> Whole:
        """Which parts of a cell get one row more: 0 or 1 each, shape (p,)."""
        exact = self._exact[cell]
        allowed = np.flatnonzero(exact > np.floor(exact)).tolist()
        choices = []
        for chosen in combinations(allowed, more):
            extra = np.zeros(len(exact), np.int64)
            extra[list(chosen)] = 1
            choices.append((round(self._cost(cell, dealt + extra - exact), 9), chosen, extra))
        return min(choices, key=lambda choice: choice[:2])[2]

    def improve(self, cell: int, dealt: Whole) -> bool:
        """Round a cell otherwise if that helps."""
        exact, now = self._exact[cell], dealt[cell]
        whole = np.floor(exact).astype(np.int64)
        self.add(cell, now - exact, -1)
        better = whole + self.best(cell, whole, int(now.sum() - whole.sum()))
        helps = self._cost(cell, better - exact) < self._cost(cell, now - exact) - _LEAST_GAIN
        if helps:
            dealt[cell] = better
        self.add(cell, dealt[cell] - exact)
        return helps
