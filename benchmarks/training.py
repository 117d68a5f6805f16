"""`tilth run` from cold: Tilth's own share on a table of the census's size, memory on 1 and 10 million rows.

    python benchmarks/training.py [--runs 5] [--quick] [--only NAME]... [--folder FOLDER]

Makes seeded tables in a temporary folder (or in FOLDER, where they are kept and used again) and a project of
each with `tilth init`, whose files are left as they are. `--quick` leaves out the 10 million rows, which need
20 GB of disk and a quarter of an hour. The names: share, length.

Features that are too large for memory lie in files; the pages of these that happen to be in memory count as
the process's too, though the system takes them back when it needs room. So memory is given as what is the
process's own, sampled (Linux alone tells it).
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data import MILLION, command_line, made, make_table, roles_of

CENSUS_ROWS = 32_561


def labeled(rows: int, seed: int) -> pa.Table:
    """19 columns: 10 numbers, 4 whole numbers, 4 texts of 3 to 5,000 words, true/false; and a label."""
    drawn = make_table(rows, seed)
    late, table = drawn["label"], drawn.drop_columns(["label", "c200k"])
    numbers = {name: np.nan_to_num(table[name].to_numpy().astype(float)) for name in ("f0", "f1", "f3", "i0")}
    plan = table["c3"].to_numpy(zero_copy_only=False) == "c3_000001"
    noise = np.random.default_rng(seed).normal(0, 1.5, rows)
    raw = (numbers["f0"] - 10) / 2 + np.log1p(numbers["f1"]) + (numbers["i0"] - 50) / 200 * numbers["f3"]
    said = np.where(raw + 0.4 * plan + noise > 1.6, "yes", "no")
    return table.append_column("late", late).append_column("label", pa.array(said))


def make_rows(path: Path, rows: int) -> None:
    """So many rows in groups of a million."""
    schema = labeled(10, 0).schema
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for turn, start in enumerate(range(0, rows, MILLION)):
            writer.write_table(labeled(min(MILLION, rows - start), turn), row_group_size=250_000)


MAKERS: dict[str, Callable[[Path], None]] = {
    "census-size.parquet": partial(make_rows, rows=CENSUS_ROWS),
    "1-million.parquet": partial(make_rows, rows=MILLION),
    "10-million.parquet": partial(make_rows, rows=10 * MILLION),
}


# ---------------------------------------------------------------- the work, each in a process of its own


def tilth_run(path: str) -> None:
    """A project made and run from cold; prints the CPU seconds of all, and of LightGBM's fits in it."""
    import shutil

    from lightgbm import LGBMModel

    from tilth.cli import main

    folder = Path(path).with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    assert main(["init", path, "--label", "label", "--dir", str(folder)]) == 0
    fitting: list[float] = []
    fit = LGBMModel.fit

    def timed(*given: object, **named: object) -> object:
        start = time.process_time()
        try:
            return fit(*given, **named)
        finally:
            fitting.append(time.process_time() - start)

    LGBMModel.fit = timed
    start = time.process_time()
    assert main(["run", "--dir", str(folder)]) == 0
    print(f"cpu {time.process_time() - start:.3f} fits {sum(fitting):.3f}", flush=True)
    shutil.rmtree(folder)


WORK = {"tilth_run": tilth_run}


@dataclass(frozen=True)
class Cost:
    """What a run took; memory in MB, sampled."""

    wall_s: float
    cpu_s: float
    fits_s: float
    own_mb: float
    files_mb: float


def run(path: Path) -> Cost:
    """One process from its start to its end."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--role", "tilth_run", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peaks = {"RssAnon": 0, "RssFile": 0}
    watcher = threading.Thread(target=watch, args=(process, peaks))
    watcher.start()
    said, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    found = re.search(r"cpu (\S+) fits (\S+)", said)
    assert found is not None
    wall = time.perf_counter() - start
    return Cost(wall, float(found[1]), float(found[2]), peaks["RssAnon"] / 1e3, peaks["RssFile"] / 1e3)


def watch(process: subprocess.Popen[str], peaks: dict[str, int]) -> None:
    """Keep the greatest memory of a process until it ends."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        text = status.read_text() if status.exists() else ""
        for name, size in re.findall(r"(RssAnon|RssFile):\s+(\d+)", text):
            peaks[name] = max(peaks[name], int(size))
        time.sleep(0.05)


def table(found: dict[str, list[Cost]]) -> None:
    """Medians."""
    print("| rows | wall s | CPU s | of which LightGBM's fits | own MB | pages of files, MB |")
    print("| :--- | ---: | ---: | ---: | ---: | ---: |")
    for name, costs in found.items():
        medians = [
            statistics.median(getattr(cost, field) for cost in costs)
            for field in ("wall_s", "cpu_s", "fits_s", "own_mb", "files_mb")
        ]
        print(f"| {name} | {' | '.join(f'{value:,.1f}' for value in medians)} |")
    print(flush=True)


def measure_share(folder: Path, runs: int, quick: bool) -> None:  # noqa: ARG001 - small anyway
    """A table of the census's size."""
    path = made(__file__, folder, "census-size.parquet")
    run(path)
    table({f"{CENSUS_ROWS:,}": [run(path) for _ in range(runs)]})


def measure_length(folder: Path, runs: int, quick: bool) -> None:
    """1 and 10 million rows."""
    names = {"1 million": "1-million.parquet"} | ({} if quick else {"10 million": "10-million.parquet"})
    table(
        {
            shown: [run(made(__file__, folder, name)) for _ in range(min(runs, 1))]
            for shown, name in names.items()
        }
    )


MEASUREMENTS = {"share": measure_share, "length": measure_length}


if __name__ == "__main__":
    command_line(
        __doc__,
        MEASUREMENTS,
        roles_of(WORK, MAKERS),
        ("tilth", "lightgbm", "scikit-learn", "onnxruntime", "pyarrow", "numpy"),
    )
