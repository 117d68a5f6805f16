"""The end of a graph: from an estimator's scores to the answer in the values of the label column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tilth.metrics import LabelEncoding

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto, ValueInfoProto

__all__ = ["decision"]


def decision(
    scores: str, encoding: LabelEncoding, met: npt.NDArray[np.int64], threshold: float
) -> tuple[list[NodeProto], list[TensorProto], list[ValueInfoProto]]:
    """Nodes, constants and outputs.

    Args:
        scores: the name of the probabilities (n, classes met in training), or of the numbers (n, 1).
        encoding: the task and its classes.
        met: the codes of the classes that the columns of `scores` stand for.
        threshold: for two classes, what the positive one's probability must exceed.
    """
    from onnx import TensorProto, helper, numpy_helper

    if encoding.task == "regression":
        flat = numpy_helper.from_array(np.array([-1], np.int64), "tilth:decision.flat")
        return (
            [
                helper.make_node("Cast", [scores], ["tilth:decision.single"], to=TensorProto.FLOAT),
                helper.make_node("Reshape", ["tilth:decision.single", flat.name], ["prediction"]),
            ],
            [flat],
            [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["n"])],
        )
    nodes, constants = _probabilities(scores, len(encoding.classes), met)
    more, extra = _binary(threshold) if encoding.task == "binary" else _greatest()
    classes = _class_values(encoding)
    nodes += [*more, helper.make_node("Gather", [classes.name, "tilth:decision.code"], ["label"], axis=0)]
    outputs = [
        helper.make_tensor_value_info("label", classes.data_type, ["n"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(encoding.classes)]),
    ]
    return nodes, [*constants, *extra, classes], outputs


def _probabilities(
    scores: str, classes: int, met: npt.NDArray[np.int64]
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Single precision, with a column of zeros for each class that training did not meet."""
    from onnx import TensorProto, helper, numpy_helper

    if np.array_equal(met, np.arange(classes)):
        return [helper.make_node("Cast", [scores], ["probabilities"], to=TensorProto.FLOAT)], []
    places = np.zeros((len(met), classes), np.float32)
    places[np.arange(len(met)), met] = 1.0
    return [
        helper.make_node("Cast", [scores], ["tilth:decision.met"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["tilth:decision.met", "tilth:decision.places"], ["probabilities"]),
    ], [numpy_helper.from_array(places, "tilth:decision.places")]


def _binary(threshold: float) -> tuple[list[NodeProto], list[TensorProto]]:
    """Code 1 where the probability is greater than the threshold, compared in double precision."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [
        numpy_helper.from_array(np.array(1, np.int64), "tilth:decision.positive"),
        numpy_helper.from_array(np.array(threshold, np.float64), "tilth:decision.threshold"),
    ]
    return [
        helper.make_node(
            "Gather", ["probabilities", "tilth:decision.positive"], ["tilth:decision.score"], axis=1
        ),
        helper.make_node("Cast", ["tilth:decision.score"], ["tilth:decision.double"], to=TensorProto.DOUBLE),
        helper.make_node(
            "Greater", ["tilth:decision.double", "tilth:decision.threshold"], ["tilth:decision.above"]
        ),
        helper.make_node("Cast", ["tilth:decision.above"], ["tilth:decision.code"], to=TensorProto.INT64),
    ], constants


def _greatest() -> tuple[list[NodeProto], list[TensorProto]]:
    """The code of the most probable class, the first of those that tie."""
    from onnx import helper

    return [helper.make_node("ArgMax", ["probabilities"], ["tilth:decision.code"], axis=1, keepdims=0)], []


def _class_values(encoding: LabelEncoding) -> TensorProto:
    from onnx import TensorProto, helper

    kind = {str: TensorProto.STRING, bool: TensorProto.BOOL}.get(type(encoding.classes[0]), TensorProto.INT64)
    values: Any = [v.encode() if isinstance(v, str) else v for v in encoding.classes]
    return helper.make_tensor("tilth:decision.classes", kind, [len(values)], values)
