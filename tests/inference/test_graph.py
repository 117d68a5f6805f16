"""Graph: columns in, arrays out; what does not fit is told by column."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from tilth.errors import GraphError
from tilth.inference import Graph
from tilth.inference.graph import BATCH_ROWS
from tilth.tables import open_table


def model(number: int = TensorProto.DOUBLE) -> bytes:
    """twice = number + number, same = text."""
    infos = [helper.make_tensor_value_info("number", number, [None, 1])]
    infos.append(helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1]))
    outputs = [helper.make_tensor_value_info("twice", number, [None, 1])]
    outputs.append(helper.make_tensor_value_info("same", TensorProto.STRING, [None, 1]))
    nodes = [
        helper.make_node("Add", ["number", "number"], ["twice"]),
        helper.make_node("Identity", ["text"], ["same"]),
    ]
    made = helper.make_model(
        helper.make_graph(nodes, "test", infos, outputs),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    helper.set_model_props(made, {"about": "a test"})
    return bytes(made.SerializeToString())


GRAPH = Graph.from_bytes(model())


def twice(values: object) -> list[float]:
    rows = np.array(["a"] * len(values), dtype=object)  # type: ignore[arg-type]
    found: list[float] = GRAPH.run({"number": values, "text": rows})["twice"].ravel().tolist()  # type: ignore[dict-item]
    return found


def test_a_graph_describes_itself() -> None:
    assert GRAPH.inputs == {"number": "float", "text": "string"}
    assert GRAPH.outputs == ("twice", "same")
    assert GRAPH.metadata == {"about": "a test"}
    assert GRAPH.size_bytes == len(model())


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2]),
        np.array([1.0, 2.0], dtype=np.float32),
        np.array([[1.0], [2.0]]),
        np.array([1, np.float64(2)], dtype=object),
        np.array([1, 2], dtype="datetime64[s]"),
        np.array([1, 2], dtype=np.uint8),
    ],
)
def test_numbers_come_in_many_forms(values: np.ndarray) -> None:
    assert twice(values) == [2.0, 4.0]


def test_missing_values_are_nan_and_the_empty_text() -> None:
    found = GRAPH.run(
        {"number": np.array([None, True], dtype=object), "text": np.array([None, "b"], dtype=object)}
    )
    np.testing.assert_array_equal(found["twice"], [[np.nan], [2.0]])
    assert found["same"].tolist() == [[""], ["b"]]
    nat = np.array(["NaT", "1970-01-01T00:00:01"], dtype="datetime64[us]")
    np.testing.assert_array_equal(twice(nat), [np.nan, 2.0])


def test_texts_may_be_numpy_strings_and_columns_unknown() -> None:
    found = GRAPH.run({"number": np.array([1.0]), "text": np.array(["ä"]), "other": np.array([1])})
    assert found["same"].tolist() == [["ä"]]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"number": np.array([1.0])}, ["needs the column 'text'"]),
        ({"numbr": np.array([1.0]), "text": np.array(["a"])}, ["column 'number'", "did you mean 'numbr'?"]),
        ({"number": np.array(["12"]), "text": np.array(["a"])}, ["column 'number'", "numbers"]),
        (
            {"number": np.array(["12"], dtype=object), "text": np.array(["a"])},
            ["column 'number'", "'12' in row 0"],
        ),
        ({"number": np.array([1.0]), "text": np.array([1.0])}, ["column 'text'", "expected: text"]),
        ({"number": np.array([1.0]), "text": np.array([3], dtype=object)}, ["column 'text'", "3 in row 0"]),
        ({"number": np.array([1.0, 2.0]), "text": np.array(["a"])}, ["differ in length: number 2, text 1"]),
        ({"number": np.ones((2, 2)), "text": np.array(["a"])}, ["column 'number'", "(2, 2)"]),
    ],
)
def test_what_does_not_fit_is_told_by_column(columns: dict[str, np.ndarray], words: list[str]) -> None:
    with pytest.raises(GraphError) as found:
        GRAPH.run(columns)
    for word in words:
        assert word in str(found.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, None]), [2.0, np.nan]),
        (pa.array([1.5, float("nan")]), [3.0, np.nan]),
        (pa.array([True, None]), [2.0, np.nan]),
        (pa.array([datetime.datetime(1970, 1, 2), None]), [172_800.0, np.nan]),
        (
            pa.array([datetime.datetime(1970, 1, 1, 0, 0, 0, 500_000)] * 2, pa.timestamp("ns", "UTC")),
            [1.0, 1.0],
        ),
        (pa.array([datetime.date(1970, 1, 2)] * 2), [172_800.0] * 2),
        (pa.array([None, None]), [np.nan, np.nan]),
        (pa.array([None, None], pa.string()), [np.nan, np.nan]),
        (pa.array([2, None]).dictionary_encode(), [4.0, np.nan]),
    ],
)
def test_arrow_columns(values: pa.Array, expected: list[float]) -> None:
    found = GRAPH.run_batch(pa.record_batch({"text": ["a", None], "number": values, "other": [1, 2]}))
    np.testing.assert_array_equal(found["twice"].ravel(), expected)
    assert found["same"].ravel().tolist() == ["a", ""]


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"number": ["1"], "text": ["a"]}, ["column 'number' holds string", "expected: numbers"]),
        ({"number": [1], "text": [2]}, ["column 'text' holds int64", "expected: text"]),
        ({"number": [1]}, ["needs the column 'text'"]),
    ],
)
def test_arrow_columns_that_do_not_fit(batch: dict[str, list[object]], words: list[str]) -> None:
    with pytest.raises(GraphError) as found:
        GRAPH.run_batch(pa.record_batch(batch))
    for word in words:
        assert word in str(found.value)


def test_integers_cannot_be_missing_where_a_graph_takes_integers() -> None:
    graph = Graph.from_bytes(model(TensorProto.INT64))
    assert graph.inputs["number"] == "int"
    assert graph.run_batch(pa.record_batch({"number": [3], "text": ["a"]}))["twice"].tolist() == [[6]]
    with pytest.raises(GraphError, match="holds a missing value"):
        graph.run_batch(pa.record_batch({"number": [3, None], "text": ["a", "b"]}))
    with pytest.raises(GraphError, match="column 'number' holds float64"):
        graph.run({"number": np.array([1.5]), "text": np.array(["a"])})


def test_large_batches_and_tables_are_cut() -> None:
    rows = BATCH_ROWS * 2 + 5
    data = pa.table({"number": np.arange(rows), "text": ["a"] * rows, "other": [0] * rows})
    whole = GRAPH.run_batch(data)["twice"]
    parts = [outputs["twice"] for outputs in GRAPH.run_table(open_table(data))]
    assert [len(part) for part in parts] == [rows]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    np.testing.assert_array_equal(whole.ravel(), np.arange(rows) * 2)


def test_a_table_without_a_column() -> None:
    with pytest.raises(GraphError, match="needs the column 'text'"):
        next(GRAPH.run_table(open_table({"number": [1]})))


def test_no_rows() -> None:
    found = GRAPH.run({"number": np.zeros(0), "text": np.zeros(0, dtype=object)})
    assert found["twice"].shape == (0, 1)
    assert found["same"].shape == (0, 1)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model())
    assert Graph.from_path(path).inputs == GRAPH.inputs
    with pytest.raises(GraphError, match="No such file"):
        Graph.from_path(tmp_path / "none.onnx")
    path.write_bytes(model()[:50])
    with pytest.raises(GraphError, match="not a graph that can be run"):
        Graph.from_path(path)


def test_inputs_that_no_column_can_be() -> None:
    with pytest.raises(GraphError, match="'number' is a tensor"):
        Graph.from_bytes(model(TensorProto.UINT8))


def test_what_the_runtime_refuses_is_a_graph_error() -> None:
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [7, 7])
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [info("x", TensorProto.DOUBLE, [None, 1])],
            [info("y", TensorProto.DOUBLE, [7, 7])],
            [shape],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    with pytest.raises(GraphError, match="the graph failed"):
        Graph.from_bytes(made.SerializeToString()).run({"x": np.array([1.0])})
