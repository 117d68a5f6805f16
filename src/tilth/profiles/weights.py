"""Weights: how much each row counts, as whole millionths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.profiles.weighted import MILLIONTHS

if TYPE_CHECKING:
    from tilth.types import ColumnType

__all__ = ["Weights"]

_LARGEST_TOTAL = 2**62


class Weights:
    """Reads the weights of a table's rows.

    Args:
        name: the column that holds them.
        types: the table's columns.

    Raises:
        ColumnNotFoundError: no such column.
        UsageError: it does not hold numbers.
    """

    def __init__(self, name: str, types: Mapping[str, ColumnType]) -> None:
        if name not in types:
            raise ColumnNotFoundError(name, types)
        if types[name] not in ("int", "float"):
            raise UsageError(
                f"column '{name}' cannot weigh rows: it is of type {types[name]}",
                expected="a column of numbers, 0 or more",
            )
        self._name = name
        self._total = 0

    def of(self, batch: pa.RecordBatch, rows_before: int) -> np.ndarray:
        """The weights of a batch's rows in whole millionths, int64, shape (n,).

        Args:
            batch: the rows.
            rows_before: how many rows came before, for messages.

        Raises:
            DataError: a weight is missing, negative or infinite, or all are too large together.
        """
        column = batch.column(self._name)
        weights = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        good = np.isfinite(weights) & (weights >= 0)
        if not good.all():
            at = int(np.argmin(good))
            raise DataError(
                f"the weight is {column[at].as_py()}",
                where=f"column '{self._name}', row {rows_before + at + 1}",
                expected="a number, 0 or more, in every row",
            )
        millionths = np.rint(weights * MILLIONTHS)
        self._total += int(millionths.sum())
        if self._total > _LARGEST_TOTAL:
            raise DataError(
                f"the weights add up to more than {_LARGEST_TOTAL // MILLIONTHS:,}",
                where=f"column '{self._name}', row {rows_before + len(weights)}",
                mend="divide them all by the same number",
            )
        found: np.ndarray = millionths.astype(np.int64)
        return found
