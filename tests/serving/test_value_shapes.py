"""Patterns, lengths, infinities and unknown values in requests; rows that are judged one by one."""

from __future__ import annotations

import math
from typing import Any

import pytest
from example_server import ROW, income_probability, income_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_clients import Client, MakeClient

from tilth.errors import RequestError
from tilth.schemas import Column, Schema
from tilth.serving import RequestValidator, ServingSettings
from tilth.tables import read_predictions

SHAPED = Schema(
    (
        Column("zip", "string", pattern="[0-9]{5}"),
        Column("name", "string", min_length=2, max_length=4, required=False),
        Column("tags", "list[string]", pattern="[a-z]+", max_length=2, required=False),
    )
)


SHAPES: list[tuple[dict[str, Any], str, str]] = [
    ({"zip": "1234"}, "zip", "a text that matches [0-9]{5}"),
    ({"zip": "123456"}, "zip", "a text that matches [0-9]{5}"),
    ({"zip": "12345\n"}, "zip", "a text that matches [0-9]{5}"),
    ({"zip": "12345", "name": "A"}, "name", "2 to 4 characters"),
    ({"zip": "12345", "name": "Åååçñ"}, "name", "2 to 4 characters"),
    ({"zip": "12345", "tags": ["a", "b", "c"]}, "tags", "at most 2 items"),
    ({"zip": "12345", "tags": ["a", "B"]}, "tags", "items: a text that matches [a-z]+"),
]
FLAT = Schema(SHAPED.columns[:2])  # rows of it may be accepted at once


@pytest.mark.parametrize(
    ("schema", "row", "column", "expected"),
    [(schema, *case) for schema in (SHAPED, FLAT) for case in SHAPES if case[1] in schema],
)
def test_shapes(schema: Schema, row: dict[str, Any], column: str, expected: str) -> None:
    full = {name: row.get(name) for name in schema.names}
    (found,) = RequestValidator(schema).validate([full]).unexpected
    assert (found.column, found.expected) == (column, expected)
    with pytest.raises(RequestError) as caught:
        RequestValidator(schema, ServingSettings(unexpected_values="reject")).validate([full])
    assert (caught.value.column, caught.value.row) == (column, 0)
    fitting = {"zip": "12345", "name": "Åå", "tags": ["a"]}
    accepted = RequestValidator(schema).validate([{name: fitting[name] for name in schema.names}] * 2)
    assert accepted.unexpected == []


def test_files_have_lengths_in_bytes() -> None:
    gif = "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="
    photo = Column("photo", "image", max_length=10)
    (found,) = RequestValidator(Schema((photo,))).validate([{"photo": gif}]).unexpected
    assert (found.got, found.expected) == ("34 bytes", "at most 10 bytes")


def test_infinities_are_refused_and_nan_is_missing() -> None:
    schema = Schema((Column("x", "float", required=False), Column("y", "float", required=False)))
    validator = RequestValidator(schema)
    assert validator.validate([{"x": 1.0, "y": 1e308}]).values == [(1.0, 1e308)]
    assert validator.validate([{"x": 1e308, "y": 1e308}]).values == [(1e308, 1e308)]
    assert validator.validate([{"x": math.nan, "y": 2.0}]).rows == [{"x": None, "y": 2.0}]
    with pytest.raises(RequestError, match="a finite number"):
        validator.validate([{"x": 0.0, "y": -math.inf}])


def test_unknown_values_are_missing_to_the_graph_and_told(make_client: MakeClient) -> None:
    client = make_client(unexpected_values="unknown")
    row = {**ROW, "job": "Pilot"}
    answer = client.post("/predict", row).json()
    assert [each["column"] for each in answer["warnings"]] == ["job"]
    assert answer["scores"][">50K"] == pytest.approx(income_probability(39, 40.5, "", True), abs=1e-6)
    assert read_predictions(client.directory)[0].inputs == row
    out_of_range = client.post("/predict", {**ROW, "age": 200}).json()
    assert out_of_range["scores"][">50K"] == pytest.approx(
        income_probability(200, 40.5, "Exec", True), abs=1e-6
    )


