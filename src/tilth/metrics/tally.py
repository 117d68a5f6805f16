"""Tally: integer counts per distinct key, the one mergeable structure beneath all metrics.

Counts are whole numbers and keys are kept sorted, so merging is exact: whatever is computed from a tally is
bit for bit the same whatever the order of rows, the size of batches and the order of merges.

Scores may be of as many values as there are rows. A tally that is told which numbers of a key may be rounded
holds at most `MOST_KEYS` keys: beyond, it keeps so many leading bits of these numbers as leave no more
distinct keys than that. Which bits these are depends on the rows alone. For keys of all rows can only be more
than those of some: if a part had to drop a bit, so has the whole. And dropping bits in two steps is dropping
them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["Tally"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LEAST_PENDING = 65_536

MOST_KEYS = 65_536
"""Of more distinct keys the numbers that may be rounded are."""

_ALL_BITS = 52
_FEW_BITS = 9
"""A number keeps so many while the next one of the key may still give some up."""


class Tally:
    """How often each distinct key was seen in each of several cells.

    Memory grows with the number of distinct keys, not of rows. Adding n rows costs O(n log n) in all.

    Args:
        width: numbers in a key, such as 2 for (score, weight).
        cells: counters per key, such as 2 for (negatives, positives).
        rounded: the places in a key of the numbers that may be rounded where there are too many keys. What
            is kept is the distance from 0 of a number up to one half, from 1 of a greater one, so that
            probabilities near 1 keep their meaning too. With b bits left a distance is wrong by at most one
            part in 2 ** (b + 1); 65,536 keys of probabilities leave about 13. The first of these numbers
            gives up bits before the second does.

    Example:
        >>> tally = Tally(1, 2)
        >>> tally.add(np.array([[0.5], [0.1], [0.5]]), np.array([0, 1, 1]))
        >>> tally.keys.tolist(), tally.counts.tolist()
        ([[0.1], [0.5]], [[0, 1], [1, 1]])
    """

    __slots__ = ("_cells", "_level", "_parts", "_pending", "_rounded", "_width")

    def __init__(self, width: int, cells: int, rounded: Sequence[int] = ()) -> None:
        self._width = width
        self._cells = cells
        self._rounded = tuple(rounded)
        self._level = 0
        self._parts: list[tuple[Floats, Integers]] = [_nothing(width, cells)]
        self._pending = 0

    @property
    def keys(self) -> Floats:
        """The distinct keys, (k, width), sorted by their first number, then the second, ...

        A rounded number is given as the middle of those that became it.
        """
        keys = self._compact()[0]
        return _middles(keys, self._rounded, self._level) if self._level else keys

    @property
    def counts(self) -> Integers:
        """The counts, (k, cells), beside `keys`."""
        return self._compact()[1]

    def add(self, keys: Floats, cells: npt.NDArray[np.integer]) -> None:
        """Count rows.

        Args:
            keys: (n, width), without NaN.
            cells: (n,), the counter that each row adds one to.
        """
        if not len(keys):
            return
        plain = np.asarray(keys, np.float64) + 0.0  # adding 0 makes -0.0 the same key as 0.0
        unique, group = _group(_cut(plain, self._rounded, self._level))
        size = len(unique) * self._cells
        counts = np.bincount(group * self._cells + cells, minlength=size).astype(np.int64)
        self._append(unique, counts.reshape(len(unique), self._cells))

    def merge(self, other: Tally) -> None:
        """Add the counts of another tally of the same shape."""
        keys, counts = other._compact()
        self._level = max(self._level, other._level)
        if len(keys):
            self._append(keys, counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        mine, theirs = self._compact(), other._compact()
        same = all(np.array_equal(one, two) for one, two in zip(mine, theirs, strict=True))
        return same and self._level == other._level

    __hash__ = None  # type: ignore[assignment]

    def _append(self, keys: Floats, counts: Integers) -> None:
        self._parts.append((keys, counts))
        self._pending += len(keys)
        if self._pending > max(_LEAST_PENDING, len(self._parts[0][0])):
            self._compact()

    def _compact(self) -> tuple[Floats, Integers]:
        if len(self._parts) > 1:
            keys = np.concatenate([keys for keys, _ in self._parts])
            counts = np.concatenate([counts for _, counts in self._parts])
            keys, counts = _summed(_cut(keys, self._rounded, self._level), counts)
            if self._rounded and len(keys) > MOST_KEYS:
                self._level = _next_level(keys, self._rounded, self._level)
                keys, counts = _summed(_cut(keys, self._rounded, self._level), counts)
            self._parts = [(keys, counts)]
            self._pending = 0
        return self._parts[0]


@cache
def _levels(places: int) -> tuple[tuple[int, ...], ...]:
    """The bits of each number at each level; from one to the next one number gives up one bit."""
    bits = [_ALL_BITS] * places
    chain = [tuple(bits)]
    for floor in (_FEW_BITS, 0):
        for place in range(places):
            while bits[place] > floor:
                bits[place] -= 1
                chain.append(tuple(bits))
    return tuple(chain)


def _summed(keys: Floats, counts: Integers) -> tuple[Floats, Integers]:
    """The distinct keys, sorted, and the sum of the counts of each."""
    order, starts = _order(keys)
    return keys[order[starts]], np.add.reduceat(counts[order], starts, axis=0)


def _next_level(keys: Floats, rounded: Sequence[int], level: int) -> int:
    """The first level that leaves no more than the most keys; the last where none does."""
    low, high = level, len(_levels(len(rounded))) - 1
    while low + 1 < high:
        middle = (low + high) // 2
        _, starts = _order(_cut(keys, rounded, middle))
        low, high = (low, middle) if len(starts) <= MOST_KEYS else (middle, high)
    return high


def _cut(keys: Floats, rounded: Sequence[int], level: int) -> Floats:
    """The keys with as many bits of the numbers that may be rounded as a level leaves."""
    if level == 0:
        return keys
    return _with_bits(keys, rounded, level, lambda distance, bits: distance & np.int64(-1 << bits))


def _middles(keys: Floats, rounded: Sequence[int], level: int) -> Floats:
    """The keys with the middle of all numbers that have become each."""
    return _with_bits(keys, rounded, level, lambda distance, bits: distance | np.int64(1 << (bits - 1)))


def _with_bits(
    keys: Floats, rounded: Sequence[int], level: int, change: Callable[[Integers, int], Integers]
) -> Floats:
    """The keys with other bits in the distance of some numbers from the nearer one of 0 and 1.

    `change` gets the bits of a distance and how many of them are dropped, 1 or more.
    """
    changed = keys.copy()
    for place, kept in zip(rounded, _levels(len(rounded))[level], strict=True):
        if kept < _ALL_BITS:
            values = keys[:, place]
            upper = values > 0.5
            distances = np.where(upper, 1.0 - values, values)  # exact, since its last bit is the value's
            found = change(distances.view(np.int64), _ALL_BITS - kept).view(np.float64)
            changed[:, place] = np.where(upper, 1.0 - found, np.minimum(found, 0.5)) + 0.0
    return changed


def _nothing(width: int, cells: int) -> tuple[Floats, Integers]:
    return np.empty((0, width)), np.empty((0, cells), np.int64)


def _order(keys: Floats) -> tuple[Integers, Integers]:
    """The order that sorts the keys, and where in it each distinct key starts."""
    columns = [column for column in keys.T if column.min() != column.max()]
    if not columns:
        order = np.arange(len(keys))
        return order, np.zeros(1, np.int64)
    order = np.argsort(columns[0], kind="stable") if len(columns) == 1 else np.lexsort(columns[::-1])
    changed = np.zeros(len(keys), np.bool_)
    changed[0] = True
    for column in columns:
        sorted_column = column[order]
        changed[1:] |= sorted_column[1:] != sorted_column[:-1]
    return order, np.flatnonzero(changed)


def _group(keys: Floats) -> tuple[Floats, Integers]:
    """The distinct keys, sorted, and for each row the position of its key among them."""
    order, starts = _order(keys)
    group = np.empty(len(keys), np.int64)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(keys)))
    return keys[order[starts]], group
