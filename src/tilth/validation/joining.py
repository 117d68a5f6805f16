"""The rows of two tables brought together by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import Table
from tilth.tables.row_hashes import row_hashes

__all__ = ["Keys", "Matches", "match_rows"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Keys:
    """The rows of one table whose key is there and occurs once.

    Args:
        rows: their positions, shape (n,).
        hashes: the hashes of their keys, ascending, shape (n,).
        repeated: how many rows have a key that another row has too.
        missing: how many rows lack a part of their key.
    """

    rows: Rows
    hashes: npt.NDArray[np.uint64]
    repeated: int
    missing: int


@dataclass(frozen=True, eq=False)
class Matches:
    """Which rows of two tables have one key.

    Args:
        reference: positions in the reference, shape (n,).
        current: positions of the same keys in the current table, shape (n,).
        only_reference: positions of rows whose key the current table does not have.
        only_current: positions of rows whose key the reference does not have.
        keys: the keys of both tables.
    """

    reference: Rows
    current: Rows
    only_reference: Rows
    only_current: Rows
    keys: tuple[Keys, Keys]


def match_rows(reference: Table, current: Table, key: Sequence[str]) -> Matches:
    """Bring rows together by a hash of their key; 16 bytes of memory a row.

    All come in the order of the hashes, so that what comes first does not depend on the order of rows.

    Raises:
        UsageError: no key column, or one twice.
        ColumnNotFoundError: a key column that a table does not have.
        DataError: a key column of two types that have no values in common.
    """
    if not key or len(set(key)) < len(key):
        raise UsageError(f"a key of {list(key)}", expected="one column or more, none of them twice")
    for name in key:
        for table in (reference, current):
            if name not in table.columns:
                raise ColumnNotFoundError(name, table.columns, where=table.name)
        types = f"{reference.columns.get(name)} in one table, {current.columns.get(name)} in the other"
        if _family(reference, name) != _family(current, name):
            raise DataError(
                f"the key '{name}' is {types}",
                where=f"{reference.name}, {current.name}",
                expected="one type",
                mend="read both with the same types",
            )
    keys = _keys(reference, key), _keys(current, key)
    _, first, second = np.intersect1d(keys[0].hashes, keys[1].hashes, assume_unique=True, return_indices=True)
    return Matches(
        keys[0].rows[first],
        keys[1].rows[second],
        np.delete(keys[0].rows, first),
        np.delete(keys[1].rows, second),
        keys,
    )


def _family(table: Table, name: str) -> str:
    kind = table.columns[name]
    return "number" if kind in ("int", "float") else kind


def _keys(table: Table, key: Sequence[str]) -> Keys:
    hashes, there = [np.empty(0, np.uint64)], [np.empty(0, np.bool_)]
    for batch in table.select(key).batches():
        hashes.append(row_hashes(batch, columns=key))
        there.append(_is_whole(batch))
    words, whole = np.concatenate(hashes), np.flatnonzero(np.concatenate(there))
    order = whole[np.argsort(words[whole], kind="stable")]
    ordered = words[order]
    same = ordered[1:] == ordered[:-1]
    repeats = np.append(same, False) | np.insert(same, 0, False) if len(order) else np.empty(0, np.bool_)
    return Keys(order[~repeats], ordered[~repeats], int(repeats.sum()), len(words) - len(whole))


def _is_whole(batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    whole = np.ones(batch.num_rows, np.bool_)
    for column in batch.columns:
        missing = pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
        whole &= ~missing.to_numpy(zero_copy_only=False)
    return whole
