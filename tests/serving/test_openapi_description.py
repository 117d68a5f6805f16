"""GET /openapi.json: valid, true to the schema, with examples that work; schemathesis finds no surprise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from example_server import income_model, income_schema
from openapi_spec_validator import OpenAPIV31SpecValidator
from serving_clients import Client, MakeClient, ServerProcess

from tilth.schemas import Column, Schema
from tilth.serving.openapi import describe_api
from tilth.serving.openapi_schemas import row_schema


def document(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_it_is_valid_with_and_without_a_model(client: Client) -> None:
    for each in (document(client), describe_api(income_schema())):
        OpenAPIV31SpecValidator(each).validate()


def test_every_route_is_described_and_nothing_else(client: Client) -> None:
    index = set(client.get("/").json()["endpoints"])
    described = {f"{m.upper()} {p}" for p, ways in document(client)["paths"].items() for m in ways}
    own = {"POST /predict/income/versions/1"}
    left_out = {"GET /", "GET /openapi.json", "GET /metrics", "POST /predict/{model}/versions/{version}"}
    others = {each for each in index - left_out - described if "repository" not in each}
    assert others == set()
    assert described - index == own


def test_all_examples_work_when_pasted(client: Client) -> None:
    tried = 0
    for path, ways in document(client)["paths"].items():
        for method, operation in ways.items():
            for kind, media in operation.get("requestBody", {}).get("content", {}).items():
                if method != "post" or "example" not in media:
                    continue
                named = {p["name"]: p.get("example") for p in operation.get("parameters", ())}
                url = re.sub(r"\{(\w+)\}", lambda found: str(named[found[1]]), path)  # noqa: B023
                example = media["example"]
                body = (example if isinstance(example, str) else json.dumps(example)).encode()
                answer = client.post(url, body=body, headers={"content-type": kind})
                assert (answer.status_code, "warnings" in answer.text) == (200, False), (path, answer.text)
                tried += 1
    assert tried >= 9


def test_a_row_as_the_schema_says() -> None:
    schema = Schema(
        (
            Column("age", "int", low=0, high=120),
            Column("job", "string", domain=("a", "b"), required=False),
            Column("zip", "string", pattern="[0-9]{5}", min_length=5),
            Column("odd", "string", pattern="(?i)x"),
            Column("code", "int", domain=("1", "2")),
            Column("tags", "list[string]", max_length=3),
            Column("photo", "image"),
            Column("label", "string", not_in=("serving",)),
        )
    )
    row = row_schema(schema, strict=True)
    assert row["required"] == ["age", "zip", "odd", "code", "tags", "photo"]
    assert row["additionalProperties"] is False
    assert row["properties"] == {
        "age": {"type": "integer", "format": "int64", "minimum": 0.0, "maximum": 120.0},
        "job": {"type": ["string", "null"], "enum": ["a", "b", None]},
        "zip": {"type": "string", "minLength": 5, "pattern": "^(?:[0-9]{5})$"},
        "odd": {"type": "string"},
        "code": {"type": "integer", "format": "int64", "enum": [1, 2]},
        "tags": {"type": "array", "items": {"type": ["string", "null"]}, "maxItems": 3},
        "photo": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"},
    }
    loose = row_schema(schema)["properties"]
    assert isinstance(loose, dict)
    assert loose["job"] == {"type": ["string", "null"], "examples": ["a", "b"]}


def test_versions_beside_have_paths_of_their_own(make_client: MakeClient) -> None:
    from tilth.serving import ModelSource

    source = ModelSource(
        lambda: ("income", 2), lambda _, version: income_model(version), beside=lambda: (1,), name="income"
    )
    client = make_client(source)
    found = document(client)
    assert {path for path in found["paths"] if "versions/" in path and "{" not in path} == {
        "/predict/income/versions/1",
        "/predict/income/versions/2",
    }
    OpenAPIV31SpecValidator(found).validate()
    example = found["components"]["schemas"]["income.1.Row"]["example"]
    assert client.post("/predict/income/versions/1", example).json()["version"] == 1


@pytest.mark.slow
def test_schemathesis_finds_no_server_error_and_no_surprise(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start_server()
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"]
    command += ["--checks", checks, "--seed", "1", "--max-examples", "40", "--suppress-health-check", "all"]
    environment = {**os.environ, "NO_COLOR": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "found")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    told = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert told is not None, done.stdout[-3000:]
    assert told[1] == told[2]
    assert int(told[1]) > 500
