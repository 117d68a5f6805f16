"""The OpenAPI description of the server, made from the schema: real columns, and rows that work as pasted."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from importlib.metadata import version as package_version

from tilth.schemas import Schema
from tilth.serving.examples import example_row
from tilth.serving.manners import ARROW_FILE, ARROW_STREAM, CSV, JSON
from tilth.serving.openapi_schemas import answer_schemas, general_schemas, reference, row_schema
from tilth.serving.scoring import Scorer
from tilth.serving.tensors import datatype_of
from tilth.types import JSONObject, JSONValue

__all__ = ["describe_api"]

_REFUSALS = {
    400: "What was sent is wrong; the answer says where.",
    401: "A token is needed.",
    403: "The token does not allow this.",
    404: "No such model, version or prediction.",
    408: "The request did not arrive in time.",
    413: "The request is too large.",
    415: "A body of this type cannot be read.",
    429: "Too many requests wait; try again.",
    500: "The server failed; its log says why.",
    503: "Not able to answer now; try again.",
}
_PREDICTING = (400, 401, 403, 404, 408, 413, 415, 429, 500, 503)
_READING = (401, 403, 500)
_ANYTHING: JSONObject = {"type": "object"}
_BINARY: JSONObject = {"type": "string", "format": "binary"}
_ARROW: JSONObject = {ARROW_STREAM: {"schema": _BINARY}, ARROW_FILE: {"schema": _BINARY}}


def describe_api(schema: Schema, scorer: Scorer | None = None, served: Sequence[Scorer] = ()) -> JSONObject:
    """The OpenAPI 3.1 document.

    Args:
        schema: the contract on the columns of the model that answers where none is named.
        scorer: that model; None while there is none.
        served: all models and versions that can be named; each gets paths and schemas of its own.

    Example:
        >>> document = describe_api(Schema(()))
        >>> sorted(document["components"]["schemas"])[:3], document["openapi"]
        (['Error', 'Explanation', 'Infer'], '3.1.0')
    """
    strict = scorer is not None and scorer.validator.rejects_unexpected
    schemas: JSONObject = {
        "Row": row_schema(schema, strict=strict),
        **answer_schemas(scorer),
        **general_schemas(),
    }
    paths: JSONObject = {"/predict": {"post": _predict(schema)}}
    for each in served:
        model = each.model
        own = f"{model.name}.{model.version}."
        schemas[f"{own}Row"] = row_schema(each.schema, strict=strict)
        schemas.update(answer_schemas(each, own))
        predict = _predict(each.schema, own, f", by version {model.version} of {model.name}")
        paths[f"/predict/{model.name}/versions/{model.version}"] = {"post": predict}
    return {
        "openapi": "3.1.0",
        "info": {"title": _title(scorer), "version": package_version("tilth")},
        "paths": {**paths, **_others(schema, scorer)},
        "components": {"schemas": schemas},
    }


def _title(scorer: Scorer | None) -> str:
    return f"{scorer.model.name}, version {scorer.model.version}" if scorer else "Tilth prediction server"


def _content(schema: JSONValue, example: JSONValue = None, kind: str = JSON) -> JSONObject:
    media: JSONObject = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {kind: media}


def _operation(
    summary: str,
    answer: JSONObject,
    body: JSONObject | None = None,
    refusals: Sequence[int] = _READING,
    parameters: Sequence[JSONValue] = (),
) -> JSONObject:
    responses: JSONObject = {"200": {"description": summary, "content": answer}}
    for status in refusals:
        responses[str(status)] = {
            "description": _REFUSALS[status],
            "content": _content(reference("Error")),
        }
    operation: JSONObject = {"summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = [*parameters]
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _predict(schema: Schema, own: str = "", by: str = "") -> JSONObject:
    row: JSONObject = {**example_row(schema)}
    rows: JSONObject = {"type": "array", "items": reference(f"{own}Row"), "minItems": 1}
    wrapped: JSONObject = {
        "type": "object",
        "properties": {"rows": rows},
        "required": ["rows"],
        "additionalProperties": False,
    }
    tables: JSONObject = {**_content({"type": "string"}, _csv(row), CSV), **_ARROW}
    one_or_many: JSONObject = {"anyOf": [reference(f"{own}Row"), rows, wrapped]}
    answers: JSONObject = {"anyOf": [reference(f"{own}Prediction"), reference(f"{own}Predictions")]}
    return _operation(
        f"Predict one row or several{by}.",
        {**_content(answers), **_content({"type": "string"}, None, CSV), **_ARROW},
        {**_content(one_or_many, row), **tables},
        _PREDICTING,
        _MANNERS,
    )


_MANNERS: tuple[JSONObject, ...] = (
    {
        "name": "errors",
        "in": "query",
        "description": "rows: tell of each row that is wrong, and predict the others.",
        "schema": {"enum": ["request", "rows"], "default": "request"},
    },
    {
        "name": "explain",
        "in": "query",
        "description": "true: with what each column contributes, where [serve] explain = true.",
        "schema": {"enum": ["false", "true"], "default": "false"},
    },
)


def _csv(row: JSONObject) -> str:
    """A row as the text of a CSV body."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(row)
    writer.writerow([_cell(value) for value in row.values()])
    return text.getvalue()


