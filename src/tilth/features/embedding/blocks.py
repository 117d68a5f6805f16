"""Columns as numbers: numbers, lists of numbers, images and recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError
from tilth.features.embedding.spectra import SPECTRUM_NUMBERS, spectrum
from tilth.tables import Table, map_cells
from tilth.tables.thumbnails import PICTURE_NUMBERS, picture_numbers
from tilth.types import ColumnType

__all__ = ["NUMBERS", "Block", "list_width", "read_blocks"]

NUMBERS: frozenset[ColumnType] = frozenset({"int", "float", "bool", "datetime"})
_LISTS: frozenset[ColumnType] = frozenset({"list[int]", "list[float]", "list[bool]"})
_ROWS_AT_ONCE = 1024

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """One column as numbers.

    Args:
        column: its name.
        kind: what the column holds.
        values: (n, k), NaN where something is missing.
        absent: in how many rows it is missing, or cannot be read.
    """

    column: str
    kind: ColumnType
    values: npt.NDArray[np.float32 | np.float64]
    absent: int


def read_blocks(table: Table, columns: Sequence[str]) -> list[Block]:
    """Columns as numbers, in one pass, decoding a few images or recordings at a time.

    Args:
        table: whose rows.
        columns: of numbers, true/false, dates, lists of numbers of one length, images or recordings.

    Raises:
        UsageError: a column of another type.
        DataError: lists of different lengths.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"e": [[1.0, 2.0], None]})
        >>> block = read_blocks(table, ["e"])[0]
        >>> block.values.tolist(), block.absent
        ([[1.0, 2.0], [nan, nan]], 1)
    """
    for name in columns:
        if table.columns[name] not in NUMBERS | _LISTS | {"image", "audio"}:
            raise UsageError(
                f"column '{name}' holds {table.columns[name]}, which is not a number",
                where=table.name,
                expected="numbers, true/false, dates, lists of numbers, images or recordings",
                mend="turn it into numbers in a features.py and name that with --features",
            )
    readers = {name: _reader(table, name) for name in columns}
    parts: dict[str, list[npt.NDArray[np.float32 | np.float64]]] = {name: [] for name in columns}
    for batch in table.select(columns).batches(_ROWS_AT_ONCE):
        for name in columns:
            parts[name].append(readers[name](batch.column(name)))
    blocks = []
    for name in columns:
        values = np.concatenate(parts.pop(name))
        absent = int(np.isnan(values).all(axis=1).sum())
        blocks.append(Block(name, table.columns[name], values, absent))
    return blocks


def list_width(table: Table, column: str) -> int | None:
    """How long the lists of a column are; None where they are not all of one length, 1 or more.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"a": [[1.0], [2.0, 3.0]], "b": [[1, 2], None]})
        >>> list_width(table, "a"), list_width(table, "b")
        (None, 2)
    """
    found = set(_lengths(table, column))
    return found.pop() if len(found) == 1 and 0 not in found else None


def _lengths(table: Table, column: str) -> Iterator[int]:
    if table.columns[column] not in _LISTS:
        return
    for batch in table.select([column]).batches():
        yield from pc.unique(pc.list_value_length(batch.column(0)).drop_null()).to_pylist()


def _reader(table: Table, column: str) -> Callable[[pa.Array], npt.NDArray[np.float32 | np.float64]]:
    kind = table.columns[column]
    if kind == "image":
        return lambda cells: _decoded(picture_numbers, cells, PICTURE_NUMBERS)
    if kind == "audio":
        return lambda cells: _decoded(spectrum, cells, SPECTRUM_NUMBERS)
    if kind in NUMBERS:
        return lambda cells: _floats(cells)[:, None]
    lengths = sorted(set(_lengths(table, column)))
    if len(lengths) != 1 or not lengths[0]:
        shown = ", ".join(str(length) for length in lengths[:5]) + (", ..." if len(lengths) > 5 else "")
        raise DataError(
            f"the lists of column '{column}' have {shown or 'no'} items",
            where=table.name,
            expected="lists of one length, as embeddings are",
        )
    return lambda cells: _listed(cells, lengths[0])


def _decoded(
    decode: Callable[[bytes | None], npt.NDArray[np.float32] | None], cells: pa.Array, width: int
) -> npt.NDArray[np.float32]:
    nothing = np.full(width, np.nan, np.float32)
    return np.stack([nothing if found is None else found for found in map_cells(decode, cells)])


def _listed(cells: pa.Array, width: int) -> Numbers:
    found = np.full((len(cells), width), np.nan)
    there = cells.is_valid().to_numpy(zero_copy_only=False)
    found[there] = _floats(cells.flatten()).reshape(-1, width)
    return found


def _floats(cells: pa.Array) -> Numbers:
    if pa.types.is_timestamp(cells.type) or pa.types.is_boolean(cells.type):
        cells = cells.cast(pa.int64())
    found: Numbers = cells.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(found), found, np.nan)
