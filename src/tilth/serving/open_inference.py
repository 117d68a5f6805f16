"""The Open Inference Protocol, version 2, over REST: one tensor for each raw column.

Each input is a column of shape [N] or [N, 1]; null is a missing value, and so is NaN in bytes. A column of
lists has shape [N, K]: K items for each row, of which those that are null are not there. Images and
recordings are BYTES with base64 text. Tensors may come and go as bytes behind the JSON (binary extension).

`label` and `probabilities` (or `prediction` where the label is a number) come back, for several labels both
of shape [N, classes], and `prediction_id` when it is asked for. The ids always stand in the parameters of the
answer too, joined by commas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from importlib.metadata import version as package_version
from typing import Literal

import msgspec

from tilth.errors import RequestError
from tilth.serving.answers import Answer, decode, json_answer
from tilth.serving.binary_tensors import binary_values, to_binary
from tilth.serving.inference_rows import (
    Given,
    answer_parameters,
    obey_timeout,
    outputs_of,
    refuse_unsupported,
    rows_of,
    wanted_outputs,
)
from tilth.serving.live import LiveModel
from tilth.serving.predictor import Call, Predicted, Predictor
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer
from tilth.serving.tensors import (
    Tensor,
    array_datatype,
    datatype_of,
    encode_tensor,
    tensor_values,
    wrong_tensor,
)
from tilth.types import NUMBER_TASKS, JSONObject, JSONValue

__all__ = ["infer", "model_metadata", "repository_index", "server_metadata"]

PLATFORM = "onnx_onnxv1"
EXTENSIONS = ("model_repository", "binary_tensor_data")
_HEADER_LENGTH = b"inference-header-content-length"


class RequestedOutput(msgspec.Struct, frozen=True):
    """One output that a client asks for."""

    name: str
    parameters: dict[str, object] | None = None


class InferRequest(msgspec.Struct, frozen=True):
    """The body of an infer request; fields that are not known are ignored."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[RequestedOutput] | None = None
    parameters: dict[str, object] | None = None


_decoder = msgspec.json.Decoder(InferRequest)


def server_metadata() -> JSONObject:
    """What GET /v2 answers."""
    return {"name": "tilth", "version": package_version("tilth"), "extensions": list(EXTENSIONS)}


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
    index: list[JSONObject] = []
    for live in models:
        index += (
            {"name": scorer.model.name, "version": str(version), "state": "READY", "reason": ""}
            for version, scorer in sorted(live.versions.items())
        )
        if not live.versions:
            why = "taken out of service" if live.is_unloaded else live.problem or "not loaded yet"
            index.append({"name": live.name or "", "version": "", "state": "UNAVAILABLE", "reason": why})
    return index


def infer(predictor: Predictor, scorer: Scorer, asked: Request) -> Call:
    """Understand an infer request; it is predicted and logged like any other.

    Args:
        predictor: what predicts and logs.
        scorer: the model that the request named.
        asked: the request.

    Raises:
        RequestError: a request that does not fit the protocol or the schema.
    """
    head, blob = _parts(asked)
    request: InferRequest = decode(head, _decoder)
    parameters = request.parameters or {}
    obey_timeout(asked, parameters)
    outputs = request.outputs or []
    named = [(each.name, each.parameters) for each in request.inputs]
    for name, own in (*named, *((each.name, each.parameters) for each in outputs)):
        refuse_unsupported(own or {}, f"'{name[:100]}'")
    wanted = wanted_outputs([output.name for output in outputs], scorer)
    as_bytes = bool(parameters.get("binary_data_output", False))
    said = {output.name: output.parameters or {} for output in outputs}
    binary = frozenset(name for name in wanted if said.get(name, {}).get("binary_data", as_bytes) is True)
    accepted = predictor.accept(rows_of(_given(request.inputs, blob), scorer), asked, scorer)
    return Call(accepted, partial(_answer, request.id, wanted, binary))


def _parts(asked: Request) -> tuple[bytes, memoryview]:
    """The JSON of a body, and the bytes of tensors behind it."""
    said = asked.headers.get(_HEADER_LENGTH)
    if said is None:
        return asked.body, memoryview(b"")
    if not said.isdigit() or len(said) > 12 or int(said) > len(asked.body):
        raise RequestError(
            "the header Inference-Header-Content-Length does not fit the body",
            got=said[:50].decode("latin-1"),
            expected=f"the length of the JSON, at most the {len(asked.body)} bytes of the body",
        )
    return asked.body[: int(said)], memoryview(asked.body)[int(said) :]


def _given(tensors: Sequence[Tensor], blob: memoryview) -> Iterator[Given]:
    """The tensors with their values, of which some stand in the JSON and some behind it."""
    at = 0
    for tensor in tensors:
        size = (tensor.parameters or {}).get("binary_data_size")
        if size is None:
            yield Given(tensor.name, tensor.shape, tensor_values(tensor))
            continue
        left = len(blob) - at
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= left:
            raise wrong_tensor(
                tensor.name, "is cut short", got=f"binary_data_size {size}", expected=f"at most {left} bytes"
            )
        if tensor.data is not None:
            raise wrong_tensor(tensor.name, "has data twice", expected="'data' or 'binary_data_size'")
        values = binary_values(tensor.name, tensor.datatype, tensor.shape, blob[at : at + size])
        at += size
        yield Given(tensor.name, tensor.shape, values)
    if at != len(blob):
        raise RequestError(
            "there are bytes behind the last tensor",
            got=f"{len(blob) - at} bytes more",
            expected="as many as the tensors' binary_data_size say together",
        )


def _answer(
    identity: str | None, wanted: Sequence[str], binary: AbstractSet[str], predicted: Predicted
) -> Answer:
    model = predicted.scorer.model
    outputs: list[JSONObject] = []
    blobs: list[bytes] = []
    for name, array, classes in outputs_of(wanted, predicted):
        own: JSONObject = {} if classes is None else {"classes": classes}
        if name in binary:
            blobs.append(to_binary(array))
            own["binary_data_size"] = len(blobs[-1])
            datatype = array_datatype(array)
            tensor: JSONObject = {"name": name, "shape": list(array.shape), "datatype": datatype}
        else:
            tensor = encode_tensor(name, array)
        outputs.append({**tensor, "parameters": own} if own else tensor)
    content: dict[str, object] = {
        "model_name": model.name,
        "model_version": str(model.version),
        "parameters": answer_parameters(predicted),
        "outputs": outputs,
    }
    answer = json_answer(content if identity is None else {"id": identity, **content})
    if not blobs:
        return answer
    length = (_HEADER_LENGTH, b"%d" % len(answer.body))
    return Answer(200, b"".join([answer.body, *blobs]), b"application/octet-stream", (length,))


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
