"""VectorProducts: what the covariance of the columns of vectors follows from, the same in any order."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from tilth.sketches.whole_sums import WholeSums

__all__ = ["VectorProducts"]

_ROWS = 1 << 13
_BITS = (
    21  # a slice is at most 2**20 in size: 2**13 products of two add up to 2**53 at most, exact in doubles
)
_GRID_BITS = 52

_Slices = list[tuple[np.ndarray, int]]


class VectorProducts:
    """Count, extremes, sums and sums of products of the columns of vectors, in single precision.

    Each number is rounded to single precision and cut into slices of 21 bits at places that are the same for
    all. What matrix multiplication adds up are then whole numbers that a double holds, so the sums are exact
    in whatever order they are made. Time is proportional to rows times columns squared, memory to columns
    squared. Vectors in which a number is missing or not finite are left out.

    Args:
        limit: how many columns there may be; beyond it nothing is kept.

    Example:
        >>> products = VectorProducts()
        >>> products.update(np.array([[0.0, 0], [4, 0], [2, -2], [2, 2]]))
        >>> products.means(), products.covariance().tolist()
        (array([2., 0.]), [[2.0, 0.0], [0.0, 2.0]])
    """

    def __init__(self, limit: int = 4096) -> None:
        self.limit = limit
        self.count = 0
        self.columns: int | None = None
        self.lows = self.highs = np.zeros(0)
        self._sums: dict[int, WholeSums] = {}
        self._products: dict[int, WholeSums] = {}
        self._mixed: dict[int, WholeSums] = {}  # of two different slices, in one order of the two

    @property
    def is_full(self) -> bool:
        """Whether there were more columns than the limit."""
        return self.columns is not None and self.columns > self.limit

    def update(self, vectors: np.ndarray) -> None:
        """Take in vectors, float64, shape (n, k)."""
        if self.columns is None:
            self.columns = vectors.shape[1]
            self.lows, self.highs = np.full(self.columns, np.inf), np.full(self.columns, -np.inf)
        if self.is_full or not self.columns:
            return
        with np.errstate(over="ignore"):  # what becomes infinite is left out
            single = vectors.astype(np.float32)
        rows = single[np.isfinite(single).all(axis=1)].astype(np.float64)
        for start in range(0, len(rows), _ROWS):
            self._update_block(rows[start : start + _ROWS])

    def _update_block(self, rows: np.ndarray) -> None:
        self.count += len(rows)
        self.lows = np.minimum(self.lows, rows.min(axis=0) + 0.0)  # minus zero becomes zero
        self.highs = np.maximum(self.highs, rows.max(axis=0) + 0.0)
        slices = _slices(rows)
        for i, (left, place) in enumerate(slices):
            self._at(self._sums, place, 1).add(left.sum(axis=0)[None, :])
            used = np.flatnonzero(left.any(axis=1))  # the lowest slices of most rows are empty
            low = left[used]
            self._at(self._products, 2 * place, left.shape[1]).add(low.T @ low)
            for right, other_place in slices[:i]:
                mixed = self._at(self._mixed, place + other_place, left.shape[1])
                mixed.add(low.T @ right[used])

    def _at(self, sums: dict[int, WholeSums], place: int, rows: int) -> WholeSums:
        if place not in sums:
            sums[place] = WholeSums(rows, self.columns or 0)
        return sums[place]

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        if other.columns is None:
            return
        if self.columns is None:
            self.columns, self.lows, self.highs = other.columns, other.lows, other.highs
        self.count += other.count
        self.lows, self.highs = np.minimum(self.lows, other.lows), np.maximum(self.highs, other.highs)
        for place, found in other._sums.items():
            self._at(self._sums, place, 1).merge(found)
        for mine, theirs in ((self._products, other._products), (self._mixed, other._mixed)):
            for place, found in theirs.items():
                self._at(mine, place, other.columns).merge(found)

    def means(self) -> np.ndarray:
        """The mean of each column, float64, shape (k,); NaN without vectors."""
        if not self.count:
            return np.full(self.columns or 0, np.nan)
        units, place = _together(self._sums, 1, self.columns or 0)
        return _quotients(units[0], place, self.count)

    def covariance(self) -> np.ndarray:
        """The population covariance of the columns, float64, shape (k, k); NaN without vectors."""
        width = self.columns or 0
        if not self.count:
            return np.full((width, width), np.nan)
        sums, place = _together(self._sums, 1, width)
        squares, lowest = _together(self._products, width, width)
        mixed, other = _together(self._mixed, width, width)
        common = min(2 * place, lowest, other)
        products = (squares << (lowest - common)) + ((mixed + mixed.T) << (other - common))
        spread = self.count * products - (np.outer(sums, sums) << (2 * place - common))
        return _quotients(spread, common, self.count**2)


def _slices(rows: np.ndarray) -> _Slices:
    """Numbers cut into whole numbers of at most 2**20 in size, each times 2**place."""
    found: _Slices = []
    rest, place = rows, _GRID_BITS * _BITS
    greatest = float(np.abs(rest).max())
    while greatest:
        # What is left over is half a unit of the slice before at most, so each slice is below the one before.
        place = min(place - _BITS, _BITS * math.ceil((math.frexp(greatest)[1] - _BITS + 1) / _BITS))
        grid = math.ldexp(1.5, place + _GRID_BITS)
        upper = rest + grid
        upper -= grid
        rest = rest - upper
        found.append((upper * 2.0**-place, place))
        greatest = float(np.abs(rest).max())
    return found


def _together(sums: dict[int, WholeSums], rows: int, columns: int) -> tuple[Any, int]:
    """The sums at all places as whole numbers at the lowest of them."""
    lowest = min(sums, default=0)
    total = np.zeros((rows, columns), dtype=object)
    for place, found in sums.items():
        total = total + (found.total() << (place - lowest))
    return total, lowest


def _quotients(units: Any, place: int, divisor: int) -> np.ndarray:
    """Whole numbers times 2**place, divided, each rounded once."""
    if place < 0:
        divisor <<= -place
    elif place:
        units = units << place
    found: np.ndarray = (units / divisor).astype(np.float64)
    return found