def test_unknown_numbers_and_items_are_missing() -> None:
    schema = Schema(
        (Column("code", "int", domain=("1", "2")), Column("tags", "list[string]", domain=("a", "b")))
    )
    validator = RequestValidator(schema, ServingSettings(unexpected_values="unknown"))
    found = validator.validate([{"code": 7, "tags": ["a", "z"]}, {"code": 2, "tags": ["b"]}])
    assert found.values == [(None, ["a", ""]), (2, ["b"])]
    assert [(each.row, each.column) for each in found.unexpected] == [(0, "code"), (0, "tags")]
    assert found.rows[0] == {"code": 7, "tags": ["a", "z"]}


def test_bad_rows_are_told_and_good_ones_predicted(client: Client) -> None:
    rows = [{**ROW, "age": "x"}, ROW, 5, {**ROW, "job": "Pilot"}, {**ROW, "agee": 1}]
    answer = client.post("/predict?errors=rows", rows)
    assert answer.status_code == 200
    found = answer.json()["predictions"]
    assert [each.get("error") for each in found] == [
        "column 'age' wants a whole number; got the text \"x\"",
        None,
        "row 2 is not an object; got the number 5",
        None,
        "unknown column 'agee': did you mean 'age'?",
    ]
    assert found[0] == {
        "error": found[0]["error"],
        "column": "age",
        "got": 'the text "x"',
        "expected": "a whole number",
        "row": 0,
    }
    assert [each.get("row") for each in found] == [0, None, 2, None, 4]
    assert "warnings" in found[3]
    assert found[1]["scores"] == client.post("/predict", ROW).json()["scores"]
    assert len(read_predictions(client.directory)) == 3


def test_all_rows_bad_is_an_answer_too(client: Client) -> None:
    answer = client.post("/predict?errors=rows", [{**ROW, "age": "x"}, {}])
    assert (answer.status_code, [p["column"] for p in answer.json()["predictions"]]) == (200, ["age", "age"])
    assert read_predictions(client.directory) == []
    table = client.post("/predict?errors=rows", [{}], headers={"accept": "text/csv"})
    assert "column 'age' is missing" in table.text
    assert client.post("/predict?errors=rows", []).status_code == 400
    assert client.post("/predict?errors=rows", {**ROW, "age": "x"}).status_code == 400


def test_refused_rows_are_counted(client: Client) -> None:
    client.post("/predict?errors=rows", [{**ROW, "age": "x"}, ROW, {**ROW, "age": None}])
    metrics = client.get("/metrics").text
    (line,) = [x for x in metrics.splitlines() if x.startswith("tilth_rejected") and 'column="age"' in x]
    assert line.endswith((" 2.0", " 2"))


def test_media_are_bounded_all_together_where_rows_are_judged_one_by_one() -> None:
    gif = "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="
    validator = RequestValidator(Schema((Column("photo", "image"),)), ServingSettings(max_image_pixels=3))
    with pytest.raises(RequestError, match="images of at most 3 pixels in one request"):
        validator.sift([{"photo": gif}] * 4 + [{}])
    assert len(validator.sift([{"photo": gif}] * 3 + [{}]).rows) == 3


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 130), st.floats(), st.text(max_size=3), st.just("Exec")
)


@given(st.lists(st.dictionaries(st.sampled_from([*ROW, "x"]), VALUES), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_sifting_is_judging_each_row_alone(rows: list[dict[str, Any]]) -> None:
    validator = RequestValidator(income_schema())
    rows = [{**ROW, **row} if at % 2 else row for at, row in enumerate(rows)]
    good, bad = [], []
    for at, row in enumerate(rows):
        try:
            good.append(validator.validate([row]).values[0])
        except RequestError:
            bad.append(at)
    sifted = validator.sift(rows)
    assert repr(sifted.values) == repr(good)
    assert [error.row for error in sifted.refused] == bad
