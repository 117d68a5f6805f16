"""Features fitted part by part, on whatever engine, have the same constants to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.engines import Engine
from tilth.features import Expression, Inputs, Transform, cross
from tilth.tables import open_table

T = TypeVar("T")
R = TypeVar("R")

ROWS = 600


@dataclass
class Parts:
    """An engine that works on one item after the other and counts them."""

    name: str = "parts"
    workers: int = 2
    items: list[object] = field(default_factory=list)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for item in items:
            self.items.append(item)
            yield function(item)


@pytest.fixture
def files(tmp_path: Path) -> str:
    random = np.random.default_rng(0)
    for number in range(3):
        table = pa.table(
            {
                "amount": random.normal(size=ROWS) * 10.0 ** random.integers(-8, 8, ROWS),
                "shop": random.choice(["a", "b", "c", None], ROWS),
                "day": random.integers(0, 7, ROWS),
            }
        )
        pq.write_table(table, tmp_path / f"{number}.parquet")
    return str(tmp_path / "*.parquet")


def features(x: Inputs) -> dict[str, Expression]:
    return {
        "amount": x["amount"].zscore(),
        "shifted": (x["amount"].center() * x["day"]).quantile_buckets(5),
        "where": cross(x["shop"].fill_missing("mode"), x["day"]).one_hot(top=5),
    }


def test_parts_give_the_same_graph_as_one_pass(files: str) -> None:
    engine = Parts()
    found = Transform(features).fit(files, engine=engine).to_onnx()
    assert found == Transform(features).fit(files).to_onnx()
    assert len(engine.items) == 6  # three files; once for the raw columns, once for what is made of them


def test_a_filtered_table_keeps_its_parts(files: str) -> None:
    table = open_table(files)
    keep = np.arange(table.rows) % 3 != 0
    parts = table.filter(keep).parts()
    assert [part.rows for part in parts] == [400, 400, 400]
    assert pa.concat_tables([part.to_arrow() for part in parts]) == table.filter(keep).to_arrow()


@pytest.mark.slow
def test_a_cluster_gives_the_same_graph(files: str, cluster_here: Engine) -> None:
    table = open_table(files)
    keep = np.arange(table.rows) % 2 == 0
    found = Transform(features).fit(table.filter(keep), engine=cluster_here).to_onnx()
    assert found == Transform(features).fit(table.filter(keep)).to_onnx()
