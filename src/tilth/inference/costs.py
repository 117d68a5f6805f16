"""What a graph costs where it is deployed: time for one row, memory, bytes."""

from __future__ import annotations

import ctypes
import functools
import gc
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tilth.inference.graph import Graph

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Costs", "measure_costs"]

_MB = 1e6
_COPIES = 3
_ROWS = 32
_LEAST_RUNS = 60
_ENOUGH_S = 0.03


@dataclass(frozen=True)
class Costs:
    """What one loaded graph costs.

    Args:
        latency_us: the median time for one row, from its columns to the answer, on one core, in microseconds.
        memory_mb: what the process grows by when it loads the graph and answers, in MB (10^6 bytes).
        size_mb: the file, in MB.
    """

    latency_us: float
    memory_mb: float
    size_mb: float


def measure_costs(model: bytes, rows: pa.RecordBatch | pa.Table) -> Costs:
    """Load a graph and let it answer for rows one by one.

    Latency and memory are measured and so differ a little from time to time. Memory is the median growth of
    several copies. Where the C library can do it (glibc), what is free is given back before, so that a copy
    cannot hide in it; elsewhere the figure may be too low.

    Args:
        model: the ONNX file's bytes.
        rows: some typical ones, at least one.

    Raises:
        GraphError: not a graph that can be run on these rows.
    """
    single = [rows.slice(at, 1) for at in range(min(rows.num_rows, _ROWS))]
    gc.collect()
    graphs = [_loaded(model, single[0])]  # what is loaded once for all graphs is no part of this one
    held = [_resident()]
    for _ in range(_COPIES):
        graphs.append(_loaded(model, single[0]))
        held.append(_resident())
    growth = statistics.median(after - before for before, after in itertools.pairwise(held))
    return Costs(_latency_us(graphs[0], single), max(growth, 0.0) / _MB, len(model) / _MB)


def _loaded(model: bytes, row: pa.RecordBatch | pa.Table) -> Graph:
    """A copy of a graph that has answered once."""
    graph = Graph.from_bytes(bytes(bytearray(model)))
    graph.run_batch(row)
    return graph


def _latency_us(graph: Graph, single: list[pa.RecordBatch]) -> float:
    for row in single:
        graph.run_batch(row)
    taken: list[float] = []
    begun = time.perf_counter()
    while len(taken) < _LEAST_RUNS or (
        time.perf_counter() - begun < _ENOUGH_S and len(taken) < 100 * _LEAST_RUNS
    ):
        row = single[len(taken) % len(single)]
        start = time.perf_counter()
        graph.run_batch(row)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


def _resident() -> int:
    """What this process holds in memory, without what is free."""
    import psutil  # type: ignore[import-untyped]

    trim = _trim()
    if trim is not None:
        trim(0)
    held: int = psutil.Process().memory_info().rss
    return held


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """What gives free memory back to the operating system, where there is such a thing."""
    if sys.platform == "win32":
        return None
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return found
