"""Feature transforms: fitting and applying, in bulk and on one row, beside scikit-learn and tf.Transform.

    python benchmarks/features.py [--runs 5] [--quick] [--only NAME]... [--folder FOLDER]

Makes seeded tables in a temporary folder (or in FOLDER, where they are kept and used again), runs each
command in a process of its own, in turn with what it is compared with, and prints Markdown tables of medians.
`--quick` leaves out the 10 and 50 million rows. The names: speed, bulk, row, length.

tf.Transform is not run here: it needs TensorFlow and Beam. Its figure is a given one for the same work, with
its output and function written too (tensorflow-transform 1.21.0, one worker of Beam's DirectRunner).
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data import MILLION, WORDS, command_line, in_turn, made, make_table, roles_of, table

TF_TRANSFORM_CPU_S = 37.0
FLOATS = [f"f{i}" for i in range(10)]
BUCKETED = ["f1", "f5"]
LONG_COLUMNS = ["f0", "f1", "c200", "c5k"]


# ---------------------------------------------------------------- the data


def make_short(path: Path) -> None:
    """1,000,000 rows of 20 columns."""
    pq.write_table(make_table(MILLION), path, row_group_size=125_000)


def make_long(path: Path, millions: int) -> None:
    """So many million rows of 4 columns, other numbers in each million."""
    base = make_table(MILLION).select(LONG_COLUMNS)
    with pq.ParquetWriter(path, base.schema, compression="zstd", use_dictionary=list(WORDS)) as writer:
        for turn in range(millions):
            moved = base
            for name in ("f0", "f1"):
                values = pa.compute.add(moved[name], turn * 7)
                moved = moved.set_column(moved.column_names.index(name), name, values)
            writer.write_table(moved, row_group_size=250_000)


MAKERS: dict[str, Callable[[Path], None]] = {
    "short.parquet": make_short,
    **{f"narrow-{n}.parquet": functools.partial(make_long, millions=n) for n in (1, 10, 50)},
}


# ---------------------------------------------------------------- the work


def features(x: Any) -> dict[str, Any]:
    """10 z-scores, 2 bucketisations, 5 vocabularies."""
    found = {f"{name}_z": x[name].zscore() for name in FLOATS}
    found |= {f"{name}_bucket": x[name].quantile_buckets(10) for name in BUCKETED}
    return found | {f"{name}_id": x[name].vocabulary() for name in WORDS}


def column_transformer() -> Any:
    """The same in scikit-learn."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, StandardScaler

    bins = KBinsDiscretizer(
        10, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf"
    )
    return ColumnTransformer(
        [
            ("z", StandardScaler(), FLOATS),
            ("bucket", bins, BUCKETED),
            ("id", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), list(WORDS)),
        ]
    )


def tilth_fit(path: str) -> None:
    from tilth.features import Transform

    assert Transform(features).fit(path).feature_names


def tilth_fit_apply(path: str) -> None:
    from tilth.features import Transform

    transform = Transform(features).fit(path)
    assert transform.apply(path).num_rows == MILLION


def tilth_fit_apply_write(path: str) -> None:
    from tilth.features import Transform

    transform = Transform(features).fit(path)
    pq.write_table(transform.apply(path), f"{path}.tilth")
    Path(f"{path}.onnx").write_bytes(transform.to_onnx())


def sklearn_fit_apply(path: str) -> None:
    import polars

    frame = polars.read_parquet(path, columns=[*FLOATS, *WORDS])
    assert len(column_transformer().fit_transform(frame)) == MILLION


def sklearn_fit_apply_write(path: str) -> None:
    import joblib
    import polars

    frame = polars.read_parquet(path, columns=[*FLOATS, *WORDS])
    transformer = column_transformer()
    found = transformer.fit_transform(frame).astype(np.float32)
    names = transformer.get_feature_names_out()
    pq.write_table(pa.table({name: found[:, i] for i, name in enumerate(names)}), f"{path}.sklearn")
    joblib.dump(transformer, f"{path}.joblib")


def tilth_narrow(path: str) -> None:
    """Fit and apply, the features taken batch by batch and let go."""
    from tilth.features import Transform
    from tilth.tables import open_table

    def narrow(x: Any) -> dict[str, Any]:
        return {
            "z": x["f0"].zscore(),
            "bucket": x["f1"].quantile_buckets(10),
            "id": x["c200"].vocabulary(),
            "top": x["c5k"].one_hot(top=3),
        }

    transform = Transform(narrow).fit(path)
    data = open_table(path)
    rows = sum(len(outputs["features"]) for outputs in transform.graph.run_table(data))
    assert rows == data.rows


WORK = {
    work.__name__: work
    for work in (
        tilth_fit,
        tilth_fit_apply,
        tilth_fit_apply_write,
        sklearn_fit_apply,
        sklearn_fit_apply_write,
        tilth_narrow,
    )
}


def python(work: Callable[[str], None], path: Path) -> list[str]:
    return [sys.executable, __file__, "--role", work.__name__, str(path)]


# ---------------------------------------------------------------- the measurements


