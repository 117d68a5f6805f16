"""Large images are decoded a few at a time, with the same answers."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from PIL import Image

from tilth.errors import GraphError
from tilth.features import Transform
from tilth.inference import graph as graph_module
from tilth.inference.image_spans import image_spans
from tilth.tables import pixel_count


def encoded(height: int, width: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), height, np.uint8)).save(file, kind)
    return file.getvalue()


def test_pieces_have_few_pixels_unless_they_are_one_row() -> None:
    cells = [encoded(10, 10), encoded(5, 10), None, encoded(30, 30), encoded(2, 2), encoded(9, 11)]
    expected = [(0, 3), (3, 4), (4, 6)]
    assert image_spans([pa.array(cells, pa.large_binary())], 150) == expected
    assert image_spans([np.array(cells, dtype=object)], 150) == expected
    assert image_spans([pa.array(cells, pa.binary())], 10_000) == [(0, 6)]
    assert image_spans([pa.nulls(3)]) == [(0, 3)]
    assert image_spans([pa.array([], pa.large_binary())]) == [(0, 0)]


def test_the_pixels_of_several_columns_add_up() -> None:
    column = pa.array([encoded(10, 10)] * 4, pa.large_binary())
    assert image_spans([column, column], 400) == [(0, 2), (2, 4)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_pixels_are_counted_without_decoding(kind: str) -> None:
    assert pixel_count(encoded(7, 12, kind)) == 84
    assert pixel_count(encoded(7, 12, kind)[:3]) == 0


def test_pieces_give_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [encoded(3 + row % 5, 4 + row % 3) if row % 7 else None for row in range(40)]
    data = pa.table({"photo": pa.array(cells, pa.large_binary()), "age": [float(row) for row in range(40)]})
    transform = Transform(lambda x: {"b": x["photo"].brightness(), "age": x["age"] + x["photo"].width()})
    whole = transform.fit(data).transform(data)
    graph = transform.graph
    objects = {"photo": np.array(cells, dtype=object), "age": np.arange(40.0)}
    taken: list[int] = []

    def small(columns: list[pa.Array | npt.NDArray[np.object_]]) -> list[tuple[int, int]]:
        taken.append(len(columns[0]))
        return image_spans(columns, 30)

    monkeypatch.setattr(graph_module, "image_spans", small)
    assert np.array_equal(transform.transform(data), whole, equal_nan=True)
    assert np.array_equal(graph.run(objects)["features"], whole, equal_nan=True)
    groups = list(graph.run_groups(data.combine_chunks().to_batches()[0]))
    found = np.empty_like(whole)
    for rows, outputs in groups:
        found[rows] = outputs["features"]
    assert np.array_equal(found, whole, equal_nan=True)
    assert taken == [32, 8, 40, 32, 8]


def test_columns_of_different_lengths_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [encoded(4, 4)] * 3
    data = pa.table({"photo": pa.array(cells, pa.large_binary()), "age": [1.0, 2.0, 3.0]})
    transform = Transform(lambda x: {"b": x["photo"].brightness(), "age": x["age"]}).fit(data)
    monkeypatch.setattr(graph_module, "image_spans", lambda columns: image_spans(columns, 16))
    with pytest.raises(GraphError, match="differ in length"):
        transform.graph.run({"photo": np.array(cells, dtype=object), "age": np.arange(5.0)})
