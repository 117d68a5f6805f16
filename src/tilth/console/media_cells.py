"""The images and recordings of a table, one cell at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tilth.tables import Table

__all__ = ["MediaCells"]

_KEPT_BYTES = 64 << 20
_ROWS_AT_ONCE = 8


class MediaCells:
    """Images and recordings of rows; of those asked for last up to 64 MiB are kept in memory.

    A page looks at those of its rows together, because a table is read in parts, and a browser asks for them
    one by one.

    Args:
        table: n rows.
        columns: those that hold images or recordings.

    Example:
        >>> from tilth.tables import open_table
        >>> cells = MediaCells(open_table({"photo": [b"GIF89a", None]}), ["photo"])
        >>> cells.look([1, 0]), cells.read(0, "photo")
        ([{'photo': False}, {'photo': True}], b'GIF89a')
    """

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._table = table
        self._kept: OrderedDict[int, dict[str, bytes | None]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def look(self, places: Sequence[int]) -> list[dict[str, bool]]:
        """Which cells of some rows are there, column -> bool; the bytes are kept for those who ask next."""
        if not self.columns:
            return [{} for _ in places]
        with self._lock:
            known = {place: _there(self._kept[place]) for place in places if place in self._kept}
            new = [place for place in places if place not in known]
            for place, cells in _streamed(self._table, new, self.columns, _ROWS_AT_ONCE):
                known[place] = _there(cells)
                self._keep(place, cells)
            return [known[place] for place in places]

    def read(self, place: int, column: str) -> bytes | None:
        """A cell's bytes."""
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
                return self._kept[place][column]
            cells: dict[str, bytes | None]
            ((_, cells),) = _streamed(self._table, [place], self.columns, 1)
            self._keep(place, cells)
            return cells[column]

    def _keep(self, place: int, cells: dict[str, bytes | None]) -> None:
        self._kept[place] = cells
        self._bytes += _size(cells)
        while self._bytes > _KEPT_BYTES and self._kept:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _streamed(
    table: Table, places: Sequence[int], columns: Sequence[str], size: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Position and cells of some rows, in the table's order, at most `size` rows in memory."""
    ordered = np.unique(np.asarray(places, np.int64))
    start = 0
    for part in table.select(list(columns)).parts():
        inside = ordered[(ordered >= start) & (ordered < start + part.rows)]
        if len(inside):
            mask = np.zeros(part.rows, bool)
            mask[inside - start] = True
            cells = (row for batch in part.filter(mask).batches(size) for row in batch.to_pylist())
            yield from zip(inside.tolist(), cells, strict=True)
        start += part.rows


def _there(cells: Mapping[str, bytes | None]) -> dict[str, bool]:
    return {column: content is not None for column, content in cells.items()}


def _size(cells: Mapping[str, bytes | None]) -> int:
    return sum(len(content) for content in cells.values() if content)
