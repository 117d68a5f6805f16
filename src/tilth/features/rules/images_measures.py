"""Rules for numbers that describe an image of one channel, and for its mean color.

Pixels are summed in double precision: sums of whole levels are exact then.
"""

from __future__ import annotations

import itertools

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.images import WHITE, absence, floats, mean_level, shifted
from tilth.features.rules.rule import Rule, each
from tilth.features.rules.tensors import integers, length, tensor

__all__ = ["RULES"]

_LEVELS = 256
_FLAT = (0, 1, 1, 1)


def _double(writer: GraphWriter, operator: str, *inputs: str) -> str:
    return tensor(writer, operator, *inputs, type="double")


def _column(writer: GraphWriter, operator: str, *inputs: str) -> list[Value]:
    return writer.columns(writer.node(operator, *inputs, type="double", width=1))


def _scalar(writer: GraphWriter, value: float) -> str:
    return writer.constant(np.array(value))


def _variance(writer: GraphWriter, values: str) -> str:
    away = _double(writer, "Sub", values, mean_level(writer, values, _FLAT))
    return mean_level(writer, _double(writer, "Mul", away, away))


def _brightness(writer: GraphWriter, _: op.Brightness, luma: Value) -> list[Value]:
    mean = mean_level(writer, writer.cast(luma.block, "double"))
    return _column(writer, "Div", mean, _scalar(writer, WHITE))


def _contrast(writer: GraphWriter, _: op.Contrast, luma: Value) -> list[Value]:
    variance = _variance(writer, writer.cast(luma.block, "double"))
    return _column(writer, "Div", _double(writer, "Sqrt", variance), _scalar(writer, WHITE))


def _mirrored(writer: GraphWriter, image: str, axis: int) -> str:
    """One more row or column on each side: that next to the border, or the border where there is no other."""

    def integer(operator: str, *inputs: str) -> str:
        return tensor(writer, operator, *inputs, type="int64")

    one = writer.constant(np.array(1, dtype=np.int64))
    before = writer.constant(np.array(-1, dtype=np.int64))
    size = integer("Squeeze", length(writer, image, axis))
    last = integer("Sub", size, one)
    # |last - |last - i|| is i inside, 1 at -1 and last - 1 at last + 1; the minimum is for a single row.
    places = integer("Range", before, integer("Add", size, one), one)
    folded = integer("Sub", last, integer("Abs", integer("Sub", last, integer("Abs", places))))
    kept = integer("Min", integer("Abs", folded), last)
    return tensor(writer, "Gather", image, kept, axis=axis)


def _sharpness(writer: GraphWriter, _: op.Sharpness, luma: Value) -> list[Value]:
    wide = _mirrored(writer, _mirrored(writer, luma.block, 1), 2)
    laplacian = tensor(writer, "Mul", luma.block, floats(writer, -4.0))
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        laplacian = tensor(writer, "Add", laplacian, shifted(writer, wide, down, right))
    return writer.columns(_variance(writer, writer.cast(laplacian, "double")))


def _mean_color(writer: GraphWriter, _: op.MeanColor, image: Value) -> list[Value]:
    channels = writer.nodes("Split", image.block, types=["float"] * 3, axis=3, num_outputs=3)
    means = [mean_level(writer, writer.cast(channel, "double")) for channel in channels]
    return [_column(writer, "Div", mean, _scalar(writer, WHITE))[0] for mean in means]


def _histogram(writer: GraphWriter, operation: op.Histogram, luma: Value) -> list[Value]:
    nothing = writer.cast(absence(writer, luma.block), "double")
    column = tensor(writer, "Reshape", nothing, integers(writer, 0, 1), type="double")
    one = _double(writer, "Add", column, _scalar(writer, 1.0))
    reached = [one]
    for place in range(1, operation.bins):
        bound = floats(writer, place * _LEVELS / operation.bins)
        is_above = tensor(writer, "GreaterOrEqual", luma.block, bound, type="bool")
        share = mean_level(writer, writer.cast(is_above, "double"))
        reached.append(_double(writer, "Add", share, column))
    shares = [_column(writer, "Sub", low, high)[0] for low, high in itertools.pairwise(reached)]
    return [*shares, *_column(writer, "Identity", reached[-1])]


RULES: dict[type[op.RowWise], Rule] = {
    op.Brightness: Rule(each(_brightness)),
    op.Contrast: Rule(each(_contrast)),
    op.Sharpness: Rule(each(_sharpness)),
    op.MeanColor: Rule(each(_mean_color)),
    op.Histogram: Rule(each(_histogram)),
}
