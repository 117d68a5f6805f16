"""TextCounts: how often each text came."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches.distinct_counts import mix
from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["TextCounts"]

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

    def __init__(self, limit: int = 1 << 20, byte_limit: int = 1 << 26) -> None:
        self.limit = limit
        self.byte_limit = byte_limit
        self._level = 0
        self._values = pa.array([], pa.string())
        self._counts = np.zeros(0, dtype=np.int64)
        self._waiting: list[tuple[pa.Array, np.ndarray]] = []
        self._size = 0

    def update(self, values: pa.Array, counts: np.ndarray | None = None) -> None:
        """Count texts, none of them missing, once each or `counts` times."""
        if counts is None:
            found = pc.value_counts(values)
            values, counts = found.field("values"), found.field("counts").to_numpy()
        self._take(values, counts)

    def _take(self, texts: pa.Array, counts: np.ndarray) -> None:
        if self._level and len(texts):
            kept = _leading(texts) < np.uint64(1 << (32 - self._level))
            texts, counts = texts.filter(pa.array(kept)), counts[kept]
        self._waiting.append((texts, counts))
        self._size += len(texts)
        if self._size > max(_PENDING, len(self._values)):
            self._settle()

    def _settle(self) -> None:
        if not self._waiting:
            return
        parts = [(self._values, self._counts), *self._waiting]
        table = pa.table(
            {
                "text": pa.chunked_array([part[0] for part in parts], pa.string()),
                "count": np.concatenate([part[1] for part in parts]),
            }
        )
        summed = table.group_by("text", use_threads=False).aggregate([("count", "sum")]).sort_by("text")
        self._values = summed.column("text").combine_chunks()
        self._counts = summed.column("count_sum").to_numpy()
        self._waiting, self._size = [], 0
        self._raise_level()

    def _raise_level(self) -> None:
        hashes: np.ndarray | None = None
        while len(self._values) > self.limit or _text_bytes(self._values) > self.byte_limit:
            self._level += 1
            hashes = _leading(self._values) if hashes is None else hashes
            kept = hashes < np.uint64(1 << (32 - self._level))
            self._values, self._counts = self._values.filter(pa.array(kept)), self._counts[kept]
            hashes = hashes[kept]

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limits hold."""
        self.limit, self.byte_limit = min(self.limit, other.limit), min(self.byte_limit, other.byte_limit)
        self._settle()
        texts, counts = self._values, self._counts
        self._values, self._counts = pa.array([], pa.string()), np.zeros(0, dtype=np.int64)
        self._level = max(self._level, other.level)
        self._take(texts, counts)
        self._take(*other.table())
        self._settle()

    @property
    def level(self) -> int:
        """How many leading zero bits the kept texts' hashes have; 0 while exact."""
        self._settle()
        return self._level

    @property
    def is_exact(self) -> bool:
        """Whether every distinct text is kept."""
        return self.level == 0

    @property
    def distinct(self) -> int:
        """The number of distinct texts: exact, or estimated from those kept."""
        return len(self.table()[0]) << self._level

    def table(self) -> tuple[pa.Array, np.ndarray]:
        """The texts kept, ascending, and how often each came."""
        self._settle()
        return self._values, self._counts

    def to_dict(self) -> dict[str, int]:
        """The texts kept, ascending, with their counts."""
        values, counts = self.table()
        return dict(zip(values.to_pylist(), counts.tolist(), strict=True))

    def top(self, k: int | None = None) -> list[tuple[str, int]]:
        """The most frequent texts (default: all), by count then text, both descending."""
        values, counts = self.table()
        order = np.lexsort((np.arange(len(counts)), counts))[::-1][:k]
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
            "counts": counts.tolist(),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""
        found = cast("dict[str, Any]", state)
        sketch = cls(found["limit"], found["byte_limit"])
        sketch._level = found["level"]
        sketch._values = pa.array(found["values"], pa.string())
        sketch._counts = np.array(found["counts"], dtype=np.int64)
        return sketch


def _text_bytes(values: pa.Array) -> int:
    return int(pc.sum(pc.binary_length(values)).as_py() or 0)


def _leading(values: pa.Array) -> np.ndarray:
    # 32 well-mixed bits of each text; crc32 is fast in a plain loop and the same everywhere.
    checksums = [zlib.crc32(text) for text in values.cast(pa.binary()).to_pylist()]
    return mix(np.array(checksums, dtype=np.uint64)) >> np.uint64(32)
