"""Rules for filters: blur, Sobel's gradient, Canny's edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.images import WHITE, absence, floats, picture, repeated, shifted
from tilth.features.rules.rule import Rule, each
from tilth.features.rules.tensors import integers, length, tensor

__all__ = ["RULES", "gaussian"]

_REACH = 4.0
"""How many standard deviations a Gaussian reaches, as in SciPy."""

_ACROSS = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float32)
_SOBEL = np.stack([_ACROSS, _ACROSS.T])[:, None]
_STEEP = math.tan(math.radians(22.5))


def _planes(writer: GraphWriter, image: str) -> str:
    """Each channel as an image of its own, (n * channels, 1, height, width)."""
    upright = tensor(writer, "Transpose", image, perm=[0, 3, 1, 2])
    return tensor(writer, "Reshape", upright, integers(writer, -1, 1, 0, 0))


def _together(writer: GraphWriter, planes: str, like: str) -> str:
    """`_planes` taken back."""
    channels = length(writer, like, 3)
    shape = tensor(
        writer, "Concat", integers(writer, -1), channels, integers(writer, 0, 0), type="int64", axis=0
    )
    return tensor(writer, "Transpose", tensor(writer, "Reshape", planes, shape), perm=[0, 2, 3, 1])


def gaussian(sigma: float) -> np.ndarray:
    """The weights of a Gaussian filter, whose sum is 1, float64, shape (2 int(4 sigma + 0.5) + 1,)."""
    reach = int(_REACH * sigma + 0.5)
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (places / sigma) ** 2)
    return np.asarray(weights / weights.sum())


def _blurred(writer: GraphWriter, image: str, sigma: float) -> str:
    weights = gaussian(sigma).astype(np.float32)
    reach = len(weights) // 2
    planes = _planes(writer, repeated(writer, image, reach, reach))
    down = tensor(writer, "Conv", planes, writer.constant(weights.reshape(1, 1, -1, 1)))
    across = tensor(writer, "Conv", down, writer.constant(weights.reshape(1, 1, 1, -1)))
    return _together(writer, across, image)


def _blur(writer: GraphWriter, operation: op.Blur, image: Value) -> list[Value]:
    return picture(_blurred(writer, image.block, operation.sigma))


def _gradient(writer: GraphWriter, image: str) -> tuple[str, str, str]:
    """Sobel's gx and gy and the length of both, for each channel."""
    planes = _planes(writer, repeated(writer, image, 1, 1))
    both = tensor(writer, "Conv", planes, writer.constant(_SOBEL))
    gx, gy = (
        _together(writer, part, image)
        for part in writer.nodes("Split", both, types=["float", "float"], axis=1, num_outputs=2)
    )
    squares = tensor(writer, "Add", tensor(writer, "Mul", gx, gx), tensor(writer, "Mul", gy, gy))
    return gx, gy, tensor(writer, "Sqrt", squares)


def _sobel(writer: GraphWriter, _: op.Sobel, image: Value) -> list[Value]:
    return picture(_gradient(writer, image.block)[2])


def _test(writer: GraphWriter, operator: str, *inputs: str) -> str:
    return tensor(writer, operator, *inputs, type="bool")


def _ridges(writer: GraphWriter, gx: str, gy: str, size: str) -> str:
    """1 where the gradient is above that of both neighbors across the edge, else 0.

    Above the one and at least that of the other, so that of two equal neighbors one stays.
    """
    bordered = repeated(writer, size, 1, 1, "constant")

    def is_peak(down: int, right: int) -> str:
        before = _test(writer, "Greater", size, shifted(writer, bordered, -down, -right))
        after = _test(writer, "GreaterOrEqual", size, shifted(writer, bordered, down, right))
        return writer.cast(_test(writer, "And", before, after), "float")

    across, along = tensor(writer, "Abs", gx), tensor(writer, "Abs", gy)
    steep = floats(writer, _STEEP)
    is_flat = _test(writer, "LessOrEqual", along, tensor(writer, "Mul", across, steep))
    is_upright = _test(writer, "LessOrEqual", across, tensor(writer, "Mul", along, steep))
    falls = _test(writer, "GreaterOrEqual", tensor(writer, "Mul", gx, gy), floats(writer, 0.0))
    slanting = tensor(writer, "Where", falls, is_peak(1, 1), is_peak(1, -1))
    upright = tensor(writer, "Where", is_upright, is_peak(1, 0), slanting)
    return tensor(writer, "Where", is_flat, is_peak(0, 1), upright)


def _spread(writer: GraphWriter, seeds: str, allowed: str) -> str:
    """Seeds grown to all allowed pixels that are connected to them, sides or corners; 0 and 1.

    A loop in the graph goes on until nothing changes in any image. Those that are done stay as they are, so a
    row does not depend on the rows beside it.
    """
    from onnx import TensorProto, helper

    def info(name: str, kind: int, shape: list[int | None] | None) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    grow: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    nodes = [
        helper.make_node("MaxPool", ["before"], ["near"], **grow),
        helper.make_node("Mul", ["near", allowed], ["once"]),
        helper.make_node("MaxPool", ["once"], ["nearer"], **grow),
        helper.make_node("Mul", ["nearer", allowed], ["after"]),
        helper.make_node("Sub", ["after", "before"], ["change"]),
        helper.make_node("ReduceMax", ["change"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["goes_on"]),
    ]
    state = [None, 1, None, None]
    body = helper.make_graph(
        nodes,
        "spread",
        [
            info("round", TensorProto.INT64, []),
            info("went_on", TensorProto.BOOL, []),
            info("before", TensorProto.FLOAT, state),
        ],
        [info("goes_on", TensorProto.BOOL, []), info("after", TensorProto.FLOAT, state)],
        [zero],
    )
    begin = writer.constant(np.array(True))
    return tensor(writer, "Loop", "", begin, seeds, body=body)


def _canny(writer: GraphWriter, operation: op.Canny, luma: Value) -> list[Value]:
    smooth = _blurred(writer, luma.block, operation.sigma) if operation.sigma else luma.block
    gx, gy, size = _gradient(writer, smooth)
    ridges = _ridges(writer, gx, gy, size)

    def above(threshold: float) -> str:
        is_above = writer.cast(_test(writer, "Greater", size, floats(writer, threshold)), "float")
        return _planes(writer, tensor(writer, "Mul", ridges, is_above))

    edges = _together(writer, _spread(writer, above(operation.high), above(operation.low)), luma.block)
    white = tensor(writer, "Mul", edges, floats(writer, WHITE))
    return picture(tensor(writer, "Add", white, absence(writer, luma.block)))


RULES: dict[type[op.RowWise], Rule] = {
    op.Blur: Rule(each(_blur)),
    op.Sobel: Rule(each(_sobel)),
    op.Canny: Rule(each(_canny)),
}
