"""Batches kept from one reading to the next: in memory while they are few, else in a file without a name."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

import pyarrow as pa

__all__ = ["KeptBatches"]

_SMALL = 1 << 24
_IN_MEMORY = 1 << 28
_SHARE_OF_DISK = 0.5


class _Budget:
    """How much all tables of this process may keep in memory together."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, sizes: list[int]) -> None:
        with self._lock:
            self._left += sum(sizes)
            sizes.clear()


_BUDGET = _Budget(_IN_MEMORY)


class KeptBatches:
    """Record batches, added once and read as often as asked.

    The file is gone when the object is, or the process, however it ends. Where the disk has no room, nothing
    is kept any more. In another process nothing is kept either.
    """

    def __init__(self) -> None:
        self.is_complete = True
        self._batches: list[pa.RecordBatch] = []
        self._sizes: list[int] = []
        self._files = ExitStack()
        self._file: IO[bytes] | None = None
        self._places: list[tuple[int, int, pa.Schema]] = []
        self._room = 0.0
        weakref.finalize(self, _let_go, self._sizes, self._files)

    def __reduce__(self) -> tuple[Callable[[], KeptBatches], tuple[()]]:
        return _nothing, ()

    @property
    def is_small(self) -> bool:
        """Whether all of it is in memory and hardly worth speaking of."""
        return self.is_complete and self._file is None and sum(self._sizes) <= _SMALL

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep one more batch."""
        if not self.is_complete:
            return
        if self._file is None:
            size = batch.nbytes
            if _BUDGET.take(size):
                self._sizes.append(size)
                self._batches.append(batch)
                return
        try:
            self._spill(batch)
        except OSError:
            self.drop()  # no room: the source is read again instead

    def drop(self) -> None:
        """Keep nothing, now and from now on."""
        self.is_complete = False
        self._batches.clear()
        self._places.clear()
        _let_go(self._sizes, self._files)
        self._file = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, in order."""
        yield from self._batches
        file = self._file
        for offset, size, schema in self._places:
            assert file is not None
            block = os.pread(file.fileno(), size, offset)
            yield pa.ipc.read_record_batch(pa.py_buffer(block), schema)

    def _spill(self, batch: pa.RecordBatch) -> None:
        import shutil
        import tempfile

        if self._file is None:
            self._room = shutil.disk_usage(tempfile.gettempdir()).free * _SHARE_OF_DISK
            unnamed = tempfile.TemporaryFile(prefix="tilth-")  # noqa: SIM115 - open as long as this is
            self._file = self._files.enter_context(unnamed)
            before, self._batches = self._batches, []
            for kept in before:
                self._write(kept)
            _BUDGET.give(self._sizes)
        self._write(batch)

    def _write(self, batch: pa.RecordBatch) -> None:
        file = self._file
        assert file is not None
        block = memoryview(batch.serialize())
        self._room -= len(block)
        if self._room < 0:
            raise OSError("the temporary folder is nearly full")
        offset = self._places[-1][0] + self._places[-1][1] if self._places else 0
        written = 0
        while written < len(block):
            written += os.write(file.fileno(), block[written:])
        self._places.append((offset, len(block), batch.schema))


def _let_go(sizes: list[int], files: ExitStack) -> None:
    _BUDGET.give(sizes)
    files.close()


def _nothing() -> KeptBatches:
    kept = KeptBatches()
    kept.drop()
    return kept
