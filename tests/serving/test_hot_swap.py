"""The served model follows its source; a broken version changes nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from example_server import CLASSES, ROW, income_graph, income_model, income_probability, income_schema
from serving_clients import MakeClient

from tilth.errors import GraphError, NotFoundError
from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import ModelSource, ServedModel


class Champion:
    """A source whose champion tests can move."""

    def __init__(self, version: int | None = 1) -> None:
        self.version = version
        self.loaded: list[int] = []

    def poll(self) -> tuple[str, int] | None:
        return None if self.version is None else ("income", self.version)

    def load(self, _name: str, version: int) -> ServedModel:
        self.loaded.append(version)
        if version == 13:
            raise GraphError("not a graph that can be run")
        return income_model(version)

    @property
    def source(self) -> ModelSource:
        return ModelSource(self.poll, self.load)


def test_promotion_is_followed(make_client: MakeClient) -> None:
    champion = Champion()
    client = make_client(champion.source, poll_interval_s=0.01)
    assert client.post("/predict", ROW).json()["version"] == 1
    champion.version = 2
    client.wait(0.5)
    content = client.post("/predict", ROW).json()
    assert content["version"] == 2
    expected = income_probability(39, 40.5, "Exec", True, bias=0.1)
    assert content["scores"][">50K"] == pytest.approx(expected, abs=1e-6)
    assert client.get("/v2/models/income/versions/1").status_code == 404
    assert client.get("/v2/models/income/versions/2/ready").status_code == 200
    told = client.get("/metrics").text
    assert 'tilth_model_info{model="income",role="live",version="2"} 1.0' in told
    assert 'tilth_model_info{model="income",role="live",version="1"}' not in told
    assert champion.loaded == [1, 2]


def test_a_broken_version_keeps_the_old_one(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    champion = Champion()
    client = make_client(champion.source, poll_interval_s=0.01)
    champion.version = 13
    client.wait(0.3)
    assert client.post("/predict", ROW).json()["version"] == 1
    assert champion.loaded == [1, 13], "a version that failed is left alone for a while"
    assert "income version 13 cannot be served: not a graph that can be run" in caplog.text
    ready = client.get("/v2/health/ready").json()
    assert ready["ready"] is True
    assert "version 13" in ready["problem"]
    champion.version = 3
    client.wait(0.3)
    assert client.post("/predict", ROW).json()["version"] == 3
    assert "problem" not in client.get("/v2/health/ready").json()


def test_a_source_that_fails_keeps_the_model(make_client: MakeClient) -> None:
    state = {"fails": False}

    def poll() -> tuple[str, int]:
        if state["fails"]:
            raise NotFoundError("the store is gone")
        return ("income", 1)

    client = make_client(ModelSource(poll, lambda _n, v: income_model(v)), poll_interval_s=0.01)
    state["fails"] = True
    client.wait(0.1)
    assert client.post("/predict", ROW).status_code == 200
    assert client.get("/v2/health/ready").json()["problem"] == (
        "the model source cannot be asked: the store is gone"
    )


def test_without_a_champion_the_server_lives_but_is_not_ready(make_client: MakeClient) -> None:
    champion = Champion(version=None)
    client = make_client(champion.source, poll_interval_s=0.01)
    assert client.get("/v2/health/live").status_code == 200
    ready = client.get("/v2/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    answer = client.post("/predict", ROW)
    assert (answer.status_code, answer.json()) == (503, {"error": "not ready: no model is champion yet"})
    assert answer.headers["retry-after"] == "1"
    assert client.get("/v2/models").json() == {"models": []}
    (listed,) = client.post("/v2/repository/index").json()
    assert (listed["state"], listed["reason"]) == ("UNAVAILABLE", "no model is champion yet")
    assert client.get("/openapi.json").status_code == 200
    champion.version = 1
    client.wait(0.5)
    assert client.post("/predict", ROW).status_code == 200


def test_a_model_brings_its_own_schema(make_client: MakeClient) -> None:
    own = Schema(columns=(*income_schema().columns, Column(name="shoe_size", type="float")))
    model = dataclasses.replace(income_model(), schema=own)
    client = make_client(ModelSource(lambda: ("income", 1), lambda _n, _v: model))
    assert client.post("/predict", ROW).json()["error"] == "column 'shoe_size' is missing"
    assert client.post("/predict", {**ROW, "shoe_size": 42}).status_code == 200


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ServedModel("m", 1, Graph.from_bytes(income_graph()), "regression"), "do not fit its task"),
        (
            ServedModel("m", 1, Graph.from_bytes(income_graph()), "multiclass", ("<=50K", ">50K", "x")),
            "2 probabilities for 3 classes",
        ),
        (ServedModel("m", 1, Graph.from_bytes(income_graph()), "binary", ("no", "yes")), "do not fit"),
        (
            ServedModel(
                "m",
                1,
                Graph.from_bytes(income_graph()),
                "binary",
                CLASSES,
                Schema(columns=(Column(name="age", type="int"),)),
            ),
            "wants columns that requests cannot have: hours, job, married",
        ),
    ],
)
def test_models_that_do_not_fit_are_not_served(
    make_client: MakeClient, model: ServedModel, words: str
) -> None:
    client = make_client(ModelSource(lambda: ("m", 1), lambda _n, _v: model))
    ready = client.get("/v2/health/ready")
    assert ready.status_code == 503
    assert words in ready.json()["problem"]


def test_the_version_in_a_file_is_followed(tmp_path: Path, make_client: MakeClient) -> None:
    from example_server import file_source

    path = tmp_path / "version"
    path.write_text("4")
    client = make_client(file_source(path))
    assert client.post("/predict", ROW).json()["version"] == 4
