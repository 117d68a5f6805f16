"""FrequentTexts: the texts that make up a large share of all, however many others there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa

from tilth.sketches.hashing import text_words
from tilth.sketches.packing import pack, unpack
from tilth.sketches.sketch import Sketch
from tilth.sketches.tally import bin_sums

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["FrequentTexts"]

_BITS = 14
_WIDTH = 1 << _BITS
_ROWS = 3
_KEPT_SHARE = 1 / 400
_WRITTEN_SHARE = 1 / 200


class FrequentTexts(Sketch):
    """Upper bounds for the counts of texts, and the texts that may be frequent.

    Three tables count texts by different bits of their hashes (a count-min sketch: Cormode and Muthukrishnan,
    "An improved data stream summary", 2005). They are sums, so order and merging do not matter. A text is
    kept while the least of its three counts is 1/400 of all or more. A text that makes up so much of two
    parts together does so in one of them; so none is ever missed, whatever the order and the parts.

    A count is never too small; it is too large by about 1/16,384 of all texts.

    Example:
        >>> texts = FrequentTexts()
        >>> texts.update(pa.array(["often"] * 5 + [f"once {i}" for i in range(495)]))
        >>> texts.found(0.01)
        [('often', 5)]
    """

    def __init__(self) -> None:
        self.count = 0
        self._tables = np.zeros((_ROWS, _WIDTH), np.int64)
        self._texts: dict[int, str] = {}

    def update(
        self, texts: pa.Array, counts: np.ndarray | None = None, words: np.ndarray | None = None
    ) -> None:
        """Take in texts, none of them missing, once each or `counts` times.

        Args:
            texts: shape (n,).
            counts: int64, shape (n,).
            words: the texts' hashes (`text_words`), if they are known.
        """
        words = text_words(texts) if words is None else words
        self.count += len(texts) if counts is None else int(counts.sum())
        for row in range(_ROWS):
            self._tables[row] += bin_sums(_places(words, row), counts, _WIDTH)
        self._forget()
        frequent = np.flatnonzero(self._tables[0][_places(words, 0)] >= self.count * _KEPT_SHARE)
        frequent = frequent[self._bounds(words[frequent]) >= self.count * _KEPT_SHARE]
        fresh, first = np.unique(words[frequent], return_index=True)
        for word, place in zip(fresh.tolist(), frequent[first].tolist(), strict=True):
            self._texts.setdefault(word, texts[place].as_py())

    def _bounds(self, words: np.ndarray) -> np.ndarray:
        """At most how often each text came."""
        counts = np.stack([self._tables[row][_places(words, row)] for row in range(_ROWS)])
        bounds: np.ndarray = counts.min(axis=0)
        return bounds

    def _forget(self) -> None:
        self._texts = self._at_least(_KEPT_SHARE)

    def _at_least(self, share: float) -> dict[int, str]:
        bounds = self._bounds(np.array(list(self._texts), np.uint64))
        kept = (bounds >= self.count * share).tolist()
        return {word: text for (word, text), keep in zip(self._texts.items(), kept, strict=True) if keep}

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        self.count += other.count
        self._tables = self._tables + other._tables
        self._texts = {**self._texts, **other._texts}
        self._forget()

    def found(self, share: float = 0.01) -> list[tuple[str, int]]:
        """The texts that may make up at least `share` (1/200 or more) of all, with upper bounds of counts.

        By count, then text, both descending.
        """
        texts = self._at_least(share)
        bounds = self._bounds(np.array(list(texts), np.uint64)).tolist()
        return sorted(zip(texts.values(), bounds, strict=True), key=lambda t: (t[1], t[0]), reverse=True)

    def to_state(self) -> JSONObject:
        """The tables, packed, and the texts that may make up 1/200 or more."""
        return {
            "count": self.count,
            "tables": [pack(table) for table in self._tables],
            "texts": [*sorted(self._at_least(_WRITTEN_SHARE).values())],
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""
        found = cast("dict[str, Any]", state)
        sketch = cls()
        sketch.count = found["count"]
        sketch._tables = np.stack([unpack(table).astype(np.int64) for table in found["tables"]])
        words = text_words(pa.array(found["texts"], pa.string()))
        sketch._texts = dict(zip(words.tolist(), found["texts"], strict=True))
        return sketch


def _places(words: np.ndarray, row: int) -> np.ndarray:
    return ((words >> np.uint64(_BITS * row)) & np.uint64(_WIDTH - 1)).astype(np.int64)
