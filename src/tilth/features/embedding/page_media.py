"""Small copies of images and recordings for a page, as many as fit."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tilth.features.embedding.examples import Examples
from tilth.tables import map_cells
from tilth.tables.thumbnails import preview, thumbnail

__all__ = ["Media", "read_media"]

_ROWS_AT_ONCE = 64

_SIDES = ((1_000, 112), (5_000, 72), (1 << 62, 48))
"""Up to how many examples, how large a thumbnail is; in pixels."""


@dataclass(frozen=True)
class Media:
    """Images or recordings of one column.

    Args:
        column: its name.
        kind: image or audio.
        found: (n,) in the canonical order: a `data:` address; "" where there is none, or none fits any more.
        left_out: how many could be shown, but for the size.
    """

    column: str
    kind: str
    found: tuple[str, ...]
    left_out: int


def read_media(examples: Examples, most_bytes: int) -> list[Media]:
    """The images and recordings of some rows, in canonical order until the bytes are used up.

    The canonical order is as good as random, so those that are shown are a fair sample.

    Args:
        examples: the rows.
        most_bytes: for all columns together.

    Example:
        >>> from tilth.features.embedding.examples import draw_examples
        >>> from tilth.tables import open_table
        >>> read_media(draw_examples(open_table({"x": [1, 2]}), 2, seed=0), 1000)
        []
    """
    columns = {name: kind for name, kind in examples.table.columns.items() if kind in ("image", "audio")}
    return [_read(examples, name, kind, most_bytes // len(columns)) for name, kind in columns.items()]


def _read(examples: Examples, column: str, kind: str, most_bytes: int) -> Media:
    n = len(examples.rows)
    side = next(side for most, side in _SIDES if n <= most)
    make: Callable[[bytes | None], str | None] = preview if kind == "audio" else lambda c: thumbnail(c, side)
    rank = np.empty(n, np.int64)
    rank[examples.order] = np.arange(n)
    kept = _Kept(most_bytes)
    start = 0
    for batch in examples.table.select([column]).batches(_ROWS_AT_ONCE):
        ranks = rank[start : start + batch.num_rows]
        start += batch.num_rows
        wanted = ranks < kept.limit
        there = batch.column(0).is_valid().to_numpy(zero_copy_only=False)
        kept.skipped += int((there & ~wanted).sum())
        cells = batch.column(0).filter(pa.array(wanted))
        for place, address in zip(ranks[wanted], map_cells(make, cells), strict=True):
            if address:
                kept.add(int(place), address)
    found = [""] * n
    for place, address in kept.addresses.items():
        found[place] = address
    return Media(column, kind, tuple(found), kept.skipped)


class _Kept:
    """The longest first part of the canonical order that fits, in whatever order the examples come."""

    def __init__(self, most_bytes: int) -> None:
        self.addresses: dict[int, str] = {}
        self.limit = 1 << 62
        self.skipped = 0
        self._left = most_bytes
        self._last: list[int] = []

    def add(self, place: int, address: str) -> None:
        """One more; where the bytes do not reach, those that are last in the canonical order go."""
        if place >= self.limit:
            self.skipped += 1
            return
        self.addresses[place] = address
        heapq.heappush(self._last, -place)
        self._left -= len(address)
        while self._left < 0:
            self.limit = -heapq.heappop(self._last)
            self._left += len(self.addresses.pop(self.limit))
            self.skipped += 1
