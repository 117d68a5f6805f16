"""POST /predict: the shapes of answers, the words of refusals, and the log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from example_server import CLASSES, ROW, half_plus_two_graph, income_probability
from serving_clients import Client, MakeClient

from tilth.errors import DataError
from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import ServedModel, fixed_model
from tilth.tables import PredictionLog, read_predictions

P = income_probability(39, 40.5, "Exec", True)


def changed(**values: object) -> dict[str, object]:
    return {**ROW, **values}


def without(name: str) -> dict[str, object]:
    return {column: value for column, value in ROW.items() if column != name}


def test_one_row_gives_one_prediction(client: Client) -> None:
    answer = client.post("/predict", ROW)
    assert answer.status_code == 200
    content = answer.json()
    assert list(content) == ["prediction_id", "label", "score", "scores", "model", "version"]
    assert (content["label"], content["model"], content["version"]) == (">50K", "income", 1)
    assert content["score"] == pytest.approx(P, abs=1e-6)
    assert content["scores"] == pytest.approx({"<=50K": 1 - P, ">50K": P}, abs=1e-6)


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"rows": rows}])
def test_several_rows_give_predictions_in_their_order(client: Client, wrap: Any) -> None:
    rows = [changed(age=age, job=job) for age, job in ((20, "Clerical"), (60, "Exec"), (45, "Sales"))]
    content = client.post("/predict", wrap(rows)).json()
    assert list(content) == ["predictions", "model", "version"]
    assert [p["label"] for p in content["predictions"]] == ["<=50K", ">50K", ">50K"]
    for row, prediction in zip(rows, content["predictions"], strict=True):
        p = income_probability(float(str(row["age"])), 40.5, str(row["job"]), True)
        assert prediction["scores"][">50K"] == pytest.approx(p, abs=1e-6)
        assert prediction["score"] == pytest.approx(max(p, 1 - p), abs=1e-6)


def test_a_row_alone_and_in_a_list_gives_the_same(client: Client) -> None:
    rows = [changed(age=age) for age in range(20, 60)]
    bulk = [p["scores"] for p in client.post("/predict", rows).json()["predictions"]]
    assert bulk == [client.post("/predict", row).json()["scores"] for row in rows]


@pytest.mark.parametrize("row", [without("hours"), changed(hours=None), changed(note=""), without("since")])
def test_optional_columns_may_be_missing(client: Client, row: dict[str, object]) -> None:
    content = client.post("/predict", row).json()
    hours = row.get("hours")
    p = income_probability(39, None if hours is None else 40.5, "Exec", True)
    assert content["scores"][">50K"] == pytest.approx(p, abs=1e-6)


REFUSED: list[tuple[object, dict[str, object]]] = [
    (
        changed(age="forty"),
        {
            "error": "column 'age' wants a whole number; got the text \"forty\"",
            "column": "age",
            "got": 'the text "forty"',
            "expected": "a whole number",
            "row": 0,
        },
    ),
    (
        changed(age="39"),
        {
            "error": "column 'age' wants a whole number, without quotes; got the text \"39\"",
            "column": "age",
            "row": 0,
        },
    ),
    (changed(age=3.5), {"column": "age", "got": "the number 3.5", "expected": "a whole number"}),
    (changed(age=True), {"column": "age", "got": "true"}),
    (changed(age=2**63), {"column": "age", "expected": "a whole number of at most 64 bits"}),
    (changed(age=None), {"error": "column 'age' may not be null", "column": "age", "got": "null", "row": 0}),
    (without("age"), {"error": "column 'age' is missing", "column": "age", "got": "nothing"}),
    (changed(hours=10**400), {"column": "hours", "got": "the number of more than 100 digits"}),
    (changed(hours=[40]), {"column": "hours", "got": "a list", "expected": "a number"}),
    (changed(hours={"a": 1}), {"column": "hours", "got": "an object"}),
    (changed(job=7), {"error": "column 'job' wants a text, in quotes; got the number 7", "column": "job"}),
    (changed(job=""), {"error": "column 'job' may not be empty", "column": "job", "got": 'the text ""'}),
    (changed(married=1), {"column": "married", "got": "the number 1", "expected": "true or false"}),
    (changed(married="true"), {"column": "married", "got": 'the text "true"'}),
    (changed(since="yesterday"), {"column": "since", "got": 'the text "yesterday"'}),
    (changed(since=1700000000), {"column": "since", "got": "the number 1700000000"}),
    (
        {**without("age"), "agee": 3},
        {"error": "unknown column 'agee': did you mean 'age'?", "column": "agee", "row": 0},
    ),
    (changed(income=">50K"), {"error": "column 'income' is not part of a request", "column": "income"}),
    ([ROW, ROW, changed(age="x")], {"column": "age", "row": 2}),
    ([ROW, 5], {"error": "row 1 is not an object; got the number 5", "row": 1}),
    ([], {"error": "there are no rows to predict", "expected": "at least one row"}),
    ({"rows": []}, {"error": "there are no rows to predict"}),
    ({"rows": [ROW], "params": {}}, {"error": "'params' beside 'rows'"}),
    ("text", {"error": 'the request is the text "text"'}),
    (None, {"error": "the request is null"}),
]


@pytest.mark.parametrize(("content", "expected"), REFUSED)
def test_refusals_say_column_got_expected(
    client: Client, content: object, expected: dict[str, object]
) -> None:
    answer = client.post("/predict", body=json.dumps(content).encode())
    assert answer.status_code == 400
    found = answer.json()
    assert {name: found.get(name) for name in expected} == expected
    assert read_predictions(client.directory) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b"{", "not JSON"),
        (b'{"age": NaN}', "write null for a missing value"),
        (b'{"age": Infinity}', "write null for a missing value"),
        (b'{"age": 1e999}', "Number out of range"),
        (b"\x1f\x8b\x08", "compressed"),
        (b'{"job": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 50_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_refused(client: Client, body: bytes, words: str) -> None:
    answer = client.post("/predict", body=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_whole_numbers_written_as_floats_are_whole_numbers(client: Client) -> None:
    assert client.post("/predict", changed(age=39.0)).json()["score"] == pytest.approx(P, abs=1e-6)


def test_unexpected_values_are_answered_with_a_warning(client: Client) -> None:
    content = client.post("/predict", [ROW, changed(job="Pilot"), changed(age=200)]).json()
    assert [p.get("warnings") for p in content["predictions"]] == [
        None,
        [{"column": "job", "got": 'the text "Pilot"', "expected": "one of Clerical, Exec, Sales"}],
        [{"column": "age", "got": "the number 200", "expected": "a whole number from 0 to 120"}],
    ]


@pytest.mark.parametrize(("column", "value"), [("job", "Pilot"), ("age", -1)])
def test_unexpected_values_can_be_refused(make_client: MakeClient, column: str, value: object) -> None:
    client = make_client(unexpected_values="reject")
    answer = client.post("/predict", [ROW, changed(**{column: value})])
    assert (answer.status_code, answer.json()["column"], answer.json()["row"]) == (400, column, 1)


def test_texts_that_mean_missing(make_client: MakeClient) -> None:
    client = make_client(missing=("?",))
    p = income_probability(39, None, "Exec", True)
    content = client.post("/predict", changed(hours="?", note="?")).json()
    assert content["scores"][">50K"] == pytest.approx(p, abs=1e-6)
    answer = client.post("/predict", changed(job="?"))
    assert (answer.status_code, answer.json()["error"]) == (400, "column 'job' may not be empty")


def test_limits(make_client: MakeClient) -> None:
    client = make_client(max_rows=3, max_body_bytes=5_000)
    assert client.post("/predict", [ROW] * 3).status_code == 200
    many = client.post("/predict", [ROW] * 4)
    assert (many.status_code, many.json()["expected"]) == (400, "at most 3 rows")
    large = client.post("/predict", body=b" " * 5_001)
    assert large.status_code == 413
    assert "larger than 5000 bytes" in large.json()["error"]


def test_every_answer_is_in_the_log(client: Client) -> None:
    first = client.post("/predict", ROW).json()
    others = client.post("/predict", [changed(age=age) for age in (20, 30)]).json()["predictions"]
    logged = {p.id: p for p in read_predictions(client.directory)}
    assert list(logged) == [p["prediction_id"] for p in (first, *others)]
    one = logged[first["prediction_id"]]
    assert (one.model, one.version, one.role, one.label) == ("income", 1, "live", first["label"])
    assert one.inputs == ROW
    assert one.scores == first["scores"]
    assert 0 < one.latency_s < 10
    assert one.time.tzinfo is not None


def test_large_requests_are_computed_in_threads(make_client: MakeClient) -> None:
    client = make_client(offload_bytes=1_000)
    rows = [changed(age=age % 100) for age in range(2_000)]
    predictions = client.post("/predict", rows).json()["predictions"]
    assert len({p["prediction_id"] for p in predictions}) == 2_000
    assert len(read_predictions(client.directory)) == 2_000


def test_too_many_large_requests_are_told_to_wait(make_client: MakeClient) -> None:
    client = make_client(offload_bytes=1, offload_waiting=0)
    answer = client.post("/predict", ROW)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_log_that_cannot_be_written_answers_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: PredictionLog, rows: object) -> list[str]:
        raise DataError("the prediction log cannot be written: no space left on device")

    monkeypatch.setattr(PredictionLog, "append", full)
    answer = client.post("/predict", ROW)
    assert (answer.status_code, "no space left" in answer.json()["error"]) == (503, True)
    assert "label" not in answer.json()


def test_an_unforeseen_error_is_logged_and_not_shown(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: PredictionLog, rows: object) -> list[str]:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(PredictionLog, "append", broken)
    answer = client.post("/predict", ROW)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_a_regression_answers_numbers(make_client: MakeClient, shared_case: Any) -> None:
    case = shared_case("serving_oip", "oip-19")
    schema = Schema(columns=(Column(name="x", type="float"),))
    graph = Graph.from_bytes(half_plus_two_graph())
    client = make_client(fixed_model(ServedModel("half_plus_two", 1, graph, "regression")), schema)
    rows = [{"x": x} for x in case["input"]["instances"]]
    predictions = client.post("/predict", rows).json()["predictions"]
    expected = case["expected"]["predictions"]
    assert [p["label"] for p in predictions] == pytest.approx(expected, abs=case["tolerance"])
    assert [(p["score"], p["scores"]) for p in predictions] == [(None, None)] * 3
    tensor = {"name": "x", "shape": [3], "datatype": "FP64", "data": case["input"]["instances"]}
    answer = client.post("/v2/models/half_plus_two/infer", {"inputs": [tensor]}).json()
    assert answer["outputs"] == [
        {"name": "prediction", "shape": [3], "datatype": "FP64", "data": pytest.approx(expected)}
    ]


def test_unknown_paths_and_methods_are_answered_in_json(client: Client) -> None:
    assert client.get("/nowhere").status_code == 404
    wrong = client.get("/predict")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "error" in wrong.json()


def test_the_index_and_the_api_description(client: Client) -> None:
    index = client.get("/").json()
    assert (index["name"], index["model"], index["version"]) == ("tilth", "income", 1)
    assert "POST /predict" in index["endpoints"]
    document = client.get("/openapi.json").json()
    row = document["components"]["schemas"]["Row"]
    assert set(row["properties"]) == set(ROW)
    assert row["required"] == ["age", "job", "married"]
    assert document["components"]["schemas"]["Outcome"]["properties"]["label"] == {"enum": list(CLASSES)}
    example = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert "warnings" not in client.post("/predict", example).json()
