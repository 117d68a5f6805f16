"""Requests with lists, images and recordings: what is accepted, refused, predicted and logged."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from serving_clients import Client, MakeClient

from tilth.features import Inputs
from tilth.features.compiler import compile_columns
from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import RequestValidator, ServedModel, fixed_model
from tilth.serving.examples import example_row
from tilth.tables import predictions_table, read_predictions
from tilth.types import ColumnType

COLUMNS = (
    Column("tags", "list[string]", required=False, domain=("red", "green", "blue", "")),
    Column("prices", "list[float]", low=0, high=100),
    Column("counts", "list[int]"),
    Column("flags", "list[bool]"),
    Column("seen", "list[datetime]", required=False),
    Column("clip", "audio", required=False),
    Column("photo", "image", required=False),
)
SCHEMA = Schema(columns=COLUMNS)
TYPES: dict[str, ColumnType] = {column.name: column.type for column in COLUMNS}


def recording(seconds: float = 0.5) -> str:
    file = io.BytesIO()
    soundfile.write(file, np.full(int(8000 * seconds), 0.25), 8000, format="WAV", subtype="PCM_16")
    return base64.b64encode(file.getvalue()).decode()


def silence(seconds: int) -> str:
    """A recording that is much smaller than what it is decoded to."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(100 * seconds), 100, format="FLAC", subtype="PCM_16")
    return base64.b64encode(file.getvalue()).decode()


def picture() -> str:
    file = io.BytesIO()
    Image.new("L", (2, 2), 200).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


ROW: dict[str, Any] = {
    "tags": ["red", "blue"],
    "prices": [1.5, 2],
    "counts": [1, 2, 3],
    "flags": [True, False, True],
    "seen": ["1970-01-01T00:00:07", "1970-01-01T00:00:05Z"],
    "clip": recording(),
    "photo": picture(),
}
# tags 2, prices 3.5 x 10, counts 6 x 100, flags 2 x 1000, latest 7 x 10,000, seconds 0.5 x 100,000
EXPECTED = 2 + 35 + 600 + 2000 + 70_000 + 50_000


def changed(**values: object) -> dict[str, Any]:
    return {**ROW, **values}


@pytest.fixture(scope="module")
def graph() -> Graph:
    x = Inputs(TYPES)
    total = x["tags"].length() + 10 * x["prices"].sum().fill_missing(0)
    total = total + 100 * x["counts"].sum().fill_missing(0) + 1000 * x["flags"].sum().fill_missing(0)
    total = total + 10_000 * x["seen"].max().fill_missing(0)
    total = total + 100_000 * x["clip"].at_rate(8000).duration().fill_missing(0)
    return Graph.from_bytes(compile_columns({"prediction": total.node}, TYPES))


@pytest.fixture
def client(make_client: MakeClient, graph: Graph) -> Client:
    return make_client(fixed_model(ServedModel("lists", 1, graph, "regression")), SCHEMA)


def predicted(client: Client, row: dict[str, Any]) -> float:
    answer = client.post("/predict", row)
    assert answer.status_code == 200, answer.json()
    found: float = answer.json()["label"]
    return found


def test_a_row_of_lists_is_predicted(client: Client) -> None:
    assert predicted(client, ROW) == EXPECTED


@pytest.mark.parametrize(
    ("row", "difference"),
    [
        (changed(tags=None), -2),
        (changed(tags=[]), -2),
        (changed(tags=["red", None, ""]), -1),
        (changed(tags=""), -2),
        (changed(prices=[]), -35),
        (changed(prices=[None, 4]), 5),
        (changed(counts=[1.0, 5.0]), 0),
        (changed(flags=[None]), -2000),
        (changed(seen=None, clip=None, photo=None), -120_000),
        ({name: value for name, value in ROW.items() if name != "clip"}, -50_000),
        (changed(clip=recording(0.25)), -25_000),
    ],
)
def test_lists_and_items_may_be_missing(client: Client, row: dict[str, Any], difference: float) -> None:
    assert predicted(client, row) == EXPECTED + difference


def test_rows_of_different_lengths_are_answered_as_alone(client: Client) -> None:
    rows = [changed(prices=[1.0] * n, tags=["red"] * (n % 5)) for n in (0, 1, 1, 2, 9, 3)]
    together = [each["label"] for each in client.post("/predict", rows).json()["predictions"]]
    assert together == [predicted(client, row) for row in rows]


