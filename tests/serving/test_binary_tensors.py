"""Tensors as bytes: what goes in comes out, and what does not fit is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from example_server import ROW
from hypothesis import given
from hypothesis import strategies as st
from serving_clients import Client

from tilth.errors import RequestError
from tilth.serving.binary_tensors import binary_values, to_binary
from tilth.serving.grpc_contents import given_tensors
from tilth.serving.grpc_messages import METHODS, message
from tilth.serving.tensors import NUMPY_TYPES, array_datatype
from tilth.tables import read_predictions

NUMBERS = [name for name in NUMPY_TYPES if name != "BYTES"]
URL = "/v2/models/income/infer"


@given(st.sampled_from(NUMBERS), st.data())
def test_numbers_come_out_as_they_went_in(datatype: str, data: st.DataObject) -> None:
    kind = np.dtype(NUMPY_TYPES[datatype])
    size = data.draw(st.integers(1, 8))
    raw = data.draw(st.binary(min_size=size * kind.itemsize, max_size=size * kind.itemsize))
    array = np.frombuffer(raw, kind) if datatype != "BOOL" else np.frombuffer(raw, np.uint8) % 2 == 1
    values = binary_values("x", array_datatype(array), [size], to_binary(array))
    expected = [None if value != value else value for value in array.tolist()]
    assert values == expected


@given(st.lists(st.text(), min_size=1, max_size=6))
def test_texts_come_out_as_they_went_in(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    array = np.array(texts, dtype=object)
    assert binary_values("x", "BYTES", [len(texts)], to_binary(array)) == texts


@given(st.binary(max_size=40), st.integers(1, 5))
def test_any_bytes_are_texts_or_refused(data: bytes, count: int) -> None:
    try:
        values = binary_values("x", "BYTES", [count], data)
    except RequestError:
        return
    assert to_binary(np.array(values, dtype=object)) == data


def test_half_a_float_is_its_upper_half() -> None:
    upper = (np.array([1.5, -2.0, float("nan")], np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    assert binary_values("x", "BF16", [3], upper) == [1.5, -2.0, None]


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "words"),
    [
        ("FP32", [2], b"\0" * 7, "does not fit its shape"),
        ("FP32", [2**31 - 1], b"\0" * 4, "does not fit its shape"),
        ("FP99", [1], b"", "unknown datatype"),
        ("INT8", [0], b"", "impossible shape"),
        ("BYTES", [1], b"\xff\xff\xff\xff", "does not fit its shape"),
        ("BYTES", [1], b"\1\0\0\0\xff", "are not texts"),
        ("BYTES", [1], b"\1\0\0\0a\0", "does not fit its shape"),
    ],
)
def test_what_does_not_fit_is_refused(datatype: str, shape: list[int], data: bytes, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        binary_values("x", datatype, shape, data)


# ---------------------------------------------------------------- over HTTP


def body(change: Any = None) -> tuple[dict[str, str], bytes]:
    """One row: the age as bytes, the rest as JSON; `change` may alter the JSON."""
    blob = np.array([39], np.int64).tobytes()
    parameters = {"binary_data_size": len(blob)}
    tensors: list[dict[str, Any]] = [
        {"name": "age", "shape": [1], "datatype": "INT64", "parameters": parameters},
        {"name": "job", "shape": [1], "datatype": "BYTES", "data": ["Exec"]},
        {"name": "married", "shape": [1], "datatype": "BOOL", "data": [True]},
    ]
    content = {"inputs": tensors}
    if change is not None:
        change(content)
    head = json.dumps(content).encode()
    return {"Inference-Header-Content-Length": str(len(head))}, head + blob


def test_bytes_and_json_side_by_side(client: Client) -> None:
    headers, sent = body()
    answer = client.post(URL, body=sent, headers=headers)
    plain = client.post("/predict", {name: ROW[name] for name in ("age", "job", "married")}).json()
    assert answer.status_code == 200
    assert answer.json()["outputs"][0]["data"] == [plain["label"]]
    assert [made.inputs["age"] for made in read_predictions(client.directory)] == [39, 39]


def test_one_output_as_bytes_and_one_as_json(client: Client) -> None:
    def wanted(content: Any) -> None:
        content["outputs"] = [
            {"name": "label"},
            {"name": "probabilities", "parameters": {"binary_data": True}},
        ]

    headers, sent = body(wanted)
    answer = client.post(URL, body=sent, headers=headers)
    length = int(answer.headers["inference-header-content-length"])
    label, probabilities = json.loads(answer.content[:length])["outputs"]
    assert label["data"] == [">50K"]
    assert probabilities["parameters"]["binary_data_size"] == 8 == len(answer.content) - length
    assert np.frombuffer(answer.content[length:], "<f4").sum() == pytest.approx(1.0)


def age(content: Any) -> dict[str, Any]:
    found: dict[str, Any] = content["inputs"][0]
    return found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: age(c)["parameters"].update(binary_data_size=9), "cut short"),
        (lambda c: age(c)["parameters"].update(binary_data_size=-1), "cut short"),
        (lambda c: age(c)["parameters"].update(binary_data_size=True), "cut short"),
        (lambda c: age(c)["parameters"].update(binary_data_size=4), "does not fit its shape"),
        (lambda c: age(c).update(data=[39]), "has data twice"),
        (lambda c: age(c).update(parameters={}), "has no data"),
        (lambda c: age(c).update(parameters={}, data=[39]), "bytes behind the last tensor"),
        (lambda c: age(c)["parameters"].update(shared_memory_region="r"), "shared memory"),
        (lambda c: c.update(parameters={"timeout": "soon"}), "'timeout' is no time"),
        (
            lambda c: c.update(outputs=[{"name": "label", "parameters": {"classification": 2}}]),
            "classification",
        ),
    ],
)
def test_binary_requests_that_do_not_hold_together(client: Client, change: Any, words: str) -> None:
    headers, sent = body(change)
    answer = client.post(URL, body=sent, headers=headers)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert read_predictions(client.directory) == []


@pytest.mark.parametrize("length", ["-1", "9999999", "ten", ""])
def test_a_header_length_that_does_not_fit(client: Client, length: str) -> None:
    answer = client.post(URL, body=body()[1], headers={"Inference-Header-Content-Length": length})
    assert answer.status_code == 400
    assert "Inference-Header-Content-Length" in answer.json()["error"]


# ---------------------------------------------------------------- gRPC


def test_messages_are_those_of_the_public_client() -> None:
    from tritonclient.grpc import service_pb2 as theirs

    for name in {each for pair in METHODS.values() for each in pair}:
        own, other = message(name).DESCRIPTOR, theirs.DESCRIPTOR.message_types_by_name[name]
        assert {(f.number, f.name, f.type) for f in own.fields} <= {
            (f.number, f.name, f.type) for f in other.fields
        }


def test_raw_contents_for_some_inputs_only_are_refused() -> None:
    tensor = {"name": "age", "datatype": "INT32", "shape": [1]}
    request = message("ModelInferRequest")(inputs=[tensor, tensor], raw_input_contents=[b"\0\0\0\0"])
    with pytest.raises(RequestError, match="raw_input_contents do not fit"):
        list(given_tensors(request))
    filled = {**tensor, "contents": {"int_contents": [1]}}
    request = message("ModelInferRequest")(inputs=[filled], raw_input_contents=[b"\0\0\0\0"])
    with pytest.raises(RequestError, match="has data twice"):
        list(given_tensors(request))
