"""POST /feedback."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from example_server import ROW, half_plus_two_graph
from serving_clients import Client, MakeClient

from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import ServedModel, fixed_model
from tilth.tables import read_feedback


def predicted(client: Client, count: int = 1) -> list[str]:
    return [p["prediction_id"] for p in client.post("/predict", [ROW] * count).json()["predictions"]]


def test_one_outcome(client: Client) -> None:
    (identity,) = predicted(client)
    answer = client.post("/feedback", {"prediction_id": identity, "label": "<=50K"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    label, time = read_feedback(client.directory)[identity]
    assert label == "<=50K"
    assert abs(time - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)


def test_the_latest_outcome_counts(client: Client) -> None:
    (identity,) = predicted(client)
    for label, time in (("<=50K", "2030-01-02T00:00:00Z"), (">50K", "2030-01-01T00:00:00Z")):
        client.post("/feedback", {"prediction_id": identity, "label": label, "time": time})
    assert read_feedback(client.directory)[identity][0] == "<=50K"


def test_all_of_a_list_or_nothing(client: Client) -> None:
    ids = predicted(client, 3)
    good = [{"prediction_id": identity, "label": ">50K"} for identity in ids]
    bad = client.post("/feedback", [*good, {"prediction_id": ids[0], "label": "50K"}])
    assert (bad.status_code, bad.json()["row"]) == (400, 3)
    assert read_feedback(client.directory) == {}
    assert client.post("/feedback", good).json() == {"accepted": 3}
    assert set(read_feedback(client.directory)) == set(ids)


@pytest.mark.parametrize("identity", ["nobody", "", "../../etc/passwd", "a-zz", "\x00", "x" * 10_000])
def test_predictions_that_were_never_answered(client: Client, identity: str) -> None:
    predicted(client)
    answer = client.post("/feedback", {"prediction_id": identity, "label": ">50K"})
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("no prediction '")


REFUSED: list[tuple[object, str]] = [
    ({"prediction_id": "ID", "label": "50K"}, 'wants one of text "<=50K", text ">50K"; got the text "50K"'),
    ({"prediction_id": "ID", "label": 1}, "got the number 1"),
    ({"prediction_id": "ID", "label": None}, "got null"),
    ({"prediction_id": "ID"}, "'label' is missing"),
    ({"label": ">50K"}, "'prediction_id' is missing"),
    ({"prediction_id": 5, "label": ">50K"}, "'prediction_id' wants a text"),
    ({"prediction_id": "ID", "label": ">50K", "when": "now"}, "unknown field 'when'"),
    ({"prediction_id": "ID", "label": ">50K", "time": "now"}, "'time' wants an ISO 8601 time"),
    ({"prediction_id": "ID", "label": ">50K", "time": 5}, "'time' wants an ISO 8601 time"),
    ([], "0 outcomes"),
    ([5], "an outcome is the number 5"),
    ("x", 'an outcome is the text "x"'),
]


@pytest.mark.parametrize(("content", "words"), REFUSED)
def test_refusals(client: Client, content: Any, words: str) -> None:
    (identity,) = predicted(client)
    if isinstance(content, dict) and content.get("prediction_id") == "ID":
        content = {**content, "prediction_id": identity}
    answer = client.post("/feedback", content)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert read_feedback(client.directory) == {}


def test_outcomes_of_a_regression_are_numbers(make_client: MakeClient) -> None:
    graph = Graph.from_bytes(half_plus_two_graph())
    model = ServedModel("half", 1, graph, "regression")
    client = make_client(fixed_model(model), Schema(columns=(Column(name="x", type="float"),)))
    identity = client.post("/predict", {"x": 1}).json()["prediction_id"]
    for label in ("2.5", True, None):
        answer = client.post("/feedback", {"prediction_id": identity, "label": label})
        assert (answer.status_code, answer.json()["expected"]) == (400, "a number")
    assert client.post("/feedback", {"prediction_id": identity, "label": 3}).status_code == 200
    assert read_feedback(client.directory)[identity][0] == 3.0
