"""NumberCounts: the distribution of a number column, exact while it has few distinct values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.packing import pack, pack_sorted, unpack, unpack_sorted
from tilth.sketches.sketch import Sketch
from tilth.sketches.tally import Tally, run_sums

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["KEY_LIMIT", "NumberCounts", "from_keys", "to_keys"]

KEY_LIMIT = 65_536
_SIGN = np.int64(-(1 << 63))
_OFFSET = np.uint64(1 << 63)


def to_keys(values: np.ndarray) -> np.ndarray:
    """Doubles as int64 keys in the same order: the bits of the magnitude, with the sign of the number.

    Args:
        values: float64, shape (n,), no NaN.

    Example:
        >>> keys = to_keys(np.array([-1.5, -0.0, 0.0, 2.0]))
        >>> from_keys(keys).tolist(), bool(np.all(np.diff(keys) >= 0))
        ([-1.5, 0.0, 0.0, 2.0], True)
    """
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64)
    keys: np.ndarray = np.where(bits < 0, _SIGN - bits, bits)
    return keys


def from_keys(keys: np.ndarray) -> np.ndarray:
    """The doubles of `to_keys`."""
    bits = np.where(keys < 0, _SIGN - keys, keys)
    values: np.ndarray = bits.view(np.float64)
    return values


def _cut(keys: np.ndarray, bits: int) -> np.ndarray:
    # Drop low bits toward zero; for negative keys a plain shift would round away from it.
    cut: np.ndarray = (keys + ((keys >> 63) & ((1 << bits) - 1))) >> bits
    return cut


def _least_shift(keys: np.ndarray, limit: int) -> int:
    # Two neighbors fall together once all bits in which they differ are dropped, across zero when both are 0.
    left, right = keys[:-1], keys[1:]
    size_left, size_right = np.abs(left), np.abs(right)
    across = (left < 0) != (right < 0)
    apart = np.where(across, np.maximum(size_left, size_right), size_left ^ size_right)
    merging = np.bincount(_bit_length(apart), minlength=65)  # how many pairs fall together at each shift
    left_over = 1 + len(apart) - np.cumsum(merging)
    return int(np.argmax(left_over <= limit))


def _bit_length(values: np.ndarray) -> np.ndarray:
    upper = values >> 32
    length: np.ndarray = np.where(upper > 0, np.frexp(upper)[1] + 32, np.frexp(values & 0xFFFF_FFFF)[1])
    return length


class NumberCounts(Sketch):
    """How often each number came, in a table that coarsens only above `limit` distinct keys.

    A key holds the bits of a double without its lowest `shift` bits: exact at shift 0, after that numbers
    share a key that agree in their leading digits, and the one nearest to zero stands for all. The shift is
    the least that leaves `limit` keys, so the table depends on the values alone. With a million values of one
    order of magnitude the relative width of a key is below 0.001.

    Example:
        >>> numbers = NumberCounts()
        >>> numbers.update(np.array([5.0, 3.0]))
        >>> numbers.quantile(0.5), numbers.distinct, numbers.is_exact
        (4.0, 2, True)
        >>> numbers.quantile_boundaries(2)
        [5.0]
    """

    def __init__(self, limit: int = KEY_LIMIT) -> None:
        self.limit = limit
        self._shift = 0
        self._tally = Tally(np.int64)

    def update(self, values: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count finite doubles, shape (n,), once each or `counts` times."""
        keys = to_keys(values)
        self._tally.add(_cut(keys, self._shift) if self._shift else keys, counts)
        if self._tally.is_full:
            self._coarsen()

    def _coarsen(self) -> None:
        keys, counts = self._tally.keys, self._tally.counts
        if len(keys) <= self.limit:
            return
        bits = _least_shift(keys, self.limit)
        self._shift += bits
        self._tally.replace(*run_sums(_cut(keys, bits), counts))

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limit holds."""
        self.limit = min(self.limit, other.limit)
        theirs = other.keys_at(max(self.shift, other.shift))
        mine = self.keys_at(max(self.shift, other.shift))
        self._shift = max(self.shift, other.shift)
        self._tally.replace(*mine)
        self._tally.add(*theirs)
        self._coarsen()

    @property
    def shift(self) -> int:
        """How many low bits of each double are dropped; 0 while the table is exact."""
        self._coarsen()
        return self._shift

    @property
    def is_exact(self) -> bool:
        """Whether every distinct number has its own key."""
        return self.shift == 0

    @property
    def count(self) -> int:
        """How many numbers were counted."""
        return int(self._tally.counts.sum())

    @property
    def distinct(self) -> int:
        """The number of distinct keys: of distinct numbers while exact."""
        self._coarsen()
        return len(self._tally.keys)

    def keys_at(self, shift: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys, ascending, and counts after dropping `shift` low bits in all (at least `self.shift`)."""
        self._coarsen()
        if shift == self._shift:
            return self._tally.keys, self._tally.counts
        return run_sums(_cut(self._tally.keys, shift - self._shift), self._tally.counts)

    @staticmethod
    def numbers_of(keys: np.ndarray, shift: int) -> np.ndarray:
        """The numbers that stand for keys without their `shift` low bits."""
        return from_keys(keys << shift)

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers, ascending, shape (k,), and how often each came."""
        self._coarsen()
        return from_keys(self._tally.keys << self._shift), self._tally.counts

    def at_ranks(self, ranks: np.ndarray) -> np.ndarray:
        """The numbers at these positions (from 0) of the sorted list, shape of `ranks`."""
        values, counts = self.table()
        return values[np.searchsorted(np.cumsum(counts), ranks, side="right")]

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """The quantiles at `shares` in [0, 1], linear between neighbors; None without numbers."""
        count = self.count
        if not count:
            return [None] * len(shares)
        places = np.asarray(shares, dtype=np.float64) * (count - 1)
        below = np.floor(places).astype(np.int64)
        part = places - below
        low, high = self.at_ranks(below), self.at_ranks(np.minimum(below + 1, count - 1))
        between = np.where(low == high, low, low * (1 - part) + high * part)
        return [float(value) for value in between]

    def quantile(self, share: float) -> float | None:
        """The quantile at `share` in [0, 1], interpolated linearly; None without numbers."""
        return self.quantiles([share])[0]

    def quantile_boundaries(self, buckets: int) -> list[float]:
        """The inner boundaries of `buckets` equally filled buckets, `buckets - 1` of them, repeats possible.

        Boundary k is the number at position floor(k * n / buckets) of the sorted list; empty without numbers.
        """
        count = self.count
        ranks = np.array([k * count // buckets for k in range(1, buckets)], dtype=np.int64)
        return [float(value) for value in self.at_ranks(ranks)] if count else []

    def histogram(self, bins: int = 10) -> list[tuple[float, float, int]]:
        """Bins of equal width from least to greatest as (low, high, count); the last includes its end."""
        values, counts = self.table()
        if not len(values):
            return []
        low, high = float(values[0]), float(values[-1])
        if low == high:
            return [(low, high, int(counts.sum()))]
        share = np.linspace(0.0, 1.0, bins + 1)
        edges = low * (1 - share) + high * share  # high - low could overflow
        place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
        filled = np.bincount(place, weights=counts, minlength=bins)
        return [(float(edges[i]), float(edges[i + 1]), int(filled[i])) for i in range(bins)]

    def top(self, k: int = 20) -> list[tuple[float, int]]:
        """The most frequent numbers, by count then number, both descending."""
        values, counts = self.table()
        order = np.lexsort((-values, -counts))[:k]
        return [(float(values[i]), int(counts[i])) for i in order]

    def to_state(self) -> JSONObject:
        """Shift, keys and counts, packed."""
        shift = self.shift
        return {
            "limit": self.limit,
            "shift": shift,
            "keys": pack_sorted(self._tally.keys.view(np.uint64) + _OFFSET),
            "counts": pack(self._tally.counts),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""
        found = cast("dict[str, Any]", state)
        sketch = cls(found["limit"])
        sketch._shift = found["shift"]
        keys = (unpack_sorted(found["keys"]) + _OFFSET).view(np.int64)
        sketch._tally.replace(keys, unpack(found["counts"]).astype(np.int64))
        return sketch
