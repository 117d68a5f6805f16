"""`POST /predict?explain=true`: the same explanations as `tilth explain` gives, within bounds."""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from example_server import CLASSES, ROW, income_graph, income_model
from serving_clients import Client, MakeClient

from project_factory import hurried_project
from task_factory import offer_project, photo_project, run_silently
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.projects import Project
from tilth.schemas import Column, Schema
from tilth.serving import RequestValidator, champion_source, create_app, fixed_model
from tilth.serving.explaining import Explainer, column_of
from tilth.tables import FeedbackLog, PredictionLog, read_predictions

Ask = Callable[..., tuple[int, str, str]]


def explained_project(project: Project) -> Project:
    """The same, trained, with explanations."""
    run_silently(project)
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text().replace("[serve]\n", "[serve]\nexplain = true\n"))
    return Project.load(project.directory)


@contextlib.contextmanager
def served(project: Project) -> Iterator[Client]:
    """The project's champion behind an application in process."""
    logs = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    with project.store() as store:
        source = champion_source(project, store, project.artifacts())
        client = Client(create_app(source, *logs), project.predictions, logs)
        try:
            yield client
        finally:
            client.close()


def test_the_same_as_tilth_explain(tmp_path: Path, ask: Ask) -> None:
    project = explained_project(hurried_project(tmp_path))
    rows = [{"income": 61.25, "age": 30, "plan": "pro"}, {"income": 40.5, "age": 70, "plan": None}]
    data = tmp_path / "new.csv"
    data.write_text("income,age,plan\n61.25,30,pro\n40.5,70,?\n")
    with served(project) as client:
        answer = client.post("/predict?explain=true", rows)
        assert answer.status_code == 200, answer.text
        found = [each["explanation"] for each in answer.json()["predictions"]]
        alone = client.post("/predict?explain=true", rows[0]).json()
        plain = client.post("/predict", rows).json()["predictions"]
        sifted = client.post("/predict?explain=1&errors=rows", [{"age": 1}, *rows]).json()["predictions"]
        by_csv = client.post(
            "/predict?explain=true", body=data.read_bytes(), headers={"content-type": "text/csv"}
        ).json()["predictions"]
    status, out, _ = ask("explain", "--dir", tmp_path, "--data", data, "--row=1", "--row=2", "--json")
    assert status == 0
    expected = json.loads(out)["rows"]
    for mine, theirs in zip(found, expected, strict=True):
        assert {name: mine[name] for name in ("of", "explained", "base", "value", "contributions")} == {
            name: theirs[name] for name in ("of", "explained", "base", "value", "contributions")
        }
        assert mine["method"] == "trees"
        total = mine["base"] + sum(each["amount"] for each in mine["contributions"])
        assert total == pytest.approx(mine["value"], abs=1e-6)
    assert alone["explanation"] == found[0]
    assert [each["explanation"] for each in by_csv] == found
    assert "error" in sifted[0]
    assert [each["explanation"] for each in sifted[1:]] == found
    assert [each["scores"] for each in plain] == [each["scores"] for each in answer.json()["predictions"]]
    assert not any("explanation" in each for each in plain)


@pytest.mark.parametrize("make", [photo_project, offer_project])
def test_other_tasks(tmp_path: Path, make: Callable[[Path], Project]) -> None:
    project = explained_project(make(tmp_path))
    with served(project) as client:
        example = client.get("/openapi.json").json()["components"]["schemas"]["Row"]["example"]
        answer = client.post("/predict?explain=true", example)
    assert answer.status_code == 200, answer.text
    found = answer.json()["explanation"]
    total = found["base"] + sum(each["amount"] for each in found["contributions"])
    assert total == pytest.approx(found["value"], abs=1e-4)


def test_a_version_without_its_training_rows_answers_and_explains_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = explained_project(hurried_project(tmp_path))
    with project.store() as store:
        version = store.model_version(project.name, 1)
    artifacts = project.artifacts()
    artifacts.verify(str(version.properties["dataset"]), ".parquet").unlink()
    row = {"income": 61.25, "age": 30, "plan": "pro"}
    with served(project) as client:
        assert client.post("/predict", row).status_code == 200
        refused = client.post("/predict?explain=true", row)
    assert (refused.status_code, "explains no predictions" in refused.text) == (400, True)
    assert "its training rows are gone" in caplog.text


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """The income model, which is no trees, with explanations."""
    return make_client(fixed_model(replace(income_model(), explainer=income_explainer())))


def income_explainer() -> Explainer:
    graph = Graph.from_bytes(income_graph())
    background: dict[str, Any] = {
        "age": pa.array([20, 40, 60]),
        "hours": pa.array([40.0, 20.0, None]),
        "job": ["Sales", "Exec", "Clerical"],
        "married": [True, False, True],
    }
    return Explainer(graph, LabelEncoding("binary", CLASSES), pa.table(background))


def test_other_models_are_explained_by_drawing(client: Client) -> None:
    first = client.post("/predict?explain=true", ROW).json()
    found = first["explanation"]
    assert (found["method"], found["explained"], found["background"]) == (
        "sampling",
        "probability of >50K",
        3,
    )
    assert found["value"] == pytest.approx(first["scores"][">50K"])
    assert {each["columns"][0] for each in found["contributions"]} == {"age", "hours", "job", "married"}
    assert all(each["low"] <= each["amount"] <= each["high"] for each in found["contributions"])
    assert client.post("/predict?explain=true", ROW).json()["explanation"] == found
    assert len(read_predictions(client.directory)) == 2


def test_explaining_does_not_hold_up_other_requests(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    explain = Explainer.explain

    def watched(self: Explainer, *given: Any) -> Any:
        threads.append(threading.current_thread())
        return explain(self, *given)

    monkeypatch.setattr(Explainer, "explain", watched)
    assert client.post("/predict?explain=true", ROW).status_code == 200
    assert threading.main_thread() not in threads
    assert len(threads) == 1


def test_values_of_all_types_are_explained_as_they_were_predicted() -> None:
    columns = (
        Column("whole", "int", required=False),
        Column("number", "float"),
        Column("flag", "bool"),
        Column("moment", "datetime"),
        Column("word", "string", required=False),
        Column("numbers", "list[float]"),
        Column("flags", "list[bool]"),
        Column("moments", "list[datetime]"),
        Column("words", "list[string]", required=False),
    )
    validator = RequestValidator(Schema(columns))
    row: dict[str, Any] = {
        "whole": None,
        "number": 3,
        "flag": False,
        "moment": "2024-05-31T12:30:00.25",
        "word": "",
        "numbers": [1.5, None],
        "flags": [True, False],
        "moments": ["2024-05-31"],
        "words": ["a", None],
    }
    valid = validator.validate([row])
    places = {name: place for place, name in enumerate(validator.layout.names)}
    found = {c.name: column_of([valid.values[0][places[c.name]]], c)[0].as_py() for c in columns}
    day = datetime.datetime(2024, 5, 31)
    expected = {
        "moment": day.replace(hour=12, minute=30, microsecond=250_000),
        "moments": [day],
        "word": None,
    }
    assert found == {**row, **expected}


def test_what_is_refused(client: Client) -> None:
    many = client.post("/predict?explain=true", [ROW] * 101)
    assert (many.status_code, many.json()["expected"]) == (400, "at most 100 rows")
    table = client.post("/predict?explain=true", ROW, headers={"accept": "text/csv"})
    assert (table.status_code, "as JSON only" in table.json()["error"]) == (400, True)
    assert (
        client.post("/predict?explain=false", ROW).json().keys() == client.post("/predict", ROW).json().keys()
    )
