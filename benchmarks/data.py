"""Profiles, comparisons, CSV reading: CPU, time and peak memory of whole processes, beside DuckDB and Polars.

    python benchmarks/data.py [--runs 5] [--quick] [--only NAME]... [--folder FOLDER]

Makes seeded tables in a temporary folder (or in FOLDER, where they are kept and used again), runs each
command in a process of its own, in turn with what it is compared with, and prints Markdown tables of medians.
`--quick` leaves out the 10 and 100 million rows, which need 11 GB of disk and a quarter of an hour. The
names: speed, length, width, csv, associations, merging.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

MILLION = 1_000_000
WORDS = {"c3": 3, "c20": 20, "c200": 200, "c5k": 5_000, "c200k": 200_000}
CSV_COLUMNS = ["f0", "f1", "f5", "f9", "i0", "i2", "c3", "c200", "c200k", "label"]


# ---------------------------------------------------------------- the data


def make_table(rows: int, seed: int = 7) -> pa.Table:
    """20 columns: 10 numbers, 4 whole numbers, 5 texts of 3 to 200,000 words, true/false."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {
        "f0": rng.normal(10, 2, rows),
        "f1": rng.lognormal(1.0, 0.7, rows),
        "f2": rng.exponential(3.0, rows),
        "f3": rng.uniform(-1, 1, rows),
        "f4": np.where(rng.random(rows) < 0.35, rng.normal(-4, 1, rows), rng.normal(5, 1.5, rows)),
        "f5": 20 * (1 + rng.pareto(1.3, rows)),
        "f6": pa.array(rng.gamma(2.0, 4.0, rows), mask=rng.random(rows) < 0.05),
        "f7": pa.array(rng.standard_t(5, rows), mask=rng.random(rows) < 0.05),
        "f8": rng.beta(0.5, 0.5, rows),
        "f9": np.where(rng.random(rows) < 0.7, 0.0, rng.gamma(1.5, 10.0, rows)),
        "i0": rng.integers(18, 91, rows),
        "i1": rng.poisson(4, rows),
        "i2": rng.integers(0, 2**31, rows),
        "i3": rng.integers(0, 24, rows),
    }
    for name, size in WORDS.items():
        weights = np.cumsum(1.0 / np.arange(1, size + 1) ** 1.05)
        codes = np.searchsorted(weights / weights[-1], rng.random(rows)).clip(0, size - 1)
        columns[name] = pa.array([f"{name}_{i:06d}" for i in range(size)]).take(pa.array(codes))
    columns["label"] = rng.random(rows) < 0.4
    return pa.table(columns)


def make_long(path: Path, millions: int) -> None:
    """So many million rows: the same million, some columns moved each time so that new values come."""
    base = make_table(MILLION)
    random = [name for name in base.column_names if name[0] in "fi"]
    with pq.ParquetWriter(path, base.schema, compression="zstd", use_dictionary=list(WORDS)) as writer:
        for turn in range(millions):
            moved = base
            for name in [*random[:2], "i2"]:
                values = pa.compute.add(moved[name], turn * 7)
                moved = moved.set_column(moved.column_names.index(name), name, values)
            writer.write_table(moved, row_group_size=250_000)


def make_wide(path: Path) -> None:
    """10,000 rows of 5,000 columns: numbers, whole numbers and texts in turn."""
    rng = np.random.default_rng(3)
    words = np.array([f"word {i}" for i in range(50)])
    kinds: list[Callable[[], np.ndarray]] = [
        lambda: rng.normal(size=10_000),
        lambda: rng.integers(0, 100, 10_000),
        lambda: words[rng.integers(0, 50, 10_000)],
    ]
    pq.write_table(pa.table({f"c{i:04d}": kinds[i % 3]() for i in range(5_000)}), path)


def make_short(path: Path) -> None:
    pq.write_table(make_table(MILLION), path, row_group_size=125_000)


def make_csv(path: Path) -> None:
    pyarrow.csv.write_csv(make_table(MILLION).select(CSV_COLUMNS), path)


MAKERS: dict[str, Callable[[Path], None]] = {
    "short.parquet": make_short,
    "wide.parquet": make_wide,
    "short.csv": make_csv,
    **{f"long-{n}.parquet": functools.partial(make_long, millions=n) for n in (1, 10, 100)},
}


def made(script: str, folder: Path, name: str) -> Path:
    """The path of a file; `script` is asked to make it if it is not there.

    In a process of its own: a process starts with the peak memory of the one that started it.
    """
    path = folder / name
    if not path.exists():
        print(f"making {name}", file=sys.stderr)
        unfinished = folder / f"unfinished-{name}"
        subprocess.run([sys.executable, script, "--role", f"make {name}", str(unfinished)], check=True)
        unfinished.rename(path)
    return path


