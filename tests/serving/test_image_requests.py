"""Images in requests: base64 in JSON, what is refused, and what the log keeps of them."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from serving_clients import Client, MakeClient

from tilth.features.compiler import compile_columns
from tilth.features.inputs import Inputs
from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import ServedModel, fixed_model
from tilth.tables import LoggedMedia, read_predictions

SCHEMA = Schema((Column("photo", "image"), Column("shift", "float")))


def encoded(level: int, side: int = 4) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side), level, np.uint8)).save(file, "PNG")
    return file.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def brightness_model() -> ServedModel:
    """brightness + shift."""
    types = {column.name: column.type for column in SCHEMA.columns}
    x = Inputs(types)
    graph = compile_columns({"prediction": (x["photo"].brightness() + x["shift"]).node}, types)
    return ServedModel("bright", 1, Graph.from_bytes(graph), "regression")


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client(fixed_model(brightness_model()), SCHEMA)


def test_an_image_is_base64_text(client: Client) -> None:
    answer = client.post("/predict", {"photo": text(encoded(51)), "shift": 1.0})
    assert answer.status_code == 200
    assert answer.json()["label"] == pytest.approx(1.2)


def test_images_of_several_sizes_in_one_request(client: Client) -> None:
    rows = [{"photo": text(encoded(51 * place, 3 + place)), "shift": 0.0} for place in range(5)]
    found = client.post("/predict", rows).json()["predictions"]
    assert [each["label"] for each in found] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("%%%", "which is not base64"),
        (text(b"age,job\n1,cook\n"), "15 bytes that are no image"),
        (text(encoded(9)[:40]), "got an image that is damaged"),
        (text(b"fLaC" + bytes(60)), "64 bytes that are no image"),
        (5, "got the number 5"),
        (["a"], "got a list"),
        (None, "may not be null"),
        ("", "may not be empty"),
    ],
)
def test_what_is_no_image_is_refused(client: Client, value: object, words: str) -> None:
    rows = [{"photo": text(encoded(7)), "shift": 0.0}, {"photo": value, "shift": 0.0}]
    answer = client.post("/predict", rows)
    assert answer.status_code == 400
    told = answer.json()
    assert words in told["error"]
    assert (told["column"], told["row"]) == ("photo", 1)
    assert len(answer.content) < 1000
    assert not read_predictions(client.directory)


def test_images_of_too_many_pixels_are_refused_before_they_are_decoded(make_client: MakeClient) -> None:
    client = make_client(fixed_model(brightness_model()), SCHEMA, max_image_pixels=100)
    rows = [{"photo": text(encoded(7, 7)), "shift": 0.0}] * 2
    assert client.post("/predict", rows).status_code == 200
    told = client.post("/predict", [*rows, rows[0]])
    assert told.status_code == 400
    assert "at most 100 pixels in one request" in told.json()["error"]
    bomb = bytearray(encoded(7))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    told = client.post("/predict", {"photo": text(bytes(bomb)), "shift": 0.0})
    assert told.status_code == 400
    assert "3,600,000,000 pixels" in told.json()["error"]


def test_the_log_keeps_each_image_once_beside_its_lines(client: Client) -> None:
    large = encoded(200, 300)
    for _ in range(3):
        client.post(
            "/predict", [{"photo": text(large), "shift": 0.0}, {"photo": text(encoded(3)), "shift": 1}]
        )
    files = [path for path in (client.directory / "media").rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in files) == sorted([large, encoded(3)])
    (log,) = client.directory.glob("predictions-*.jsonl")
    _header, *lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert set(lines[0]["inputs"]["photo"]) == {"sha256", "bytes"}
    assert lines[0]["inputs"]["photo"]["bytes"] == len(large)
    made = read_predictions(client.directory)
    images = [prediction.inputs["photo"] for prediction in made]
    assert [image.read() for image in images if isinstance(image, LoggedMedia)] == [large, encoded(3)] * 3


def test_a_missing_image_is_logged_as_null(make_client: MakeClient) -> None:
    schema = Schema((Column("photo", "image", required=False), Column("shift", "float")))
    client = make_client(fixed_model(brightness_model()), schema)
    assert client.post("/predict", {"shift": 2.0}).status_code == 200
    assert client.post("/predict", {"photo": None, "shift": 2.0}).status_code == 200
    first, second = read_predictions(client.directory)
    assert first.inputs.get("photo") is None
    assert second.inputs["photo"] is None


def test_open_inference_takes_base64_too(client: Client) -> None:
    inputs = [
        {"name": "photo", "shape": [1], "datatype": "BYTES", "data": [text(encoded(102))]},
        {"name": "shift", "shape": [1], "datatype": "FP64", "data": [0.0]},
    ]
    answer = client.post("/v2/models/bright/infer", {"inputs": inputs})
    assert answer.status_code == 200
    assert answer.json()["outputs"][0]["data"] == pytest.approx([0.4])
    (made,) = read_predictions(client.directory)
    assert isinstance(made.inputs["photo"], LoggedMedia)