PREFIX = ", which is not base64: leave out what comes before the comma"
BREAKS = ", which is not base64: it has line breaks or blanks"
REFUSED: list[tuple[dict[str, Any], dict[str, object]]] = [
    (
        changed(tags="red"),
        {
            "error": "column 'tags' wants a list of texts; got the text \"red\"",
            "column": "tags",
            "got": 'the text "red"',
            "expected": "a list of texts",
            "row": 0,
        },
    ),
    (
        changed(tags=["red", 5]),
        {
            "error": "column 'tags' wants a list of texts; got the number 5 as item 1",
            "got": "the number 5 as item 1",
            "expected": "a list of texts",
        },
    ),
    (changed(tags=[["red"]]), {"got": "a list as item 0"}),
    (changed(prices=[1, "2"]), {"got": 'the text "2" as item 1', "expected": "a list of numbers"}),
    (changed(prices=None), {"error": "column 'prices' may not be null", "expected": "a list of numbers"}),
    (changed(prices={}), {"got": "an object", "column": "prices"}),
    (changed(counts=[1.5]), {"got": "the number 1.5 as item 0", "expected": "a list of whole numbers"}),
    (
        changed(counts=[2**63]),
        {"expected": "a list of whole numbers, a whole number of at most 64 bits", "column": "counts"},
    ),
    (changed(flags=[1]), {"got": "the number 1 as item 0", "expected": "a list of true and false"}),
    (
        changed(seen=["yesterday"]),
        {"got": 'the text "yesterday" as item 0', "expected": "a list of ISO 8601 dates or times"},
    ),
    ({k: v for k, v in ROW.items() if k != "flags"}, {"error": "column 'flags' is missing"}),
    (changed(counts=[0] * 100_001), {"got": "100,001 items", "column": "counts"}),
    (changed(clip=5), {"got": "the number 5", "column": "clip"}),
    (changed(clip=["a"]), {"got": "a list"}),
    (changed(clip="UklG!"), {"got": 'the text "UklG!", which is not base64'}),
    (changed(clip="é"), {"got": 'the text "é", which is not base64'}),
    (changed(clip="data:audio/wav;base64,UklG"), {"got": f'the text "data:audio/wav;base64,UklG"{PREFIX}'}),
    (changed(clip="Ukl\nGUkl"), {"got": 'the text "Ukl\\nGUkl"' + BREAKS}),
    (
        changed(clip="Ukl_"),
        {"got": 'the text "Ukl_", which is not base64: it has - and _ instead of + and /'},
    ),
    (changed(clip=recording(0)), {"got": "a recording without samples", "column": "clip"}),
    (
        changed(clip=base64.b64encode(b"RIFF....WAVEfmt ").decode()),
        {"got": "16 bytes that cannot be read", "column": "clip", "row": 0},
    ),
    (
        changed(clip=silence(601)),
        {"got": "601 seconds", "expected": "a recording of at most 600 seconds", "column": "clip"},
    ),
    (changed(clip=ROW["photo"]), {"expected": "a recording (WAV, FLAC, OGG, MP3) as base64", "row": 0}),
    (
        changed(photo="AAAA"),
        {
            "error": "column 'photo' wants an image (PNG, JPEG, GIF, WebP, BMP, TIFF) as base64; "
            "got 3 bytes that are no image",
        },
    ),
]


@pytest.mark.parametrize(("row", "expected"), REFUSED)
def test_refusals_say_column_got_expected(
    client: Client, row: dict[str, Any], expected: dict[str, object]
) -> None:
    answer = client.post("/predict", row)
    assert answer.status_code == 400
    found = answer.json()
    assert {name: found.get(name) for name in expected} == expected
    assert client.post("/predict", [ROW, row]).json()["row"] == 1
    assert read_predictions(client.directory) == []


def test_recordings_of_a_request_have_a_limit_together(make_client: MakeClient, graph: Graph) -> None:
    model = fixed_model(ServedModel("lists", 1, graph, "regression"))
    client = make_client(model, SCHEMA, max_recording_s=1000)
    rows = [changed(clip=silence(500)), changed(clip=silence(500))]
    assert client.post("/predict", rows).status_code == 200
    refused = client.post("/predict", [*rows, changed()])
    assert refused.status_code == 400
    assert refused.json()["row"] == 2
    assert refused.json()["expected"] == "recordings of at most 1,000 seconds in all in one request"


