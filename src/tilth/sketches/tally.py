"""Tally: how often each whole number came, in sorted arrays that grow in bulk."""

from __future__ import annotations

import numpy as np

__all__ = ["Tally", "bin_sums", "run_starts", "run_sums", "tally"]

_PENDING_BYTES = 1 << 21


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
        self._size = self._entries = 0

    def add(self, keys: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count keys, shape (n,), once each or `counts` times; the keys need not be distinct or sorted.

        Keys that count once each may come in a narrower type, which is sorted faster.
        """
        if not len(keys):
            return
        if counts is None:
            self._loose.append(keys)
        else:
            self._waiting.append((keys, counts))
        self._size += keys.nbytes
        self._entries += len(keys)

    def settle_if_full(self) -> None:
        """Sort in what waits, if it is enough; for those who do not look at the keys for long."""
        if self.is_full:
            self._settle()

    @property
    def is_full(self) -> bool:
        """Whether enough is waiting to be sorted in."""
        return self._size >= max(_PENDING_BYTES, self._keys.nbytes)

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
        self._waiting, self._loose, self._size, self._entries = [], [], 0, 0

    @property
    def most(self) -> int:
        """At most how many distinct keys there are: no work is done to find out."""
        return len(self._keys) + self._entries

    def absorb(self, other: Tally) -> None:
        """Count all that the other has counted; an empty tally just takes it over."""
        if self._size or len(self._keys):
            self.add(other._keys, other._counts)
        else:
            self._keys, self._counts = other._keys, other._counts
        self._waiting += other._waiting
        self._loose += other._loose
        self._size += other._size
        self._entries += other._entries

    def _settle(self) -> None:
        if not self._size:
            return
        parts = [*self._waiting, (self._keys, self._counts)]
        if self._loose:
            keys, counts = _run_lengths(np.sort(np.concatenate(self._loose)))
            parts.append((keys.astype(self._keys.dtype, copy=False), counts))
        parts = [part for part in parts if len(part[0])]
        if len(parts) == 1 and self._loose:
            self.replace(*parts[0])
            return
        keys = np.concatenate([part[0] for part in parts])
        counts = np.concatenate([part[1] for part in parts])
        self.replace(*tally(keys, counts))


def tally(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the sum of the counts of each.

    Example:
        >>> tally(np.array([7, 2, 7]), np.array([1, 1, 5]))
        (array([2, 7]), array([1, 6]))
    """
    order = _order(keys)
    return run_sums(keys[order], counts[order])


def _order(keys: np.ndarray) -> np.ndarray:
    """What brings keys into ascending order; where key and place fit into one word, words are sorted."""
    low, high = int(keys.min()), int(keys.max())
    bits = len(keys).bit_length()
    if (high - low).bit_length() + bits > 63:
        return np.argsort(keys, kind="stable")
    words: np.ndarray = (keys - keys.dtype.type(low)).astype(np.int64)
    words <<= bits
    words |= np.arange(len(keys))
    words.sort()
    words &= (1 << bits) - 1
    return words


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


def bin_sums(places: np.ndarray, counts: np.ndarray | None, size: int) -> np.ndarray:
    """How much is counted at each place from 0 to `size` - 1, exact to 64 bits; int64, shape (size,).

    Example:
        >>> bin_sums(np.array([0, 2, 2]), np.array([1, 5, 2**60]), 3)
        array([                  1,                   0, 1152921504606846981])
    """
    if counts is None:
        return np.bincount(places, minlength=size)
    if int(counts.max(initial=0)) * len(counts) < 1 << 53:
        return _float_sums(places, counts, size)
    parts = ((counts >> shift) & 0x1F_FFFF for shift in (0, 21, 42))
    low, middle, high = (_float_sums(places, part, size) for part in parts)
    total: np.ndarray = low + (middle << 21) + (high << 42)
    return total


def _float_sums(places: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    sums: np.ndarray = np.bincount(places, weights=counts, minlength=size).astype(np.int64)
    return sums