# ---------------------------------------------------------------- the work, each in a process of its own


def tilth_profile(path: str) -> None:
    import tilth

    found = tilth.profile(path)
    assert found.rows
    found.to_json()


def tilth_read(path: str) -> None:
    from tilth.tables import open_table

    assert sum(batch.num_rows for batch in open_table(path).batches())


def tilth_associations(path: str) -> None:
    from tilth.profiles.associations import associations

    assert associations(path, label="label").correlations


def duckdb_summarize(path: str) -> None:
    import duckdb

    assert duckdb.sql(f"SUMMARIZE SELECT * FROM read_parquet('{path}')").fetchall()


def polars_read(path: str) -> None:
    import polars

    assert polars.read_csv(path).height


WORK = {
    work.__name__: work
    for work in (tilth_profile, tilth_read, tilth_associations, duckdb_summarize, polars_read)
}


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: list[str]) -> Cost:
    """One process from its start to its end."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    wall = time.perf_counter() - start
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def python(work: Callable[[str], None], path: Path) -> list[str]:
    return [sys.executable, __file__, "--role", work.__name__, str(path)]


def in_turn(commands: dict[str, list[str]], runs: int) -> dict[str, list[Cost]]:
    """The cost of each command in each turn, after one that does not count."""
    for command in commands.values() if runs > 1 else ():
        run(command)
    turns = [{name: run(command) for name, command in commands.items()} for _ in range(runs)]
    return {name: [turn[name] for turn in turns] for name in commands}


def table(found: dict[str, list[Cost]], base: str) -> None:
    """Medians, and the median of the ratios to `base` in the same turn."""
    print("| work | wall s | CPU s | peak MB | CPU ratio | wall ratio |")
    print("| :--- | ---: | ---: | ---: | ---: | ---: |")
    for name, costs in found.items():
        medians = [statistics.median(getattr(c, field) for c in costs) for field in Cost.__annotations__]
        ratios = [
            statistics.median(getattr(c, f) / getattr(b, f) for c, b in zip(costs, found[base], strict=True))
            for f in ("cpu_s", "wall_s")
        ]
        wall, cpu, peak = medians
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    print(flush=True)


# ---------------------------------------------------------------- the measurements


def measure_speed(folder: Path, runs: int, quick: bool) -> None:
    del quick
    path = made(__file__, folder, "short.parquet")
    print("### 1,000,000 rows of 20 columns, Parquet\n")
    commands = {
        "DuckDB `SUMMARIZE`": python(duckdb_summarize, path),
        "`tilth.profile`, to JSON": python(tilth_profile, path),
    }
    table(in_turn(commands, runs), "DuckDB `SUMMARIZE`")


def measure_length(folder: Path, runs: int, quick: bool) -> None:
    print("### 20 columns, Parquet, `tilth.profile` to JSON\n")
    commands = {"1 million rows": python(tilth_profile, made(__file__, folder, "long-1.parquet"))}
    found = in_turn(commands, runs)
    for millions in () if quick else (10, 100):
        name = f"{millions} million rows"
        command = python(tilth_profile, made(__file__, folder, f"long-{millions}.parquet"))
        found[name] = in_turn({name: command}, 1)[name] * runs
    table(found, "1 million rows")


def measure_width(folder: Path, runs: int, quick: bool) -> None:
    del quick
    path = made(__file__, folder, "wide.parquet")
    print("### 10,000 rows of 5,000 columns, Parquet\n")
    commands = {
        "DuckDB `SUMMARIZE`": python(duckdb_summarize, path),
        "`tilth.profile`, to JSON": python(tilth_profile, path),
    }
    table(in_turn(commands, min(runs, 3)), "DuckDB `SUMMARIZE`")


def measure_csv(folder: Path, runs: int, quick: bool) -> None:
    del quick
    path = made(__file__, folder, "short.csv")
    print(f"### 1,000,000 rows of 10 columns, CSV ({path.stat().st_size / 1e6:.0f} MB)\n")
    output = path.with_suffix(".profile.json")
    commands = {
        "Polars `read_csv`": python(polars_read, path),
        "`tilth.tables`: types found, all batches read": python(tilth_read, path),
        "`tilth profile`, whole command": [
            str(Path(sys.executable).with_name("tilth")),
            "profile",
            str(path),
            "-o",
            str(output),
        ],
    }
    table(in_turn(commands, runs), "Polars `read_csv`")


def measure_associations(folder: Path, runs: int, quick: bool) -> None:
    del quick
    print("### Associations of 1,000,000 rows of 20 columns, Parquet\n")
    commands = {
        "`tilth.profile`, to JSON": python(tilth_profile, made(__file__, folder, "short.parquet")),
        "profile and associations": python(tilth_associations, made(__file__, folder, "short.parquet")),
    }
    table(in_turn(commands, min(runs, 3)), "`tilth.profile`, to JSON")


@contextmanager
def clock(times: list[float]) -> Iterator[None]:
    """Add the milliseconds that the block takes."""
    start = time.perf_counter()
    yield
    times.append((time.perf_counter() - start) * 1e3)


def measure_merging(folder: Path, runs: int, quick: bool) -> None:
    del quick
    path = made(__file__, folder, "short.parquet")
    print("### Profiles of 20 columns, of 500,000 rows each, in one process\n", flush=True)
    subprocess.run(
        [sys.executable, __file__, "--runs", str(runs), "--role", "merging", str(path)], check=True
    )


def merging(path: str, runs: int) -> None:
    """Comparing, writing, reading and merging profiles."""
    import tilth
    from tilth.profiles import Profile

    whole = pq.read_table(path)
    halves = [tilth.profile(whole.slice(start, MILLION // 2)) for start in (0, MILLION // 2)]
    texts = [half.to_json() for half in halves]
    small = [tilth.profile(whole.slice(start * 1_000, 1_000)) for start in range(1_000)]
    times: dict[str, list[float]] = {}
    tilth.compare({"x": [1.0, 2.0]}, {"x": [1.0, 2.0]})  # what is loaded once and for all
    without_words = [half.select([name for name in half.columns if name != "c200k"]) for half in halves]
    for _ in range(runs):
        with clock(times.setdefault("compare two profiles", [])):
            tilth.compare(*halves)
        with clock(times.setdefault("compare them without the column of 200,000 words", [])):
            tilth.compare(*without_words)
        with clock(times.setdefault("read two profiles from JSON", [])):
            read = [Profile.from_json(text) for text in texts]
        with clock(times.setdefault("compare the two just read", [])):
            tilth.compare(*read)
        with clock(times.setdefault("write one as JSON", [])):
            halves[0].to_json()
        with clock(times.setdefault("merge two", [])):
            halves[0] + halves[1]
        with clock(times.setdefault("merge 1,000 of 1,000 rows each", [])):
            Profile.merged(small)
    print(f"One profile is {len(texts[0].encode()) / 1e6:.1f} MB of JSON, ", end="")
    print(f"one of 1,000 rows {len(small[0].to_json().encode()) / 1e6:.2f} MB.\n")
    print("| work | ms |\n| :--- | ---: |")
    for name, found in times.items():
        print(f"| {name} | {statistics.median(found):,.1f} |")
    print(flush=True)


MEASUREMENTS = {
    "speed": measure_speed,
    "length": measure_length,
    "width": measure_width,
    "csv": measure_csv,
    "associations": measure_associations,
    "merging": measure_merging,
}


def command_line(
    description: str | None,
    measurements: dict[str, Callable[[Path, int, bool], None]],
    roles: dict[str, Callable[[str, int], None]],
    libraries: tuple[str, ...],
) -> None:
    """Measure what is asked for, or do the piece of work that a measurement started this process for.

    Args:
        description: what `--help` says.
        measurements: what can be measured, by name.
        roles: the pieces of work that need the number of runs, by name.
        libraries: those whose versions are told.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=list(measurements))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--role", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        work, path = arguments.role
        roles[work](path, arguments.runs)
        return
    machine = platform.processor() or platform.machine()
    versions = json.dumps({name: version(name) for name in libraries})
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        for name in arguments.only or measurements:
            measurements[name](folder, arguments.runs, arguments.quick)


def roles_of(
    works: dict[str, Callable[[str], None]], makers: dict[str, Callable[[Path], None]]
) -> dict[str, Callable[[str, int], None]]:
    """Work on a path, and the making of tables, as roles that do not need the number of runs."""
    found = {name: lambda path, _, work=work: work(path) for name, work in works.items()}
    made = {f"make {name}": lambda path, _, make=make: make(Path(path)) for name, make in makers.items()}
    return found | made


if __name__ == "__main__":
    command_line(
        __doc__,
        MEASUREMENTS,
        roles_of(WORK, MAKERS) | {"merging": merging},
        ("tilth", "duckdb", "polars", "pyarrow", "numpy"),
    )
