"""Nodes: what each layer computes, as nodes of an ONNX graph.

Numbers and the head are computed in double precision; for convolutions the runtime has single only.
Products have the constant matrix on the left and one product for each row: what a row gives then does not
depend on how many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tilth.training.conversion import FEATURES
from tilth.training.networks.architecture import Branch, Network, branch_name
from tilth.training.networks.forward import ABSENT, EPSILON, LIMIT
from tilth.training.networks.layers import (
    Convolve,
    Dense,
    Drop,
    Halve,
    Layer,
    Normalize,
    ReadTokens,
    Rectify,
    Summarize,
)

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["NODES", "NodeWriter", "write_network"]

Values = Mapping[str, npt.NDArray[np.float32]]

_PREFIX = "tilth:estimator."

_FLOAT, _WHOLE, _DOUBLE = 1, 7, 11
"""TensorProto.FLOAT, INT64, DOUBLE."""


class NodeWriter:
    """Collects nodes and constants, and names them."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Apply an operator; the name of what comes out."""
        from onnx import helper

        name = f"{_PREFIX}{len(self.nodes)}:{operator}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        """A constant tensor."""
        from onnx import numpy_helper

        name = f"{_PREFIX}constant {len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def wide(self, values: npt.NDArray[np.float32]) -> str:
        """A constant tensor in double precision, kept in single, from which the runtime makes it once."""
        return self.node("Cast", self.constant(values), to=_DOUBLE)

    def as_single(self, tensor: str) -> str:
        """The same values in single precision."""
        return self.node("Cast", tensor, to=_FLOAT)

    def integers(self, *values: int) -> str:
        """A constant list of whole numbers."""
        return self.constant(np.array(values, np.int64))

    def single(self, value: float) -> str:
        """A constant number."""
        return self.constant(np.array(value, np.float32))


def write_network(writer: NodeWriter, network: Network, values: Values) -> str:
    """The nodes of a fitted network, from `features`; the name of its outputs (n, outputs)."""
    vectors = []
    for place, branch in enumerate(network.branches):
        name = branch_name(network, place)
        x = _read_columns(writer, network, branch, name, values)
        vector = _through(writer, branch.layers, name, values, x)
        vectors.append(vector if branch.kind == "numbers" else writer.node("Cast", vector, to=_DOUBLE))
    together = vectors[0] if len(vectors) == 1 else writer.node("Concat", *vectors, axis=1)
    return _through(writer, network.head, "head", values, together)


def _through(writer: NodeWriter, layers: Sequence[Layer], name: str, values: Values, x: str) -> str:
    for place, layer in enumerate(layers):
        own = {key: values[f"{name}.{place}.{key}"] for key in layer.shapes()}
        x = NODES[type(layer)](writer, layer, own, x)
    return x


def _read_columns(writer: NodeWriter, network: Network, branch: Branch, name: str, values: Values) -> str:
    if branch.spans == ((0, network.features),):
        x = FEATURES
    else:
        axis, step = writer.integers(1), writer.integers(1)
        parts = [
            writer.node("Slice", FEATURES, writer.integers(start), writer.integers(stop), axis, step)
            for start, stop in branch.spans
        ]
        x = parts[0] if len(parts) == 1 else writer.node("Concat", *parts, axis=1)
    if len(branch.shape) > 1:
        x = writer.node("Reshape", x, writer.integers(0, *branch.shape))
    if branch.kind == "tokens":
        assert isinstance(branch.layers[0], ReadTokens)
        x = writer.node("Where", writer.node("IsNaN", x), writer.single(0), x)
        x = writer.node("Clip", x, writer.single(0), writer.single(branch.layers[0].size - 1))
        return writer.node("Cast", x, to=_WHOLE)
    is_wide = branch.kind == "numbers"
    if is_wide:
        x = writer.node("Cast", x, to=_DOUBLE)
    constant = writer.wide if is_wide else writer.constant
    x = writer.node("Sub", x, constant(values[f"{name}.mean"]))
    x = writer.node("Mul", x, constant(values[f"{name}.factor"]))
    zero, low, high = (
        writer.constant(np.array(value, np.float64 if is_wide else np.float32))
        for value in (0, -LIMIT, LIMIT)
    )
    x = writer.node("Where", writer.node("IsNaN", x), zero, x)
    x = writer.node("Clip", x, low, high)
    axes = len(branch.shape)
    return x if axes == 1 else writer.node("Transpose", x, perm=[0, axes, *range(1, axes)])


def _dense(writer: NodeWriter, _: Dense, values: Values, x: str) -> str:
    columns = writer.node("Unsqueeze", x, writer.integers(2))
    product = writer.node("MatMul", writer.wide(values["weight"]), columns)
    return writer.node(
        "Add", writer.node("Squeeze", product, writer.integers(2)), writer.wide(values["bias"])
    )


def _convolve(writer: NodeWriter, layer: Convolve, values: Values, x: str) -> str:
    return _convolution(writer, layer.kernel, values, x)


def _convolution(writer: NodeWriter, kernel: tuple[int, ...], values: Values, x: str) -> str:
    around = [side // 2 for side in kernel]
    weight, bias = writer.constant(values["weight"]), writer.constant(values["bias"])
    return writer.node("Conv", x, weight, bias, kernel_shape=list(kernel), pads=[*around, *around])


def _normalize(writer: NodeWriter, layer: Normalize, values: Values, x: str) -> str:
    # The runtime's own normalizations sum in an order that depends on where in memory a row begins.
    away = writer.node("Sub", x, _mean_of_row(writer, layer, x))
    variance = _mean_of_row(writer, layer, writer.node("Mul", away, away))
    spread = writer.node("Sqrt", writer.node("Add", variance, writer.single(EPSILON)))
    of_channels = (layer.channels, *[1] * layer.axes)
    even = writer.node("Div", away, spread)
    scaled = writer.node("Mul", even, writer.constant(values["scale"].reshape(of_channels)))
    return writer.node("Add", scaled, writer.constant(values["shift"].reshape(of_channels)))


def _mean_of_row(writer: NodeWriter, layer: Normalize, x: str) -> str:
    """The mean over all places, then over all channels, (n, 1, ...): short sums, which are exact enough."""
    of_channels = writer.node("GlobalAveragePool", x)
    beside = writer.node("Reshape", of_channels, writer.integers(0, 1, layer.channels))
    mean = writer.node("GlobalAveragePool", beside)
    return mean if layer.axes == 1 else writer.node("Unsqueeze", mean, writer.integers(3))


def _rectify(writer: NodeWriter, _: Rectify, __: Values, x: str) -> str:
    return writer.node("Relu", x)


def _halve(writer: NodeWriter, layer: Halve, _: Values, x: str) -> str:
    return writer.node("MaxPool", x, kernel_shape=[2] * layer.axes, strides=[2] * layer.axes)


def _summarize(writer: NodeWriter, _: Summarize, __: Values, x: str) -> str:
    mean, greatest = writer.node("GlobalAveragePool", x), writer.node("GlobalMaxPool", x)
    return writer.node("Flatten", writer.node("Concat", mean, greatest, axis=1), axis=1)


def _drop(_: NodeWriter, __: Drop, ___: Values, x: str) -> str:
    return x


def _read_tokens(writer: NodeWriter, layer: ReadTokens, values: Values, x: str) -> str:
    is_there = writer.node("Greater", x, writer.integers(0))
    there = writer.node("Unsqueeze", writer.node("Cast", is_there, to=_FLOAT), writer.integers(1))
    vectors = writer.node("Gather", writer.constant(values["embedding"]), x, axis=0)
    vectors = writer.node("Mul", writer.node("Transpose", vectors, perm=[0, 2, 1]), there)
    found = writer.node("Relu", _convolution(writer, (layer.kernel,), values, vectors))
    found = writer.node("Mul", found, there)
    looked = writer.node("MatMul", writer.constant(values["attention"].T), found)
    absent = writer.node("Mul", writer.node("Sub", writer.single(1), there), writer.single(ABSENT))
    shares = writer.node("Softmax", writer.node("Sub", looked, absent), axis=2)
    attended = writer.node("MatMul", found, writer.node("Transpose", shares, perm=[0, 2, 1]))
    greatest = writer.node("GlobalMaxPool", found)
    return writer.node("Flatten", writer.node("Concat", attended, greatest, axis=1), axis=1)


NODES: dict[type[Layer], Callable[[NodeWriter, Any, Values, str], str]] = {
    Dense: _dense,
    Convolve: _convolve,
    Normalize: _normalize,
    Rectify: _rectify,
    Halve: _halve,
    Summarize: _summarize,
    Drop: _drop,
    ReadTokens: _read_tokens,
}
