"""Which rows are laid out, and the order in which what is random takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.errors import DataError
from tilth.tables import Table, number_copies, row_hashes

__all__ = ["Examples", "draw_examples"]


@dataclass(frozen=True)
class Examples:
    """Some rows of a table, or all.

    Args:
        table: just these rows, in the order of the data.
        total: how many rows the data have.
        rows: (n,) their positions in the data, from 0, ascending.
        order: (n,) places in `rows` in the canonical order, which depends on what the rows hold and not on
            where they stand. It is as good as random, so any first part of it is a fair sample.
    """

    table: Table
    total: int
    rows: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]


def draw_examples(table: Table, most: int, seed: int) -> Examples:
    """All rows, or a sample of `most` that depends on the seed and not on the order of the rows.

    Those with the smallest hashes are taken. One pass, and 8 bytes of memory for each row.

    Raises:
        DataError: fewer than two rows.

    Example:
        >>> from tilth.tables import open_table
        >>> found = draw_examples(open_table({"x": [10, 20, 30]}), 2, seed=0)
        >>> found.total, len(found.rows), found.table.rows
        (3, 2, 2)
    """
    parts = [row_hashes(batch, seed=seed) for batch in table.batches()]
    hashes = number_copies(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)
    if len(hashes) < 2:
        raise DataError(
            "there is one row" if len(hashes) else "there are no rows",
            where=table.name,
            expected="two rows or more: a picture shows how they lie to each other",
        )
    places = np.argsort(hashes, kind="stable")[:most]
    rows = np.sort(places)
    keep = np.zeros(len(hashes), bool)
    keep[rows] = True
    chosen = table if len(rows) == len(hashes) else table.filter(keep)
    return Examples(
        chosen, len(hashes), rows.astype(np.int64), np.searchsorted(rows, places).astype(np.int64)
    )
