"""One 64-bit hash for each row: vectorized, the same on every machine and in every version."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError
from tilth.sketches.hashing import Words, mix, text_words
from tilth.tables.arrow_types import column_type, holds_bytes

__all__ = ["cell_words", "number_copies", "row_hashes", "rows_repeat"]

_MISSING, _NOT_A_NUMBER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x7FF8000000000000)
_EXACT = 2**53
_FAMILIES = {"int": "number", "float": "number", "list[int]": "list[number]", "list[float]": "list[number]"}


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
        kind = _hashed_as(array.type)
        total += mix(mix(cell_words(array, kind, seed)) ^ _key(name, kind, seed))
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


def _hashed_as(arrow: pa.DataType) -> str:
    """The column type; "bytes" for images and recordings, which are one thing here."""
    return "bytes" if holds_bytes(arrow) else column_type(arrow) or "string"


def _key(name: str, kind: str, seed: int) -> np.uint64:
    family = _FAMILIES.get(kind, kind)
    digest = hashlib.blake2b(f"{seed}\0{family}\0{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def cell_words(array: pa.Array, kind: str, seed: int = 0) -> Words:
    """One word a cell that stands for its value.

    Args:
        array: in the normal form of its column type, shape (n,).
        kind: the column type; "bytes" for images and recordings.
        seed: another seed, other hashes of texts and bytes.

    Example:
        >>> words = cell_words(pa.array([1, 2, 1]), "int")
        >>> bool(words[0] == words[2]), bool(words[0] == cell_words(pa.array([1.0]), "float")[0])
        (True, True)
    """
    if kind.startswith("list["):
        words = _list_words(array, kind[5:-1], seed)
    elif kind in ("string", "bytes"):
        words = text_words(array, seed)
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


def _list_words(array: pa.Array, item: str, seed: int) -> Words:
    """The sum of the items' words, each mixed with its place in its list, and the list's length."""
    lengths = pc.list_value_length(array).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    items = mix(cell_words(array.flatten(), item, seed))
    items = mix(items ^ mix(places.astype(np.uint64) + _key("item", item, seed)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(items)])
    totals: Words = sums[ends] - sums[ends - lengths]
    return mix(totals + mix(lengths.astype(np.uint64) + _key("length", item, seed)))


def _number_words(numbers: npt.NDArray[np.float64]) -> Words:
    numbers = numbers + 0.0  # minus zero becomes zero
    words: Words = numbers.view(np.uint64)
    return np.where(np.isnan(numbers), _NOT_A_NUMBER, words)


def _whole_words(whole: npt.NDArray[np.int64]) -> Words:
    """As the float of the same value where there is one, else with the bits turned over."""
    words = _number_words(whole.astype(np.float64))
    large = (whole > _EXACT) | (whole < -_EXACT)
    return np.where(large, ~whole.view(np.uint64), words) if large.any() else words
