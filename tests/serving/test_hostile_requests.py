"""Whatever is sent, the server answers below 500 and goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from example_server import ROW, income_model, income_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_clients import Client

from tilth.serving import create_app, fixed_model
from tilth.tables import FeedbackLog, PredictionLog, read_predictions

PATHS = ("/predict", "/feedback", "/v2/models/income/infer", "/v2/repository/index")


@pytest.fixture(scope="module")
def lasting_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for all examples."""
    directory: Path = tmp_path_factory.mktemp("predictions")
    logs = PredictionLog(directory), FeedbackLog(directory)
    app = create_app(fixed_model(income_model()), *logs, income_schema())
    client = Client(app, directory, logs)
    yield client
    client.close()


def judge(client: Client, body: bytes) -> None:
    for path in PATHS:
        answer = client.post(path, body=body)
        assert answer.status_code < 500, (path, body[:200], answer.text)
        content = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} in an answer"))
        assert answer.status_code == 200 or isinstance(content["error"], str)
        assert len(answer.content) < 20_000 or answer.status_code == 200


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([2**63, -(2**63) - 1, 10**40, 1e308, -0.0, 5e-324]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*ROW, "rows", "inputs", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
ROWS = st.fixed_dictionaries({}, optional={name: JSON | st.just(value) for name, value in ROW.items()})
TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*ROW, "x"]) | JSON,
        "shape": st.lists(st.integers(-2, 4), max_size=4) | JSON,
        "datatype": st.sampled_from(["FP64", "FP32", "FP16", "INT64", "UINT8", "BOOL", "BYTES", "X"]) | JSON,
        "data": st.lists(JSON, max_size=4) | JSON,
    }
)
OUTCOMES = st.fixed_dictionaries({"prediction_id": JSON, "label": JSON}, optional={"time": JSON, "x": JSON})
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@MANY
@given(body=st.binary(max_size=200))
def test_random_bytes(lasting_client: Client, body: bytes) -> None:
    judge(lasting_client, body)


@MANY
@given(content=JSON | ROWS | st.lists(ROWS, max_size=4) | OUTCOMES | st.fixed_dictionaries({"rows": JSON}))
def test_random_json(lasting_client: Client, content: Any) -> None:
    judge(lasting_client, json.dumps(content).encode("utf-8", "surrogatepass"))


@MANY
@given(
    content=st.fixed_dictionaries(
        {"inputs": st.lists(TENSORS, max_size=6)}, optional={"id": JSON, "outputs": JSON, "parameters": JSON}
    )
)
def test_random_tensors(lasting_client: Client, content: Any) -> None:
    judge(lasting_client, json.dumps(content).encode("utf-8", "surrogatepass"))


@MANY
@given(data=st.data())
def test_damaged_requests(lasting_client: Client, data: st.DataObject) -> None:
    body = bytearray(json.dumps([ROW, ROW]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    judge(lasting_client, bytes(body))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"inputs":' + b"[" * 500_000,
        b'{"age":' * 200_000,
        b'{"age":' + b"9" * 100_000 + b"}",
        b'{"hours":1' + b"0" * 100_000 + b"}",
        b'{"hours":0.' + b"1" * 100_000 + b"}",
        b'{"age":1,"age":2,"age":"x"}',
        b'{"\\ud800": 1}',
        b'{"job": "\\ud800 "}',
        b'{"job": "\\u0000"}',
        b"\xef\xbb\xbf" + json.dumps(ROW).encode(),
        json.dumps(ROW).encode("utf-16"),
        json.dumps(ROW).encode() + b"garbage",
        json.dumps({**ROW, "job": "x" * 1_000_000}).encode(),
        json.dumps({**ROW, "x" * 1_000_000: 1}).encode(),
        json.dumps(
            {"inputs": [{"name": "age", "shape": [2**31 - 1] * 8, "datatype": "INT8", "data": [1]}]}
        ).encode(),
        json.dumps(
            {"inputs": [{"name": "a", "shape": [2**62] * 100_000, "datatype": "INT8", "data": []}]}
        ).encode(),
        json.dumps({"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": []}]}).encode(),
        json.dumps([[]] * 9_999).encode(),
        json.dumps([ROW] * 10_001).encode(),
    ],
)
def test_known_tricks(lasting_client: Client, body: bytes) -> None:
    judge(lasting_client, body)


def test_the_server_still_answers_and_logged_only_what_it_answered(lasting_client: Client) -> None:
    answer = lasting_client.post("/predict", ROW)
    assert answer.status_code == 200
    identities = [p.id for p in read_predictions(lasting_client.directory)]
    assert len(identities) == len(set(identities))
    assert identities[-1] == answer.json()["prediction_id"]


def test_duplicate_keys_take_the_last_value_everywhere(client: Client) -> None:
    body = json.dumps(ROW).encode()[:-1] + b', "age": 60}'
    identity = client.post("/predict", body=body).json()["prediction_id"]
    (logged,) = read_predictions(client.directory)
    assert (logged.id, logged.inputs["age"]) == (identity, 60)


def test_a_body_that_lies_about_its_size(client: Client) -> None:
    answer = client.post("/predict", body=b"{}", headers={"content-length": str(10**12)})
    assert answer.status_code == 413
    answer = client.post("/predict", body=b"{}", headers={"content-length": "9" * 5_000})
    assert answer.status_code == 413


def test_a_body_in_many_parts_is_bounded(client: Client) -> None:
    async def parts() -> Any:
        for _ in range(40):
            yield b" " * (1024 * 1024)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
            return await http.post("/predict", content=parts())

    assert asyncio.run(send()).status_code == 413


@pytest.mark.parametrize("path", ["/predict", "/v2/models/income/infer", "/feedback"])
def test_compressed_bodies_are_refused_by_their_header(client: Client, path: str) -> None:
    sent = gzip.compress(json.dumps(ROW).encode())
    answer = client.post(path, body=sent, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert "Content-Encoding 'gzip'" in answer.json()["error"]
