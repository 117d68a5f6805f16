"""Requests that wait at the same moment are predicted together, and each gets its own."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np
import pytest
from example_server import ROW, income_model, income_probability
from serving_clients import Client, MakeClient

from tilth.errors import GraphError
from tilth.serving import ModelSource, ServedModel
from tilth.tables import PredictionLog, read_predictions


class CountingGraph:
    """A graph that remembers how many rows it was run on, and fails on the ages it is told."""

    def __init__(self, model: ServedModel, failing_age: float | None = None) -> None:
        self._graph = model.graph
        self.inputs = model.graph.inputs
        self.sizes: list[int] = []
        self._failing_age = failing_age

    def run(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._failing_age in columns["age"]:
            raise GraphError("the graph failed")
        self.sizes.append(len(columns["age"]))
        return self._graph.run(columns)


def counted(failing_age: float | None = None) -> tuple[CountingGraph, ModelSource]:
    model = income_model()
    graph = CountingGraph(model, failing_age)
    return graph, ModelSource(
        lambda: ("income", 1), lambda _name, _version: dataclasses.replace(model, graph=graph)
    )


def together(client: Client, requests: list[tuple[str, Any]]) -> list[httpx.Response]:
    """Send requests so that they wait at the same moment."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
            return list(await asyncio.gather(*(http.post(path, json=content) for path, content in requests)))

    return client.run(send())


def test_merged_requests_get_their_own_rows_back(make_client: MakeClient, shared_case: Any) -> None:
    case = shared_case("serving_oip", "oip-16")
    graph, source = counted()
    client = make_client(source)
    warm_up = len(graph.sizes)
    ages = [request["data"][0] for request in case["input"]["requests"]]
    answers = together(client, [("/predict", {**ROW, "age": age}) for age in ages])
    assert graph.sizes[warm_up:] == [case["expected"]["shape"][0]]
    assert [1] * len(answers) == case["expected"]["rows_back"]
    for age, answer in zip(ages, answers, strict=True):
        p = income_probability(age, 40.5, "Exec", True)
        assert answer.json()["scores"][">50K"] == pytest.approx(p, abs=1e-6)


def test_protocols_sizes_and_refusals_mix(make_client: MakeClient) -> None:
    graph, source = counted()
    client = make_client(source)
    warm_up = len(graph.sizes)
    tensors = [
        {"name": "age", "shape": [2], "datatype": "INT64", "data": [30, 31]},
        {"name": "job", "shape": [2], "datatype": "BYTES", "data": ["Exec", "Pilot"]},
        {"name": "married", "shape": [2], "datatype": "BOOL", "data": [True, True]},
    ]
    answers = together(
        client,
        [
            ("/predict", {**ROW, "age": 20}),
            ("/predict", {**ROW, "age": "x"}),
            ("/v2/models/income/infer", {"inputs": tensors}),
            ("/predict", [{**ROW, "age": age} for age in (40, 41, 42)]),
        ],
    )
    assert [answer.status_code for answer in answers] == [200, 400, 200, 200]
    assert graph.sizes[warm_up:] == [6]
    one, _, two, three = (answer.json() for answer in answers)
    assert "row 1, column job" in two["parameters"]["warnings"]
    logged = {p.id: p.inputs["age"] for p in read_predictions(client.directory)}
    ids = [one["prediction_id"], *two["parameters"]["prediction_ids"].split(",")]
    ids += [prediction["prediction_id"] for prediction in three["predictions"]]
    assert [logged[identity] for identity in ids] == [20, 30, 31, 40, 41, 42]


def test_a_batch_is_bounded(make_client: MakeClient) -> None:
    graph, source = counted()
    client = make_client(source, batch_rows=4)
    warm_up = len(graph.sizes)
    sizes = (1, 2, 3, 9, 1, 1)
    answers = together(client, [("/predict", [ROW] * size) for size in sizes])
    assert [len(answer.json()["predictions"]) for answer in answers] == list(sizes)
    assert graph.sizes[warm_up:] == [3, 3, 9, 2]


def test_a_row_that_breaks_the_graph_breaks_nobody_else(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    _, source = counted(failing_age=66)
    client = make_client(source)
    answers = together(client, [("/predict", {**ROW, "age": age}) for age in (20, 66, 40)])
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert "the graph failed" in caplog.text
    logged = [p.id for p in read_predictions(client.directory)]
    assert sorted(logged) == sorted(answers[i].json()["prediction_id"] for i in (0, 2))


def test_a_batch_is_one_write(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client()
    sizes: list[int] = []
    append: Callable[..., list[str]] = PredictionLog.append

    def counting(self: PredictionLog, predictions: list[Any]) -> list[str]:
        sizes.append(len(predictions))
        return append(self, predictions)

    monkeypatch.setattr(PredictionLog, "append", counting)
    together(client, [("/predict", ROW)] * 10)
    assert sizes == [10]
