"""From Arrow arrays to column profiles, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.profiles.cells import column_key, placed
from tilth.profiles.column import ColumnProfile
from tilth.sketches import DistinctCounts, NumberSummary, TextSummary, mix, text_words
from tilth.sketches.hashing import number_words
from tilth.sketches.tally import bin_sums
from tilth.tables.row_hashes import cell_words

if TYPE_CHECKING:
    from tilth.sketches.hashing import Words
    from tilth.types import ColumnType

__all__ = ["ColumnBuilder"]

_DISTINCT_FLOATS = 1 << 14  # floats are rarely keys: a close estimate will do, and takes little room
_STEP = np.uint64(0x9E3779B97F4A7C15)
_REPEATING = 2  # texts that come that often in a batch are worth looking up


class ColumnBuilder:
    """Takes in the batches of one column.

    Args:
        name: the column's name.
        kind: what the column holds.

    Example:
        >>> builder = ColumnBuilder("x", "float")
        >>> _ = builder.update(pa.array([1.0, None, float("nan")]))
        >>> builder.result().missing
        2
    """

    def __init__(self, name: str, kind: ColumnType) -> None:
        self._name = name
        self._kind: ColumnType = kind
        self._key = column_key(name)
        self._count = self._missing = self._nan = self._infinite = 0
        self._texts: TextSummary | None = None
        self._numbers: NumberSummary | None = None
        self._contents: DistinctCounts | None = None
        self._sizes: NumberSummary | None = None
        self._items: ColumnBuilder | None = None
        self._texts_repeat = True
        if kind == "string":
            self._texts = TextSummary()
        elif kind in ("int", "bool"):
            self._numbers = NumberSummary()
        elif kind in ("float", "datetime"):
            self._numbers = NumberSummary(distinct_limit=_DISTINCT_FLOATS)
        else:
            self._contents, self._sizes = DistinctCounts(), NumberSummary()
            if kind.startswith("list["):
                self._items = ColumnBuilder(name, kind[5:-1])  # type: ignore[arg-type]

    def update(self, values: pa.Array, counts: np.ndarray | None = None) -> Words:
        """Take in an Arrow array of the column's type, shape (n,), once each or `counts` times.

        Args:
            values: in the normal form of the column's type.
            counts: int64, 1 or more, shape (n,).

        Returns:
            What each cell adds to the hash of its row, shape (n,).
        """
        there = self._there(values, counts)
        if there is None:
            present, repeats = values, counts
        else:
            present = self._present(values, there)
            repeats = None if counts is None else counts[there]
        found = _total(present, repeats)
        self._count += found
        self._missing += _total(values, counts) - found
        return placed(self._take(present, repeats), self._key, there)

    def _there(self, values: pa.Array, counts: np.ndarray | None) -> np.ndarray | None:
        """Which values are not missing; None if all are there. Not a number is a missing value."""
        if self._kind != "float":
            if not values.null_count:
                return None
            valid: np.ndarray = values.is_valid().to_numpy(zero_copy_only=False)
            return valid
        numbers = values.to_numpy(zero_copy_only=False)  # with NaN for nulls
        if not len(numbers) or not np.isnan(numbers.min()):
            return None
        nan = np.isnan(numbers)
        there: np.ndarray = ~nan
        if values.null_count:
            nan &= values.is_valid().to_numpy(zero_copy_only=False)
        self._nan += int(np.count_nonzero(nan) if counts is None else counts[nan].sum())
        return there

    def _present(self, values: pa.Array, there: np.ndarray) -> pa.Array:
        if self._kind == "float":
            return pa.array(values.to_numpy(zero_copy_only=False)[there])
        return values.filter(pa.array(there))

    def _take(self, values: pa.Array, counts: np.ndarray | None) -> Words:
        if self._texts is not None:
            return self._take_texts(self._texts, values, counts)
        if self._numbers is not None:
            return self._take_numbers(self._numbers, values, counts)
        words: Words = mix(cell_words(values, "bytes" if self._items is None else self._kind) + _STEP)
        if self._contents is not None and self._sizes is not None:
            self._contents.update_hashes(words, counts)
            self._take_contents(self._sizes, values, counts)
        return words

    def _take_texts(self, summary: TextSummary, texts: pa.Array, counts: np.ndarray | None) -> Words:
        if pa.types.is_dictionary(texts.type) and _is_wasteful(texts):
            texts = texts.dictionary_decode()
        if not self._texts_repeat and not pa.types.is_dictionary(texts.type):
            words = text_words(texts)
            summary.update(texts, counts, words)
            return words
        encoded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
        places = encoded.indices.to_numpy(zero_copy_only=False)
        known = encoded.dictionary
        words, found = text_words(known), bin_sums(places, counts, len(known))
        self._texts_repeat = len(known) * _REPEATING <= len(texts)
        there = found > 0
        if there.all():
            summary.update(known, found, words)
        else:
            summary.update(known.filter(pa.array(there)), found[there], words[there])
        cells: Words = words[places]
        return cells

    def _take_numbers(self, summary: NumberSummary, values: pa.Array, counts: np.ndarray | None) -> Words:
        if self._kind != "float":
            whole = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
            return _take_whole(summary, whole, counts)
        numbers = values.to_numpy(zero_copy_only=False)
        words = number_words(numbers)
        finite = np.isfinite(numbers)
        if finite.all():
            summary.update(numbers, counts, words)
            return words
        there = None if counts is None else counts[finite]
        summary.update(numbers[finite], there, words[finite])
        self._infinite += _total(values, counts) - _total(numbers[finite], there)
        return words

    def _take_contents(self, sizes: NumberSummary, values: pa.Array, counts: np.ndarray | None) -> None:
        if self._items is None:
            lengths = pc.binary_length(values)
        else:
            lengths = pc.list_value_length(values)
            if counts is None:
                self._items.update(values.flatten())
        sizes.update(lengths.cast(pa.int64()).to_numpy(zero_copy_only=False), counts)

    def result(self, weights: ColumnProfile | None = None) -> ColumnProfile:
        """The profile of all that was taken in."""
        return ColumnProfile(
            name=self._name,
            type=self._kind,
            count=self._count,
            missing=self._missing,
            nan=self._nan,
            infinite=self._infinite,
            numbers=self._numbers,
            texts=self._texts,
            contents=self._contents,
            sizes=self._sizes,
            items=self._items.result() if self._items is not None else None,
            weights=weights,
        )


def _take_whole(summary: NumberSummary, values: np.ndarray, counts: np.ndarray | None) -> Words:
    """Integers that lie close together are counted and hashed once for each distinct one."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if high - low >= len(values):
        words = number_words(values)
        summary.update(values, counts, words)
        return words
    places = values - low
    found = bin_sums(places, counts, 0)
    there = np.flatnonzero(found)
    hashes = np.zeros(len(found), np.uint64)
    hashes[there] = number_words(there + low)
    summary.update(there + low, found[there], hashes[there])
    cells: Words = hashes[places]
    return cells


def _is_wasteful(texts: pa.DictionaryArray) -> bool:
    """A dictionary of more texts than rows, or with holes, is no help."""
    return len(texts.dictionary) > len(texts) or bool(texts.dictionary.null_count)


def _total(values: pa.Array | np.ndarray, counts: np.ndarray | None) -> int:
    return len(values) if counts is None else int(counts.sum())
