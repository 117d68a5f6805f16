"""How long starting takes: `import tilth`, `tilth --help` and a second `tilth run`, beside `python -c pass`.

    python benchmarks/startup.py [RUNS]

Prints a Markdown table: the median wall and CPU time of whole processes, run in turn, and the ratio to
`python -c pass` in the same turn.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

TILTH = str(Path(sys.executable).with_name("tilth"))


def make_project(folder: Path) -> None:
    """A project of 10,000 rows that has been run once."""
    random = np.random.default_rng(0)
    columns = {f"x{i}": random.normal(size=10_000) for i in range(10)}
    label = np.where(columns["x0"] + random.normal(size=10_000) > 0, "yes", "no")
    pyarrow.csv.write_csv(pa.table({**columns, "label": label}), folder / "data.csv")
    for command in (["init", "data.csv", "--label", "label"], ["run"]):
        subprocess.run([TILTH, *command], cwd=folder, check=True, capture_output=True)


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, cpu


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    commands = {
        "`python -c pass`": [sys.executable, "-c", "pass"],
        "`import tilth`": [sys.executable, "-c", "import tilth"],
        "`tilth --help`": [TILTH, "--help"],
        "`tilth status`": [TILTH, "status"],
        "second `tilth run`, nothing changed": [TILTH, "run"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_project(folder)
        for command in commands.values():
            measure(command, folder)
        turns = [[measure(command, folder) for command in commands.values()] for _ in range(runs)]
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print("\n| command | wall s | CPU s | wall / `python -c pass` |\n| --- | --- | --- | --- |")
    for position, name in enumerate(commands):
        wall = statistics.median(turn[position][0] for turn in turns)
        cpu = statistics.median(turn[position][1] for turn in turns)
        ratio = statistics.median(turn[position][0] / turn[0][0] for turn in turns)
        print(f"| {name} | {wall:.3f} | {cpu:.3f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
