"""Where a worker counts: numbers in memory that other workers can read.

Each worker has a block of its own, two files in a folder that the workers of one server share:
`worker-K.cells`, numbers mapped into memory, and `worker-K.series`, a line of JSON for each series with its
place among them. A worker only ever counts in its own block, so counting is an addition in memory. Whoever is
asked for /metrics reads all blocks and adds them up. What a dead worker counted stays in its files, and the
worker that takes its place goes on with them, so totals never fall.

The multiprocess mode of prometheus_client does the same with several times the work for each addition; see
benchmarks/meters.py.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from tilth.serving.metric_table import METRICS, Metric

__all__ = ["MeterBlock", "Snapshot", "meter_folder"]

CAPACITY = 32_768
RESERVED = 8
_BYTES = CAPACITY * 8
_MOST_WORKERS = 4096

Key = tuple[str, tuple[str, ...]]
_Place = tuple[str, list[str], int]
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Place)

# Places of what a block says about its process.
PID, CREATED, CPU_BEFORE, CPU_SEEN, STARTS, FIRST_CREATED = range(6)


@dataclass(frozen=True)
class Snapshot:
    """What one worker has counted: its reserved numbers, and the numbers of each series.

    `cells` is its live memory where the reader may note how much CPU time it saw.
    """

    reserved: tuple[float, ...]
    series: dict[Key, tuple[float, ...]]
    cells: memoryview[float]


class MeterBlock:
    """The numbers of one worker.

    Without a folder they are in the memory of the process alone, for a server of one process.

    Args:
        folder: of all workers of the server; made by `meter_folder`. Open a block in the worker, not before a
            fork: the block is locked for as long as the process lives.

    Example:
        >>> block = MeterBlock()
        >>> place = block.place(METRICS["tilth_feedback_total"], ("census",))
        >>> block.cells[place] += 2
        >>> [snapshot.series for snapshot in block.snapshots()]
        [{('tilth_feedback_total', ('census',)): (2.0,)}]
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.lock = threading.Lock()
        self.is_full = False
        self._folder = folder
        self._places: dict[Key, int] = {}
        self._end = RESERVED
        self._lines: IO[bytes] | None = None
        if folder is None:
            self.cells = memoryview(bytearray(_BYTES)).cast("d")
        else:
            self._open(folder)

    def place(self, metric: Metric, labels: tuple[str, ...]) -> int:
        """The place of a series' first number; those of a histogram follow it.

        When the block is full, further series share a place that nobody reads, and `is_full` says so.
        """
        key = metric.name, labels
        with self.lock:
            place = self._places.get(key)
            if place is None:
                place = self._new(key, metric)
            return place

    def _new(self, key: Key, metric: Metric) -> int:
        # The last cells belong to nobody.
        if self._end + metric.size > CAPACITY - 32:
            self.is_full = True
            return CAPACITY - 32
        place = self._end
        if metric.kind == "gauge":
            self.cells[place] = float("nan")
        if self._lines is not None:
            self._lines.write(_encode((key[0], list(key[1]), place)) + b"\n")
        self._places[key] = place
        self._end += metric.size
        return place

    def snapshots(self) -> Iterator[Snapshot]:
        """What this worker and those beside it have counted, dead ones too."""
        if self._folder is None:
            yield _snapshot(self._places, self.cells)
            return
        for path in sorted(self._folder.glob("worker-*.series")):
            with contextlib.suppress(FileNotFoundError):
                places = _read_places(path.read_bytes())
                yield _snapshot(places, _mapped(path.with_suffix(".cells")))

    def close(self) -> None:
        """Leave the numbers to others."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None

    def _open(self, folder: Path) -> None:
        path, self._lines = _free_slot(folder)
        self.cells = _mapped(path.with_suffix(".cells"))
        found = path.read_bytes()
        whole = found[: found.rfind(b"\n") + 1]
        os.ftruncate(self._lines.fileno(), len(whole))
        self._places = _read_places(whole)
        for (name, _), place in self._places.items():
            self._end = max(self._end, place + METRICS[name].size)
            if METRICS[name].kind == "gauge":
                self.cells[place] = float("nan")


def _free_slot(folder: Path) -> tuple[Path, IO[bytes]]:
    """The first block whose worker is dead, or a new one; locked until its file is closed."""
    import fcntl

    for number in range(_MOST_WORKERS):
        path = folder / f"worker-{number}.series"
        lines = path.open("ab", buffering=0)
        try:
            fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lines.close()
            continue
        try:
            with path.with_suffix(".cells").open("ab") as cells:
                _allocate(cells.fileno())
        except OSError:
            lines.close()
            raise
        return path, lines
    raise OSError(f"more than {_MOST_WORKERS} workers count in {folder}")


def _allocate(file: int) -> None:
    """Make room for the numbers: a full disk must fail here, not at an addition, as a crash."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, _BYTES)
    else:
        os.ftruncate(file, _BYTES)


def _mapped(path: Path) -> memoryview[float]:
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), _BYTES)).cast("d")


def _read_places(lines: bytes) -> dict[Key, int]:
    """The series of a block; a line that is being written is left out."""
    whole = lines[: lines.rfind(b"\n") + 1]
    return {(name, tuple(labels)): place for name, labels, place in map(_decoder.decode, whole.splitlines())}


def _snapshot(places: dict[Key, int], cells: memoryview[float]) -> Snapshot:
    series = {
        (name, labels): tuple(cells[place : place + METRICS[name].size])
        for (name, labels), place in list(places.items())
        if name in METRICS
    }
    return Snapshot(tuple(cells[:RESERVED]), series, cells)


@contextlib.contextmanager
def meter_folder() -> Iterator[Path]:
    """A folder for the blocks of a server's workers, in memory where the system has such a place.

    Example:
        >>> with meter_folder() as folder:
        ...     MeterBlock(folder).close()
        ...     sorted(path.name for path in folder.iterdir())
        ['worker-0.cells', 'worker-0.series']
    """
    shared = Path("/dev/shm")  # noqa: S108 - the folder within it is new and belongs to this user alone
    where = str(shared) if shared.is_dir() and os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tilth-meters-", dir=where) as folder:
        yield Path(folder)
