"""One pass over the batches of a table, its columns divided among threads."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pyarrow as pa

from tilth.profiles.cells import row_hashes
from tilth.profiles.rows_builder import RowsBuilder, one_by_one
from tilth.profiles.slices import SliceBuilder
from tilth.profiles.weights import Weights
from tilth.sketches import DistinctCounts

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile
    from tilth.profiles.rows_builder import Run
    from tilth.profiles.slices import SliceParts
    from tilth.types import ColumnType, Progress

__all__ = ["TablePass", "batch_rows", "usual_threads"]

_MOST_THREADS = 16
_BATCH_CELLS = 1 << 22
_BATCH_ROWS = 1 << 12, 1 << 16


def usual_threads() -> int:
    """A thread for each core but one, at most 16: the reader of batches needs one for itself."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_THREADS, max(1, count - 1))


def batch_rows(columns: int) -> int:
    """How many rows a batch best has, so that a wide table does not take more memory than a narrow one.

    Example:
        >>> batch_rows(20), batch_rows(5000)
        (65536, 4096)
    """
    least, most = _BATCH_ROWS
    return max(least, min(most, _BATCH_CELLS // max(1, columns)))


class TablePass:
    """Summarizes batches column by column.

    Each column is only ever looked at by one thread at a time, in the order of the batches, so that nothing
    depends on how many threads there are.

    Args:
        types: the columns and what they hold, in order.
        slices: the groups of columns whose values make slices.
        weight: the column that says how much each row counts.

    Raises:
        ColumnNotFoundError: a column of `slices` or `weight` does not exist.
        UsageError: the weight is no number, or a column makes no slices.
    """

    def __init__(
        self,
        types: Mapping[str, ColumnType],
        slices: Sequence[Sequence[str]] = (),
        weight: str | None = None,
    ) -> None:
        self._weights = Weights(weight, types) if weight is not None else None
        self._whole = RowsBuilder(types, weight)
        self._slices = SliceBuilder(types, slices, weight) if slices else None
        self._row_counts = DistinctCounts()

    def run(
        self,
        batches: Iterable[pa.RecordBatch],
        *,
        threads: int = 1,
        progress: Progress | None = None,
        total: int | None = None,
    ) -> None:
        """Take in all batches; while one is looked at, the next one is read."""
        with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
            run: Run = one_by_one if pool is None else pool.map
            for batch in batches if pool is None else _read_ahead(batches):
                self._take(batch, run)
                if progress is not None:
                    progress(self._whole.rows, total)
            if self._slices is not None:
                self._slices.finish(run)

    def _take(self, batch: pa.RecordBatch, run: Run) -> None:
        counts = self._weights.of(batch, self._whole.rows) if self._weights is not None else None
        cells = self._whole.update(batch, counts, run)
        self._row_counts.update_hashes(row_hashes(cells))
        if self._slices is not None:
            self._slices.add(batch, counts, run)

    @property
    def rows(self) -> int:
        """How many rows were taken in."""
        return self._whole.rows

    @property
    def row_counts(self) -> DistinctCounts:
        """How often equal rows came."""
        return self._row_counts

    def columns(self) -> dict[str, ColumnProfile]:
        """The columns' profiles."""
        return self._whole.result()

    def slices(self) -> list[SliceParts]:
        """What was found in each slice."""
        return self._slices.result() if self._slices is not None else []


def _read_ahead(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, the next one read while the caller works.

    All are read by one thread, because databases may only be spoken to by the thread that called them.
    """
    waiting = iter(batches)
    with ThreadPoolExecutor(1) as reader:
        try:
            coming = reader.submit(next, waiting, None)
            while (batch := coming.result()) is not None:
                coming = reader.submit(next, waiting, None)
                yield batch
        finally:
            if isinstance(waiting, Generator):
                reader.submit(waiting.close).result()
