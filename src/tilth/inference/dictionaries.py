"""Columns of texts coded by dictionaries: few distinct texts, and for each row which of them it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tilth.inference.codes import Codes

__all__ = [
    "CodedTexts",
    "Results",
    "TextDictionary",
    "in_pieces",
    "text_rows",
]

_VALUES_AT_ONCE = 8_192
_RESULT_BYTES = 1 << 24
_KNOWN_TEXTS = 16_384
_KNOWN_TEXT_BYTES = 1 << 20
_KNOWN_RESULT_BYTES = 1 << 22
_ROWS_A_VALUE = 2
"""Fewer rows than this for each new value, and a dictionary does not pay."""
_PAUSE = 15
_COMPACT = 4

Results = tuple[np.ndarray, ...]
Compute = Callable[[np.ndarray], Results]
"""From texts, objects of shape (d, 1), to arrays whose first axis is these."""


@dataclass(frozen=True)
class CodedTexts:
    """A column of texts as a dictionary.

    Args:
        texts: distinct texts, of which some may be in no row; "" for missing.
        codes: each row's text.
        results: what was computed of the texts, one after the other.
    """

    texts: pa.Array
    codes: Codes
    results: Results

    def rows(self, places: np.ndarray) -> np.ndarray:
        """The texts of some rows, as `text_rows` gives them."""
        return text_rows(self.texts.take(pa.array(self.codes.codes[places])))


@dataclass(frozen=True)
class _Known:
    texts: pa.Array
    results: Results


class TextDictionary:
    """Codes the batches of a column of texts, and computes what is wanted of each distinct text.

    Texts of the batches before are known, up to a bound of texts and bytes, and not computed again. A column
    whose texts hardly repeat is not coded, for the next few batches not even tried.

    Args:
        compute: what is wanted of the texts.

    Example:
        >>> column = TextDictionary(lambda texts: (np.array([len(text) for text in texts[:, 0]]),))
        >>> found = column.code(pa.array(["a", "bbb", None, "a", "a", "a"]))
        >>> found.texts.to_pylist(), found.codes.codes.tolist(), found.results[0].tolist()
        (['a', 'bbb', ''], [0, 1, 2, 0, 0, 0], [1, 3, 0])
    """

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._known: _Known | None = None
        self._pause = 0

    def code(self, values: pa.Array) -> CodedTexts | None:
        """The texts of some rows; None where a dictionary does not pay.

        Args:
            values: Arrow texts, plain or coded.
        """
        if self._pause:
            self._pause -= 1
            return None
        stretch, indices = _stretch(values)
        known = self._known
        if known is not None and known.texts.type != stretch.type:
            known = None
        before = len(known.texts) if known is not None else 0
        chunks = [known.texts, stretch] if known is not None else [stretch]
        encoded = pa.chunked_array(chunks).dictionary_encode()
        texts = encoded.chunk(0).dictionary
        places = encoded.chunk(encoded.num_chunks - 1).indices.to_numpy()
        is_worth_it = (len(texts) - before) * _ROWS_A_VALUE <= len(values)
        results = self._results(texts, known) if is_worth_it else None
        if results is None:
            self._pause = _PAUSE
            return None
        codes = Codes(places if indices is None else places[indices], len(texts))
        found = CodedTexts(texts, codes, results)
        self._known = _remembered(found)
        return found

    def _results(self, texts: pa.Array, known: _Known | None) -> Results | None:
        """What is wanted of all texts; None where that is too much to hold."""
        if known is None:
            return self._computed(texts)
        new = texts.slice(len(known.texts))
        if not len(new):
            return known.results
        found = self._computed(new)
        if found is None:
            return None
        pairs = list(zip(known.results, found, strict=True))
        if all(a.shape[1:] == b.shape[1:] for a, b in pairs):
            return tuple(np.concatenate(pair) for pair in pairs)
        return self._computed(texts)  # all as wide as the longest of the texts asks for

    def _computed(self, texts: pa.Array) -> Results | None:
        def piece(start: int, stop: int) -> Results:
            return self._compute(text_rows(texts.slice(start, stop - start)))

        return in_pieces(piece, len(texts))


def in_pieces(compute: Callable[[int, int], Results], count: int) -> Results | None:
    """What is wanted of many values, some thousands at a time; None where that is too much to hold.

    Args:
        compute: from the first value and the one after the last to what is wanted of them.
        count: how many values there are, 1 or more.
    """
    found: list[Results] = []
    for start in range(0, count, _VALUES_AT_ONCE):
        done = min(count, start + _VALUES_AT_ONCE)
        found.append(compute(start, done))
        if sum(result.nbytes for piece in found for result in piece) * count > _RESULT_BYTES * done:
            return None
    if len(found) == 1:
        return found[0]
    if any(a.shape[1:] != b.shape[1:] for piece in found for a, b in zip(found[0], piece, strict=True)):
        return compute(0, count)  # all as wide as the longest of the values asks for
    return tuple(np.concatenate(pieces) for pieces in zip(*found, strict=True))


def text_rows(values: pa.Array) -> np.ndarray:
    """Arrow texts as a column of a graph: objects, shape (n, 1), "" for missing.

    Example:
        >>> text_rows(pa.array(["a", None])).tolist()
        [['a'], ['']]
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.null_count:
        values = _as_texts(values).fill_null("")
    rows: np.ndarray = values.to_numpy(zero_copy_only=False)
    return rows.astype(object, copy=False).reshape(-1, 1)


def _stretch(values: pa.Array) -> tuple[pa.Array, np.ndarray | None]:
    """The texts to look at, none missing, and for coded columns which of them each row has."""
    if not pa.types.is_dictionary(values.type):
        texts = _as_texts(values)
        return (texts.fill_null("") if texts.null_count else texts), None
    dictionary = _as_texts(values.dictionary)
    if dictionary.null_count:
        dictionary = dictionary.fill_null("")
    indices = values.indices
    if indices.null_count:
        indices = indices.cast(pa.int64()).fill_null(len(dictionary))
        dictionary = pa.concat_arrays([dictionary, pa.array([""], dictionary.type)])
    places = indices.to_numpy()
    if len(dictionary) * _COMPACT > len(places):
        first, among = Codes(places, len(dictionary)).distinct()
        return dictionary.take(pa.array(places[first])), among
    return dictionary, places


def _as_texts(values: pa.Array) -> pa.Array:
    return values.cast(pa.string()) if pa.types.is_null(values.type) else values


def _remembered(found: CodedTexts) -> _Known | None:
    """What is worth keeping: all texts met so far, or those of these rows, or none, as there is room."""
    whole = _Known(found.texts, found.results)
    if _fits(whole):
        return whole
    first, _ = found.codes.distinct()
    used = np.sort(found.codes.codes[first])
    here = _Known(found.texts.take(pa.array(used)), tuple(result[used] for result in found.results))
    return here if _fits(here) else None


def _fits(known: _Known) -> bool:
    return (
        len(known.texts) <= _KNOWN_TEXTS
        and known.texts.nbytes <= _KNOWN_TEXT_BYTES
        and sum(result.nbytes for result in known.results) <= _KNOWN_RESULT_BYTES
    )
