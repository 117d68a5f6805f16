"""In bulk a model gives what it gives row by row, to the last bit, and works on each distinct text once."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, load_from_string

from shops import shop_features, shops
from tilth.features import Inputs, Transform, cross, where
from tilth.inference import Graph
from tilth.inference.bulk import Bulk, NotByRowsError
from tilth.inference.feeds import DTYPES
from tilth.inference.partition import partition
from tilth.inference.session import Session, open_session

WORDS = ["red", "blue", "", "Grün", "a & b", "a", "b", "3", "ümlaut & x"]

Columns = dict[str, list[Any]]


class Parts:
    """Loads parts of models and counts the rows that each set of outputs was computed for."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, ...], int] = {}

    def __call__(self, model: bytes) -> Session:
        session = open_session(model, 1)
        return replace(session, _run=_Counting(session, self))


class _Counting:
    def __init__(self, session: Session, parts: Parts) -> None:
        self._inner = session._run
        self._key = tuple(session.inputs)
        self._parts = parts

    def __call__(self, outputs: Sequence[str], feeds: dict[str, np.ndarray], _: None) -> list[np.ndarray]:
        rows = len(next(iter(feeds.values())))
        self._parts.rows[self._key] = self._parts.rows.get(self._key, 0) + rows
        return self._inner(outputs, feeds, None)


def bulk_of(model: bytes, rows_at_once: int = 8_192) -> tuple[Bulk | None, Parts]:
    session = open_session(model, 1)
    parts = Parts()
    takes = [(name, name, DTYPES[kind]) for name, kind in session.inputs.items()]
    return Bulk.of(model, takes, parts, rows_at_once), parts


def run(bulk: Bulk, table: pa.Table) -> dict[str, np.ndarray]:
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    found = list(bulk.run(columns, table.num_rows))
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def coded(table: pa.Table) -> pa.Table:
    """The same rows with texts coded by dictionaries that hold more than these rows need."""
    arrays = []
    for column in table.columns:
        if pa.types.is_string(column.type):
            padded = pa.concat_arrays([pa.array(["never met", None]), column.combine_chunks()])
            arrays.append(padded.dictionary_encode().slice(2))
        else:
            arrays.append(column.combine_chunks())
    return pa.table(arrays, names=table.column_names)


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        if array.dtype == object:
            assert found[name].tolist() == array.tolist()
        else:
            assert found[name].tobytes() == array.tobytes()


# ---------------------------------------------------------------- the same as row by row

FEATURES: dict[str, Callable[[Inputs], Any]] = {
    "vocabulary": lambda x: x["s"].vocabulary(),
    "another vocabulary": lambda x: x["s"].vocabulary(top=2, default=9),
    "other vocabulary": lambda x: x["t"].vocabulary(min_count=2),
    "one hot": lambda x: x["t"].one_hot(),
    "two one hots": lambda x: x["s"].one_hot(top=2),
    "filled": lambda x: x["s"].fill_missing("red").vocabulary(),
    "missing": lambda x: x["s"].is_missing(),
    "equal": lambda x: x["t"] == "blue",
    "of two columns": lambda x: x["s"] == x["t"],
    "cross": lambda x: cross(x["s"], x["t"]).vocabulary(),
    "cross of three": lambda x: cross(x["s"], x["t"], x["u"]).one_hot(top=3),
    "cross with a number": lambda x: cross(x["n"], x["s"]).vocabulary(),
    "hour of week": lambda x: cross(x["d"].weekday(), x["d"].hour()).vocabulary(),
    "flag": lambda x: cross(x["f"], x["n"]).one_hot(),
    "lower": lambda x: x["s"].lower().vocabulary(),
    "strip": lambda x: x["t"].strip().upper().one_hot(top=3),
    "length": lambda x: x["s"].length(),
    "contains": lambda x: x["t"].contains("a"),
    "extract": lambda x: x["s"].extract("[a-z]+").vocabulary(),
    "words": lambda x: x["s"].tokens().bag_of_words(),
    "weighted words": lambda x: x["t"].tokens().tfidf(),
    "hash": lambda x: x["s"].hash(5),
    "hashed cross": lambda x: cross(x["s"], x["t"]).hash(7),
    "is in": lambda x: x["u"].is_in(["x", "z"]),
    "number": lambda x: x["a"].zscore(),
    "product": lambda x: x["a"] * (x["t"] == "red"),
    "chosen": lambda x: where(x["a"] > 0, x["s"], x["t"]).vocabulary(),
}

texts = st.none() | st.sampled_from(WORDS)
tables = st.lists(
    st.fixed_dictionaries(
        {
            "s": texts,
            "t": texts,
            "u": st.sampled_from(["x", "y"]),
            "n": st.none() | st.integers(-3, 3),
            "a": st.none() | st.integers(-9, 9).map(lambda n: n / 4),
            "f": st.none() | st.booleans(),
            "d": st.none() | st.datetimes(datetime.datetime(1999, 1, 1), datetime.datetime(2001, 1, 1)),
        }
    ),
    min_size=1,
    max_size=40,
)
SCHEMA = pa.schema(
    {
        "s": pa.string(),
        "t": pa.string(),
        "u": pa.string(),
        "n": pa.int64(),
        "a": pa.float64(),
        "f": pa.bool_(),
        "d": pa.timestamp("us"),
    }
)