def test_items_outside_of_the_schema_are_told(make_client: MakeClient, graph: Graph, client: Client) -> None:
    row = changed(tags=["red", "pink", "violet"], prices=[5, 101, -1])
    answer = client.post("/predict", row).json()
    assert answer["warnings"] == [
        {
            "column": "tags",
            "got": 'the text "pink" as item 1',
            "expected": "items: one of red, green, blue, ",
        },
        {
            "column": "prices",
            "got": "the number 101 as item 1",
            "expected": "items: a number from 0 to 100",
        },
    ]
    model = fixed_model(ServedModel("lists", 1, graph, "regression"))
    strict = make_client(model, SCHEMA, unexpected_values="reject")
    refused = strict.post("/predict", row)
    assert refused.status_code == 400
    assert refused.json()["got"] == 'the text "pink" as item 1'


def test_the_log_keeps_lists_and_recordings_as_a_table_of_them(client: Client) -> None:
    predicted(client, changed(counts=[1.0, None], tags="", seen=["1970-01-01T00:00:07", None]))
    predicted(client, changed(tags=None, seen=None, clip=None))
    made = read_predictions(client.directory)
    assert made[0].inputs["counts"] == [1, None]
    assert made[0].inputs["tags"] is None
    table = predictions_table(made, TYPES)
    assert {name: table.columns[name] for name in TYPES} == TYPES
    first, second = table.to_arrow().to_pylist()
    assert first["counts"] == [1, None]
    assert first["flags"] == [True, False, True]
    assert [None if item is None else item.second for item in first["seen"]] == [7, None]
    assert first["clip"] == base64.b64decode(ROW["clip"])
    assert first["photo"] == base64.b64decode(ROW["photo"])
    assert (second["tags"], second["seen"], second["clip"]) == (None, None, None)


def test_the_description_has_lists_and_base64(client: Client) -> None:
    row = client.get("/openapi.json").json()["components"]["schemas"]["Row"]
    assert row["properties"]["prices"] == {
        "type": "array",
        "items": {"type": ["number", "null"], "format": "double", "minimum": 0.0, "maximum": 100.0},
    }
    assert row["properties"]["tags"]["type"] == ["array", "null"]
    assert row["properties"]["clip"] == {
        "type": ["string", "null"],
        "contentEncoding": "base64",
        "contentMediaType": "audio/*",
    }
    assert client.post("/predict", row["example"]).status_code == 200


def test_the_example_row_is_accepted() -> None:
    found = RequestValidator(SCHEMA).validate([example_row(SCHEMA)])
    assert found.unexpected == []


def test_the_open_inference_protocol_takes_lists_as_two_dimensions(client: Client) -> None:
    metadata = {each["name"]: each for each in client.get("/v2/models/lists").json()["inputs"]}
    assert metadata["prices"] == {"name": "prices", "datatype": "FP64", "shape": [-1, -1]}
    assert metadata["clip"] == {"name": "clip", "datatype": "BYTES", "shape": [-1, 1]}

    def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
        return {"name": name, "datatype": datatype, "shape": shape, "data": data}

    inputs = [
        tensor("tags", "BYTES", [2, 2], [["red", "blue"], ["red", None]]),
        tensor("prices", "FP64", [2, 2], [1.5, 2, None, None]),
        tensor("counts", "INT64", [2, 3], [1, 2, 3, 6, None, None]),
        tensor("flags", "BOOL", [2, 3], [True, False, True, True, None, True]),
        tensor("seen", "BYTES", [2, 1], ["1970-01-01T00:00:07", None]),
        tensor("clip", "BYTES", [2], [ROW["clip"], None]),
    ]
    answer = client.post("/v2/models/lists/infer", {"inputs": inputs})
    assert answer.status_code == 200, answer.json()
    (output,) = answer.json()["outputs"]
    assert output["data"] == [EXPECTED, EXPECTED - 1 - 35 - 120_000]
    wrong = [tensor("prices", "FP64", [2], [1, 2]), *inputs[:1], *inputs[2:]]
    refused = client.post("/v2/models/lists/infer", {"inputs": wrong})
    assert refused.status_code == 400
    assert refused.json()["expected"] == "the shape [N, K], K items for each of N rows"
