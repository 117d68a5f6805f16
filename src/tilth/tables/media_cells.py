"""A function over the cells of a column of images or recordings, on all cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa

from tilth.engines import local_engine

__all__ = ["ROWS_AT_ONCE", "map_cells"]

ROWS_AT_ONCE = 32
"""How many rows with encoded bytes are best read at a time: they are the large part of a table."""

# Where there are fewer bytes, threads cost more than they bring.
_BYTES_FOR_THREADS = 1 << 18

R = TypeVar("R")


def map_cells(function: Callable[[bytes | None], R], cells: pa.Array) -> list[R]:
    """The function's results, in the cells' order.

    Args:
        function: what to do with the bytes of a cell, None where they are missing.
        cells: binary, few enough to be in memory at once.

    Example:
        >>> map_cells(lambda content: content and len(content), pa.array([b"GIF89a", None]))
        [6, None]
    """
    engine = local_engine(1) if cells.nbytes < _BYTES_FOR_THREADS else local_engine()
    return list(engine.map(function, (cell.as_py() for cell in cells)))
