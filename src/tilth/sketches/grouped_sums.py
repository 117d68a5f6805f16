"""GroupedSums: sums of numbers by group without rounding, the same in any order."""

from __future__ import annotations

import math

import numpy as np

from tilth.sketches.power_sums import UNIT_BITS

__all__ = ["GroupedSums"]

_BITS = 32
_ROWS = 1 << 16  # a slice has at most 32 bits and a sign: 2**16 of them add up below 2**53, exact in doubles
_HUGE = 2.0**900
_GRID_BITS = 52
_ADDITIONS = 1 << 12  # each below 2**48: so many fit into 64 bits before carries must be moved on
_MASK = (1 << _BITS) - 1


class GroupedSums:
    """The sum of the finite numbers of each group, as whole numbers in units of 2**-1074.

    Each number is cut at places that are the same for all: multiples of 32 bits. The pieces of a group at one
    place add up as 64-bit integers, so batches, order and merging never change a bit, and nothing is rounded
    (the idea of a superaccumulator: Kulisch, "Computer arithmetic and validity", 2013). Time is proportional
    to the numbers, memory to the groups times the places in use, 2 to 4 for usual data.

    Example:
        >>> sums = GroupedSums()
        >>> sums.add(np.array([0, 1, 0, 0]), np.array([1e100, 3.0, 1.0, -1e100]), 2)
        >>> [unit / 2**1074 for unit in sums.units(2)]
        [1.0, 3.0]
    """

    def __init__(self) -> None:
        self._places: dict[int, np.ndarray] = {}
        self._huge: dict[int, int] = {}
        self._additions = 0

    def add(self, groups: np.ndarray, values: np.ndarray, size: int) -> None:
        """Add each number to its group's sum.

        Args:
            groups: int64, shape (n,), 0 to `size` - 1.
            values: float64, shape (n,), finite.
            size: how many groups there are by now.
        """
        for start in range(0, len(values), _ROWS):
            self._add(groups[start : start + _ROWS], values[start : start + _ROWS], size)

    def _add(self, groups: np.ndarray, values: np.ndarray, size: int) -> None:
        greatest = float(np.abs(values).max())
        if greatest >= _HUGE:
            is_huge = np.abs(values) >= _HUGE
            for group, value in zip(groups[is_huge].tolist(), values[is_huge].tolist(), strict=True):
                self._huge[group] = self._huge.get(group, 0) + (int(value) << UNIT_BITS)
            groups, values = groups[~is_huge], values[~is_huge]
            greatest = float(np.abs(values).max(initial=0.0))
        rest = values
        while greatest:
            place = _BITS * math.ceil((math.frexp(greatest)[1] - _BITS) / _BITS)
            grid = math.ldexp(1.5, place + _GRID_BITS)
            upper = rest + grid
            upper -= grid
            rest = rest - upper
            pieces = np.ldexp(upper, -place)
            self._put(place, np.bincount(groups, weights=pieces, minlength=size).astype(np.int64))
            greatest = float(np.abs(rest).max())
        self._additions += 1
        if self._additions >= _ADDITIONS:
            self._carry()

    def _put(self, place: int, sums: np.ndarray) -> None:
        """Add to the sums at one place; the arrays grow with the groups."""
        known = self._places.get(place)
        if known is None:
            self._places[place] = sums
        elif len(known) >= len(sums):
            known[: len(sums)] += sums
        else:
            sums[: len(known)] += known
            self._places[place] = sums

    def _carry(self) -> None:
        """Move what is beyond 32 bits at each place to the next one."""
        place = min(self._places, default=0)
        while place <= max(self._places, default=-1):
            sums = self._places.get(place)
            if sums is not None:
                upper = sums >> _BITS
                sums &= _MASK
                if upper.any():
                    self._put(place + _BITS, upper)
            place += _BITS
        self._additions = 1

    def merge(self, other: GroupedSums, places: np.ndarray, size: int) -> None:
        """Add the sums of another one.

        Args:
            other: the other one, not to be used any more.
            places: int64, shape (groups of the other,), which group here is each of its groups.
            size: how many groups there are by now.
        """
        for place, sums in other._places.items():
            moved = np.zeros(size, dtype=np.int64)
            np.add.at(moved, places[: len(sums)], sums)
            self._put(place, moved)
        for group, units in other._huge.items():
            own = int(places[group])
            self._huge[own] = self._huge.get(own, 0) + units
        self._additions += other._additions
        if self._additions >= _ADDITIONS:
            self._carry()

    def units(self, size: int) -> list[int]:
        """The sum of each of `size` groups in units of 2**-1074."""
        total = [0] * size
        lowest = min(self._places, default=0)
        for place, sums in self._places.items():
            shift = place - lowest
            for group, piece in enumerate(sums.tolist()):
                if piece:
                    total[group] += piece << shift
        shift = UNIT_BITS + lowest
        found = [units << shift if shift >= 0 else units >> -shift for units in total]
        for group, units in self._huge.items():
            found[group] += units
        return found
