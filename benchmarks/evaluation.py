"""Sliced metrics with intervals, beside a program written by hand for the same figures without intervals.

    python benchmarks/evaluation.py [--runs 5] [--quick] [--only NAME]... [--folder FOLDER]

Makes seeded tables in a temporary folder (or in FOLDER, where they are kept and used again), runs each
command in a process of its own, in turn with what it is compared with, and prints Markdown tables of medians.
`--quick` leaves out the 10 million rows. The names: slices, groups, length.

TensorFlow Model Analysis and Fairlearn are not run here. Their figures are given ones for the same work, a
million rows: 81 slices without intervals (tensorflow-model-analysis 0.52.0), and four metrics in 12 groups
(Fairlearn's MetricFrame).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from data import MILLION, command_line, in_turn, made, roles_of, table

TFMA_CPU_S = 424.0
FAIRLEARN_CPU_S = 12.0
SLICES = [["c20"], ["c3", "c20"]]


def make_scored(path: Path, millions: int) -> None:
    """Labels, scores, what they say, and columns of 3, 12 and 20 words; other rows in each million."""
    writer = None
    for turn in range(millions):
        rng = np.random.default_rng(turn)
        label = rng.random(MILLION) < 0.35
        score = 1 / (1 + np.exp(-(rng.normal(0, 1, MILLION) + 1.2 * label - 0.6)))
        columns: dict[str, Any] = {"label": label.astype(np.int64), "score": score, "said": score > 0.5}
        columns["said"] = columns["said"].astype(np.int64)
        for count in (3, 12, 20):
            words = pa.array([f"c{count}_{i:06d}" for i in range(count)])
            columns[f"c{count}"] = words.take(pa.array(rng.zipf(1.6, MILLION) % count))
        rows = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, rows.schema)
        writer.write_table(rows, row_group_size=125_000)
    assert writer is not None
    writer.close()


# ---------------------------------------------------------------- the work, each in a process of its own


def tilth_slices(path: str) -> None:
    import tilth

    found = tilth.evaluate(path, label="label", score="score", slices=SLICES)
    assert len(found.slices) == 81
    assert found.slices[80].metrics["auroc"].low is not None


def tilth_groups(path: str) -> None:
    import tilth

    assert len(tilth.evaluate(path, label="label", prediction="said", slices=[["c12"]]).slices) == 13


def polars_slices(path: str) -> None:
    """Exact AUROC, accuracy, precision and recall of the same 81 slices."""
    import polars

    def measured(rows: Any) -> tuple[float, ...]:
        truth, score = rows["label"].to_numpy(), rows["score"].to_numpy()
        ranks = rows["score"].rank("average").to_numpy()
        positives, said = int(truth.sum()), score > 0.5
        hits = int((said & (truth == 1)).sum())
        wins = ranks[truth == 1].sum() - positives * (positives + 1) / 2
        auroc = wins / (positives * (len(truth) - positives))
        return float(auroc), float((said == truth).mean()), hits / said.sum(), hits / positives

    frame = polars.read_parquet(path, columns=["label", "score", "c3", "c20"])
    found = {(): measured(frame)}
    for names in SLICES:
        for key, part in frame.partition_by(names, as_dict=True).items():
            found[key] = measured(part)
    assert len(found) == 81


WORK = {work.__name__: work for work in (tilth_slices, tilth_groups, polars_slices)}
MAKERS = {f"scored-{millions}.parquet": partial(make_scored, millions=millions) for millions in (1, 10)}


def python(work: Callable[[str], None], path: Path) -> list[str]:
    return [sys.executable, __file__, "--role", work.__name__, str(path)]


# ---------------------------------------------------------------- the measurements


def measure_slices(folder: Path, runs: int, quick: bool) -> None:
    del quick
    path = made(__file__, folder, "scored-1.parquet")
    print("### 1,000,000 rows, 81 slices\n")
    found = in_turn(
        {
            "Polars and NumPy by hand, four metrics": python(polars_slices, path),
            "`tilth.evaluate`, all metrics with intervals": python(tilth_slices, path),
        },
        runs,
    )
    table(found, "Polars and NumPy by hand, four metrics")
    own = min(cost.cpu_s for cost in found["`tilth.evaluate`, all metrics with intervals"])
    print(f"TensorFlow Model Analysis without intervals: {TFMA_CPU_S:.0f} CPU s, {TFMA_CPU_S / own:.0f} x\n")


def measure_groups(folder: Path, runs: int, quick: bool) -> None:
    del quick
    print("### 1,000,000 rows, 12 groups, predictions without scores\n")
    name = "`tilth.evaluate`, all metrics with intervals"
    found = in_turn({name: python(tilth_groups, made(__file__, folder, "scored-1.parquet"))}, runs)
    table(found, name)
    own = min(cost.cpu_s for cost in found[name])
    print(f"Fairlearn, four metrics: {FAIRLEARN_CPU_S:.0f} CPU s, {FAIRLEARN_CPU_S / own:.0f} x\n")


def measure_length(folder: Path, runs: int, quick: bool) -> None:
    print("### 81 slices, Parquet\n")
    commands = {"1 million rows": python(tilth_slices, made(__file__, folder, "scored-1.parquet"))}
    found = in_turn(commands, runs)
    if not quick:
        path = made(__file__, folder, "scored-10.parquet")
        found["10 million rows"] = in_turn({"10": python(tilth_slices, path)}, 1)["10"] * runs
    table(found, "1 million rows")


MEASUREMENTS = {"slices": measure_slices, "groups": measure_groups, "length": measure_length}


if __name__ == "__main__":
    command_line(__doc__, MEASUREMENTS, roles_of(WORK, MAKERS), ("numpy", "pyarrow", "polars"))
