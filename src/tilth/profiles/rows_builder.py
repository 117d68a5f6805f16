"""RowsBuilder: all columns of some rows, with and without weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from tilth.profiles.builder import ColumnBuilder

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile
    from tilth.sketches.hashing import Words
    from tilth.types import ColumnType

__all__ = ["RowsBuilder", "Run", "one_by_one"]


class Run(Protocol):
    """Maps a function over items, in threads or not; the results come in order."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
        """The result for each item."""


def one_by_one(function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
    """Without threads."""
    return map(function, items)


class RowsBuilder:
    """Takes in batches of rows, column by column.

    Args:
        types: the columns and what they hold, in order.
        weight: the column that says how much each row counts, which itself is not weighted.

    Example:
        >>> builder = RowsBuilder({"x": "int"})
        >>> _ = builder.update(pa.record_batch({"x": [1, 2]}))
        >>> builder.result()["x"].mean
        1.5
    """

    def __init__(self, types: Mapping[str, ColumnType], weight: str | None = None) -> None:
        self.rows = 0
        self._columns = {name: ColumnBuilder(name, kind) for name, kind in types.items()}
        self._weighted = {
            name: ColumnBuilder(name, kind)
            for name, kind in types.items()
            if weight is not None and name != weight
        }

    def update(self, batch: pa.RecordBatch, counts: np.ndarray | None = None, run: Run = one_by_one) -> Words:
        """Take in a batch.

        Args:
            batch: rows in the normal types of a `Table`.
            counts: the weights of the rows in millionths, int64, shape (n,).
            run: how to go through the columns.

        Returns:
            The sums of the rows' cells, shape (n,); see `tilth.profiles.cells`.
        """
        self.rows += batch.num_rows
        there = np.zeros(0, bool) if counts is None else counts > 0
        mask = None if there.all() else pa.array(there)

        def update(name: str) -> Words:
            values = batch.column(name)
            if counts is not None and name in self._weighted:
                heavy = values if mask is None else values.filter(mask)
                self._weighted[name].update(heavy, counts[there])
            return self._columns[name].update(values)

        cells = np.zeros(batch.num_rows, np.uint64)
        for words in run(update, self._columns):
            cells += words
        return cells

    def result(self) -> dict[str, ColumnProfile]:
        """The profiles of the columns."""
        weighted = {name: builder.result() for name, builder in self._weighted.items()}
        return {name: builder.result(weighted.get(name)) for name, builder in self._columns.items()}
