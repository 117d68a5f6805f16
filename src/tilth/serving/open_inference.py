"""The Open Inference Protocol, version 2, over JSON: one tensor for each raw column.

Each input is a column of shape [N] or [N, 1]; null is a missing value. A column of lists has shape [N, K]: K
items for each row, of which those that are null are not there. Images and recordings are BYTES with base64
text; the binary form of tensors is not supported. `label` and `probabilities` (or `prediction` where the
label is a number) come back, for several labels both of shape [N, classes], and `prediction_id` when it is
asked for. The ids always stand in the answer's parameters too, joined by commas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from importlib.metadata import version as package_version
from typing import Literal

import msgspec
import numpy as np

from tilth.errors import RequestError
from tilth.serving.answers import Answer, decode, json_answer
from tilth.serving.live import LiveModel
from tilth.serving.predictor import Call, Predicted, Predictor
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer
from tilth.serving.tensors import Tensor, datatype_of, encode_tensor, tensor_values
from tilth.types import NUMBER_TASKS, JSONObject, JSONValue

__all__ = ["infer", "model_metadata", "repository_index", "server_metadata"]

PLATFORM = "onnx_onnxv1"


class RequestedOutput(msgspec.Struct, frozen=True):
    """One output that a client asks for."""

    name: str


class InferRequest(msgspec.Struct, frozen=True):
    """The body of an infer request; fields that are not known are ignored."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None


_decoder = msgspec.json.Decoder(InferRequest)


def server_metadata() -> JSONObject:
    """What GET /v2 answers."""
    return {"name": "tilth", "version": package_version("tilth"), "extensions": ["model_repository"]}


def model_metadata(live: LiveModel, scorer: Scorer) -> JSONObject:
    """What GET /v2/models/NAME answers.

    Args:
        live: the model, with the versions that can be asked for.
        scorer: the version in question.
    """
    inputs: list[JSONValue] = [
        {
            "name": column.name,
            "datatype": datatype_of(column.type),
            "shape": [-1, -1 if column.is_list else 1],
        }
        for column in scorer.validator.columns
        if column.name in scorer.model.graph.inputs
    ]
    return {
        "name": scorer.model.name,
        "versions": [str(version) for version in sorted(live.versions)],
        "platform": PLATFORM,
        "inputs": inputs,
        "outputs": list(_output_metadata(scorer)),
    }


def repository_index(models: Iterable[LiveModel]) -> list[JSONObject]:
    """What POST /v2/repository/index answers."""
    return [
        {"name": scorer.model.name, "version": str(version), "state": "READY", "reason": ""}
        for live in models
        for version, scorer in sorted(live.versions.items())
    ]


def infer(predictor: Predictor, scorer: Scorer, asked: Request) -> Call:
    """Understand an infer request; it is predicted and logged like any other.

    Args:
        predictor: what predicts and logs.
        scorer: the model that the request named.
        asked: the request.

    Raises:
        RequestError: a request that does not fit the protocol or the schema.
    """
    request: InferRequest = decode(asked.body, _decoder)
    wanted = _wanted_outputs(request, scorer)
    lists = {column.name for column in scorer.validator.columns if column.is_list}
    accepted = predictor.accept(_rows(request, lists), asked, scorer)
    return Call(accepted, partial(_answer, request.id, wanted))


def _answer(identity: str | None, wanted: Sequence[str], predicted: Predicted) -> Answer:
    model = predicted.scorer.model
    outputs: list[JSONValue] = [_output(name, predicted) for name in wanted]
    answer: JSONObject = {
        "model_name": model.name,
        "model_version": str(model.version),
        "parameters": _parameters(predicted),
        "outputs": outputs,
    }
    return json_answer(answer if identity is None else {"id": identity, **answer})


def _rows(request: InferRequest, lists: AbstractSet[str]) -> list[object]:
    columns: dict[str, list[object]] = {}
    for tensor in request.inputs:
        if tensor.name in columns:
            raise RequestError(
                f"tensor '{tensor.name[:100]}' is there twice", column=tensor.name[:100], expected="it once"
            )
        values = tensor_values(tensor)
        if tensor.name in lists and len(tensor.shape) == 2:
            columns[tensor.name] = _lists(values, tensor.shape[1])
            continue
        if tensor.name in lists or tensor.shape not in ([len(values)], [len(values), 1]):
            raise RequestError(
                f"tensor '{tensor.name[:100]}' is not one column",
                column=tensor.name[:100],
                got=f"the shape {tensor.shape}",
                expected="the shape [N, K], K items for each of N rows"
                if tensor.name in lists
                else "the shape [N] or [N, 1], one value for each of N rows",
            )
        columns[tensor.name] = values
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name[:50]}: {size}" for name, size in list(sizes.items())[:20])
        raise RequestError("the tensors differ in length", got=shown, expected="one value per row in each")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _lists(values: Sequence[object], width: int) -> list[object]:
    """The items of each row that are there."""
    rows = (values[start : start + width] for start in range(0, len(values), width))
    return [[value for value in row if value is not None] for row in rows]


def _output_names(scorer: Scorer) -> tuple[str, ...]:
    return ("prediction",) if scorer.model.task in NUMBER_TASKS else ("label", "probabilities")


def _wanted_outputs(request: InferRequest, scorer: Scorer) -> tuple[str, ...]:
    known = _output_names(scorer)
    if not request.outputs:
        return known
    wanted = tuple(output.name for output in request.outputs)
    for name in wanted:
        if name not in (*known, "prediction_id"):
            raise RequestError(
                f"there is no output '{name[:100]}'",
                got=name[:100],
                expected=f"one of {', '.join((*known, 'prediction_id'))}",
            )
    return wanted


def _output(name: str, predicted: Predicted) -> JSONObject:
    scored, classes = predicted.scored, list(predicted.scorer.class_names)
    if name == "prediction_id":
        return encode_tensor(name, np.array(predicted.ids, dtype=object))
    if name == "probabilities":
        tensor = encode_tensor(name, np.array(scored.scores, dtype=np.float32))
        return {**tensor, "parameters": {"classes": ",".join(classes)}}
    if predicted.scorer.model.task == "multilabel":
        said = [[each in label for each in classes] for label in scored.labels if isinstance(label, tuple)]
        tensor = encode_tensor(name, np.array(said, np.bool_))
        return {**tensor, "parameters": {"classes": ",".join(classes)}}
    kind: type = object if predicted.scorer.label_type is str else predicted.scorer.label_type
    return encode_tensor(name, np.array(scored.labels, dtype=kind))


def _output_metadata(scorer: Scorer) -> list[JSONObject]:
    datatypes: dict[type, Literal["BOOL", "INT64", "FP64", "BYTES"]]
    datatypes = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
    label: JSONObject = {"datatype": datatypes[scorer.label_type], "shape": [-1]}
    if scorer.model.task in NUMBER_TASKS:
        return [{"name": "prediction", **label}]
    width = len(scorer.class_names)
    if scorer.model.task == "multilabel":
        label = {"datatype": "BOOL", "shape": [-1, width]}
    return [
        {"name": "label", **label},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, width]},
    ]


def _parameters(predicted: Predicted) -> JSONObject:
    parameters: JSONObject = {"prediction_ids": ",".join(predicted.ids)}
    if predicted.scored.unexpected:
        parameters["warnings"] = "; ".join(
            f"row {found.row}, column {found.column}: got {found.got}, expected {found.expected}"
            for found in predicted.scored.unexpected[:100]
        )
    return parameters
