"""The OpenAPI description of the server, made from the schema: real columns and a row that works."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version as package_version

from tilth.schemas import Column, Schema
from tilth.serving.examples import example_row
from tilth.serving.scoring import Scorer
from tilth.types import ColumnType, JSONObject, JSONValue

__all__ = ["describe_api"]

_TYPES: dict[ColumnType, JSONObject] = {
    "int": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
}

_MEDIA: dict[ColumnType, str] = {"image": "image/*", "audio": "audio/*"}


def describe_api(schema: Schema, scorer: Scorer | None = None) -> JSONObject:
    """The OpenAPI 3.1 document.

    Args:
        schema: the contract on the columns.
        scorer: the model that answers, for its classes; None while there is none.

    Example:
        >>> document = describe_api(Schema(columns=(Column(name="age", type="int", low=0, high=120),)))
        >>> document["components"]["schemas"]["Row"]["properties"]["age"]
        {'type': 'integer', 'format': 'int64', 'minimum': 0.0, 'maximum': 120.0}
    """
    columns = schema.in_environment("serving").columns
    return {
        "openapi": "3.1.0",
        "info": {"title": _title(scorer), "version": package_version("tilth")},
        "paths": _paths(schema),
        "components": {"schemas": {**_rows(columns, schema), **_answers(scorer), **_tensors()}},
    }


def _title(scorer: Scorer | None) -> str:
    return f"{scorer.model.name}, version {scorer.model.version}" if scorer else "Tilth prediction server"


def _reference(name: str) -> JSONObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(schema: JSONValue, example: JSONValue = None) -> JSONObject:
    media: JSONObject = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {"content": {"application/json": media}}


def _operation(
    summary: str, answer: JSONValue, body: JSONObject | None = None, refusals: Sequence[int] = ()
) -> JSONObject:
    responses: JSONObject = {"200": {"description": summary, **_content(answer)}}
    for status in refusals:
        responses[str(status)] = {"description": _REFUSALS[status], **_content(_reference("Error"))}
    operation: JSONObject = {"summary": summary, "responses": responses}
    if body is not None:
        operation["requestBody"] = {"required": True, **body}
    return operation


_REFUSALS = {
    400: "What was sent is wrong; the answer says where.",
    404: "No such model or prediction.",
    413: "The request is too large.",
    503: "Not able to answer now; try again.",
}


def _paths(schema: Schema) -> JSONObject:
    row: JSONObject = {**example_row(schema)}
    one_or_many: JSONObject = {"anyOf": [_reference("Row"), {"type": "array", "items": _reference("Row")}]}
    answers: JSONObject = {"anyOf": [_reference("Prediction"), _reference("Predictions")]}
    outcome: JSONObject = {
        "anyOf": [_reference("Outcome"), {"type": "array", "items": _reference("Outcome")}]
    }
    anything: JSONObject = {"type": "object"}
    refusals = (400, 413, 503)
    infer: JSONObject = {
        "post": {
            **_operation("Predict, by the Open Inference Protocol.", anything, _content(_reference("Infer"))),
            "parameters": [_path_parameter("model")],
        }
    }
    return {
        "/predict": {
            "post": _operation("Predict one row or several.", answers, _content(one_or_many, row), refusals)
        },
        "/feedback": {
            "post": _operation(
                "Tell what really happened.",
                {"type": "object", "properties": {"accepted": {"type": "integer"}}},
                _content(outcome),
                (400, 404, 413, 503),
            )
        },
        "/v2": {"get": _operation("About the server.", anything)},
        "/v2/health/live": {"get": _operation("Is the server running?", anything)},
        "/v2/health/ready": {"get": _operation("Can the server predict?", anything, None, (503,))},
        "/v2/models": {"get": _operation("The models.", anything)},
        "/v2/models/{model}": {
            "get": {
                **_operation("About a model.", anything, None, (404,)),
                "parameters": [_path_parameter("model")],
            }
        },
        "/v2/models/{model}/infer": infer,
        "/v2/repository/index": {
            "post": _operation("The models.", {"type": "array", "items": {"type": "object"}})
        },
    }


def _path_parameter(name: str) -> JSONObject:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _rows(columns: Sequence[Column], schema: Schema) -> JSONObject:
    required: list[JSONValue] = [c.name for c in columns if c.required and c.min_present >= 1.0]
    return {
        "Row": {
            "type": "object",
            "properties": {column.name: _property(column) for column in columns},
            "required": required,
            "additionalProperties": False,
            "example": {**example_row(schema)},
        }
    }


def _property(column: Column) -> JSONObject:
    if column.item_type is None:
        described: JSONObject = {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": _MEDIA[column.type],
        }
    else:
        described = _item(column, column.item_type)
    if column.is_list:
        described["type"] = [described["type"], "null"]
        described = {"type": "array", "items": described}
    if not column.required or column.min_present < 1.0:
        described["type"] = [described["type"], "null"]
    return described


def _item(column: Column, kind: ColumnType) -> JSONObject:
    described: JSONObject = dict(_TYPES[kind])
    if kind in ("int", "float"):
        if column.low is not None:
            described["minimum"] = column.low
        if column.high is not None:
            described["maximum"] = column.high
    if column.domain is not None and kind == "string":
        described["examples"] = list(column.domain)
    return described


def _answers(scorer: Scorer | None) -> JSONObject:
    label: JSONObject = {}
    if scorer is not None and scorer.model.classes:
        label = {"enum": list(scorer.model.classes)}
        if scorer.model.task == "multilabel":
            label = {"type": "array", "items": label, "uniqueItems": True}
    text: JSONObject = {"type": "string"}
    prediction: JSONObject = {
        "prediction_id": text,
        "label": label,
        "score": {"type": ["number", "null"], "description": "Probability of the predicted class."},
        "scores": {"type": ["object", "null"], "description": "Probability of each class."},
        "warnings": {"type": "array", "items": {"type": "object"}},
    }
    model: JSONObject = {"model": text, "version": {"type": "integer"}}
    return {
        "Prediction": {"type": "object", "properties": {**prediction, **model}},
        "Predictions": {
            "type": "object",
            "properties": {
                "predictions": {"type": "array", "items": {"type": "object", "properties": prediction}},
                **model,
            },
        },
        "Outcome": {
            "type": "object",
            "properties": {"prediction_id": text, "label": label},
            "required": ["prediction_id", "label"],
        },
        "Error": {
            "type": "object",
            "properties": {
                "error": text,
                "column": text,
                "got": text,
                "expected": text,
                "row": {"type": "integer"},
            },
            "required": ["error"],
        },
    }


def _tensors() -> JSONObject:
    tensor: JSONObject = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "datatype": {"type": "string"},
            "data": {"type": "array", "items": {}},
        },
        "required": ["name", "shape", "datatype", "data"],
    }
    return {
        "Infer": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": tensor}},
            "required": ["inputs"],
        }
    }
