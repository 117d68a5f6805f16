"""POST /predict with CSV and Arrow: the same answers as with JSON, and what is refused."""

from __future__ import annotations

import base64
import contextlib
import csv
import datetime
import io
import json
import struct
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from example_server import ROW, income_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_clients import Client, MakeClient

from tilth.errors import RequestError
from tilth.schemas import Column, Schema
from tilth.serving import RequestValidator
from tilth.serving.tables_in import csv_rows
from tilth.serving.tables_in_arrow import arrow_rows
from tilth.tables import read_predictions

STREAM, FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
ROWS = [
    ROW,
    {**ROW, "age": 61, "hours": None, "job": "Sales", "note": 'says "hi", twice\nor so'},
    {**ROW, "age": 20, "married": False, "since": None},
]


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({n: str(v).lower() if isinstance(v, bool) else v for n, v in row.items()})
    return text.getvalue().encode()


def as_arrow(table: pa.Table, *, file: bool = False, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    made = pa.ipc.new_file if file else pa.ipc.new_stream
    with made(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def income_table() -> pa.Table:
    moments = [r["since"] and datetime.datetime.fromisoformat(str(r["since"])) for r in ROWS]
    columns = {name: pa.array([row[name] for row in ROWS]) for name in ROW if name != "since"}
    return pa.table({**columns, "since": pa.array(moments, pa.timestamp("ms"))})


def labels(content: dict[str, Any]) -> list[tuple[object, object]]:
    return [(p["label"], p["scores"]) for p in content["predictions"]]


def test_csv_and_arrow_are_answered_as_json_is(client: Client) -> None:
    expected = labels(client.post("/predict", ROWS).json())
    bodies = {
        "text/csv": as_csv(ROWS),
        "Text/CSV; charset=UTF-8; header=present": b"\xef\xbb\xbf" + as_csv(ROWS),
        STREAM: as_arrow(income_table()),
        FILE: as_arrow(income_table(), file=True),
    }
    for kind, body in bodies.items():
        answer = client.post("/predict", body=body, headers={"content-type": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
        assert labels(answer.json()) == expected, kind
    logged = read_predictions(client.directory)
    assert [p.inputs["note"] for p in logged[::3]] == [ROW["note"]] * 5
    assert [p.inputs["hours"] for p in logged[1::3]] == [None] * 5


@pytest.mark.parametrize(
    "changed",
    [
        {"age": pa.array([39, 61, 20], pa.uint8())},
        {"job": pa.array(["Exec", "Sales", "Exec"]).dictionary_encode()},
        {"job": pa.array(["Exec", "Sales", "Exec"], pa.string_view())},
        {"hours": pa.array([40.5, float("nan"), 40.5], pa.float32())},
        {"since": pa.array(["2020-01-31T08:00:00", None, None])},
        {"age": pa.array([39.0, 61.0, 20.0])},
    ],
)
def test_arrow_types_that_mean_the_same(client: Client, changed: dict[str, pa.Array]) -> None:
    table = income_table()
    for name, array in changed.items():
        table = table.set_column(table.column_names.index(name), name, array)
    answer = client.post("/predict", body=as_arrow(table), headers={"content-type": STREAM})
    assert answer.status_code == 200, answer.text
    expected = client.post("/predict", ROWS).json()
    assert [p["label"] for p in answer.json()["predictions"]] == [p["label"] for p in expected["predictions"]]
    assert not any("warnings" in p for p in answer.json()["predictions"])


@pytest.mark.parametrize("accept", ["text/csv", f"{STREAM};q=0.5, text/csv, */*;q=0.1", STREAM, FILE])
def test_answers_as_tables(client: Client, accept: str) -> None:
    rows = [*ROWS, {**ROW, "job": "Pilot"}]
    answer = client.post("/predict", rows, headers={"accept": accept})
    kind = "text/csv" if "text/csv" in accept else accept
    assert answer.headers["content-type"].split(";")[0] == kind
    if kind == "text/csv":
        found = pacsv.read_csv(io.BytesIO(answer.content))
    else:
        opened = pa.ipc.open_file if kind == FILE else pa.ipc.open_stream
        found = opened(io.BytesIO(answer.content)).read_all()
    expected = client.post("/predict", rows).json()["predictions"]
    assert found["label"].to_pylist() == [p["label"] for p in expected]
    assert found["scores.>50K"].to_pylist() == [p["scores"][">50K"] for p in expected]
    assert found["score"].to_pylist() == [p["score"] for p in expected]
    assert set(found["model"].to_pylist()) == {"income"}
    assert "job: got the text" in found["warnings"].to_pylist()[3]
    ids = [p.id for p in read_predictions(client.directory)]
    assert found["prediction_id"].to_pylist() == ids[:4]


CSV_REFUSED = [
    (b"", "there is no header row"),
    (b"\xff\xfe", "not UTF-8"),
    (b"age,agee\n1,2\n", "unknown column 'agee': did you mean 'age'?"),
    (b"age;job\n1;2\n", "the columns are not separated by commas"),
    (b"age,age\n1,2\n", "column 'age' is there twice"),
    (b"age,job,married\n39,Exec\n", "line 2 of the CSV text has 2 cells"),
    (b"age,job,married\n39,Exec,true,5\n", "line 2 of the CSV text has 4 cells"),
    (b"age,job,married\n", "there are no rows to predict"),
    (b"age,job,married\nx,Exec,true\n", "column 'age' wants a whole number; got the text \"x\""),
    (b"age,job,married\n3.5,Exec,true\n", "column 'age' wants a whole number; got the number 3.5"),
    (b"age,job,married\n39,Exec,1\n", "column 'married' wants true or false"),
    (b"age,job,married\n39,,true\n", "column 'job' may not be empty"),
    (b"age,job,married,hours\n39,Exec,true,inf\n", "column 'hours' wants a finite number"),
    (b"age,job,married\n1,a,true\n" + b"1,a,true\n" * 10, "too many rows in one request: 11"),
    (b'age,job,note\n39,Exec,"ends her', "the CSV text ends within quotes"),
    (b"age,job,married\n39,Exec,true\n39,\xff,true\n", "not UTF-8"),
    (b"age,note\n39," + b"x" * (1 << 20) + b"\xff\n", "not UTF-8"),
    (b'age,"job\n', "the header of the CSV text cannot be read"),
]


@pytest.mark.parametrize(("body", "words"), CSV_REFUSED, ids=range(len(CSV_REFUSED)))
def test_csv_that_is_refused(make_client: MakeClient, body: bytes, words: str) -> None:
    client = make_client(max_rows=10)
    answer = client.post("/predict", body=body, headers={"content-type": "text/csv"})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_csv_cells_are_read_as_training_reads_them(make_client: MakeClient) -> None:
    client = make_client(missing=("?",))
    body = b"age,hours,job,note,married\n 39 ,?,Exec , NA,TRUE\n+39,,Exec,,true\n"
    answer = client.post("/predict", body=body, headers={"content-type": "text/csv"})
    assert answer.status_code == 200, answer.text
    first, second = (p.inputs for p in read_predictions(client.directory))
    assert first == {"age": 39, "hours": None, "job": "Exec", "note": "NA", "married": True}
    assert second == {"age": 39, "hours": None, "job": "Exec", "note": None, "married": True}


def arrow_refused() -> list[tuple[bytes, str]]:
    table = income_table()
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 3, pa.int8()), pa.array(["x" * 20_000_000]))
    nothing = pa.FixedSizeListArray.from_arrays(pa.nulls(3000), 1000)
    view = struct.pack("<i4sii", 15_000_000, b"yyyy", 0, 0)
    buffers = [None, pa.py_buffer(view * 3), pa.py_buffer(b"y" * 15_000_000)]
    views = pa.Array.from_buffers(pa.string_view(), 3, buffers)
    notes = table.column_names.index("note")
    return [
        (b"", "this is no Arrow data"),
        (b"ARROW1\x00\x00", "this is no Arrow data"),
        (b"age,job\n1,2\n", "this is no Arrow data"),
        (as_arrow(table)[:300], "this is no Arrow data"),
        (as_arrow(table, compression="zstd"), "the Arrow data are compressed"),
        (as_arrow(table, compression="lz4", file=True), "the Arrow data are compressed"),
        (as_arrow(table.set_column(notes, "note", long)), "makes the rows larger than 33554432 bytes"),
        (as_arrow(table.set_column(notes, "note", views)), "makes the rows larger than 33554432 bytes"),
        (as_arrow(table.set_column(notes, "note", nothing)), "column 'note' comes as the Arrow type"),
        (as_arrow(pa.table({"age": pa.nulls(11)})), "too many rows in one request: 11"),
        (as_arrow(table.rename_columns(["agee", *table.column_names[1:]])), "unknown column 'agee'"),
        (as_arrow(table.set_column(0, "age", pa.array([[1]] * 3))), "column 'age' wants a whole number"),
        (as_arrow(table.set_column(0, "age", pa.array([{"a": 1}] * 3))), "comes as the Arrow type struct"),
        (as_arrow(table.set_column(0, "age", pa.array([2**63] * 3, pa.uint64()))), "column 'age'"),
        (as_arrow(table.set_column(0, "age", pa.array([b"x"] * 3))), "comes as the Arrow type binary"),
        (
            as_arrow(table.set_column(5, "since", pa.array([2**53] * 3, pa.timestamp("ms")))),
            "column 'since' wants an ISO 8601 date",
        ),
        (
            as_arrow(table.set_column(5, "since", pa.array([2**31 - 1] * 3, pa.int32()).cast(pa.date32()))),
            "since",
        ),
        (as_arrow(table.slice(0, 0)), "there are no rows"),
    ]


def test_arrow_that_is_refused(make_client: MakeClient) -> None:
    client = make_client(max_rows=10, max_body_bytes=1 << 26)
    for body, words in arrow_refused():
        answer = client.post("/predict", body=body, headers={"content-type": STREAM})
        assert (answer.status_code, words in answer.text) == (400, True), (words, answer.text[:300])
    assert read_predictions(client.directory) == []


def test_other_types_of_bodies_are_answered_415(client: Client) -> None:
    answer = client.post("/predict", body=b"<x/>", headers={"content-type": "application/xml"})
    assert (answer.status_code, "text/csv" in answer.json()["error"]) == (415, True)
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/vnd.api+json", ""):
        body = json.dumps(ROW).encode()
        assert client.post("/predict", body=body, headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("explian=true", "did you mean 'explain'?"),
        ("errors=all", "errors is 'all'"),
        ("explain=true", "this server explains no predictions"),
        ("&".join(f"a{i}=1" for i in range(200)), "too many parts"),
    ],
)
def test_words_of_the_url_that_mean_nothing(client: Client, query: str, words: str) -> None:
    answer = client.post(f"/predict?{query}", ROW)
    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text


def test_lists_and_media_in_csv_and_arrow() -> None:
    text = "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="
    photo = Column("photo", "image", required=False)
    validator = RequestValidator(Schema((Column("tags", "list[string]"), photo)))
    body = f'tags,photo\n"[""a"", null]",{text}\n[],\n'.encode()
    from_csv = validator.validate(csv_rows(body, validator)).values
    assert from_csv[0][0] == ["a", ""]
    assert from_csv[1] == ([], None)
    table = pa.table({"tags": [["a", None], []], "photo": pa.array([from_csv[0][1], None], pa.binary())})
    assert validator.validate(arrow_rows(as_arrow(table), validator)).values == from_csv
    assert from_csv[0][1] == base64.b64decode(text)


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view()])
def test_what_stands_where_a_view_is_missing_is_not_looked_at(kind: pa.DataType) -> None:
    """Arrow validates only what is there, and its cast of views ends the process at such a length."""
    there, nowhere = struct.pack("<i4s8s", 3, b"abc", b""), struct.pack("<i4sii", -(2**31), b"", 7, 9)
    buffers = [pa.py_buffer(b"\x01"), pa.py_buffer(there + nowhere)]
    table = pa.table({"x": pa.Array.from_buffers(kind, 2, buffers)})
    column = Column("x", "string" if kind == pa.string_view() else "image", required=False)
    rows = arrow_rows(as_arrow(table), RequestValidator(Schema((column,))))
    assert rows == [{"x": "abc" if kind == pa.string_view() else b"abc"}, {"x": None}]


