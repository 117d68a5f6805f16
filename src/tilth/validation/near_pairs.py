"""Pairs of 64-bit hashes that differ in few bits, found without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["near_pairs"]

_BITS = 64
_PAIRS_AT_ONCE = 1 << 22

Places = npt.NDArray[np.int64]


def near_pairs(
    first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64], distance: int
) -> Iterator[tuple[Places, Places]]:
    """Batches of places (i, j) with `first[i]` and `second[j]` at most `distance` bits apart.

    A pair may come more than once.

    The bits are cut into distance + 1 bands: hashes that differ in at most `distance` bits agree in one band
    at least (Norouzi, Punjani, Fleet: Fast search in Hamming space with multi-index hashing, 2012). Time
    grows with the pairs that agree in a band; memory is bounded.

    Args:
        first: shape (n,), all different.
        second: shape (m,), all different.
        distance: 0 to 31.

    Example:
        >>> first, second = np.array([0b1111, 0], np.uint64), np.array([0b1011], np.uint64)
        >>> [(i.tolist(), j.tolist()) for i, j in near_pairs(first, second, 1)]
        [([0], [0])]
    """
    bounds = [_BITS * band // (distance + 1) for band in range(distance + 2)]
    for low, high in pairwise(bounds):
        for i, j in _agreeing(_band(first, low, high), _band(second, low, high)):
            near = np.bitwise_count(first[i] ^ second[j]) <= distance
            if near.any():
                yield i[near], j[near]


def _band(hashes: npt.NDArray[np.uint64], low: int, high: int) -> npt.NDArray[np.uint64]:
    mask = np.uint64((1 << (high - low)) - 1)
    return (hashes >> np.uint64(low)) & mask


def _agreeing(
    first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]
) -> Iterator[tuple[Places, Places]]:
    """All pairs of equal words, in batches of bounded size."""
    order = np.argsort(second, kind="stable")
    ordered = second[order]
    starts = np.searchsorted(ordered, first, side="left")
    counts = np.searchsorted(ordered, first, side="right") - starts
    until = np.concatenate(([0], np.cumsum(counts)))
    for begin in range(0, int(until[-1]), _PAIRS_AT_ONCE):
        pairs = np.arange(begin, min(begin + _PAIRS_AT_ONCE, int(until[-1])))
        i = np.searchsorted(until, pairs, side="right") - 1
        yield i, order[starts[i] + pairs - until[i]]
