"""GroupedMoments: the moments of numbers by key, exact until they are read."""

from __future__ import annotations

import math
from typing import Self

import numpy as np

from tilth.sketches.grouped_sums import GroupedSums
from tilth.sketches.key_numbers import KEY_NUMBERS, KeyNumbers
from tilth.sketches.moments import Moments
from tilth.sketches.power_sums import UNIT_BITS

__all__ = ["GroupedMoments"]

_SPLIT = 2.0**27 + 1
_GREATEST = 2.0**480
_LEAST = 2.0**-400  # squares of less would lose bits below the least double


class GroupedMoments:
    """Count, extremes, exact sum and exact sum of squares of the finite numbers of each key.

    Args:
        limit: how many different keys there may be; beyond it nothing is kept.

    Example:
        >>> moments = GroupedMoments()
        >>> moments.update(np.array([1.0, 3.0, np.nan, 7.0]), np.array(["a", "a", "a", "b"], dtype=object))
        >>> {key: (found.count, found.mean, found.std) for key, found in moments.by_key().items()}
        {'a': (2, 2.0, 1.0), 'b': (1, 7.0, 0.0)}
    """

    def __init__(self, limit: int = KEY_NUMBERS) -> None:
        self.keys = KeyNumbers(limit)
        self._counts = np.zeros(0, dtype=np.int64)
        self._lows = np.zeros(0)
        self._highs = np.zeros(0)
        self._sums = GroupedSums()
        self._squares = _GroupedSquares()

    @property
    def is_full(self) -> bool:
        """Whether there were more keys than the limit."""
        return self.keys.is_full

    def update(self, values: np.ndarray, keys: np.ndarray) -> None:
        """Take in numbers with their keys.

        Args:
            values: float64, shape (n,); what is not finite only makes its key known.
            keys: texts as objects, shape (n,).
        """
        groups = self.keys.of(keys)
        if self.is_full:
            self._counts = np.zeros(0, dtype=np.int64)
            return
        size = len(self.keys)
        self._grow(size)
        is_there = np.isfinite(values)
        values, groups = values[is_there] + 0.0, groups[is_there]
        if not len(values):
            return
        self._counts += np.bincount(groups, minlength=size)
        np.minimum.at(self._lows, groups, values)
        np.maximum.at(self._highs, groups, values)
        self._sums.add(groups, values, size)
        self._squares.add(groups, values, size)

    def _grow(self, size: int) -> None:
        more = size - len(self._counts)
        if more:
            self._counts = np.concatenate([self._counts, np.zeros(more, dtype=np.int64)])
            self._lows = np.concatenate([self._lows, np.full(more, np.inf)])
            self._highs = np.concatenate([self._highs, np.full(more, -np.inf)])

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; it is not to be used any more."""
        places = self.keys.numbers(other.keys.texts)
        self.keys.is_full = self.keys.is_full or other.keys.is_full
        if self.is_full:
            return
        size = len(self.keys)
        self._grow(size)
        self._counts[places] += other._counts
        self._lows[places] = np.minimum(self._lows[places], other._lows)
        self._highs[places] = np.maximum(self._highs[places], other._highs)
        self._sums.merge(other._sums, places, size)
        self._squares.merge(other._squares, places, size)

    def by_key(self) -> dict[str, Moments]:
        """The moments of each key, in the order of the keys' texts; those without numbers are empty."""
        size = len(self.keys)
        sums, squares = self._sums.units(size), self._squares.units(size)
        texts = self.keys.texts
        found = {}
        for group in sorted(range(size), key=texts.__getitem__):
            moments = Moments()
            moments.count = int(self._counts[group])
            moments.units, moments.squares = sums[group], squares[group]
            if moments.count:
                moments.low, moments.high = float(self._lows[group]), float(self._highs[group])
            found[texts[group]] = moments
        return found


class _GroupedSquares:
    """Exact sums of squares by group, in units of 2**-2148.

    A square is the sum of two doubles, itself rounded and what that lost (Dekker, "A floating-point technique
    for extending the available precision", 1971, with Veltkamp's splitting).
    """

    def __init__(self) -> None:
        self._rounded = GroupedSums()
        self._lost = GroupedSums()
        self._extreme: dict[int, int] = {}

    def add(self, groups: np.ndarray, values: np.ndarray, size: int) -> None:
        sizes = np.abs(values)
        is_extreme = (sizes > _GREATEST) | ((sizes < _LEAST) & (sizes > 0))
        if is_extreme.any():
            for group, value in zip(groups[is_extreme].tolist(), values[is_extreme].tolist(), strict=True):
                self._extreme[group] = self._extreme.get(group, 0) + _square(value)
            groups, values = groups[~is_extreme], values[~is_extreme]
        scaled = values * _SPLIT
        high = scaled - (scaled - values)
        low = values - high
        rounded = values * values
        lost = ((high * high - rounded) + 2 * (high * low)) + low * low
        self._rounded.add(groups, rounded, size)
        self._lost.add(groups, lost, size)

    def merge(self, other: _GroupedSquares, places: np.ndarray, size: int) -> None:
        self._rounded.merge(other._rounded, places, size)
        self._lost.merge(other._lost, places, size)
        for group, units in other._extreme.items():
            own = int(places[group])
            self._extreme[own] = self._extreme.get(own, 0) + units

    def units(self, size: int) -> list[int]:
        both = zip(self._rounded.units(size), self._lost.units(size), strict=True)
        found = [(rounded + lost) << UNIT_BITS for rounded, lost in both]
        for group, units in self._extreme.items():
            found[group] += units
        return found


def _square(value: float) -> int:
    """The square of a double in units of 2**-2148."""
    part, exponent = math.frexp(value)
    whole, place = int(part * 2.0**53), exponent - 53 + UNIT_BITS
    units = whole << place if place >= 0 else whole >> -place
    return units * units