def every_kind() -> pa.Table:
    """Two rows of many Arrow types, of which the second is missing where it can be."""
    gif = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==")
    moment = datetime.datetime(2020, 1, 1)
    return pa.table(
        {
            "age": pa.array([39, None], pa.float32()),
            "job": pa.array(["Exec", None]).dictionary_encode(),
            "note": pa.array(["a" * 20, None], pa.string_view()),
            "tags": pa.array([["a", None], []], pa.large_list(pa.large_string())),
            "numbers": pa.array([[1, 2], [3, 4]], pa.list_(pa.int16(), 2)),
            "photo": pa.array([gif, None], pa.binary_view()),
            "other": pa.array([{"bytes": gif, "path": "a.gif"}, None]),
            "since": pa.array([[moment], None]),
        }
    )


EVERY_KIND = Schema(
    (
        Column("age", "int", required=False),
        Column("job", "string", required=False),
        Column("note", "string", required=False),
        Column("tags", "list[string]", required=False),
        Column("numbers", "list[int]", required=False),
        Column("photo", "image", required=False),
        Column("other", "image", required=False),
        Column("since", "list[datetime]", required=False),
    )
)


@given(st.integers(0, 4000), st.integers(0, 255), st.integers(0, 4000), st.integers(0, 255), st.booleans())
@settings(max_examples=300, deadline=None)
def test_damaged_arrow_of_every_kind(at: int, put: int, second: int, also: int, file: bool) -> None:
    validator = RequestValidator(EVERY_KIND)
    body = bytearray(as_arrow(every_kind(), file=file))
    assert len(validator.sift(arrow_rows(bytes(body), validator)).rows) == 2
    body[at % len(body)], body[second % len(body)] = put, also
    with contextlib.suppress(RequestError):
        assert len(arrow_rows(bytes(body), validator)) <= 10_000


@given(st.binary(max_size=300), st.integers(0, 2000), st.binary(max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_damaged_arrow_never_gives_another_error(start: bytes, at: int, put: bytes) -> None:
    validator = RequestValidator(income_schema())
    whole = as_arrow(income_table())
    for body in (start, whole[:at] + put + whole[at + len(put) :], whole[:at]):
        try:
            rows = arrow_rows(body, validator)
            validator.sift(rows)
        except RequestError:
            continue
        assert len(rows) <= 10_000


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_csv_text_gives_rows_or_a_refusal(text: str) -> None:
    validator = RequestValidator(income_schema())
    for body in (text.encode("utf-8", "surrogatepass"), b"age,job\n" + text.encode("utf-8", "surrogatepass")):
        with contextlib.suppress(RequestError):
            found = validator.sift(csv_rows(body, validator))
            assert len(found.rows) + len(found.refused) <= len(body)


def test_a_table_that_still_has_the_label_says_that_it_is_no_part_of_a_request(client: Client) -> None:
    body = b"age,job,married,income\n39,Exec,true,>50K\n"
    answer = client.post("/predict", body=body, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "column 'income' is not part of a request"
