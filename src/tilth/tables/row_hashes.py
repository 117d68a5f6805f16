"""One 64-bit hash for each row: vectorized, the same on every machine and in every version."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import ColumnNotFoundError
from tilth.tables.arrow_types import column_type
from tilth.types import ColumnType

__all__ = ["mix", "number_copies", "row_hashes", "rows_repeat"]

Words = npt.NDArray[np.uint64]

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MISSING, _NOT_A_NUMBER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x7FF8000000000000)
_EXACT = 2**53
_LONG_TEXT_BYTES = 1024
_MASKS = np.array([0] + [(1 << 8 * n) - 1 for n in range(1, 9)], np.uint64)


def row_hashes(batch: pa.RecordBatch, *, seed: int = 0, columns: Sequence[str] | None = None) -> Words:
    """One hash a row, from column names and values.

    Equal rows have equal hashes, in whatever batch, file or order of columns they come; a whole number
    hashes like the same number in a float column, so that a column that widens moves no row.

    Args:
        batch: rows in the normal types of a `Table`.
        seed: another seed, other hashes.
        columns: which columns to hash; None for all.

    Returns:
        (n,) uint64, uniform.

    Raises:
        ColumnNotFoundError: a column that is not there.

    The mixing is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
    generators, 2014).

    Example:
        >>> batch = pa.RecordBatch.from_pydict({"x": [1, 2, 1], "s": ["a", "b", "a"]})
        >>> first, second, third = row_hashes(batch)
        >>> first == third, first == second
        (np.True_, np.False_)
    """
    names = batch.schema.names if columns is None else columns
    total = np.zeros(batch.num_rows, np.uint64)
    for name in names:
        position = batch.schema.get_field_index(name)
        if position < 0:
            raise ColumnNotFoundError(name, batch.schema.names)
        array = batch.column(position)
        kind = column_type(array.type) or "string"
        total += mix(mix(_words(array, kind, seed)) ^ _key(name, kind, seed))
    return mix(total + _key("", "int", seed))


def rows_repeat(hashes: Words) -> bool:
    """Whether rows repeat by nature: more than a fifth are copies of others.

    A few equal rows in a table are copies of one example. Many are what a table of few categories looks like:
    each is an example of its own.

    Args:
        hashes: (n,), one a row.

    Example:
        >>> rows_repeat(np.array([1, 1, 2, 2, 3], np.uint64))
        True
    """
    return len(np.unique(hashes)) < 0.8 * len(hashes)


def number_copies(hashes: Words) -> Words:
    """Hashes that tell equal rows apart: the first copy keeps its hash, the others get new ones, in order.

    Args:
        hashes: (n,), one a row.

    Example:
        >>> first, second, other = number_copies(np.array([7, 7, 8], np.uint64))
        >>> int(first), int(other), first == second
        (7, 8, np.False_)
    """
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(hashes) else order
    copy = np.arange(len(hashes)) - np.repeat(starts, np.diff(np.append(starts, len(hashes))))
    numbers = np.empty(len(hashes), np.uint64)
    numbers[order] = copy.astype(np.uint64)
    return np.where(numbers == 0, hashes, mix(hashes ^ mix(numbers * _MISSING)))


def mix(words: Words) -> Words:
    """Every bit of the result depends on every bit of the word; one to one."""
    words = words ^ (words >> np.uint64(30))
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words


def _key(name: str, kind: ColumnType, seed: int) -> np.uint64:
    family = "number" if kind in ("int", "float") else kind
    digest = hashlib.blake2b(f"{seed}\0{family}\0{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _words(array: pa.Array, kind: ColumnType, seed: int) -> Words:
    """One word a cell that stands for its value."""
    if kind == "string":
        words = _text_words(array, seed)
    elif kind == "float":
        words = _number_words(array.fill_null(0.0).to_numpy(zero_copy_only=False))
    elif kind == "bool":
        words = array.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint64)
    else:
        whole = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        words = _whole_words(whole) if kind == "int" else whole.astype(np.int64).view(np.uint64)
    if array.null_count:
        words = np.where(array.is_valid().to_numpy(zero_copy_only=False), words, _MISSING)
    return words


def _number_words(numbers: npt.NDArray[np.float64]) -> Words:
    numbers = numbers + 0.0  # minus zero becomes zero
    words: Words = numbers.view(np.uint64)
    return np.where(np.isnan(numbers), _NOT_A_NUMBER, words)


def _whole_words(whole: npt.NDArray[np.int64]) -> Words:
    """As the float of the same value where there is one, else with the bits turned over."""
    words = _number_words(whole.astype(np.float64))
    large = (whole > _EXACT) | (whole < -_EXACT)
    return np.where(large, ~whole.view(np.uint64), words) if large.any() else words


def _text_words(array: pa.Array, seed: int) -> Words:
    """A hash of each text, taken eight bytes at a time over all texts at once."""
    start_word = _key("text", "string", seed)
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    if not len(array):
        return np.empty(0, np.uint64)
    starts = offsets[:-1].astype(np.int64) - offsets[0]
    lengths = np.diff(offsets).astype(np.int64)
    content = b"" if array.buffers()[2] is None else array.buffers()[2][offsets[0] : offsets[-1]].to_pybytes()
    padded = content + bytes(8)
    eights = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    words = mix(lengths.astype(np.uint64) ^ start_word)
    short = lengths <= _LONG_TEXT_BYTES
    for start in range(0, int(lengths[short].max(initial=0)), 8):
        rows = np.flatnonzero(short & (lengths > start))
        part = eights[starts[rows] + start] & _MASKS[np.minimum(lengths[rows] - start, 8)]
        words[rows] = mix(words[rows] ^ mix(part.astype(np.uint64) + start_word))
    for row in np.flatnonzero(~short):
        text = content[starts[row] : starts[row] + lengths[row]]
        digest = hashlib.blake2b(text, digest_size=8, key=str(seed).encode()[:64]).digest()
        words[row] = int.from_bytes(digest, "little")
    return words
