"""Which rows are looked at where there are too many: drawn by what they are, not by where they stand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.sketches.hashing import Words, mix
from tilth.tables import Table, row_hashes

__all__ = ["hashes_of", "some_groups", "some_rows", "table_hashes", "taken"]

Positions = npt.NDArray[np.int64]


def hashes_of(rows: pa.Table) -> Words:
    """A hash for each row (n,), of all data columns; those that Tilth added do not count.

    Example:
        >>> found = hashes_of(pa.table({"x": [1, 2, 1]}))
        >>> bool(found[0] == found[2])
        True
    """
    names = [name for name in rows.column_names if not name.startswith("tilth.")] or rows.column_names
    parts = [row_hashes(batch, columns=names) for batch in rows.to_batches()]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def table_hashes(table: Table) -> Words:
    """The same of a table, which need not fit into memory."""
    parts = [hashes_of(pa.Table.from_batches([batch])) for batch in table.batches()]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def taken(table: Table, positions: Positions) -> pa.Table:
    """Some rows in memory, in the order of their positions."""
    kept = np.zeros(table.rows, np.bool_)
    kept[positions] = True
    places = np.searchsorted(np.flatnonzero(kept), positions)
    return table.filter(kept).to_arrow().take(pa.array(places)).combine_chunks()


def some_rows(hashes: Words, most: int, seed: int = 0) -> Positions:
    """The positions of so many rows at most, in an order that follows from what the rows are.

    Args:
        hashes: (n,), one a row.
        most: how many are wanted.
        seed: another seed draws others.

    Example:
        >>> hashes = np.array([7, 5, 9], np.uint64)
        >>> hashes[some_rows(hashes, 2)].tolist() == hashes[::-1][some_rows(hashes[::-1], 2)].tolist()
        True
    """
    drawn = mix(hashes ^ np.uint64(seed))
    return np.asarray(np.argsort(drawn, kind="stable")[:most], np.int64)


def some_groups(groups: npt.NDArray[np.int64], hashes: Words, most: int, seed: int = 0) -> Positions:
    """The same for a ranking: whole groups, as many as have so many rows together, one at least."""
    drawn = mix(groups.view(np.uint64) ^ np.uint64(seed))
    order = np.lexsort((hashes, drawn))
    ends = np.flatnonzero(np.append(np.diff(drawn[order].view(np.int64)) != 0, True)) + 1
    fitting = ends[ends <= most]
    return np.asarray(order[: int(fitting[-1] if len(fitting) else ends[0])], np.int64)
