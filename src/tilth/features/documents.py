"""What is learned of lists of texts: how often each text comes, and in how many lists."""

from __future__ import annotations

from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import FeatureError
from tilth.sketches import TextSummary

__all__ = ["TEXTS", "Documents"]

TEXTS = 1 << 20
"""How many different texts are told apart."""

_BYTES = 1 << 26


class Documents:
    """Counts of the texts of lists, exact up to a million different ones of 64 MiB together.

    Lists in which nothing is there are not counted.

    Example:
        >>> seen = Documents()
        >>> seen.update(np.array([["a", "a", "b"], ["a", "", ""], ["", "", ""]], dtype=object))
        >>> seen.lists, seen.frequent(), seen.lists_with(["a", "b"]).tolist()
        (2, [('a', 3), ('b', 1)], [2, 1])
    """

    def __init__(self) -> None:
        self.lists = 0
        self._texts = TextSummary(TEXTS, _BYTES)
        self._lists = TextSummary(TEXTS, _BYTES)

    def update(self, *arguments: np.ndarray) -> None:
        """Take in some lists.

        Args:
            arguments: texts, shape (n, most), "" where nothing is there.
        """
        (lists,) = arguments
        lists = lists.reshape(len(lists), -1)
        rows, places = np.nonzero(lists != "")
        if not len(rows):
            return
        encoded = pa.array(lists[rows, places], pa.string()).dictionary_encode()
        codes, texts = encoded.indices.to_numpy().astype(np.int64), encoded.dictionary
        size = len(texts)
        pairs = np.unique(rows * size + codes)
        self.lists += len(np.unique(rows))
        self._texts.update(texts, np.bincount(codes, minlength=size))
        self._lists.update(texts, np.bincount(pairs % size, minlength=size))

    def merge(self, other: Self) -> None:
        """Take in what another one has seen."""
        self.lists += other.lists
        self._texts.merge(other._texts)
        self._lists.merge(other._lists)

    def frequent(self) -> list[tuple[str, int]]:
        """All texts with their counts, by count then text, both descending.

        Raises:
            FeatureError: there are more than can be told apart.
        """
        if not self._texts.is_exact:
            raise FeatureError(
                f"there are too many different words, about {self._texts.distinct:,}, to count each",
                expected=f"at most {TEXTS:,}",
                mend="use .hashed_words(1000), or .lower() and .tokens() to have fewer words",
            )
        return self._texts.top()

    def lists_with(self, texts: list[str]) -> np.ndarray:
        """In how many lists each of some texts is: int64, shape (texts,)."""
        known, counts = self._lists.counts.table()
        places = pc.index_in(pa.array(texts, pa.string()), value_set=known).to_numpy(zero_copy_only=False)
        found: np.ndarray = counts[places.astype(np.int64)]
        return found