TRAINING = pa.Table.from_pylist(
    [
        {
            "s": WORDS[i % 9],
            "t": WORDS[i * 7 % 5],
            "u": "xy"[i % 2],
            "n": i % 7 - 3,
            "a": i / 8,
            "f": i % 3 == 0,
            "d": datetime.datetime(2000, 1, 1 + i % 28, i % 24),
        }
        for i in range(60)
    ],
    SCHEMA,
)


@settings(deadline=None, max_examples=80)
@given(st.sets(st.sampled_from(sorted(FEATURES)), min_size=1), st.lists(tables, min_size=1, max_size=3))
def test_bulk_equals_the_whole_model(names: set[str], batches: list[list[dict[str, Any]]]) -> None:
    model = Transform(lambda x: {name: FEATURES[name](x) for name in sorted(names)}).fit(TRAINING).to_onnx()
    graph = Graph.from_bytes(model)
    bulk, _ = bulk_of(model, rows_at_once=7)
    if bulk is None:
        assert names == {"number"}
        return
    for rows in batches:
        table = pa.Table.from_pylist(rows, SCHEMA).select(list(graph.inputs))
        expected = graph.run_batch(table)
        same(run(bulk, table), expected)
        same(run(bulk, coded(table)), expected)
        alone = [graph.run_batch(table.slice(i, 1)) for i in range(len(table))]
        same({name: np.concatenate([a[name] for a in alone]) for name in expected}, expected)


# ---------------------------------------------------------------- what it saves


def test_texts_are_worked_on_once_for_each_distinct_text() -> None:
    table = shops(20_000, 50)
    model = Transform(shop_features).fit(table).to_onnx()
    bulk, parts = bulk_of(model)
    assert bulk is not None
    same(run(bulk, table), Graph.from_bytes(model).run_batch(table))
    assert parts.rows == {("city",): 50, ("kind",): 3, rest_of(parts): 20_000}


def rest_of(parts: Parts) -> tuple[str, ...]:
    """What the rest takes: neither texts alone nor numbers alone."""
    (found,) = (key for key in parts.rows if "size" in key)
    return found


def test_texts_of_the_batches_before_are_known() -> None:
    table = shops(20_000, 50)
    bulk, parts = bulk_of(Transform(shop_features).fit(table).to_onnx())
    assert bulk is not None
    for _ in range(3):
        run(bulk, table)
        run(bulk, coded(table))
    assert parts.rows["city",] == 50 + 1  # and the one that is only in a dictionary
    more = shops(20_000, 60)
    run(bulk, more)
    assert parts.rows["city",] == 61


def test_a_dictionary_larger_than_its_batch_is_not_worked_on_as_a_whole() -> None:
    table = shops(100_000, 30_000)
    model = Transform(shop_features).fit(table).to_onnx()
    bulk, parts = bulk_of(model)
    assert bulk is not None
    one_dictionary = pa.table(
        {
            "city": table["city"].combine_chunks().dictionary_encode(),
            "kind": table["kind"],
            "size": table["size"],
        }
    )
    few = one_dictionary.slice(70_000, 10_000)
    rows = {name: pa.concat_arrays([few[name].combine_chunks()] * 3) for name in few.column_names}
    same(run(bulk, pa.table(rows)), Graph.from_bytes(model).run_batch(pa.table(rows)))
    assert parts.rows["city",] == len(few["city"].unique())


def test_texts_that_hardly_repeat_are_run_row_by_row_and_only_once() -> None:
    rows = 20_000
    table = shops(rows, 50).set_column(0, "city", pa.array([f"city {i}" for i in range(rows)]))
    model = Transform(shop_features).fit(table).to_onnx()
    bulk, parts = bulk_of(model)
    assert bulk is not None
    found = run(bulk, table)
    assert parts.rows["city",] == rows
    same(found, Graph.from_bytes(model).run_batch(table))
    for _ in range(20):  # no dictionary is tried for some batches, then again
        same(run(bulk, table), found)
    assert parts.rows["city",] == 21 * rows


def test_crosses_are_worked_on_once_for_each_pair() -> None:
    table = shops(20_000, 50)
    model = (
        Transform(lambda x: {"cross": cross(x["city"], x["kind"]).vocabulary(), "size": x["size"]})
        .fit(table)
        .to_onnx()
    )
    bulk, parts = bulk_of(model)
    assert bulk is not None
    same(run(bulk, table), Graph.from_bytes(model).run_batch(table))
    assert parts.rows["city", "kind"] == 150


