"""Conversion: the nodes that compute what a fitted estimator predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["Conversion", "link_nodes"]

FEATURES = "features"
SCORES = "tilth:estimator.scores"


@dataclass(frozen=True)
class Conversion:
    """Part of a graph, from the tensor `features`, float32 (n, f), to the tensor `output`.

    Args:
        nodes: in an order in which they can run.
        constants: the constants that they name.
        output: probabilities (n, classes met in training), or numbers (n, 1); float or double.
        opsets: the operator set versions that the nodes need, by domain.
        row_cells: how many numbers the nodes hold of one row at once; 0: about as many as it has features.
    """

    nodes: tuple[NodeProto, ...]
    constants: tuple[TensorProto, ...] = ()
    output: str = SCORES
    opsets: tuple[tuple[str, int], ...] = ()
    row_cells: int = 0


def link_nodes(link: str, raw: str, slope: float = 1.0) -> tuple[list[NodeProto], list[TensorProto]]:
    """From raw scores to probabilities or numbers, named `SCORES`.

    Args:
        link: "identity", "exponential", "softmax" over columns, or "logistic" of one column into two.
        raw: the name of the raw scores, float (n, t).
        slope: what the logistic link multiplies raw scores with.
    """
    from onnx import TensorProto, helper, numpy_helper

    if link == "logistic":
        # In double: ONNX Runtime's sigmoid in single is off by 17 % at 3e-7 and gives 0 below that.
        slopes = numpy_helper.from_array(np.array([[-slope, slope]], np.float64), "tilth:estimator.slopes")
        return [
            helper.make_node("Cast", [raw], ["tilth:estimator.double"], to=TensorProto.DOUBLE),
            helper.make_node("Mul", ["tilth:estimator.double", slopes.name], ["tilth:estimator.logits"]),
            helper.make_node("Sigmoid", ["tilth:estimator.logits"], [SCORES]),
        ], [slopes]
    if link == "softmax":
        return [helper.make_node("Softmax", [raw], [SCORES], axis=1)], []
    operator = {"identity": "Identity", "exponential": "Exp"}[link]
    return [helper.make_node(operator, [raw], [SCORES])], []
