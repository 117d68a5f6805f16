"""Evaluation in parts, on engines: the same to the last bit, and every row is read once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.engines import Engine, local_engine
from tilth.errors import UsageError
from tilth.evaluation import Evaluator, Scored, evaluate, measure_scored
from tilth.metrics import LabelEncoding
from tilth.tables import columnar_files, open_table

SLICES = [["city"], ["city", "age > 40"], ["ranges(age, 30, 50)"]]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of 3,000 rows in row groups of 500; some labels and ages are missing."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(2):
        label = rng.random(3_000) < 0.3
        table = pa.table(
            {
                "y": pa.array(label, mask=rng.random(3_000) < 0.01),
                "p": np.clip(rng.random(3_000) * 0.8 + 0.2 * label, 0, 1),
                "w": rng.integers(1, 4, 3_000),
                "age": pa.array(rng.integers(18, 80, 3_000), mask=rng.random(3_000) < 0.05),
                "city": pa.array([f"c{v}" for v in rng.zipf(1.5, 3_000) % 7]),
            }
        )
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(table, paths[-1], row_group_size=500)
    return paths


def measured(files: list[Path], **options: object) -> str:
    found = evaluate([str(path) for path in files], label="y", score="p", slices=SLICES, **options)  # type: ignore[arg-type]
    return json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("weight", [None, "w"])
def test_parts_on_threads_give_the_same_bytes(
    files: list[Path], weight: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured(files, weight=weight)
    monkeypatch.setattr(columnar_files, "_PART_BYTES", 20_000)
    assert measured(files, weight=weight, engine=local_engine(3)) == whole
    assert measured(files[::-1], weight=weight, engine=local_engine(2)) == whole


@pytest.mark.slow
def test_parts_on_a_cluster_give_the_same_bytes(
    files: list[Path], cluster_here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured(files)
    monkeypatch.setattr(columnar_files, "_PART_BYTES", 20_000)
    assert measured(files, engine=cluster_here) == whole


def test_every_row_is_read_once_for_all_slices(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_table([str(path) for path in files])
    scored = Scored.of(table, label="y", score="p", encoding=LabelEncoding("binary", (False, True)))
    read: list[int] = []
    batches = Scored.batches

    def counted(self: Scored, columns: tuple[str, ...] = ()) -> Iterator[object]:
        for batch in batches(self, columns):
            read.append(len(batch.labels) + batch.unlabeled)
            yield batch

    monkeypatch.setattr(Scored, "batches", counted)
    found = measure_scored(scored, SLICES)
    assert sum(read) == 6_000 == found.rows + found.unlabeled
    assert len(found.slices) > 20


def test_slices_that_say_nothing_are_refused_across_batches() -> None:
    evaluator = Evaluator(LabelEncoding("binary", ("n", "y")), [["id"]])
    ids = [pa.array(np.arange(start, start + 600)) for start in (0, 600)]
    nothing = np.zeros(600, np.int64)
    evaluator.update(nothing, scores=np.zeros(600), columns={"id": ids[0]})
    with pytest.raises(UsageError, match="makes 1001 slices"):
        evaluator.update(nothing, scores=np.zeros(600), columns={"id": ids[1]})
