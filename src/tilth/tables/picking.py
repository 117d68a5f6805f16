"""Some rows of a table by their positions, without the others in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.tables.table import Table

__all__ = ["pick_rows", "rows_at"]

Rows = npt.NDArray[np.int64]


def rows_at(table: Table, names: Sequence[str], rows: Rows) -> pa.Table:
    """These columns at these rows, in the order of `rows`.

    Args:
        table: what is read, in one pass.
        names: columns.
        rows: (n,) positions, from 0.

    Example:
        >>> from tilth.tables import open_table
        >>> rows_at(open_table({"x": [10, 11, 12]}), ["x"], np.array([2, 0])).to_pydict()
        {'x': [12, 10]}
    """
    order = np.argsort(rows, kind="stable")
    picked = list(pick_rows(table.select(names), rows[order]))
    found = pa.Table.from_batches(picked, table.select(names).schema)
    back = np.empty(len(rows), np.int64)
    back[order] = np.arange(len(rows))
    return found.take(pa.array(back)).combine_chunks()


def pick_rows(table: Table, ascending: Rows) -> Iterator[pa.RecordBatch]:
    """The rows at ascending positions, batch by batch."""
    start = 0
    for batch in table.batches():
        first, last = np.searchsorted(ascending, (start, start + batch.num_rows))
        if last > first:
            yield batch.take(pa.array(ascending[first:last] - start))
        start += batch.num_rows
