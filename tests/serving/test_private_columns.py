"""What the log has of personal columns, whatever the model was given."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from example_server import income_model, income_schema
from serving_clients import Client, MakeClient

from tilth.schemas import Personal, Schema
from tilth.serving import ServingSettings, create_app, fixed_model
from tilth.serving.predictor import entity_of
from tilth.tables import (
    FeedbackLog,
    PredictionLog,
    compact,
    prediction_log,
    read_feedback,
    read_predictions,
    redacted,
)

KEY = b"k" * 32


def private(**how: Personal) -> Schema:
    columns = (replace(column, personal=how.get(column.name)) for column in income_schema().columns)
    return Schema(tuple(columns))


def an_example(client: Client) -> dict[str, object]:
    document = client.get("/openapi.json").json()
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    several = body.get("examples", {}).values()
    found = next(iter(several))["value"] if several else body["example"]
    row: dict[str, object] = found[0] if isinstance(found, list) else found
    return row


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Client]:
    """A client whose server the test itself closes, so that the log can be compacted."""

    def start(schema: Schema, entity: str | None = None) -> Client:
        directory = tmp_path / secrets.token_hex(4)
        logs = PredictionLog(directory), FeedbackLog(directory)
        model = replace(income_model(), log_key=KEY)
        app = create_app(fixed_model(model), *logs, schema, entity=entity, settings=ServingSettings())
        return Client(app, directory, logs)

    return start


def test_values_reach_the_model_but_not_the_log(serve: Callable[..., Client]) -> None:
    names = list(income_schema().in_environment("serving").names)[:3]
    how: dict[str, Personal] = dict(zip(names, ("hash", "redact", "omit"), strict=True))
    plain, client = serve(income_schema()), serve(private(**how))
    row = an_example(plain)
    wanted = plain.post("/predict", row).json()
    answers = [client.post("/predict", row).json() for _ in range(2)]
    assert [answer["scores"] for answer in answers] == [wanted["scores"]] * 2
    [told] = read_predictions(plain.directory)
    for made in read_predictions(client.directory):
        assert dict(made.inputs) == redacted(told.inputs, how, KEY)
        assert names[2] not in made.inputs
        assert made.inputs[names[1]] == "[redacted]"
    outcome = {name: answers[0][name] for name in ("prediction_id", "label")}
    assert client.post("/feedback", outcome).status_code == 200
    assert len(read_feedback(client.directory)) == 1
    plain.close()
    client.close()
    assert compact(client.directory).rows == 2
    table = prediction_log(client.directory)
    assert table.columns[names[0]] == "string"
    assert names[2] not in table.columns


def test_without_a_key_hashes_hold_for_this_process_only(make_client: MakeClient) -> None:
    name = next(iter(income_schema().in_environment("serving").names))
    client = make_client(None, private(**{name: "hash"}))
    row = an_example(client)
    for _ in range(2):
        assert client.post("/predict", row).status_code == 200
    first, second = read_predictions(client.directory)
    assert first.inputs[name] == second.inputs[name]
    assert len(str(first.inputs[name])) == 32


@pytest.mark.parametrize(("how", "length"), [("hash", 32), ("redact", None), ("omit", None)])
def test_the_entity_is_as_private_as_its_column(
    serve: Callable[..., Client], how: Personal, length: int | None
) -> None:
    name = next(iter(income_schema().in_environment("serving").names))
    client = serve(private(**{name: how}), name)
    assert client.post("/predict", an_example(client)).status_code == 200
    client.close()
    [made] = read_predictions(client.directory)
    assert (made.entity and len(made.entity)) == length


def test_entities_of_every_sort() -> None:
    assert entity_of({"a": 7}, "a") == "7"
    assert entity_of({"a": "[redacted]"}, "a") is None
    assert entity_of({}, "a") is None
