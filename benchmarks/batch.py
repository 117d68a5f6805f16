"""`tilth predict` of a large table beside the raw ONNX Runtime session: CPU, time, peak memory.

    python benchmarks/batch.py [--rows 10000000] [--runs 3] [--folder FOLDER] [--output .parquet]

The model is that of benchmarks/serving.py: 14 numbers and 6 texts, one graph of scaling, one-hot encoding and
100 LightGBM trees. The table is a Parquet file with its 20 columns. Each piece of work is a process of its
own, in turn:

- raw session: the same batches of the same file, made into NumPy arrays, run by ONNX Runtime on a thread for
  each core, answers thrown away: no validation, no output, nothing to go on from after a crash;
- predict: what `tilth predict` does, with all columns and the answers written to a file;
- predict a tenth: the same of a tenth of the rows, to see that memory does not grow with them.

Prints a Markdown table of medians. `--role profile FOLDER TABLE OUTPUT` prints where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from serving import NUMBERS, TEXTS, make_rows, train

PIECE = 500_000


def make_table(path: Path, rows: int) -> None:
    """A Parquet file of so many rows, half a million to a row group."""
    writer: pq.ParquetWriter | None = None
    for number, start in enumerate(range(0, rows, PIECE)):
        columns, _ = make_rows(min(PIECE, rows - start), seed=100 + number)
        table = pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def raw(folder: Path, table: Path) -> int:
    """The session alone over the batches of the file."""
    import onnxruntime

    from tilth.engines import local_engine
    from tilth.tables import open_table

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession((folder / "graph.onnx").read_bytes(), options)
    outputs = ["label", "probabilities"]

    def run(batch: pa.RecordBatch) -> int:
        feeds = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = column.to_numpy(zero_copy_only=False).reshape(-1, 1)
            feeds[name] = values.astype(object) if name in TEXTS else values
        return len(session.run(outputs, feeds)[0])

    rows = open_table(str(table)).select([*NUMBERS, *TEXTS])
    return sum(local_engine().map(run, rows.batches(8_192)))


def predict(folder: Path, table: Path, output: Path) -> int:
    """The same with Tilth, written to a file."""
    from tilth.inference import Graph
    from tilth.metrics import LabelEncoding
    from tilth.pipelines.batch import LoadedVersion
    from tilth.pipelines.batch_prediction import predict_rows
    from tilth.schemas import Column, Schema

    numbers = [Column(name=name, type="float") for name in NUMBERS]
    texts = [Column(name=name, type="string") for name in TEXTS]
    graph = Graph.from_path(folder / "graph.onnx")
    loaded = LoadedVersion(graph, Schema(columns=(*numbers, *texts)), (), LabelEncoding("binary", (0, 1)))
    return predict_rows(loaded, str(table), output, "label")


# ---------------------------------------------------------------- the measurement


def work(role: str, folder: Path, table: Path, output: Path) -> None:
    """One piece of work in this process, and what it took, as JSON."""
    begun = time.perf_counter()
    rows = raw(folder, table) if role == "raw" else predict(folder, table, output)
    wall = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"rows": rows, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "mib": peak_mib()}))


def peak_mib() -> float:
    """The most memory that this process has held; `ru_maxrss` would count what its parent held, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def profiled(folder: Path, table: Path, output: Path) -> None:
    """Where the time of the main thread goes."""
    profile = cProfile.Profile()
    profile.runcall(predict, folder, table, output)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def measured(role: str, folder: Path, table: Path, output: Path) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--role", role, str(folder), str(table), str(output)]
    found: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    output.unlink(missing_ok=True)
    return found


def compare(folder: Path, rows: int, runs: int, ending: str) -> None:
    """Make what is not there yet, measure in turn, print the table."""
    if not (folder / "graph.onnx").exists():
        train(folder)
    tables = {}
    for count in (rows, rows // 10):
        tables[count] = folder / f"rows-{count}.parquet"
        if not tables[count].exists():
            make_table(tables[count], count)
    output = folder / f"answers{ending}"
    pieces = {
        "raw session": ("raw", tables[rows]),
        "predict": ("predict", tables[rows]),
        "predict a tenth": ("predict", tables[rows // 10]),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in pieces}
    for _ in range(runs):
        for name, (role, table) in pieces.items():
            found[name].append(measured(role, folder, table, output))
    print("| work | rows | wall s | CPU s | peak MiB | wall x raw | CPU x raw |")
    print("| :--- | ---: | ---: | ---: | ---: | ---: | ---: |")
    base = {key: statistics.median(each[key] for each in found["raw session"]) for key in ("wall", "cpu")}
    for name, each_run in found.items():
        middle = {key: statistics.median(each[key] for each in each_run) for key in each_run[0]}
        share = middle["rows"] / rows
        print(
            f"| {name} | {middle['rows']:,.0f} | {middle['wall']:.1f} | {middle['cpu']:.1f} "
            f"| {middle['mib']:.0f} | {middle['wall'] / base['wall'] / share:.2f} "
            f"| {middle['cpu'] / base['cpu'] / share:.2f} |"
        )
    versions = f"NumPy {np.__version__}, PyArrow {pa.__version__}"
    print(f"\nMedian of {runs} runs on {os.cpu_count()} cores, {versions}.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--output", default=".parquet")
    parser.add_argument("--role", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        role, *paths = arguments.role
        folder, table, output = map(Path, paths)
        profiled(folder, table, output) if role == "profile" else work(role, folder, table, output)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        compare(folder, arguments.rows, arguments.runs, arguments.output)


if __name__ == "__main__":
    main()
