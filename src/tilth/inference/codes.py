"""Codes: which of some distinct values each row of a column, or of several, has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

__all__ = ["CodedNumbers", "Codes", "code_numbers", "combine"]

_TABLE = 4
"""Codes up to so many times the rows are looked up in a table, larger ones hashed."""
_COLUMNS = 4
_LARGEST_CODE = 1 << 62


@dataclass(frozen=True)
class Codes:
    """Which of some distinct values each row has.

    Args:
        codes: whole numbers from 0, shape (n,).
        size: greater than every code.
    """

    codes: np.ndarray
    size: int

    def distinct(self) -> tuple[np.ndarray, np.ndarray]:
        """The first row that has each value, shape (d,), and for each row its place among these, shape (n,).

        Example:
            >>> rows, places = Codes(np.array([7, 3, 7]), 8).distinct()
            >>> np.array([7, 3, 7])[rows][places]
            array([7, 3, 7])
        """
        rows = len(self.codes)
        if self.size <= _TABLE * rows:
            first = np.full(self.size, -1, dtype=np.int64)
            first[self.codes[::-1]] = np.arange(rows - 1, -1, -1)
            is_there = first >= 0
            places = np.cumsum(is_there) - 1
            return first[is_there], places[self.codes]
        encoded = pa.array(self.codes).dictionary_encode()
        places = encoded.indices.to_numpy()
        first = np.empty(len(encoded.dictionary), dtype=np.int64)
        first[places[::-1]] = np.arange(rows - 1, -1, -1)
        return first, places


@dataclass(frozen=True)
class CodedNumbers:
    """A column of numbers with codes.

    Args:
        values: each row's number, shape (n,) or (n, k).
        codes: equal where the numbers are the same to the last bit.
    """

    values: np.ndarray
    codes: Codes

    def rows(self, places: np.ndarray) -> np.ndarray:
        """The numbers of some rows."""
        return self.values.take(places, axis=0)


def code_numbers(values: np.ndarray) -> CodedNumbers | None:
    """Numbers with codes; None for more than a few columns of them.

    Args:
        values: shape (n,) or (n, k).

    Example:
        >>> code_numbers(np.array([[3.5], [0.0], [3.5]])).codes.codes.tolist()
        [0, 1, 0]
    """
    columns = values.reshape(len(values), -1)
    if values.ndim > 2 or not 0 < columns.shape[1] <= _COLUMNS or values.dtype.kind not in "biuf":
        return None
    return CodedNumbers(values, combine([_code_column(np.ascontiguousarray(c)) for c in columns.T]))


def combine(parts: Sequence[Codes]) -> Codes:
    """One code for each combination of codes.

    Example:
        >>> combine([Codes(np.array([0, 1, 1]), 2), Codes(np.array([2, 0, 2]), 3)]).codes.tolist()
        [2, 3, 5]
    """
    found = parts[0]
    for part in parts[1:]:
        if found.size * part.size > _LARGEST_CODE:
            first, places = found.distinct()
            found = Codes(places, len(first))
        codes = found.codes.astype(np.int64) * part.size + part.codes
        found = Codes(codes, found.size * part.size)
    return found


def _code_column(column: np.ndarray) -> Codes:
    if column.dtype.kind == "b":
        return Codes(column.view(np.uint8), 2)
    bits = column.view(f"i{column.dtype.itemsize}")
    encoded = pa.array(bits).dictionary_encode()
    return Codes(encoded.indices.to_numpy(), len(encoded.dictionary))