def test_numbers_in_crosses_are_written_as_texts_once_for_each_number() -> None:
    moments = [datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=7 * i) for i in range(20_000)]
    table = pa.table({"d": pa.array(moments, pa.timestamp("us"))})
    model = (
        Transform(lambda x: {"hour": cross(x["d"].weekday(), x["d"].hour()).vocabulary()})
        .fit(table)
        .to_onnx()
    )
    bulk, parts = bulk_of(model)
    assert bulk is not None
    same(run(bulk, table), Graph.from_bytes(model).run_batch(table))
    assert sorted(parts.rows.values())[0] == 7 * 24


def test_wide_results_are_not_held_for_many_texts() -> None:
    rows = 30_000
    texts = pa.array([f"{i % 14_000}" for i in range(rows)])
    equal = [
        helper.make_node("Equal", ["s", "many"], ["wide"]),
        helper.make_node("Identity", ["wide"], ["out"]),
    ]
    many = helper.make_tensor("many", TensorProto.STRING, [1, 4_000], [str(i).encode() for i in range(4_000)])
    graph = helper.make_graph(
        equal,
        "test",
        [helper.make_tensor_value_info("s", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("out", TensorProto.BOOL, [None, 4_000])],
        [many],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    bulk, parts = bulk_of(model.SerializeToString(), rows_at_once=1_000)
    assert bulk is not None
    hits = sum(int(each["out"].sum()) for each in bulk.run({"s": texts}, rows))
    assert hits == sum(int(text) < 4_000 for text in texts.to_pylist())
    assert parts.rows["s",] == rows + 8_192  # one try, then row by row


# ---------------------------------------------------------------- what cannot be cut


def text_model(nodes: Sequence[Any], constants: Sequence[Any] = (), out: int = TensorProto.INT64) -> bytes:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("s", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("out", out, None)],
        constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return bytes(made.SerializeToString())


def codes(name: str, result: str) -> Any:
    return helper.make_node(
        "LabelEncoder", [name], [result], domain="ai.onnx.ml", keys_strings=["a"], values_int64s=[5]
    )


def test_what_looks_across_rows_is_not_cut() -> None:
    places = helper.make_tensor("first", TensorProto.INT64, [1], [0])
    one_below = [helper.make_node("Concat", ["s", "s"], ["two"], axis=0), codes("two", "out")]
    first_row = [helper.make_node("Gather", ["s", "first"], ["one"], axis=0), codes("one", "out")]
    size = [helper.make_node("Shape", ["s"], ["out"])]
    for nodes in (one_below, first_row, size):
        assert partition(text_model(nodes, [places])) is None


def test_a_tensor_with_more_rows_than_its_column_is_noticed() -> None:
    flat = helper.make_tensor("flat", TensorProto.INT64, [1], [-1])
    pair = helper.make_tensor("pair", TensorProto.INT64, [2], [-1, 2])
    nodes = [
        helper.make_node("Concat", ["s", "s"], ["two"], axis=1),
        helper.make_node("Reshape", ["two", "flat"], ["long"]),
        codes("long", "codes"),
        helper.make_node("Reshape", ["codes", "pair"], ["out"]),
    ]
    model = text_model(nodes, [flat, pair])
    bulk, _ = bulk_of(model)
    assert bulk is not None
    table = pa.table({"s": ["a", "b", "a", "a"] * 5_000})
    with pytest.raises(NotByRowsError):
        run(bulk, table)
    graph = Graph.from_bytes(model)
    found = graph.run_batch(table)["out"]  # as a whole
    assert found.shape == (20_000, 2)
    assert found[:4].tolist() == [[5, 5], [-1, -1], [5, 5], [5, 5]]


def test_text_outputs_are_made_once_for_each_text() -> None:
    hello = helper.make_tensor("hello", TensorProto.STRING, [1, 1], [b"hello "])
    nodes = [helper.make_node("StringConcat", ["hello", "s"], ["out"])]
    bulk, parts = bulk_of(text_model(nodes, [hello], TensorProto.STRING))
    assert bulk is not None
    found = run(bulk, pa.table({"s": ["a", None, "a", "b", "a", "a", "b", "a"]}))
    assert found["out"].ravel().tolist() == ["hello " + text for text in ["a", "", *"abaaba"]]
    assert parts.rows == {("s",): 3}


def test_the_parts_have_the_nodes_of_the_model() -> None:
    table = shops(200, 50)
    model = Transform(shop_features).fit(table).to_onnx()
    found = partition(model)
    assert found is not None
    types = {name: "tensor(int64)" for cut in found.cuts.values() for name in cut}
    pieces = [found.part({}, cut) for cut in found.cuts.values()] + [found.part(types, found.outputs)]
    nodes = [node.SerializeToString() for piece in pieces for node in load_from_string(piece).graph.node]
    assert sorted(nodes) == sorted(node.SerializeToString() for node in load_from_string(model).graph.node)
    assert sum(len(piece) for piece in pieces) < len(model) + 2_000
