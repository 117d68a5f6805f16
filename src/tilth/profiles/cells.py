"""One word for each cell, and from these one hash for each row, so that equal rows can be counted."""

from __future__ import annotations

import hashlib

import numpy as np

from tilth.sketches import mix
from tilth.sketches.hashing import Words

__all__ = ["column_key", "placed", "row_hashes"]

_ROW = np.uint64(0x9E3779B97F4A7C15)


def column_key(name: str) -> np.uint64:
    """What sets the cells of one column apart from those of another: an odd word."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little") | 1)


def placed(words: Words, key: np.uint64, there: np.ndarray | None) -> Words:
    """The cells of a column, to be added to those of others: hashes where there is a value, else 0.

    A missing value adds nothing, so that a table without a column and a table in which it is empty have the
    same rows.

    Args:
        words: a hash for each value that is there, shape (k,).
        key: of the column.
        there: which of the rows have a value, shape (n,); None for all.
    """
    if there is None:
        return words * key
    cells = np.zeros(len(there), np.uint64)
    cells[there] = words * key
    return cells


def row_hashes(cells: Words) -> Words:
    """One hash for each row, from the sum of its cells."""
    return mix(cells + _ROW)
