"""DistinctCounts: how many distinct values there are, and whether any came twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.packing import pack, pack_sorted, unpack, unpack_sorted
from tilth.sketches.sketch import Sketch
from tilth.sketches.tally import Tally

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["DistinctCounts", "mix"]


def mix(words: np.ndarray) -> np.ndarray:
    """64-bit words scattered evenly, one to one (the finalizer of SplitMix64, Steele et al. 2014).

    Example:
        >>> mix(np.array([0, 1], dtype=np.uint64))
        array([16294208416658607535, 10451216379200822465], dtype=uint64)
    """
    word = words + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


class DistinctCounts(Sketch):
    """The values whose hash begins with `level` zero bits, with their counts; exact while level is 0.

    The level is the least that leaves at most `limit` values (adaptive sampling, Flajolet 1990), so the
    sketch depends on the values alone. Above the limit the relative error of `distinct` is about
    1.2 / sqrt(limit).

    Args:
        limit: how many distinct values are kept.

    Example:
        >>> values = DistinctCounts(limit=1000)
        >>> values.update(np.array([5, 6, 5], dtype=np.uint64))
        >>> values.distinct, values.has_repeats, values.is_exact
        (2, True, True)
    """

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self.level = 0
        self._tally = Tally(np.uint64)

    def update(self, words: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Count 64-bit words that stand one to one for values; uint64, shape (n,)."""
        self._take(mix(words), counts)

    def _take(self, hashes: np.ndarray, counts: np.ndarray | None) -> None:
        if self.level:
            kept = hashes < np.uint64(1 << (64 - self.level))
            hashes, counts = hashes[kept], None if counts is None else counts[kept]
        self._tally.add(hashes, counts)
        if self._tally.is_full:
            self._raise_level()

    def _raise_level(self) -> None:
        while len(self._tally.keys) > self.limit:
            self.level += 1
            end = int(np.searchsorted(self._tally.keys, np.uint64(1 << (64 - self.level))))
            self._tally.replace(self._tally.keys[:end], self._tally.counts[:end])

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limit holds."""
        self.limit = min(self.limit, other.limit)
        self.level = max(self.level, other.level)
        keys, counts = self._tally.keys, self._tally.counts
        self._tally = Tally(np.uint64)
        self._take(keys, counts)
        self._take(other._tally.keys, other._tally.counts)
        self._raise_level()

    @property
    def is_exact(self) -> bool:
        """Whether every distinct value is kept."""
        self._raise_level()
        return self.level == 0

    @property
    def distinct(self) -> int:
        """The number of distinct values: exact, or estimated from those kept."""
        self._raise_level()
        return len(self._tally.keys) << self.level

    @property
    def has_repeats(self) -> bool:
        """Whether a value came more than once, as far as values are kept."""
        self._raise_level()
        return bool(np.any(self._tally.counts > 1))

    def to_state(self) -> JSONObject:
        """Level, hashes and counts, packed."""
        self._raise_level()
        return {
            "limit": self.limit,
            "level": self.level,
            "hashes": pack_sorted(self._tally.keys),
            "counts": pack(self._tally.counts),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""
        found = cast("dict[str, Any]", state)
        sketch = cls(found["limit"])
        sketch.level = found["level"]
        sketch._tally.replace(unpack_sorted(found["hashes"]), unpack(found["counts"]).astype(np.int64))
        return sketch
