"""What the prediction log costs: appending, compaction, reading; CPU for each row, and memory.

    python benchmarks/prediction_log.py [--rows 250000]

Rows have 20 columns, 15 numbers and 5 texts, and are appended in blocks of 1,000; a row alone is appended as
the server does it at one connection, beside the same bytes made and written without a log. Compaction and
reading run in processes of their own; memory is the peak above that of the process before it began. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

TASKS = ("read lines", "compact", "read Parquet", "newest 20")


def row(chance: random.Random) -> object:
    """One prediction."""
    from tilth.tables import Prediction

    inputs = {f"x{n}": chance.random() for n in range(15)} | {
        f"s{n}": f"v{chance.randrange(50)}" for n in range(5)
    }
    scores = {"no": 0.75, "yes": 0.25}
    return Prediction("", datetime.now(UTC), "m", 1, "live", inputs, "no", scores, 0.001)  # type: ignore[arg-type]


def best_us(work: Callable[[], object], turns: int = 5, times: int = 10_000) -> float:
    """The CPU of one call in microseconds, the best of several turns."""
    found = []
    for _ in range(turns):
        begun = time.process_time()
        for _ in range(times):
            work()
        found.append((time.process_time() - begun) / times * 1e6)
    return min(found)


def appending(folder: Path) -> tuple[float, float]:
    """One row into the log, and the same bytes into a file: microseconds of CPU each."""
    import msgspec

    from tilth.tables import PredictionLog

    made = [row(random.Random(1))]
    log = PredictionLog(folder / "alone")
    encode = msgspec.json.Encoder().encode
    file = os.open(folder / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    found = best_us(lambda: log.append(made)), best_us(lambda: os.write(file, encode(made[0]) + b"\n"))  # type: ignore[arg-type]
    os.close(file)
    log.close()
    return found


def fill(folder: Path, rows: int) -> None:
    """A log of so many rows, in lines."""
    from tilth.tables import PredictionLog

    chance = random.Random(0)
    log = PredictionLog(folder)
    log.columns("m", 1, {f"x{n}": "float" for n in range(15)} | {f"s{n}": "string" for n in range(5)})
    for _ in range(0, rows, 1_000):
        log.append([row(chance) for _ in range(1_000)])  # type: ignore[misc]
    log.close()


def measure(task: str, folder: Path) -> dict[str, float]:
    """CPU in seconds and peak memory in MB of one task, in this process."""
    import pyarrow.parquet  # noqa: F401

    from tilth.tables import compact, newest_predictions, prediction_log

    base = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    begun = time.process_time()
    if task == "compact":
        rows = compact(folder).rows
    elif task == "newest 20":
        rows = len(newest_predictions(folder, 20))
    else:
        rows = sum(batch.num_rows for batch in prediction_log(folder).batches())
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"rows": rows, "seconds": seconds, "peak_mb": peak - base}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--task", choices=TASKS)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.task:
        print(json.dumps(measure(arguments.task, arguments.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, bare = appending(folder)
        print(f"one row: {log:.1f} us of CPU, {log / bare:.2f} x making and writing the same bytes alone\n")
        fill(folder / "log", arguments.rows)
        print("| task | rows | CPU us a row | peak memory MB |\n| --- | --- | --- | --- |")
        for task in TASKS:
            command = [sys.executable, __file__, "--task", task, "--folder", str(folder / "log")]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            each = found["seconds"] / arguments.rows * 1e6
            print(f"| {task} | {found['rows']:,} | {each:.1f} | {found['peak_mb']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
