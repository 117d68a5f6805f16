"""From Arrow arrays to column profiles, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tilth.profiles.column import ColumnProfile
from tilth.sketches import DistinctCounts, NumberSummary, TextSummary

if TYPE_CHECKING:
    from tilth.types import ColumnType

__all__ = ["ColumnBuilder"]

_DISTINCT_FLOATS = 1 << 14  # floats are rarely keys: a close estimate will do, and takes little room


class ColumnBuilder:
    """Takes in the batches of one column.

    Args:
        name: the column's name.
        kind: what the column holds.

    Example:
        >>> builder = ColumnBuilder("x", "float")
        >>> builder.update(pa.array([1.0, None, float("nan")]))
        >>> builder.result().missing
        2
    """

    def __init__(self, name: str, kind: ColumnType) -> None:
        self._name = name
        self._kind: ColumnType = kind
        self._count = self._missing = self._nan = self._infinite = 0
        self._texts = TextSummary() if kind == "string" else None
        limit = {"limit": _DISTINCT_FLOATS} if kind in ("float", "datetime") else {}
        self._numbers = NumberSummary(words=DistinctCounts(**limit)) if kind != "string" else None

    def update(self, values: pa.Array) -> None:
        """Take in an Arrow array of the column's type, shape (n,)."""
        self._missing += values.null_count
        present = values.drop_null() if values.null_count else values
        if self._texts is not None:
            self._count += len(present)
            self._texts.update(present)
        elif self._numbers is not None:
            numbers = self._finite(present)
            self._count += len(numbers)
            self._numbers.update(numbers)

    def _finite(self, values: pa.Array) -> np.ndarray:
        if self._kind != "float":
            return np.asarray(values.cast(pa.int64()).to_numpy(zero_copy_only=False))
        numbers = np.asarray(values.to_numpy(zero_copy_only=False))
        finite: np.ndarray = np.isfinite(numbers)
        if finite.all():
            return numbers
        nan = int(np.isnan(numbers).sum())
        infinite = len(numbers) - nan - int(finite.sum())
        self._nan += nan
        self._missing += nan
        self._infinite += infinite
        self._count += infinite
        kept: np.ndarray = numbers[finite]
        return kept

    def result(self) -> ColumnProfile:
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
        )
