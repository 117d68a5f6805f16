"""DistinctCounts: how many distinct values there are, and whether any came twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.hashing import mix
from tilth.sketches.packing import pack, pack_sorted, pack_words, unpack, unpack_sorted, unpack_words
from tilth.sketches.sketch import Sketch
from tilth.sketches.tally import Tally, run_starts

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["DistinctCounts"]

_PENDING = 1 << 18
_STEP = np.uint64(0x9E3779B97F4A7C15)


class DistinctCounts(Sketch):
    """The values whose hash begins with `level` zero bits, with their counts; exact while level is 0.

    The level is the least that leaves at most `limit` values (adaptive sampling, Flajolet 1990), so the
    sketch depends on the values alone. Above the limit the standard error of `distinct` is about
    1.2 / sqrt(limit) of it. Two of n values share a 64-bit hash with a chance of n**2 / 2**65: one in
    thirty million at a million values.

    Args:
        limit: how many distinct values are kept.

    Example:
        >>> values = DistinctCounts(limit=1000)
        >>> values.update(np.array([5, 6, 5], dtype=np.uint64))
        >>> values.distinct, values.repeats, values.is_exact
        (2, 1, True)
    """

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self._level = 0
        self._hashes = np.zeros(0, dtype=np.uint64)  # distinct, ascending
        self._waiting: list[np.ndarray] = []
        self._size = 0
        self._more = Tally(np.uint64)  # how often hashes came beyond their first time: most often hardly any

    def empty(self) -> Self:
        """A sketch with the same limit that has seen nothing."""
        return type(self)(self.limit)

    def update(self, words: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count 64-bit words that stand one to one for values; uint64, shape (n,)."""
        self.update_hashes(mix(words + _STEP), counts)

    def update_hashes(self, hashes: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count values by hashes that are spread evenly already; uint64, shape (n,)."""
        if self._level:
            kept = hashes < self._bound
            hashes, counts = hashes[kept], None if counts is None else counts[kept]
        if counts is not None:
            again = counts > 1
            self._more.add(hashes[again], counts[again] - 1)
        self._wait(hashes)

    def _wait(self, hashes: np.ndarray) -> None:
        self._more.settle_if_full()
        self._waiting.append(hashes)
        self._size += len(hashes)
        if self._size >= max(_PENDING, len(self._hashes)):
            self._settle()

    def _settle(self) -> None:
        if self._size:
            merged = np.sort(np.concatenate([self._hashes, *self._waiting]))
            starts = run_starts(merged)
            if len(starts) < len(merged):
                times = np.diff(starts, append=len(merged))
                merged = merged[starts]
                self._more.add(merged[times > 1], times[times > 1] - 1)
            self._hashes, self._waiting, self._size = merged, [], 0
        while len(self._hashes) > self.limit:
            self._level += 1
            self._drop()

    @property
    def _bound(self) -> np.uint64:
        return np.uint64(1 << (64 - self._level))

    def _drop(self) -> None:
        self._hashes = self._hashes[: np.searchsorted(self._hashes, self._bound)].copy()
        end = int(np.searchsorted(self._more.keys, self._bound))
        self._more.replace(self._more.keys[:end].copy(), self._more.counts[:end].copy())

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limit holds."""
        self.limit = min(self.limit, other.limit)
        if other.level > self._level:
            self._settle()
            self._level = other.level
            self._drop()
        hashes = other._hashes
        if self._level > other._level:
            hashes = hashes[hashes < self._bound]
            again, times = other._more.keys, other._more.counts
            kept = again < self._bound
            self._more.add(again[kept], times[kept])
        else:
            self._more.absorb(other._more)
        if self._size or len(self._hashes):
            self._wait(hashes)
        else:
            self._hashes = hashes
        if len(self._hashes) > self.limit:
            self._settle()

    @property
    def level(self) -> int:
        """How many leading zero bits the kept hashes have; 0 while exact."""
        self._settle()
        return self._level

    @property
    def is_exact(self) -> bool:
        """Whether every distinct value is kept."""
        return self.level == 0

    @property
    def distinct(self) -> int:
        """The number of distinct values: exact, or estimated from those kept."""
        self._settle()
        return len(self._hashes) << self._level

    @property
    def repeats(self) -> int:
        """How many values are copies of another one: exact, or estimated from those kept."""
        self._settle()
        return int(self._more.counts.sum()) << self._level

    @property
    def has_repeats(self) -> bool:
        """Whether a value came more than once, as far as values are kept."""
        self._settle()
        return bool(len(self._more.keys))

    def to_state(self) -> JSONObject:
        """Level, hashes, and where and how many more times some came, packed."""
        self._settle()
        return {
            "limit": self.limit,
            "level": self._level,
            "hashes": pack_words(self._hashes),
            "repeated": pack_sorted(np.searchsorted(self._hashes, self._more.keys)),
            "more": pack(self._more.counts),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""
        found = cast("dict[str, Any]", state)
        sketch = cls(found["limit"])
        sketch._level = found["level"]
        sketch._hashes = unpack_words(found["hashes"])
        repeated = sketch._hashes[unpack_sorted(found["repeated"]).astype(np.int64)]
        sketch._more.replace(repeated, unpack(found["more"]).astype(np.int64))
        return sketch
