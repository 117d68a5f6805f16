"""The JSON Schemas of rows, answers and tensors, made from the schema of a model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tilth.schemas import Column, Schema
from tilth.serving.examples import example_row
from tilth.serving.scoring import Scorer
from tilth.types import ColumnType, JSONObject, JSONValue

__all__ = ["answer_schemas", "general_schemas", "reference", "row_schema"]

_TYPES: dict[ColumnType, JSONObject] = {
    "int": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
}
_MEDIA: dict[ColumnType, str] = {"image": "image/*", "audio": "audio/*"}
_TEXT: JSONObject = {"type": "string"}


def reference(name: str) -> JSONObject:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def row_schema(schema: Schema, *, strict: bool = False) -> JSONObject:
    """What one row may be.

    Args:
        schema: the contract on the columns; only its environment "serving" counts.
        strict: values outside of a domain are refused.

    Example:
        >>> row_schema(Schema((Column("age", "int", low=0),)))["properties"]
        {'age': {'type': 'integer', 'format': 'int64', 'minimum': 0.0}}
    """
    columns = schema.in_environment("serving").columns
    required: list[JSONValue] = [c.name for c in columns if not _is_nullable(c)]
    return {
        "type": "object",
        "properties": {column.name: _property(column, strict) for column in columns},
        "required": required,
        "additionalProperties": False,
        "example": {**example_row(schema)},
    }


def _is_nullable(column: Column) -> bool:
    return not column.required or column.min_present < 1.0


def _property(column: Column, strict: bool) -> JSONObject:
    if column.item_type is None:
        described: JSONObject = {
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": _MEDIA[column.type],
        }
    else:
        described = _item(column, column.item_type, strict)
    if column.is_list:
        described = {"type": "array", "items": _nullable(described), **_bounds(column, "Items")}
    return _nullable(described) if _is_nullable(column) else described


def _nullable(described: JSONObject) -> JSONObject:
    found = {**described, "type": [described["type"], "null"]}
    values = described.get("enum")
    return {**found, "enum": [*values, None]} if isinstance(values, list) else found


def _item(column: Column, kind: ColumnType, strict: bool) -> JSONObject:
    described: JSONObject = dict(_TYPES[kind])
    if kind in ("int", "float"):
        if column.low is not None:
            described["minimum"] = column.low
        if column.high is not None:
            described["maximum"] = column.high
    if column.domain is not None and kind != "bool":
        values: list[JSONValue] = [int(text) if kind == "int" else text for text in column.domain]
        described["enum" if strict and column.min_domain_mass >= 1.0 else "examples"] = values
    if kind == "string" and not column.is_list:
        described.update(_bounds(column, "Length"))
    if column.pattern is not None and _is_known(column.pattern):
        described["pattern"] = f"^(?:{column.pattern})$"
    return described


def _bounds(column: Column, what: str) -> JSONObject:
    found: JSONObject = {f"min{what}": column.min_length, f"max{what}": column.max_length}
    return {name: value for name, value in found.items() if value is not None}


def _is_known(pattern: str) -> bool:
    """Whether a pattern of RE2 means the same to readers of JSON Schema: no flags or anchors of its own."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return "(?" not in pattern.replace("(?:", "") and not re.search(r"\\[AzZpPQC]", pattern)


def answer_schemas(scorer: Scorer | None, of: str = "") -> JSONObject:
    """What a model answers, with its classes.

    Args:
        scorer: the model; None while there is none.
        of: what the names of the schemas begin with.
    """
    label: JSONObject = {}
    if scorer is not None and scorer.model.classes:
        label = {"enum": list(scorer.model.classes)}
        if scorer.model.task == "multilabel":
            label = {"type": "array", "items": label, "uniqueItems": True}
    prediction: JSONObject = {
        "prediction_id": {**_TEXT, "description": "Its id in the prediction log, for POST /feedback."},
        "label": label,
        "score": {"type": ["number", "null"], "description": "Probability of the predicted class."},
        "scores": {"type": ["object", "null"], "description": "Probability of each class."},
        "warnings": {"type": "array", "items": reference("Warning")},
        "explanation": reference("Explanation"),
    }
    model: JSONObject = {"model": _TEXT, "version": {"type": "integer"}}
    told: list[JSONValue] = ["prediction_id", "label", "score", "scores"]
    one: JSONObject = {"type": "object", "properties": prediction, "required": told}
    return {
        f"{of}Prediction": {"type": "object", "properties": {**prediction, **model}, "required": told},
        f"{of}Predictions": {
            "type": "object",
            "properties": {
                "predictions": {"type": "array", "items": {"anyOf": [one, reference("Error")]}},
                **model,
            },
            "required": ["predictions", "model", "version"],
        },
        f"{of}Outcome": {
            "type": "object",
            "properties": {
                "prediction_id": _TEXT,
                "label": label,
                "time": {"type": "string", "format": "date-time", "description": "When it became known."},
            },
            "required": ["prediction_id", "label"],
            "additionalProperties": False,
        },
    }


def general_schemas() -> JSONObject:
    """What all models have in common."""
    text = _TEXT
    tensor: JSONObject = {
        "type": "object",
        "properties": {
            "name": text,
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "datatype": text,
            "parameters": {"type": "object"},
            "data": {"type": "array", "items": {}},
        },
        "required": ["name", "shape", "datatype"],
    }
    return {
        "Warning": _object({"column": text, "got": text, "expected": text}),
        "Explanation": {
            "type": "object",
            "description": "Base and the amounts of all contributions add up to the value.",
            "properties": {
                "explained": text,
                "base": {"type": "number"},
                "value": {"type": "number"},
                "contributions": {"type": "array", "items": {"type": "object"}},
            },
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
        "Infer": {
            "type": "object",
            "properties": {
                "id": text,
                "inputs": {"type": "array", "items": tensor},
                "outputs": {"type": "array", "items": {"type": "object"}},
                "parameters": {"type": "object"},
            },
            "required": ["inputs"],
        },
    }


def _object(properties: JSONObject) -> JSONObject:
    names: Sequence[str] = list(properties)
    return {"type": "object", "properties": properties, "required": [*names]}
