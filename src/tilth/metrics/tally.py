"""Tally: integer counts per distinct key, the one mergeable structure beneath all metrics.

Counts are whole numbers and keys are kept sorted, so merging is exact: whatever is computed from a tally is
bit for bit the same whatever the order of rows, the size of batches and the order of merges.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Tally"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LEAST_PENDING = 65_536


class Tally:
    """How often each distinct key was seen in each of several cells.

    Memory grows with the number of distinct keys, not of rows. Adding n rows costs O(n log n) in all.

    Args:
        width: numbers in a key, such as 2 for (score, weight).
        cells: counters per key, such as 2 for (negatives, positives).

    Example:
        >>> tally = Tally(1, 2)
        >>> tally.add(np.array([[0.5], [0.1], [0.5]]), np.array([0, 1, 1]))
        >>> tally.keys.tolist(), tally.counts.tolist()
        ([[0.1], [0.5]], [[0, 1], [1, 1]])
    """

    __slots__ = ("_cells", "_parts", "_pending", "_width")

    def __init__(self, width: int, cells: int) -> None:
        self._width = width
        self._cells = cells
        self._parts: list[tuple[Floats, Integers]] = [_nothing(width, cells)]
        self._pending = 0

    @property
    def keys(self) -> Floats:
        """The distinct keys, (k, width), sorted by their first number, then the second, ..."""
        return self._compact()[0]

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
        unique, group = _group(np.asarray(keys, np.float64) + 0.0)  # adding 0 makes -0.0 the same key as 0.0
        size = len(unique) * self._cells
        counts = np.bincount(group * self._cells + cells, minlength=size).astype(np.int64)
        self._append(unique, counts.reshape(len(unique), self._cells))

    def merge(self, other: Tally) -> None:
        """Add the counts of another tally of the same shape."""
        keys, counts = other._compact()
        if len(keys):
            self._append(keys, counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        return np.array_equal(self.keys, other.keys) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]

    def _append(self, keys: Floats, counts: Integers) -> None:
        self._parts.append((keys, counts))
        self._pending += len(keys)
        if self._pending > max(_LEAST_PENDING, len(self._parts[0][0])):
            self._compact()

    def _compact(self) -> tuple[Floats, Integers]:
        if len(self._parts) > 1:
            all_keys = np.concatenate([keys for keys, _ in self._parts])
            all_counts = np.concatenate([counts for _, counts in self._parts])
            order, starts = _order(all_keys)
            self._parts = [(all_keys[order[starts]], np.add.reduceat(all_counts[order], starts, axis=0))]
            self._pending = 0
        return self._parts[0]


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