def measure_speed(folder: Path, runs: int, quick: bool) -> None:
    del quick
    path = made(__file__, folder, "short.parquet")
    print("### Fit and apply, 1,000,000 rows: 10 z-scores, 2 bucketisations, 5 vocabularies\n")
    found = in_turn(
        {
            "scikit-learn `ColumnTransformer`": python(sklearn_fit_apply, path),
            "the same, features and transformer written": python(sklearn_fit_apply_write, path),
            "`Transform.fit`": python(tilth_fit, path),
            "`Transform.fit`, `.apply`": python(tilth_fit_apply, path),
            "the same, features and graph written": python(tilth_fit_apply_write, path),
        },
        runs,
    )
    table(found, "scikit-learn `ColumnTransformer`")
    cpu = statistics.median(cost.cpu_s for cost in found["the same, features and graph written"])
    print(f"tf.Transform, all written: {TF_TRANSFORM_CPU_S} CPU s; ", end="")
    print(f"Tilth's share of it: 1/{TF_TRANSFORM_CPU_S / cpu:.1f}.\n", flush=True)


def measure_inside(folder: Path, runs: int, name: str) -> None:
    path = made(__file__, folder, "short.parquet")
    command = [sys.executable, __file__, "--runs", str(runs), "--role", name, str(path)]
    subprocess.run(command, check=True)


def measure_bulk(folder: Path, runs: int, quick: bool) -> None:
    del quick
    print("### Applying to 1,000,000 rows in memory, in one process\n", flush=True)
    measure_inside(folder, runs, "bulk")


def measure_row(folder: Path, runs: int, quick: bool) -> None:
    del quick
    print("### One row, in one process\n", flush=True)
    measure_inside(folder, runs, "row")


def measure_length(folder: Path, runs: int, quick: bool) -> None:
    print("### Fit and apply batch by batch, 4 columns, Parquet\n")
    commands = {"1 million rows": python(tilth_narrow, made(__file__, folder, "narrow-1.parquet"))}
    found = in_turn(commands, runs)
    for millions in () if quick else (10, 50):
        name = f"{millions} million rows"
        path = made(__file__, folder, f"narrow-{millions}.parquet")
        found[name] = in_turn({name: python(tilth_narrow, path)}, 1)[name] * runs
    table(found, "1 million rows")


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processors."""
    before = os.times()
    work()
    after = os.times()
    return after.elapsed - before.elapsed, after.user + after.system - before.user - before.system


def bulk(path: str, runs: int) -> None:
    """Applying what is fitted to data in memory."""
    import polars

    from tilth.features import Transform

    data = pq.read_table(path, columns=[*FLOATS, *WORDS])
    frame = polars.from_arrow(data)
    transformer = column_transformer().fit(frame)
    transform = Transform(features).fit(data)
    works: dict[str, Callable[[], object]] = {
        "scikit-learn `ColumnTransformer.transform`, a data frame": lambda: transformer.transform(frame),
        "`Transform.transform`, the Arrow table": lambda: transform.transform(data),
        "`Transform.apply`, the Arrow table": lambda: transform.apply(data),
        "`Transform.transform`, the data frame": lambda: transform.transform(frame),
    }
    turns = [{name: spent(work) for name, work in works.items()} for _ in range(runs + 1)][1:]
    print("| work | wall s | CPU s | CPU ratio |\n| :--- | ---: | ---: | ---: |")
    base = next(iter(works))
    for name in works:
        wall, cpu = (statistics.median(turn[name][i] for turn in turns) for i in (0, 1))
        ratio = statistics.median(turn[name][1] / turn[base][1] for turn in turns)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {ratio:.2f} |")
    print(flush=True)


def row(path: str, runs: int) -> None:
    """One row through what is fitted: 20 features of 10 numbers and 10 texts, and the 17 of the file."""
    import polars

    from tilth.features import Transform

    data = pq.read_table(path, columns=[*FLOATS, *WORDS])
    frame = polars.from_arrow(data)
    transformer = column_transformer().fit(frame)
    graph = Transform(features).fit(data).graph
    one = frame[:1]
    arrays = {name: np.array(one[name].to_list()) for name in one.columns}
    rng = np.random.default_rng(5)
    twenty = {f"n{i}": rng.normal(size=9_000) for i in range(10)}
    words = {f"t{i}": np.array([f"word {w}" for w in rng.integers(0, 90 * i + 9, 9_000)]) for i in range(10)}

    def of_twenty(x: Any) -> dict[str, Any]:
        return {name: x[name].zscore() for name in twenty} | {name: x[name].vocabulary() for name in words}

    both: dict[str, Any] = twenty | words
    wide = Transform(of_twenty).fit(pa.table(both)).graph
    first = {name: values[:1].astype(object if name[0] == "t" else float) for name, values in both.items()}
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "scikit-learn `ColumnTransformer.transform`, 17 features": (20, lambda: transformer.transform(one)),
        "`Graph.run`, the same 17 features": (2_000, lambda: graph.run(arrays)),
        "`Graph.run`, 20 features of 10 numbers and 10 texts": (2_000, lambda: wide.run(first)),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs + 1):
        for name, (count, work) in works.items():
            start = time.perf_counter()
            for _ in range(count):
                work()
            times[name].append((time.perf_counter() - start) / count * 1e6)
    print("| work | microseconds |\n| :--- | ---: |")
    for name, found in times.items():
        print(f"| {name} | {statistics.median(found[1:]):,.0f} |")
    print(flush=True)


MEASUREMENTS = {
    "speed": measure_speed,
    "bulk": measure_bulk,
    "row": measure_row,
    "length": measure_length,
}
INSIDE = {"bulk": bulk, "row": row}


if __name__ == "__main__":
    command_line(
        __doc__,
        MEASUREMENTS,
        roles_of(WORK, MAKERS) | INSIDE,
        ("tilth", "scikit-learn", "onnxruntime", "pyarrow", "polars", "numpy"),
    )
