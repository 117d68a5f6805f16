"""WholeSums: sums of arrays of whole numbers, without bound on how many."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["WholeSums"]

_BITS = 32
_MASK = (1 << _BITS) - 1


class WholeSums:
    """Sums of arrays of whole numbers of at most 2**53 in size, exact however many are added.

    Args:
        rows: the arrays' first axis.
        columns: their second.

    Example:
        >>> sums = WholeSums(1, 2)
        >>> sums.add(np.array([[2.0**53, -1.0]]))
        >>> sums.add(np.array([[2.0**53, -2.0]]))
        >>> sums.total().tolist() == [[2**54, -3]]
        True
    """

    def __init__(self, rows: int, columns: int) -> None:
        self._upper = np.zeros((rows, columns), dtype=np.int64)
        self._lower = np.zeros((rows, columns), dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Add an array; float64 or int64, shape (rows, columns)."""
        whole = values.astype(np.int64)
        self._upper += whole >> _BITS
        self._lower += whole & _MASK

    def merge(self, other: WholeSums) -> None:
        """Add the sums of another one of the same shape."""
        self._upper += other._upper
        self._lower += other._lower

    def total(self) -> Any:
        """The sums as Python integers, in an array of objects."""
        return (self._upper.astype(object) << _BITS) + self._lower.astype(object)
