"""The last nodes of a graph: from an estimator's scores to the answer in the values of the label column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tilth.metrics import LabelEncoding
from tilth.training.calibration import Calibration
from tilth.training.decision import PROBABILITY_STEPS, Decision

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto, ValueInfoProto

__all__ = ["decision_nodes"]

_NAME = "tilth:decision.{}".format


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
    if encoding.is_number:
        return _number(scores)
    nodes, constants = _probabilities(scores, len(encoding.classes), met, calibration)
    more, extra, label = _rule(encoding, decision)
    return [*nodes, *more], [*constants, *extra], [label, _output("probabilities", len(encoding.classes))]


def _number(scores: str) -> tuple[list[NodeProto], list[TensorProto], list[ValueInfoProto]]:
    from onnx import TensorProto, helper, numpy_helper

    flat = numpy_helper.from_array(np.array([-1], np.int64), _NAME("flat"))
    return (
        [
            helper.make_node("Cast", [scores], [_NAME("single")], to=TensorProto.FLOAT),
            helper.make_node("Reshape", [_NAME("single"), flat.name], ["prediction"]),
        ],
        [flat],
        [_output("prediction")],
    )


def _probabilities(
    scores: str, classes: int, met: npt.NDArray[np.int64], calibration: Calibration | None
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Single precision, with a column of zeros for each class that training did not meet, then calibrated."""
    from onnx import TensorProto, helper

    nodes, constants, name = _widened(scores, classes, met)
    if calibration is not None:
        nodes.append(helper.make_node("Cast", [name], [_NAME("raw")], to=TensorProto.DOUBLE))
        name = _NAME("calibrated")
        more, extra = calibration.nodes(_NAME("raw"), name)
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
        helper.make_node("Cast", [scores], [_NAME("met")], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", [_NAME("met"), _NAME("places")], [_NAME("wide")]),
    ]
    return nodes, [numpy_helper.from_array(places, _NAME("places"))], _NAME("wide")


def _rule(
    encoding: LabelEncoding, decision: Decision
) -> tuple[list[NodeProto], list[TensorProto], ValueInfoProto]:
    """From the probabilities, in single precision as they are answered, to the label."""
    from onnx import TensorProto, helper

    if encoding.task == "multilabel":
        nodes, constants = _above("probabilities", decision.bounds(len(encoding.classes)), "label")
        label = helper.make_tensor_value_info("label", TensorProto.BOOL, ["n", len(encoding.classes)])
        return nodes, constants, label
    if decision.values is not None:
        nodes, constants = _worthiest(decision)
    elif encoding.task == "binary":
        nodes, constants = _positive(decision.threshold)
    else:
        nodes, constants = [_greatest("probabilities")], []
    classes = _class_values(encoding)
    nodes.append(helper.make_node("Gather", [classes.name, _NAME("code")], ["label"], axis=0))
    return nodes, [*constants, classes], helper.make_tensor_value_info("label", classes.data_type, ["n"])


def _above(
    scores: str, threshold: npt.NDArray[np.float64], output: str
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Where scores are greater than a threshold, compared in double precision."""
    from onnx import TensorProto, helper, numpy_helper

    return [
        helper.make_node("Cast", [scores], [_NAME("double")], to=TensorProto.DOUBLE),
        helper.make_node("Greater", [_NAME("double"), _NAME("threshold")], [output]),
    ], [numpy_helper.from_array(threshold, _NAME("threshold"))]


def _positive(threshold: float) -> tuple[list[NodeProto], list[TensorProto]]:
    """Code 1 where the probability of the positive class is greater than the threshold."""
    from onnx import TensorProto, helper, numpy_helper

    column = numpy_helper.from_array(np.array(1, np.int64), _NAME("positive"))
    nodes, constants = _above(_NAME("score"), np.array(threshold, np.float64), _NAME("above"))
    return [
        helper.make_node("Gather", ["probabilities", column.name], [_NAME("score")], axis=1),
        *nodes,
        helper.make_node("Cast", [_NAME("above")], [_NAME("code")], to=TensorProto.INT64),
    ], [column, *constants]


def _worthiest(decision: Decision) -> tuple[list[NodeProto], list[TensorProto]]:
    """The code of the class whose expected value is greatest, the first of those that tie."""
    from onnx import TensorProto, helper, numpy_helper

    constants = [
        numpy_helper.from_array(np.array(PROBABILITY_STEPS), _NAME("steps")),
        numpy_helper.from_array(decision.whole_values(), _NAME("values")),
    ]
    return [
        helper.make_node("Cast", ["probabilities"], [_NAME("double")], to=TensorProto.DOUBLE),
        helper.make_node("Mul", [_NAME("double"), _NAME("steps")], [_NAME("stepped")]),
        helper.make_node("Round", [_NAME("stepped")], [_NAME("whole")]),
        helper.make_node("MatMul", [_NAME("whole"), _NAME("values")], [_NAME("worth")]),
        _greatest(_NAME("worth")),
    ], constants


def _greatest(scores: str) -> NodeProto:
    """The code of the greatest score of a row, the first of those that tie."""
    from onnx import helper

    return helper.make_node("ArgMax", [scores], [_NAME("code")], axis=1, keepdims=0)


def _class_values(encoding: LabelEncoding) -> TensorProto:
    from onnx import TensorProto, helper

    kind = {str: TensorProto.STRING, bool: TensorProto.BOOL}.get(type(encoding.classes[0]), TensorProto.INT64)
    values: Any = [v.encode() if isinstance(v, str) else v for v in encoding.classes]
    return helper.make_tensor(_NAME("classes"), kind, [len(values)], values)


def _output(name: str, columns: int | None = None) -> ValueInfoProto:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(
        name, TensorProto.FLOAT, ["n"] if columns is None else ["n", columns]
    )
