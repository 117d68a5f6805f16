"""TextCounts: how often each text came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches.hashing import text_words
from tilth.sketches.packing import pack, unpack
from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["BYTE_LIMIT", "TEXT_LIMIT", "TextCounts"]

TEXT_LIMIT = 1 << 18
BYTE_LIMIT = 1 << 24
_PENDING = 1 << 17


class TextCounts(Sketch):
    """Each distinct text and its count: exact up to `limit` texts of `byte_limit` bytes together.

    Beyond, only the texts whose hash begins with `level` zero bits are kept, with exact counts; the level is
    the least that fits, so the sketch depends on the texts alone.

    Args:
        limit: how many distinct texts are kept.
        byte_limit: how many bytes of text (UTF-8) are kept.

    Example:
        >>> texts = TextCounts()
        >>> texts.update(pa.array(["b", "a", "b"]))
        >>> texts.top(1), texts.distinct
        ([('b', 2)], 2)
    """

    def __init__(self, limit: int = TEXT_LIMIT, byte_limit: int = BYTE_LIMIT) -> None:
        self.limit = limit
        self.byte_limit = byte_limit
        self._level = 0
        self._values = pa.array([], pa.string())
        self._counts = np.zeros(0, dtype=np.int64)
        self._is_sorted = True
        self._waiting: list[tuple[pa.Array, np.ndarray]] = []
        self._size = self._bytes = 0

    def empty(self) -> Self:
        """A sketch with the same limits that has seen nothing."""
        return type(self)(self.limit, self.byte_limit)

    def update(
        self, texts: pa.Array, counts: np.ndarray | None = None, words: np.ndarray | None = None
    ) -> None:
        """Count texts, none of them missing, once each or `counts` times.

        Args:
            texts: shape (n,); the same text may come several times.
            counts: int64, shape (n,).
            words: the texts' hashes (`text_words`), if they are known.
        """
        self.collect(texts, counts, words)
        if self.is_full:
            self.raise_level()

    def collect(
        self, texts: pa.Array, counts: np.ndarray | None = None, words: np.ndarray | None = None
    ) -> None:
        """Count texts and leave it to the caller to look at `is_full`, then `overflow`, in time."""
        if self._level and len(texts):
            kept = (text_words(texts) if words is None else words) < self._bound
            texts, counts = texts.filter(pa.array(kept)), None if counts is None else counts[kept]
        if not len(texts):
            return
        self._waiting.append((texts, np.ones(len(texts), np.int64) if counts is None else counts))
        self._size += len(texts)
        self._bytes += _text_bytes(texts)

    @property
    def is_full(self) -> bool:
        """Whether enough is waiting to be sorted in."""
        return self._size > max(_PENDING, len(self._values)) or self._bytes > self.byte_limit

    @property
    def _bound(self) -> np.uint64:
        return np.uint64(1 << (64 - self._level))

    def _settle(self) -> None:
        if not self._waiting:
            return
        parts = [(self._values, self._counts), *self._waiting]
        # Arrow groups texts with 32-bit offsets far faster; they hold 2 GiB.
        kind = pa.string() if self._bytes + _text_bytes(self._values) < 1 << 30 else pa.large_string()
        counts = np.concatenate([part[1] for part in parts])
        chunks = pa.chunked_array([part[0].cast(kind) for part in parts], kind)
        table = pa.table({"text": chunks, "count": counts})
        summed = table.group_by("text", use_threads=False).aggregate([("count", "sum")])
        self._values = summed.column("text").combine_chunks()
        self._counts = summed.column("count_sum").to_numpy()
        self._is_sorted = False
        self._waiting, self._size, self._bytes = [], 0, 0

    def overflow(self) -> tuple[pa.Array, np.ndarray] | None:
        """All texts and counts, in no order, if the next look at the table drops some for the first time."""
        if self._level or self._is_surely_small:
            return None
        self._settle()
        return (self._values, self._counts) if self._is_too_large else None

    @property
    def _is_surely_small(self) -> bool:
        few = len(self._values) + self._size <= self.limit
        return few and _text_bytes(self._values) + self._bytes <= self.byte_limit

    @property
    def _is_too_large(self) -> bool:
        return len(self._values) > self.limit or _text_bytes(self._values) > self.byte_limit

    def raise_level(self) -> None:
        """Drop texts by their hash until the others are within the limits."""
        self._settle()
        words: np.ndarray | None = None
        while self._is_too_large and self._level < 64:
            self._level += 1
            words = text_words(self._values) if words is None else words
            words = words[self._drop(words)]

    def _drop(self, words: np.ndarray) -> np.ndarray:
        kept: np.ndarray = words < self._bound
        self._values, self._counts = self._values.filter(pa.array(kept)), self._counts[kept]
        return kept

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limits hold."""
        self.limit, self.byte_limit = min(self.limit, other.limit), min(self.byte_limit, other.byte_limit)
        if other.level > self._level:
            self._settle()
            self._level = other.level
            self._drop(text_words(self._values))
        other._settle()
        if not self._waiting and not len(self._values) and other._level == self._level:
            self._values, self._counts = other._values, other._counts
            self._is_sorted = other._is_sorted
        else:
            self.collect(other._values, other._counts)
        if self.is_full:
            self.raise_level()

    def absorb(self, other: Self) -> None:
        """Take in what `other` has seen, both without loss so far; the caller looks at `overflow` in time."""
        self.limit, self.byte_limit = min(self.limit, other.limit), min(self.byte_limit, other.byte_limit)
        if not self._waiting and not len(self._values):
            self._values, self._counts = other._values, other._counts
            self._is_sorted = other._is_sorted
        else:
            self.collect(other._values, other._counts)
        self._waiting += other._waiting
        self._size += other._size
        self._bytes += other._bytes

    @property
    def level(self) -> int:
        """How many leading zero bits the kept texts' hashes have; 0 while exact."""
        self.raise_level()
        return self._level

    @property
    def is_exact(self) -> bool:
        """Whether every distinct text is kept."""
        return self.level == 0

    @property
    def distinct(self) -> int:
        """The number of distinct texts: exact, or estimated from those kept."""
        self.raise_level()
        return len(self._values) << self._level

    @property
    def count(self) -> int:
        """How many texts were counted, of those kept."""
        self.raise_level()
        return int(self._counts.sum())

    def table(self) -> tuple[pa.Array, np.ndarray]:
        """The texts kept, ascending, and how often each came."""
        self.raise_level()
        if not self._is_sorted:
            order = pc.sort_indices(self._values)
            self._values, self._counts = self._values.take(order), self._counts[order.to_numpy()]
            self._is_sorted = True
        return self._values.cast(pa.string()), self._counts

    def to_dict(self) -> dict[str, int]:
        """The texts kept, ascending, with their counts."""
        values, counts = self.table()
        return dict(zip(values.to_pylist(), counts.tolist(), strict=True))

    def top(self, k: int | None = None) -> list[tuple[str, int]]:
        """The most frequent texts (default: all) of those kept, by count then text, both descending."""
        values, counts = self.table()
        places = _candidates(counts, k)
        order = places[np.lexsort((places, counts[places]))[::-1][:k]]
        names = values.take(pa.array(order, pa.int64())).to_pylist()
        return list(zip(names, counts[order].tolist(), strict=True))

    def rare(self, k: int) -> list[tuple[str, int]]:
        """The least frequent texts of those kept, by count then text, both ascending."""
        values, counts = self.table()
        order = np.argsort(counts, kind="stable")[:k]
        names = values.take(pa.array(order, pa.int64())).to_pylist()
        return list(zip(names, counts[order].tolist(), strict=True))

    def to_state(self) -> JSONObject:
        """Level, texts and counts."""
        values, counts = self.table()
        return {
            "limit": self.limit,
            "byte_limit": self.byte_limit,
            "level": self._level,
            "values": values.to_pylist(),
            "counts": pack(counts),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""
        found = cast("dict[str, Any]", state)
        sketch = cls(found["limit"], found["byte_limit"])
        sketch._level = found["level"]
        sketch._values = pa.array(found["values"], pa.string())
        sketch._counts = unpack(found["counts"]).astype(np.int64)
        return sketch


def _candidates(counts: np.ndarray, k: int | None) -> np.ndarray:
    """The places of all counts that can be among the k greatest."""
    if k is None or k >= len(counts) or not k:
        return np.arange(len(counts))
    least = np.partition(counts, len(counts) - k)[len(counts) - k]
    return np.flatnonzero(counts >= least)


def _text_bytes(values: pa.Array) -> int:
    if not len(values):
        return 0
    offsets = np.frombuffer(values.buffers()[1], np.int64 if values.type == pa.large_string() else np.int32)
    return int(offsets[values.offset + len(values)]) - int(offsets[values.offset])
