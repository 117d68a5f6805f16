"""Columns cut into a few levels, and how much two such columns say of each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["Levels", "chance_information", "cramers_v", "entropy", "mutual_information"]

_CATEGORIES = 100
_BINS = 20


class Levels:
    """A column's values as a few numbered levels.

    Each of a bool's values, of at most 100 different whole numbers and of at most 20 different other numbers
    is a level; further numbers fall into 20 bins with about as many values in each; of texts the 100 most
    frequent are levels and all others together one more.

    Args:
        column: a profile of a column of scalars with at least one value.

    Example:
        >>> from tilth.profiles import profile
        >>> levels = Levels(profile({"s": ["a", "b", "a"]}).columns["s"])
        >>> levels.count, levels.of_texts(pa.array(["b", None, "new", "a"]))
        (3, array([ 1, -1,  2,  0]))
    """

    def __init__(self, column: ColumnProfile) -> None:

        self._texts = pa.array([], pa.string())
        self._bounds = np.zeros(0)
        if column.numbers is None:
            self._texts = pa.array([str(value) for value, _ in column.top(_CATEGORIES)], pa.string())
            self.count = len(self._texts) + 1
            return
        values, _ = column.numbers.table.table()
        most = _BINS if column.type in ("float", "datetime") else _CATEGORIES
        if column.is_exact and len(values) <= most:
            self._bounds = values[1:]
        else:
            self._bounds = np.unique(column.quantile_boundaries(_BINS))
        self.count = len(self._bounds) + 1

    def of_numbers(self, values: np.ndarray, present: np.ndarray) -> np.ndarray:
        """The level of each number, shape (n,), -1 where it is not present."""
        codes: np.ndarray = np.searchsorted(self._bounds, values, side="right")
        codes[~present] = -1
        return codes

    def of_texts(self, values: pa.Array) -> np.ndarray:
        """The level of each text, shape (n,), -1 where it is missing."""
        found = pc.index_in(values, value_set=self._texts).fill_null(len(self._texts))
        codes = np.array(found, dtype=np.int64)
        if values.null_count:
            codes[np.asarray(values.is_null())] = -1
        return codes


def entropy(counts: np.ndarray) -> float:
    """The uncertainty of a distribution in bits.

    Args:
        counts: whole numbers, any shape, not all 0.

    Example:
        >>> entropy(np.array([5, 5]))
        1.0
    """
    filled = [int(count) for count in counts.ravel() if count]
    rows = sum(filled)
    return _rounded(math.fsum(n / rows * math.log2(rows / n) for n in filled))


def mutual_information(table: np.ndarray) -> float:
    """What the rows' variable tells of the columns' one, in bits; never negative.

    Args:
        table: counts of the pairs of levels, int64, shape (r, c), not all 0.

    Example:
        >>> mutual_information(np.array([[5, 0], [0, 5]])), mutual_information(np.array([[5, 5], [5, 5]]))
        (1.0, 0.0)
    """
    rows, down, across = int(table.sum()), table.sum(axis=1).tolist(), table.sum(axis=0).tolist()
    found = [(i, j, int(table[i, j])) for i, j in zip(*np.nonzero(table), strict=True)]
    terms = (n / rows * math.log2(n * rows / (down[i] * across[j])) for i, j, n in found)
    return max(0.0, _rounded(math.fsum(terms)))


def _rounded(bits: float) -> float:
    # Logarithms may differ in the last bit from one machine's library to another's.
    return round(bits, 12)


def chance_information(table: np.ndarray) -> float:
    """The mutual information in bits that two unrelated variables show on average in so many rows.

    (r - 1)(c - 1) / (2 n ln 2), the first term of Miller's (1955) series; r and c count filled levels.
    """
    down, across = (int(np.count_nonzero(table.sum(axis=axis))) for axis in (1, 0))
    return (down - 1) * (across - 1) / (2 * int(table.sum()) * math.log(2))


def cramers_v(table: np.ndarray) -> float | None:
    """Cramér's V: 0 where two variables are unrelated, 1 where one decides the other; None for one level.

    Args:
        table: counts of the pairs of levels, int64, shape (r, c).

    Example:
        >>> cramers_v(np.array([[5, 0], [0, 5]])), cramers_v(np.array([[5, 5]]))
        (1.0, None)
    """
    filled = table[np.ix_(table.any(axis=1), table.any(axis=0))].astype(object)
    least = min(filled.shape) - 1
    if least < 1:
        return None
    rows, down, across = filled.sum(), filled.sum(axis=1), filled.sum(axis=0)
    expected = np.outer(down, across)
    # Whole numbers up to the one division, so that nothing cancels where the variables are nearly unrelated.
    terms = (filled * rows - expected) ** 2 / (expected * (rows * rows))
    return min(1.0, math.sqrt(math.fsum(terms.ravel()) / least))