def _cell(value: JSONValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(f'"{item}"' if isinstance(item, str) else _cell(item) for item in value) + "]"
    return str(value)


def _others(schema: Schema, scorer: Scorer | None) -> JSONObject:
    row: JSONObject = {**example_row(schema)}
    outcome: JSONObject = {"anyOf": [reference("Outcome"), {"type": "array", "items": reference("Outcome")}]}
    told, listed = _content(_ANYTHING), _content({"type": "array", "items": _ANYTHING})
    ready = (503,)
    model = _path_parameter("model", scorer.model.name if scorer else "my-model")
    version = _path_parameter("version", str(scorer.model.version) if scorer else "1")
    infer = _content(reference("Infer"), _infer_example(schema))
    table: JSONObject = {"anyOf": [{**_ANYTHING, "required": [each]} for each in _MLFLOW]}
    mlflow: JSONObject = {
        **_content(table, {"dataframe_records": [row]}),
        **_content({"type": "string"}, _csv(row), CSV),
    }
    named = (*_READING, 404, 503)
    return {
        "/predict/{model}": {
            "post": _operation(
                "Predict with the live version of a model.",
                {**told, **_content({"type": "string"}, None, CSV), **_ARROW},
                _content(_ANYTHING, row),
                _PREDICTING,
                (model, *_MANNERS),
            )
        },
        "/invocations": {"post": _operation("Predict, as MLflow does.", told, mlflow, _PREDICTING)},
        "/feedback": {
            "post": _operation(
                "Tell what really happened.",
                _content({"type": "object", "properties": {"accepted": {"type": "integer"}}}),
                _content(outcome),
                _PREDICTING,
            )
        },
        "/ping": {"get": _operation("Can the server predict?", told, None, ready)},
        "/health": {"get": _operation("Can the server predict?", told, None, ready)},
        "/version": {
            "get": _operation("The version of Tilth.", _content({"type": "string"}, None, "text/plain"))
        },
        "/v2": {"get": _operation("About the server.", told)},
        "/v2/health/live": {"get": _operation("Is the server running?", told, None, ())},
        "/v2/health/ready": {"get": _operation("Can the server predict?", told, None, ready)},
        "/v2/models": {"get": _operation("The models.", told)},
        "/v2/models/{model}": {"get": _operation("About a model.", told, None, named, (model,))},
        "/v2/models/{model}/ready": {
            "get": _operation("Can a model predict?", told, None, (404, 503), (model,))
        },
        "/v2/models/{model}/versions/{version}": {
            "get": _operation("About a version.", told, None, named, (model, version))
        },
        "/v2/models/{model}/versions/{version}/ready": {
            "get": _operation("Can a version predict?", told, None, (404, 503), (model, version))
        },
        "/v2/models/{model}/infer": {
            "post": _operation("Predict, by the Open Inference Protocol.", told, infer, _PREDICTING, (model,))
        },
        "/v2/models/{model}/versions/{version}/infer": {
            "post": _operation(
                "Predict with a version, by the Open Inference Protocol.",
                told,
                infer,
                _PREDICTING,
                (model, version),
            )
        },
        "/v2/repository/index": {"post": _operation("The models.", listed)},
    }


_MLFLOW = ("dataframe_split", "dataframe_records", "instances", "inputs")


def _infer_example(schema: Schema) -> JSONObject:
    """The row of the example as tensors of one row."""
    columns = schema.in_environment("serving").columns
    row = example_row(schema)
    tensors: list[JSONValue] = []
    for column in columns:
        value = row[column.name]
        data: list[JSONValue] = value if isinstance(value, list) else [value]
        shape: list[JSONValue] = [1, len(data)]
        kind = datatype_of(column.type)
        tensors.append({"name": column.name, "shape": shape, "datatype": kind, "data": data})
    return {"inputs": tensors}


def _path_parameter(name: str, example: str) -> JSONObject:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
