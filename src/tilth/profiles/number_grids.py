"""Numbers as integers: on an even grid, or by their ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tilth.profiles.product_sums import LARGEST

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["EvenGrid", "Grid", "RankGrid"]

_LONGEST_SCALE = 1000


class Grid(Protocol):
    """Turns the numbers of one column into whole numbers."""

    @property
    def limit(self) -> int:
        """The greatest magnitude of a whole number that comes out."""

    def place(self, values: np.ndarray) -> np.ndarray:
        """Whole numbers as float64, shape (n,), for finite float64, shape (n,)."""


class EvenGrid:
    """Numbers rounded to steps of a power of two: 2**42 steps or more from the least to the greatest.

    Whole numbers within 2**42 of each other stay exact.

    Args:
        column: a profile of a column with numbers.

    Example:
        >>> from tilth.profiles import profile
        >>> grid = EvenGrid(profile({"x": [10, 11, 14]}).columns["x"])
        >>> grid.place(np.array([10.0, 11.0, 14.0])), grid.limit
        (array([-2., -1.,  2.]), 2)
    """

    def __init__(self, column: ColumnProfile) -> None:
        assert column.numbers is not None
        assert column.numbers.moments.low is not None
        assert column.numbers.moments.high is not None
        low, high = float(column.numbers.moments.low), float(column.numbers.moments.high)
        # The half, so that the span of numbers of 1e308 does not overflow; as it is where the half is 0.
        span = high * 0.5 - low * 0.5
        length = math.frexp(span)[1] + 1 if span else math.frexp(high - low)[1]
        self._exponent = length - LARGEST.bit_length()
        if column.type != "float":
            self._exponent = max(0, self._exponent)
        scaled = self._scaled(np.array([low, low * 0.5 + high * 0.5, high]))
        self._origin = float(np.rint(scaled[1]))
        self.limit = int(max(np.rint(scaled[2] - self._origin), np.rint(self._origin - scaled[0])))

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        # Twice, because the power itself may be beyond the range of doubles.
        first = max(-_LONGEST_SCALE, min(_LONGEST_SCALE, -self._exponent))
        scaled = values * 2.0**first
        rest = -self._exponent - first
        return scaled * 2.0**rest if rest else scaled

    def place(self, values: np.ndarray) -> np.ndarray:
        """The number of the step nearest to each value."""
        placed: np.ndarray = np.rint(self._scaled(values) - self._origin)
        return placed


class RankGrid:
    """Numbers as ranks, equal ones sharing the middle of their ranks; twice the distance from the middle.

    Exact while the profile keeps every distinct number; beyond, numbers that share a key of its table share
    a rank.

    Args:
        column: a profile of a column with numbers.

    Example:
        >>> from tilth.profiles import profile
        >>> grid = RankGrid(profile({"x": [1.5, 7.0, 7.0, 900.0]}).columns["x"])
        >>> grid.place(np.array([1.5, 7.0, 900.0])), grid.limit, grid.error
        (array([-3.,  0.,  3.]), 4, 0.0)
    """

    def __init__(self, column: ColumnProfile) -> None:
        assert column.numbers is not None
        self._values, counts = column.numbers.table.table()
        self._is_exact = column.numbers.is_exact
        self.limit = int(counts.sum())
        self._ranks = (2 * (np.cumsum(counts) - counts) + counts - self.limit).astype(np.float64)
        # The key of 0 holds zeros only, mostly, and then its ranks are exact however many they are.
        only_zeros = (self._values == 0) & (counts == column.numbers.moments.zeros)
        shares = np.where(only_zeros, 0.0, counts / self.limit)
        self.error = 0.0 if self._is_exact else math.sqrt(math.fsum(shares**3))
        """How far a correlation can be off for this column's sake: the share of the ranks' spread that lies
        within keys."""

    def place(self, values: np.ndarray) -> np.ndarray:
        """Twice the middle rank less the number of values, for each value."""
        last = len(self._values) - 1
        if self._is_exact:
            found = np.searchsorted(self._values, values)
        else:
            # The number nearest to zero stands for a key: above zero its first one, below its last.
            found = np.searchsorted(self._values, values, side="right") - 1
            below = np.flatnonzero(values < 0)
            found[below] = np.searchsorted(self._values, values[below])
        placed: np.ndarray = self._ranks[np.clip(found, 0, last)]
        return placed
