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
_MAGNITUDE = np.int64((1 << 63) - 1)
_OFFSET = np.uint64(1 << 63)
_NARROW_SHIFT = 32  # from here on keys fit into 32 bits, which are sorted twice as fast
_STANDS_OUT = 4
_NO_BITS = 1022  # the exponent field of a double of k bits is k more


def to_keys(values: np.ndarray, shift: int = 0) -> np.ndarray:
    """Doubles as int64 keys in the same order: the bits of the magnitude, with the sign of the number.

    Args:
        values: float64, shape (n,), no NaN.
        shift: how many low bits of the magnitude to drop, 0 to 63.

    Example:
        >>> keys = to_keys(np.array([-1.5, -0.0, 0.0, 2.0]))
        >>> from_keys(keys).tolist(), bool(np.all(np.diff(keys) >= 0))
        ([-1.5, 0.0, 0.0, 2.0], True)
    """
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64)
    sign = bits >> 63
    keys: np.ndarray = bits & _MAGNITUDE
    if shift:
        keys >>= shift
    keys ^= sign
    keys -= sign
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
    sizes = np.abs(keys)
    apart = sizes[:-1] ^ sizes[1:]
    crossing = int(np.searchsorted(keys, 0))  # the first key that is not negative
    if 0 < crossing < len(keys):
        apart[crossing - 1] = max(sizes[crossing - 1], sizes[crossing])
    merging = np.bincount(_exponents(apart), minlength=_NO_BITS + 65)[_NO_BITS:]  # pairs by their bits
    left_over = 1 + len(apart) - np.cumsum(merging)
    return int(np.argmax(left_over <= limit))


