"""POST /invocations: what clients of MLflow's scoring server send, and what they read."""

from __future__ import annotations

from typing import Any

import pytest
from example_server import ROW, half_plus_two_graph
from serving_clients import Client, MakeClient

from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import ServedModel, fixed_model
from tilth.tables import read_predictions

ROWS = [ROW, {**ROW, "age": 20, "job": "Clerical"}]
NAMES, DATA = list(ROW), [list(row.values()) for row in ROWS]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": DATA}},
        {"dataframe_split": {"columns": NAMES, "data": DATA, "index": [0, 1]}, "params": {"a": 1}},
        {"dataframe_records": ROWS},
        {"instances": ROWS},
        {"instances": DATA},
        {"inputs": {name: [row[name] for row in ROWS] for name in ROW}},
        {"inputs": {name: [[row[name]] for row in ROWS] for name in ROW}},
        {"inputs": ROWS},
    ],
)
def test_tables_of_mlflow(client: Client, body: object) -> None:
    answer = client.post("/invocations", body)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["predictions"] == [">50K", "<=50K"]
    assert content["prediction_ids"] == [p.id for p in read_predictions(client.directory)]
    assert (content["model"], content["version"]) == ("income", 1)


def test_csv_and_warnings(client: Client) -> None:
    body = b"age,job,married\n39,Pilot,true\n"
    content = client.post("/invocations", body=body, headers={"content-type": "text/csv"}).json()
    assert content["predictions"] == ["<=50K"] or content["predictions"] == [">50K"]
    assert content["warnings"]["0"][0]["column"] == "job"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "the request is a list"),
        ({}, "exactly one table"),
        ({"dataframe_records": ROWS, "instances": ROWS}, "exactly one table"),
        ({"dataframe": ROWS}, "exactly one table"),
        ({"dataframe_records": 5}, "dataframe_records is the number 5"),
        ({"dataframe_records": [5]}, "row 0 is not an object"),
        ({"dataframe_split": ROWS}, "dataframe_split is a list"),
        ({"dataframe_split": {"columns": NAMES}}, "dataframe_split is an object"),
        ({"dataframe_split": {"columns": [1], "data": []}}, "columns is a list"),
        ({"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}}, "a column is there twice"),
        ({"dataframe_split": {"columns": NAMES, "data": 5}}, "data is the number 5"),
        (
            {"dataframe_split": {"columns": NAMES, "data": [[1]]}},
            "row 0 does not have a value for each column",
        ),
        ({"dataframe_split": {"columns": NAMES, "data": []}}, "there are no rows"),
        ({"instances": {"a": 1}}, "instances is an object"),
        ({"instances": [1]}, "row 0 does not have a value for each column"),
        ({"inputs": {}}, "inputs is an object"),
        ({"inputs": {"age": 1}}, "the column 'age' is the number 1"),
        ({"inputs": {"age": [1], "job": ["a", "b"]}}, "the columns differ in length"),
        ({"inputs": {"age": []}}, "there are no rows"),
        ({"inputs": 5}, "inputs is the number 5"),
    ],
)
def test_what_is_refused(client: Client, body: object, words: str) -> None:
    answer = client.post("/invocations", body)
    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text


def test_a_model_of_one_column(make_client: MakeClient, shared_case: Any) -> None:
    case = shared_case("serving_oip", "oip-19")
    graph = Graph.from_bytes(half_plus_two_graph())
    schema = Schema((Column("x", "float"),))
    client = make_client(fixed_model(ServedModel("half_plus_two", 1, graph, "regression")), schema)
    for instances in (case["input"]["instances"], [[x] for x in case["input"]["instances"]]):
        answer = client.post("/invocations", {"instances": instances}).json()
        assert answer["predictions"] == pytest.approx(case["expected"]["predictions"], abs=case["tolerance"])


def test_health_and_version(client: Client) -> None:
    assert client.get("/ping").status_code == 200
    assert client.get("/health").json()["ready"] is True
    version = client.get("/version")
    assert (version.status_code, version.headers["content-type"]) == (200, "text/plain")
    assert version.text == client.get("/").json()["tilth_version"]
