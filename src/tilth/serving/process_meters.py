"""What the processes of a server use: CPU time, that of dead workers too, memory, files, since when."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped] # it ships no types

from tilth.serving.meter_blocks import (
    CPU_BEFORE,
    CPU_SEEN,
    CREATED,
    FIRST_CREATED,
    PID,
    STARTS,
    MeterBlock,
    Snapshot,
)

__all__ = ["is_alive", "note_process", "process_values"]


def note_process(block: MeterBlock) -> None:
    """Say in a block that it belongs to this process from now on."""
    cells, created = block.cells, psutil.Process().create_time()
    # What was seen of a worker before this one is all that will ever be known of it.
    cells[CPU_BEFORE] += cells[CPU_SEEN]
    cells[CPU_SEEN] = 0.0
    cells[PID], cells[CREATED] = float(os.getpid()), created
    cells[FIRST_CREATED] = cells[FIRST_CREATED] or created
    cells[STARTS] += 1


def is_alive(snapshot: Snapshot) -> bool:
    """The worker of a block still runs."""
    return _process(snapshot) is not None


def process_values(snapshots: Sequence[Snapshot]) -> dict[str, float]:
    """The metrics of processes over all workers.

    Example:
        >>> block = MeterBlock()
        >>> note_process(block)
        >>> process_values(list(block.snapshots()))["tilth_workers"]
        1.0
    """
    found = dict.fromkeys(_SUMMED, 0.0)
    for snapshot in snapshots:
        process = _process(snapshot)
        if process is not None:
            # It may end at this moment; what was seen of it counts below.
            with contextlib.suppress(psutil.Error):
                _add(found, snapshot, process)
        found["process_cpu_seconds_total"] += snapshot.cells[CPU_BEFORE] + snapshot.cells[CPU_SEEN]
        found["tilth_worker_starts_total"] += snapshot.cells[STARTS]
    found["process_start_time_seconds"] = min(s.cells[FIRST_CREATED] for s in snapshots if s.cells[STARTS])
    limit = _file_limit()
    return found if limit is None else {**found, "process_max_fds": limit}


def _add(found: dict[str, float], snapshot: Snapshot, process: psutil.Process) -> None:
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        files = process.num_fds() if hasattr(process, "num_fds") else 0
    snapshot.cells[CPU_SEEN] = times.user + times.system
    found["process_resident_memory_bytes"] += memory.rss
    found["process_virtual_memory_bytes"] += memory.vms
    found["process_open_fds"] += files
    found["tilth_workers"] += 1


def _process(snapshot: Snapshot) -> psutil.Process | None:
    """The process of a block; None where it ended, even where another has its number by now."""
    try:
        process = psutil.Process(int(snapshot.reserved[PID]))
        is_it = process.create_time() == snapshot.reserved[CREATED]
        return process if is_it and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _file_limit() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    return float(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


_SUMMED = (
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
    "tilth_workers",
    "tilth_worker_starts_total",
)
