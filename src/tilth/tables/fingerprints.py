"""The fingerprint of a table: which rows it holds, whatever their order, batches or file."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from tilth.tables.row_hashes import row_hashes
from tilth.tables.table import Table

__all__ = ["fingerprint"]

_SEEDS = (1, 2)


def fingerprint(table: Table) -> str:
    """A name of 40 hexadecimal digits for the content of a table.

    It depends on the columns' names and types and on the multiset of rows, and on nothing else: not on the
    order of rows or columns, the batches, the file format, the machine.

    Example:
        >>> from tilth.tables import open_table
        >>> first = open_table({"x": [1, 2], "s": ["a", "b"]})
        >>> second = open_table({"s": ["b", "a"], "x": [2, 1]})
        >>> fingerprint(first) == fingerprint(second)
        True
    """
    totals = [np.uint64(0) for _ in _SEEDS]
    rows = 0
    for batch in table.batches():
        rows += batch.num_rows
        for position, seed in enumerate(_SEEDS):
            # The sum of an array wraps silently; adding two scalars would warn.
            parts = np.array([totals[position], row_hashes(batch, seed=seed).sum(dtype=np.uint64)])
            totals[position] = parts.sum(dtype=np.uint64)
    content = [1, sorted(table.columns.items()), rows, [int(total) for total in totals]]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=20).hexdigest()