def _exponents(values: np.ndarray) -> np.ndarray:
    """The exponent fields of integers above 0 as doubles: how many bits they have, and 1022 more."""
    values &= ~(values >> 1)  # the highest bit stays and the one below it is clear: rounding cannot raise it
    exponents: np.ndarray = values.astype(np.float64).view(np.int64) >> 52
    return exponents


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

    def empty(self) -> Self:
        """A sketch with the same limit that has seen nothing."""
        return type(self)(self.limit)

    def update(self, values: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count finite doubles, shape (n,), once each or `counts` times."""
        self.collect(values, counts)
        if self._tally.is_full:
            self.coarsen()

    def collect(self, values: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count finite doubles and leave it to the caller to look at `is_full`, then `overflow`, in time."""
        keys = to_keys(values, self._shift)
        narrow = counts is None and self._shift >= _NARROW_SHIFT
        self._tally.add(keys.astype(np.int32) if narrow else keys, counts)

    @property
    def is_full(self) -> bool:
        """Whether enough is waiting to be sorted in."""
        return self._tally.is_full

    def overflow(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The exact numbers, ascending, and counts, if the next look at the table will coarsen it."""
        if self._shift or self._tally.most <= self.limit or len(self._tally.keys) <= self.limit:
            return None
        return from_keys(self._tally.keys), self._tally.counts

    def coarsen(self) -> None:
        """Drop low bits until the table is within its limit."""
        keys, counts = self._tally.keys, self._tally.counts
        if len(keys) <= self.limit:
            return
        bits = _least_shift(keys, self.limit)
        self._shift += bits
        self._tally.replace(*run_sums(_cut(keys, bits), counts))

    def absorb(self, other: Self) -> None:
        """Take in what `other` has seen, both without loss so far; the caller looks at `overflow` in time."""
        self.limit = min(self.limit, other.limit)
        self._tally.absorb(other._tally)

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limit holds."""
        self.limit = min(self.limit, other.limit)
        shift = max(self.shift, other.shift)
        if shift > self._shift:
            self._tally.replace(*self.keys_at(shift))
            self._shift = shift
        if other._shift == shift:
            self._tally.absorb(other._tally)
        else:
            self._tally.add(*other.keys_at(shift))
        if self._tally.is_full:
            self.coarsen()

    @property
    def shift(self) -> int:
        """How many low bits of each double are dropped; 0 while the table is exact."""
        self.coarsen()
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
        self.coarsen()
        return len(self._tally.keys)

    def keys_at(self, shift: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys, ascending, and counts after dropping `shift` low bits in all (at least `self.shift`)."""
        self.coarsen()
        if shift == self._shift:
            return self._tally.keys, self._tally.counts
        return run_sums(_cut(self._tally.keys, shift - self._shift), self._tally.counts)

    @staticmethod
    def numbers_of(keys: np.ndarray, shift: int) -> np.ndarray:
        """The numbers that stand for keys without their `shift` low bits."""
        return from_keys(keys << shift)

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers, ascending, shape (k,), and how often each came."""
        self.coarsen()
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
        low, high = self.at_ranks(np.stack([below, np.minimum(below + 1, count - 1)]))
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

    def quantile_histogram(self, bins: int = 10) -> list[tuple[float, float, int]]:
        """Bins that hold about equally many numbers, as (low, high, count); the last includes its end.

        Equal numbers are never divided, so ties make bins of unequal counts, and fewer of them.
        """
        values, counts = self.table()
        if not len(values):
            return []
        low, high = float(values[0]), float(values[-1])
        inner = [edge for edge in self.quantile_boundaries(bins) if low < edge < high]
        edges = [low, *sorted(set(inner)), high]
        starts = np.searchsorted(values, np.array(edges[:-1]))
        filled = np.add.reduceat(counts, starts).tolist()
        return list(zip(edges[:-1], edges[1:], filled, strict=True))

    def top(self, k: int | None = 20) -> list[tuple[float, int]]:
        """The most frequent numbers, by count then number, both descending; None for all."""
        values, counts = self.table()
        order = np.lexsort((-values, -counts))[:k]
        return [(float(values[i]), int(counts[i])) for i in order]

    def rare(self, k: int) -> list[tuple[float, int]]:
        """The least frequent numbers, by count then number, both ascending."""
        values, counts = self.table()
        order = np.lexsort((values, counts))[:k]
        return [(float(values[i]), int(counts[i])) for i in order]

    def heavy(self, share: float = 0.01) -> list[tuple[float, int]]:
        """The keys that hold at least `share` of the numbers and stand out, by count then number, descending.

        A key stands out with at least four times the count of each of its neighbors. Its number is the one
        with the fewest digits that the key holds; its count is an upper bound for the number's own.
        """
        shift, (keys, counts) = self.shift, (self._tally.keys, self._tally.counts)
        if not len(keys):
            return []
        beside = np.concatenate(([0], counts, [0]))
        gaps = np.concatenate(([False], np.diff(keys) == 1, [False]))
        before, after = beside[:-2] * gaps[:-1], beside[2:] * gaps[1:]
        stands_out = counts >= _STANDS_OUT * np.maximum(before, after)
        chosen = np.flatnonzero(stands_out & (counts >= share * counts.sum()))
        lows, highs = self._spans(keys[chosen], shift)
        found = [
            (_shortest(float(low), float(high)) if shift else float(low), int(count))
            for low, high, count in zip(lows, highs, counts[chosen], strict=True)
        ]
        return sorted(found, key=lambda pair: (-pair[1], -pair[0]))

    @staticmethod
    def _spans(keys: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
        """The number nearest to zero that each key holds, and the one farthest from it."""
        inner = keys << shift
        outer = inner + np.where(keys < 0, -1, 1) * ((1 << shift) - 1)
        return from_keys(inner), from_keys(outer)

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


def _shortest(near: float, far: float) -> float:
    """The number with the fewest digits between two of one sign; of several the one nearest to zero."""
    low, high = min(near, far), max(near, far)
    for digits in range(1, 17):
        for start in (near, far, (near + far) / 2):
            rounded = float(f"{start:.{digits - 1}e}")
            if low <= rounded <= high:
                return rounded
    return near
