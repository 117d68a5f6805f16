"""What rules on whole tensors are written with."""

from __future__ import annotations

from typing import Any

import numpy as np

from tilth.features.graph_writer import GraphWriter, ValueType

__all__ = ["integers", "length", "tensor"]


def tensor(
    writer: GraphWriter,
    operator: str,
    *inputs: str,
    type: ValueType = "float",  # noqa: A002 - the word that ONNX uses
    **attributes: Any,
) -> str:
    """Apply an operator that gives a whole tensor."""
    return writer.node(operator, *inputs, type=type, width=0, **attributes)


def integers(writer: GraphWriter, *values: int) -> str:
    """A constant list of whole numbers, such as axes or a shape."""
    return writer.constant(np.array(values, dtype=np.int64))


def length(writer: GraphWriter, values: str, axis: int = 1) -> str:
    """The size of an axis as a list of one whole number."""
    return tensor(writer, "Shape", values, type="int64", start=axis, end=axis + 1)
