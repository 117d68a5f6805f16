"""Which values of a column come again, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.tables import row_hashes

if TYPE_CHECKING:
    from tilth.tables import Table

__all__ = ["count_repeats", "is_repeated", "repeated_values"]

_AT_ONCE = 1 << 23  # 64 MB of hashes

Hashes = npt.NDArray[np.uint64]


def repeated_values(table: Table, column: str, rows: int, at_once: int = _AT_ONCE) -> Hashes:
    """The 64-bit hashes of the values that come more than once, ascending.

    The column is read once for every eight million rows, a share of the hashes at a time. That two different
    values have one hash has a probability of n^2 / 2^65 for n values: 3 in a million for ten million.

    Args:
        table: where the column is.
        column: its name.
        rows: how many rows the table has, about.
        at_once: how many hashes are held at a time, about.

    Example:
        >>> from tilth.tables import open_table
        >>> len(repeated_values(open_table({"id": [1, 2, 1, 3, 1]}), "id", 5, at_once=2))
        1
    """
    shares = (np.unique(again) for again in _again(table, column, rows, at_once))
    return np.sort(np.concatenate(list(shares)))


def count_repeats(table: Table, column: str, rows: int, at_once: int = _AT_ONCE) -> int:
    """How many values of a column came before in it; read and judged as by `repeated_values`.

    Example:
        >>> from tilth.tables import open_table
        >>> count_repeats(open_table({"id": [1, 2, 1, 3, 1]}), "id", 5)
        2
    """
    return sum(len(again) for again in _again(table, column, rows, at_once))


def _again(table: Table, column: str, rows: int, at_once: int) -> Iterator[Hashes]:
    """The hashes of values that came before, with repeats; a share of all hashes at a time."""
    passes = max(1, -(-rows // at_once))
    for number in range(passes):
        parts: list[Hashes] = [np.zeros(0, np.uint64)]
        for batch in table.select([column]).batches():
            hashes = row_hashes(batch)[_present(batch.column(0))]
            parts.append(hashes[hashes % np.uint64(passes) == number] if passes > 1 else hashes)
        ordered = np.sort(np.concatenate(parts))
        yield ordered[1:][ordered[1:] == ordered[:-1]]


def is_repeated(batch: pa.RecordBatch, column: str, repeated: Hashes) -> npt.NDArray[np.bool_]:
    """Which rows of a batch hold a value that comes again in its table: shape (n,)."""
    hashes = row_hashes(batch.select([column]))
    found: npt.NDArray[np.bool_] = np.isin(hashes, repeated) & _present(batch.column(column))
    return found


def _present(cells: pa.Array) -> npt.NDArray[np.bool_]:
    present: npt.NDArray[np.bool_] = np.asarray(cells.is_valid().to_numpy(zero_copy_only=False))
    if pa.types.is_floating(cells.type):
        present &= ~np.isnan(cells.to_numpy(zero_copy_only=False))
    return present
