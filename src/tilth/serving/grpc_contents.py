"""Requests and answers of the protocol over gRPC: messages to tensors, and predictions to messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tilth.errors import RequestError
from tilth.serving.binary_tensors import binary_values, to_binary
from tilth.serving.grpc_messages import message
from tilth.serving.inference_rows import Given, Output, answer_parameters, outputs_of
from tilth.serving.predictor import Predicted
from tilth.serving.tensors import Tensor, array_datatype, tensor_values, wrong_tensor

__all__ = ["given_tensors", "infer_response", "parameters_of"]

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where a message keeps the values of each datatype; FP16 and BF16 come as raw contents only."""


def parameters_of(fields: Mapping[str, Any]) -> dict[str, object]:
    """The parameters of a message as plain values.

    Example:
        >>> parameters_of(message("ModelInferRequest")(parameters={"timeout": {"int64_param": 9}}).parameters)
        {'timeout': 9}
    """
    return {
        name: getattr(each, each.WhichOneof("parameter_choice") or "bool_param")
        for name, each in fields.items()
    }


def given_tensors(request: Any) -> Iterator[Given]:
    """The tensors of a ModelInferRequest with their values.

    Raises:
        RequestError: contents that do not fit the shapes.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise RequestError(
            "raw_input_contents do not fit the inputs",
            got=f"{len(raw)} contents",
            expected=f"{len(request.inputs)}, one for each input",
        )
    for place, tensor in enumerate(request.inputs):
        shape = list(tensor.shape)
        if raw:
            if tensor.HasField("contents"):
                raise wrong_tensor(tensor.name, "has data twice", expected="contents or raw_input_contents")
            yield Given(tensor.name, shape, binary_values(tensor.name, tensor.datatype, shape, raw[place]))
        else:
            yield Given(tensor.name, shape, _typed(tensor, shape))


def _typed(tensor: Any, shape: list[int]) -> list[object]:
    """The values that a message holds in a field of their type."""
    name, datatype = tensor.name, tensor.datatype
    field = _CONTENTS.get(datatype)
    if field is None and datatype in ("FP16", "BF16"):
        raise wrong_tensor(name, "has no raw contents", got=datatype, expected="raw_input_contents")
    values: list[object] = [] if field is None else list(getattr(tensor.contents, field))
    if datatype == "BYTES":
        try:
            values = [str(value, "utf-8") for value in values if isinstance(value, bytes)]
        except UnicodeDecodeError:
            raise wrong_tensor(name, "has bytes that are not texts", expected="texts in UTF-8") from None
    if datatype in ("FP32", "FP64"):
        values = [None if value != value else value for value in values]
    return tensor_values(Tensor(name, shape, datatype, values))


def infer_response(request: Any, wanted: tuple[str, ...], predicted: Predicted) -> Any:
    """Predictions as a ModelInferResponse: raw where the request was, else in fields of their type."""
    model = predicted.scorer.model
    is_raw = bool(request.raw_input_contents)
    outputs = outputs_of(wanted, predicted)
    return message("ModelInferResponse")(
        model_name=model.name,
        model_version=str(model.version),
        id=request.id,
        parameters={name: {"string_param": text} for name, text in answer_parameters(predicted).items()},
        outputs=[_tensor(output, is_raw) for output in outputs],
        raw_output_contents=[to_binary(output.array) for output in outputs] if is_raw else [],
    )


def _tensor(output: Output, is_raw: bool) -> dict[str, object]:
    datatype = array_datatype(output.array)
    tensor: dict[str, object] = {
        "name": output.name,
        "datatype": datatype,
        "shape": list(output.array.shape),
        "parameters": {} if output.classes is None else {"classes": {"string_param": output.classes}},
    }
    if not is_raw:
        tensor["contents"] = {_CONTENTS[datatype]: _plain(output.array)}
    return tensor


def _plain(array: np.ndarray) -> list[object]:
    values: list[object] = array.ravel().tolist()
    return [str(value).encode() for value in values] if array.dtype == np.object_ else values
