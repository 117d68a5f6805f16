"""Decision: from an estimator's scores to the answer in the values of the label column, also in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tilth.metrics import LabelEncoding
from tilth.training.calibration import Calibration
from tilth.types import JSONObject, Task

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto, ValueInfoProto

__all__ = ["Decision", "decision_nodes"]


@dataclass(frozen=True)
class Decision:
    """How probabilities become a class.

    Args:
        threshold: of two classes the positive one is said where its probability is greater than this; of
            several classes always the most probable one is said, the first of those that tie.

    Example:
        >>> Decision(0.7).codes(np.array([[0.4, 0.6], [0.2, 0.8]]), "binary").tolist()
        [0, 1]
    """

    threshold: float = 0.5

    def codes(self, scores: npt.NDArray[np.floating], task: Task) -> npt.NDArray[np.int64]:
        """The codes (n,) of the classes said, from their probabilities (n, classes)."""
        if task == "binary":
            return np.asarray(scores[:, 1] > self.threshold, np.int64)
        return np.asarray(scores.argmax(axis=1), np.int64)

    def to_json(self) -> JSONObject:
        """The rule as JSON values."""
        return {"threshold": self.threshold}


def decision_nodes(
    scores: str,
    encoding: LabelEncoding,
    met: npt.NDArray[np.int64],
    decision: Decision,
    calibration: Calibration | None = None,
) -> tuple[list[NodeProto], list[TensorProto], list[ValueInfoProto]]:
    """Nodes, constants and outputs.

    Args:
        scores: the name of the probabilities (n, classes met in training), or of the numbers (n, 1).
        encoding: the task and its classes.
        met: the codes of the classes that the columns of `scores` stand for.
        decision: how probabilities become a class.
        calibration: what corrects the probabilities before.
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
    nodes, constants = _probabilities(scores, len(encoding.classes), met, calibration)
    more, extra = _binary(decision.threshold) if encoding.task == "binary" else _greatest()
    classes = _class_values(encoding)
    nodes += [*more, helper.make_node("Gather", [classes.name, "tilth:decision.code"], ["label"], axis=0)]
    outputs = [
        helper.make_tensor_value_info("label", classes.data_type, ["n"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(encoding.classes)]),
    ]
    return nodes, [*constants, *extra, classes], outputs


def _probabilities(
    scores: str, classes: int, met: npt.NDArray[np.int64], calibration: Calibration | None
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Single precision, with a column of zeros for each class that training did not meet, then calibrated."""
    from onnx import TensorProto, helper

    nodes, constants, name = _widened(scores, classes, met)
    if calibration is not None:
        nodes.append(helper.make_node("Cast", [name], ["tilth:decision.raw"], to=TensorProto.DOUBLE))
        name = "tilth:decision.calibrated"
        more, extra = calibration.nodes("tilth:decision.raw", name)
        nodes, constants = [*nodes, *more], [*constants, *extra]
    nodes.append(helper.make_node("Cast", [name], ["probabilities"], to=TensorProto.FLOAT))
    return nodes, constants


def _widened(
    scores: str, classes: int, met: npt.NDArray[np.int64]
) -> tuple[list[NodeProto], list[TensorProto], str]:
    from onnx import TensorProto, helper, numpy_helper

    if np.array_equal(met, np.arange(classes)):
        return [], [], scores
    places = np.zeros((len(met), classes), np.float64)
    places[np.arange(len(met)), met] = 1.0
    nodes = [
        helper.make_node("Cast", [scores], ["tilth:decision.met"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["tilth:decision.met", "tilth:decision.places"], ["tilth:decision.wide"]),
    ]
    return nodes, [numpy_helper.from_array(places, "tilth:decision.places")], "tilth:decision.wide"


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
