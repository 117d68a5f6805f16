"""The rule for histograms of oriented gradients."""

from __future__ import annotations

import math

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.images import floats, repeated, shifted
from tilth.features.rules.rule import Rule, each
from tilth.features.rules.tensors import integers, tensor

__all__ = ["RULES", "cell_shares"]

_ARCTANGENT = (
    -0.3333314528,
    0.1999355085,
    -0.1420889944,
    0.1065626393,
    -0.0752896400,
    0.0429096138,
    -0.0161657367,
    0.0028662257,
)
"""arctan t = t (1 + a2 t^2 + ... + a16 t^16) for t from -1 to 1, error below 2e-8 (Abramowitz and Stegun,
Handbook of mathematical functions, 4.4.49): the runtime's own has a last bit that depends on other rows."""

_TINY = 1e-20
_MOST = 0.2


def cell_shares(pixels: int, cells: int) -> np.ndarray:
    """How much of each pixel along a side is counted in each cell, float64, shape (cells, pixels).

    A pixel is shared linearly by the two cells whose centers are nearest; beyond the outer centers it is all
    the outer cell's. Divided by the length of a cell in pixels, so that the sums of a cell are means.

    Example:
        >>> cell_shares(4, 2).tolist()
        [[0.5, 0.375, 0.125, 0.0], [0.0, 0.125, 0.375, 0.5]]
    """
    centers = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    inside = np.clip(centers, 0, cells - 1)
    shares = np.maximum(0, 1 - np.abs(inside - np.arange(cells)[:, None]))
    return np.asarray(shares * cells / pixels)


def _votes(writer: GraphWriter, luma: str, orientations: int) -> str:
    """How much each pixel votes for each angle, (n, orientations, height, width)."""
    bordered = repeated(writer, luma, 1, 1)
    gx = tensor(writer, "Sub", shifted(writer, bordered, 0, 1), shifted(writer, bordered, 0, -1))
    gy = tensor(writer, "Sub", shifted(writer, bordered, 1, 0), shifted(writer, bordered, -1, 0))
    squares = tensor(writer, "Add", tensor(writer, "Mul", gx, gx), tensor(writer, "Mul", gy, gy))
    flat = [tensor(writer, "Transpose", part, perm=[0, 3, 1, 2]) for part in (gx, gy, squares)]
    steps = tensor(writer, "Mul", _angle(writer, flat[0], flat[1]), floats(writer, orientations / math.pi))
    numbers = writer.constant(np.arange(orientations, dtype=np.float32).reshape(-1, 1, 1))
    away = tensor(writer, "Abs", tensor(writer, "Sub", steps, numbers))
    other_way = tensor(writer, "Sub", floats(writer, orientations), away)
    nearness = tensor(writer, "Sub", floats(writer, 1.0), tensor(writer, "Min", away, other_way))
    share = tensor(writer, "Relu", nearness)
    return tensor(writer, "Mul", share, tensor(writer, "Sqrt", flat[2]))


def _angle(writer: GraphWriter, gx: str, gy: str) -> str:
    """The angle of a gradient modulo 180 degrees, 0 to pi; 0 where there is none."""
    across, along = tensor(writer, "Abs", gx), tensor(writer, "Abs", gy)
    longer = tensor(writer, "Max", tensor(writer, "Max", across, along), floats(writer, _TINY))
    slope = tensor(writer, "Div", tensor(writer, "Min", across, along), longer)
    square = tensor(writer, "Mul", slope, slope)
    series = floats(writer, _ARCTANGENT[-1])
    for factor in (*_ARCTANGENT[-2::-1], 1.0):
        series = tensor(writer, "Add", tensor(writer, "Mul", series, square), floats(writer, factor))
    small = tensor(writer, "Mul", series, slope)
    is_steep = tensor(writer, "Greater", along, across, type="bool")
    quarter = tensor(writer, "Sub", floats(writer, math.pi / 2), small)
    acute = tensor(writer, "Where", is_steep, quarter, small)
    falls = tensor(writer, "Less", tensor(writer, "Mul", gx, gy), floats(writer, 0.0), type="bool")
    return tensor(writer, "Where", falls, tensor(writer, "Sub", floats(writer, math.pi), acute), acute)


def _norms(writer: GraphWriter, cells: str, count: int, orientations: int) -> list[str]:
    """sqrt(N^2 + 1) of the four blocks of each cell."""
    pads = integers(writer, 0, 0, 1, 1, 0, 0, 1, 1)
    wide = tensor(writer, "Pad", tensor(writer, "Mul", cells, cells), pads, "", mode="edge")
    block = writer.constant(np.ones((1, orientations, 2, 2), dtype=np.float32))
    energy = tensor(writer, "Conv", wide, block)
    norms = tensor(writer, "Sqrt", tensor(writer, "Add", energy, floats(writer, 1.0)))
    axes = integers(writer, 2, 3)
    return [
        tensor(writer, "Slice", norms, integers(writer, top, left), integers(writer, *ends), axes)
        for top, left in ((0, 0), (0, 1), (1, 0), (1, 1))
        for ends in [(top + count, left + count)]
    ]


def _hog(writer: GraphWriter, operation: op.Hog, luma: Value) -> list[Value]:
    count, orientations = operation.cells, operation.orientations
    votes = _votes(writer, luma.block, orientations)
    down = writer.constant(cell_shares(operation.height, count).astype(np.float32))
    across = writer.constant(np.ascontiguousarray(cell_shares(operation.width, count).T, np.float32))
    cells = tensor(writer, "MatMul", tensor(writer, "MatMul", down, votes), across)
    total = ""
    for norm in _norms(writer, cells, count, orientations):
        share = tensor(writer, "Min", tensor(writer, "Div", cells, norm), floats(writer, _MOST))
        total = tensor(writer, "Add", total, share) if total else share
    mean = tensor(writer, "Mul", total, floats(writer, 0.25))
    last = tensor(writer, "Transpose", mean, perm=[0, 2, 3, 1])
    width = count * count * orientations
    flat = writer.node("Reshape", last, integers(writer, 0, width), type="float", width=width)
    return writer.columns(writer.cast(flat, "double"))


RULES: dict[type[op.RowWise], Rule] = {op.Hog: Rule(each(_hog))}
