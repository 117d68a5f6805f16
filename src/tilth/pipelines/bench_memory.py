"""The memory of a model: what a fresh process that loads it holds at most, over what it held before."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tilth.errors import DataError, GraphError
from tilth.inference import Graph
from tilth.tables import open_table, write_table

__all__ = ["measure", "peak_memory_mb"]

_MB = 1e6
_CALLS = 50


def peak_memory_mb(model: bytes, batches: Sequence[pa.Table]) -> float | None:
    """How many MB (10^6 bytes) a process needs at most for a model; None where the system does not tell.

    The process has loaded Tilth, ONNX Runtime and the rows before; it loads the model and answers each batch
    50 times. Linux tells the most memory that a process has held; elsewhere it is not measured.

    Args:
        model: the ONNX file's bytes.
        batches: rows to answer, some at a time.

    Raises:
        DataError: the process fails.
    """
    if not _status().exists():
        return None
    with tempfile.TemporaryDirectory(prefix="tilth-bench-") as scratch:
        folder = Path(scratch)
        (folder / "model.onnx").write_bytes(model)
        for number, batch in enumerate(batches):
            write_table(batch, folder / f"{number:03d}.arrow")
        command = [sys.executable, "-c", f"from {__name__} import measure; measure({str(folder)!r})"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise DataError(f"the process that measures memory failed: {last}")
    held: list[int] = json.loads(done.stdout)
    return max(0.0, (held[1] - held[0]) / _MB)


def measure(folder: str) -> None:
    """The work of that process: prints the bytes before and the most after as a JSON list."""
    paths = sorted(Path(folder).glob("*.arrow"))
    batches = [open_table(path).to_arrow() for path in paths]
    model = (Path(folder) / "model.onnx").read_bytes()
    with contextlib.suppress(GraphError):
        Graph.from_bytes(b"")  # no model, but the libraries are loaded
    with contextlib.suppress(OSError):  # some containers forbid it: then the peak of loading libraries counts
        Path("/proc/self/clear_refs").write_text("5")  # the most memory is what is held now
    before = _bytes("VmRSS")
    graph = Graph.from_bytes(model)
    for batch in batches:
        for _ in range(_CALLS):
            graph.run_batch(batch)
    sys.stdout.write(json.dumps([before, _bytes("VmHWM")]))


def _status() -> Path:
    return Path("/proc/self/status")


def _bytes(name: str) -> int:
    """A line of what Linux tells of this process."""
    lines = _status().read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
