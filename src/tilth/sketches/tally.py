"""Tally: how often each whole number came, in sorted arrays that grow in bulk."""

from __future__ import annotations

import numpy as np

__all__ = ["Tally", "run_starts", "run_sums", "tally"]

_PENDING = 1 << 18


class Tally:
    """Distinct int64 or uint64 keys, ascending, and their counts.

    What comes in waits in a list and is sorted in together, so that each key is moved few times.

    Example:
        >>> counted = Tally(np.int64)
        >>> counted.add(np.array([3, 1, 3]))
        >>> counted.keys, counted.counts
        (array([1, 3]), array([1, 2]))
    """

    def __init__(self, kind: type[np.int64 | np.uint64]) -> None:
        self._keys = np.zeros(0, dtype=kind)
        self._counts = np.zeros(0, dtype=np.int64)
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._loose: list[np.ndarray] = []
        self._size = 0

    def add(self, keys: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count keys, shape (n,), once each or `counts` times; the keys need not be distinct or sorted."""
        if not len(keys):
            return
        if counts is None:
            self._loose.append(keys)
        else:
            self._waiting.append((keys, counts))
        self._size += len(keys)

    @property
    def is_full(self) -> bool:
        """Whether enough is waiting to be sorted in."""
        return self._size >= max(_PENDING, len(self._keys))

    @property
    def keys(self) -> np.ndarray:
        """The distinct keys, ascending."""
        self._settle()
        return self._keys

    @property
    def counts(self) -> np.ndarray:
        """How often each key came, int64, aligned with `keys`."""
        self._settle()
        return self._counts

    def replace(self, keys: np.ndarray, counts: np.ndarray) -> None:
        """Hold these distinct ascending keys instead."""
        self._keys, self._counts = keys, counts
        self._waiting, self._loose, self._size = [], [], 0

    def _settle(self) -> None:
        if not self._size:
            return
        parts = [*self._waiting, (self._keys, self._counts)]
        if self._loose:
            parts.append(_run_lengths(np.sort(np.concatenate(self._loose))))
        keys = np.concatenate([part[0] for part in parts])
        counts = np.concatenate([part[1] for part in parts])
        self.replace(*tally(keys, counts))


def tally(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the sum of the counts of each.

    Example:
        >>> tally(np.array([7, 2, 7]), np.array([1, 1, 5]))
        (array([2, 7]), array([1, 6]))
    """
    order = np.argsort(keys, kind="stable")
    return run_sums(keys[order], counts[order])


def run_sums(ordered: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same as `tally` for keys that are ascending already."""
    if not len(ordered):
        return ordered, counts
    starts = run_starts(ordered)
    return ordered[starts], np.add.reduceat(counts, starts)


def _run_lengths(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    starts = run_starts(ordered)
    return ordered[starts], np.diff(starts, append=len(ordered))


def run_starts(ordered: np.ndarray) -> np.ndarray:
    """The positions at which a new value begins in an ascending array, shape (k,).

    Example:
        >>> run_starts(np.array([4, 4, 9]))
        array([0, 2])
    """
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return np.flatnonzero(first)
