"""Tables in bulk: cut when that pays, on any number of threads, with few batches in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from shops import shop_features, shops
from tilth.errors import GraphError
from tilth.features import Transform
from tilth.inference import Graph, cutting
from tilth.inference.graph import BATCH_ROWS
from tilth.inference.session import Session, open_session
from tilth.tables import Table, open_table


class Reading:
    """A table that counts how many batches were read and how many rows the largest one had."""

    def __init__(self, data: pa.Table, rows: int | None = None) -> None:
        self.batches = 0
        self.largest = 0
        self.table = Table("test", open_table(data).columns, self._read, rows=rows)
        self._data = data

    def _read(self, names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for batch in self._data.select(list(names)).to_batches(max_chunksize=size):
            self.batches += 1
            self.largest = max(self.largest, batch.num_rows)
            yield batch


def test_any_number_of_threads_gives_the_same_in_the_same_order() -> None:
    data = shops(300_000, 3_000)
    graph = Transform(shop_features).fit(data).graph
    alone = np.concatenate([outputs["features"] for outputs in graph.run_table(open_table(data), threads=1)])
    for threads in (2, 5):
        found = [outputs["features"] for outputs in graph.run_table(open_table(data), threads=threads)]
        assert np.concatenate(found).tobytes() == alone.tobytes()
    assert graph.run_batch(data)["features"].tobytes() == alone.tobytes()
    assert len(alone) == len(data)


def test_few_batches_are_read_ahead() -> None:
    data = shops(BATCH_ROWS * 200, 10)
    reading = Reading(data)
    graph = Transform(shop_features).fit(data.slice(0, 1_000)).graph
    answers = graph.run_table(reading.table, threads=2)
    next(answers)
    assert reading.batches <= 5
    assert reading.largest <= 65_536
    answers.close()  # type: ignore[attr-defined]


def test_wide_tables_are_taken_in_smaller_batches() -> None:
    rows = BATCH_ROWS * 5
    data = pa.table({f"n{i}": np.zeros(rows) for i in range(300)})
    reading = Reading(data)
    graph = Transform(lambda x: {name: x[name] for name in x}).fit(data.slice(0, 10)).graph
    found = sum(len(outputs["features"]) for outputs in graph.run_table(reading.table, threads=1))
    assert found == rows
    assert reading.largest == BATCH_ROWS


def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the parts that are loaded from now on."""
    sizes: list[int] = []

    def counting(model: bytes, threads: int) -> Session:
        sizes.append(len(model))
        return open_session(model, threads)

    monkeypatch.setattr(cutting, "open_session", counting)
    return sizes


def test_a_model_is_cut_only_for_many_texts_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = shops(100_000, 3_000)
    model = Transform(shop_features).fit(data).to_onnx()
    sizes = opened(monkeypatch)
    graph = Graph.from_bytes(model)
    graph.run({"city": np.array(["city 1"]), "kind": np.array(["small"]), "size": np.array([0.5])})
    graph.run_batch(data.slice(0, BATCH_ROWS))
    list(graph.run_table(open_table(data.slice(0, len(model) // 4))))
    assert sizes == []  # to load the model again would take longer
    for _ in range(2):
        list(graph.run_table(open_table(data)))
        graph.run_batch(data)
    assert len(sizes) == 3
    assert sum(sizes) < len(model) + 2_000


def test_numbers_alone_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pa.table({"size": np.arange(100_000.0)})
    sizes = opened(monkeypatch)
    graph = Transform(lambda x: {"size": x["size"].zscore()}).fit(data).graph
    list(graph.run_table(open_table(data)))
    assert sizes == []


def test_texts_of_the_wrong_type_are_told_in_bulk_too() -> None:
    data = shops(100_000, 3_000)
    graph = Transform(shop_features).fit(data).graph
    wrong = data.set_column(0, "city", pa.array(range(100_000)))
    with pytest.raises(GraphError, match="the column 'city' holds int64"):
        graph.run_batch(wrong)
    with pytest.raises(GraphError, match="needs the column 'kind'"):
        graph.run_batch(data.drop_columns(["kind"]))
    missing = data.set_column(0, "city", pa.nulls(100_000))
    found = graph.run_batch(missing)["features"]
    expected = graph.run_batch(missing.slice(0, 10))["features"]
    assert found[:10].tobytes() == expected.tobytes()
