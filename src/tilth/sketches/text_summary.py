"""TextSummary: all that is kept of a text column: counts, lengths, words, characters, frequent texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches.column_summary import ColumnSummary
from tilth.sketches.distinct_counts import DistinctCounts
from tilth.sketches.frequent_texts import FrequentTexts
from tilth.sketches.hashing import text_words
from tilth.sketches.text_counts import BYTE_LIMIT, TEXT_LIMIT, TextCounts
from tilth.sketches.text_shape import TextShape

if TYPE_CHECKING:
    from tilth.sketches.moments import Moments
    from tilth.types import JSONObject

__all__ = ["TextSummary"]

_DISTINCT_LIMIT = 1 << 20
_FREQUENT_SHARE = 0.01


@dataclass
class _Beyond:
    """What the table of texts cannot tell any more."""

    shape: TextShape
    words: DistinctCounts
    frequent: FrequentTexts


class TextSummary(ColumnSummary):
    """Counts of texts, their lengths, words and characters, in one pass.

    While all texts are kept, everything follows from them and nothing else is kept. From the moment there are
    too many, lengths, distinct texts and frequent texts are kept beside a sample of them; they begin with the
    whole table, so that the summary depends on the texts alone.

    Args:
        limit: how many distinct texts are kept.
        byte_limit: how many bytes of text are kept.
        distinct_limit: how many distinct texts are told apart beyond that.

    Example:
        >>> summary = TextSummary()
        >>> summary.update(pa.array(["a", "abc", "abc"]))
        >>> summary.distinct, summary.lengths.high, summary.top(1)
        (2, 3, [('abc', 2)])
    """

    def __init__(
        self, limit: int = TEXT_LIMIT, byte_limit: int = BYTE_LIMIT, distinct_limit: int = _DISTINCT_LIMIT
    ) -> None:
        self._counts = TextCounts(limit, byte_limit)
        self._distinct_limit = distinct_limit
        self._beyond: _Beyond | None = None
        self._known: TextShape | None = None  # computed from all texts, until more come in

    def empty(self) -> Self:
        """A summary with the same limits that has seen nothing."""
        return type(self)(self._counts.limit, self._counts.byte_limit, self._distinct_limit)

    def update(
        self, texts: pa.Array, counts: np.ndarray | None = None, words: np.ndarray | None = None
    ) -> None:
        """Take in texts, none of them missing, once each or `counts` (1 or more) times.

        Args:
            texts: shape (n,); the same text may come several times.
            counts: int64, shape (n,).
            words: the texts' hashes (`text_words`), if they are known.
        """
        if not len(texts):
            return
        self._known = None
        if self._beyond is None:
            self._counts.collect(texts, counts, words)
            if self._counts.is_full:
                self._settle()
            return
        words = text_words(texts) if words is None else words
        self._counts.update(texts, counts, words)
        self._take_beyond(self._beyond, texts, counts, words)

    @staticmethod
    def _take_beyond(beyond: _Beyond, texts: pa.Array, counts: np.ndarray | None, words: np.ndarray) -> None:
        beyond.shape.update(texts, counts)
        beyond.words.update_hashes(words, counts)
        beyond.frequent.update(texts, counts, words)

    def _settle(self) -> None:
        if self._beyond is None and self._counts.overflow() is not None:
            self._beyond = self._told()
            self._counts.raise_level()

    def _settled(self) -> tuple[TextCounts, _Beyond | None]:
        self._settle()
        return self._counts, self._beyond

    def _holds_all(self) -> bool:
        return self._beyond is None

    def _told(self) -> _Beyond:
        """What all texts tell about lengths, distinct and frequent ones."""
        told = _Beyond(TextShape(), DistinctCounts(self._distinct_limit), FrequentTexts())
        texts, counts = self._counts.overflow() or self._counts.table()
        self._take_beyond(told, texts, counts, text_words(texts))
        return told

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limits hold."""
        self._known = None
        self._distinct_limit = min(self._distinct_limit, other._distinct_limit)
        other._settle()
        if self._beyond is None and other._beyond is None:
            self._counts.absorb(other._counts)
            if self._counts.is_full:
                self._settle()
            return
        self._settle()
        if self._beyond is None:
            self._beyond = self._told()
        more = other._beyond or other._told()
        self._beyond.shape.merge(more.shape)
        self._beyond.words.merge(more.words)
        self._beyond.frequent.merge(more.frequent)
        self._counts.merge(other._counts)

    @property
    def counts(self) -> TextCounts:
        """The texts kept, with their counts."""
        self._settle()
        return self._counts

    @property
    def shape(self) -> TextShape:
        """Lengths, words and characters."""
        self._settle()
        if self._beyond is not None:
            return self._beyond.shape
        if self._known is None:
            self._known = TextShape()
            self._known.update(*self._counts.table())
        return self._known

    @property
    def lengths(self) -> Moments:
        """Of the texts, in characters."""
        return self.shape.lengths

    def top(self, k: int | None = None) -> list[tuple[str, int]]:
        """The most frequent texts (default: all), by count then text, both descending.

        Beyond the limit only those that make up 1 % or more, none of which is missed; the count is then an
        upper bound, too large by about 1/16,384 of all texts, unless the text is in the sample.
        """
        self._settle()
        if self._beyond is None:
            return self._counts.top(k)
        found = dict(self._beyond.frequent.found(_FREQUENT_SHARE))
        texts, counts = self._counts.table()
        places = pc.index_in(pa.array(found, pa.string()), value_set=texts).to_pylist()
        for text, place in zip(list(found), places, strict=True):
            if place is not None:
                found[text] = int(counts[place])
        least = self._beyond.frequent.count * _FREQUENT_SHARE
        top = [(text, count) for text, count in found.items() if count >= least]
        return sorted(top, key=lambda entry: (entry[1], entry[0]), reverse=True)[:k]

    def to_state(self) -> JSONObject:
        """The states of the parts; what the texts tell themselves is left out."""
        self._settle()
        beyond = self._beyond
        return {
            "distinct_limit": self._distinct_limit,
            "counts": self._counts.to_state(),
            "shape": beyond.shape.to_state() if beyond is not None else None,
            "words": beyond.words.to_state() if beyond is not None else None,
            "frequent": beyond.frequent.to_state() if beyond is not None else None,
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The summary that wrote `state`."""
        found = cast("dict[str, Any]", state)
        counts = TextCounts.from_state(found["counts"])
        summary = cls(counts.limit, counts.byte_limit, found["distinct_limit"])
        summary._counts = counts
        if found["shape"] is not None:
            summary._beyond = _Beyond(
                TextShape.from_state(found["shape"]),
                DistinctCounts.from_state(found["words"]),
                FrequentTexts.from_state(found["frequent"]),
            )
        return summary
