"""Rules for recordings: float32 (n, samples) from -1 to 1, one sample of NaN for a missing one.

Sums are products of matrices with one product for each row, because the runtime's own sums of a row depend
on where it lies in memory, that is on the rows beside it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.rule import Rule, each
from tilth.features.rules.tensors import integers, length, tensor

__all__ = ["RULES"]

_SILENCE = 10**-6
_WINDOWS_PER_SECOND = 50
_DECIBELS = 10 / math.log(10)


def _sound(block: str) -> list[Value]:
    return [Value("float", block, whole=True)]


def _scalar(writer: GraphWriter, value: float, dtype: type = np.float64) -> str:
    return writer.constant(np.array([[value]], dtype=dtype))


def _column(writer: GraphWriter, operator: str, *inputs: str, **attributes: Any) -> str:
    """Apply an operator that gives one number a row: double, shape (n, 1)."""
    return writer.node(operator, *inputs, type="double", width=1, **attributes)


def _samples(writer: GraphWriter, sound: str) -> str:
    """How many samples a row has, as a double."""
    return tensor(writer, "Cast", length(writer, sound), type="double", to=11)


def _where_heard(writer: GraphWriter, sound: str, column: str) -> str:
    """A column, or NaN where the recording is missing."""
    zero, one, axis = integers(writer, 0), integers(writer, 1), integers(writer, 1)
    first = tensor(writer, "Slice", sound, zero, one, axis)
    is_missing = tensor(writer, "IsNaN", first, type="bool")
    return _column(writer, "Where", is_missing, _scalar(writer, math.nan), column)


def _power(writer: GraphWriter, sound: str) -> str:
    """mean(x^2), shape (n, 1)."""
    doubles = writer.cast(sound, "double")
    lying = tensor(writer, "Unsqueeze", doubles, integers(writer, 1), type="double")
    standing = tensor(writer, "Unsqueeze", doubles, integers(writer, 2), type="double")
    product = tensor(writer, "MatMul", lying, standing, type="double")
    energy = _column(writer, "Squeeze", product, integers(writer, 2))
    return _column(writer, "Div", energy, _samples(writer, sound))


def _unless_zero(writer: GraphWriter, column: str, instead: float) -> str:
    is_zero = writer.node("Equal", column, _scalar(writer, 0.0), type="bool", width=1)
    return _column(writer, "Where", is_zero, _scalar(writer, instead), column)


def _before(writer: GraphWriter, sound: str, mode: str) -> str:
    """Each sample's predecessor; that of the first is 0 or, by mode "edge", itself."""
    longer = tensor(writer, "Pad", sound, integers(writer, 0, 1, 0, 0), "", mode=mode)
    start, end, axis = (integers(writer, value) for value in (0, -1, 1))
    return tensor(writer, "Slice", longer, start, end, axis)


def _at_rate(_: GraphWriter, __: op.AtRate, sound: Value) -> list[Value]:
    return [sound]  # the rate is in the graph's metadata, for whoever decodes


def _normalize_volume(writer: GraphWriter, operation: op.NormalizeVolume, sound: Value) -> list[Value]:
    if operation.by == "rms":
        found = _column(writer, "Sqrt", _power(writer, sound.block))
    else:
        sizes = tensor(writer, "Abs", sound.block)
        peak = tensor(writer, "ReduceMax", sizes, integers(writer, 1), keepdims=1)
        found = _column(writer, "Cast", peak, to=11)
    wanted = _scalar(writer, 10 ** (operation.level_db / 20))
    # Silence has no level to begin with: it is multiplied by 1.
    level = _unless_zero(writer, found, 10 ** (operation.level_db / 20))
    gain = writer.cast(_column(writer, "Div", wanted, level), "float")
    return _sound(tensor(writer, "Mul", sound.block, gain))


def _pre_emphasis(writer: GraphWriter, operation: op.PreEmphasis, sound: Value) -> list[Value]:
    before = _before(writer, sound.block, "constant")
    part = tensor(writer, "Mul", before, _scalar(writer, operation.factor, np.float32))
    return _sound(tensor(writer, "Sub", sound.block, part))


def _volume(writer: GraphWriter, _: op.Volume, sound: Value) -> list[Value]:
    power = _unless_zero(writer, _power(writer, sound.block), math.nan)
    level = _column(writer, "Mul", _column(writer, "Log", power), _scalar(writer, _DECIBELS))
    # The last bit of the runtime's logarithm depends on the rows beside it: single precision hides that.
    return writer.columns(writer.cast(writer.cast(level, "float"), "double"))


def _duration(writer: GraphWriter, operation: op.Duration, sound: Value) -> list[Value]:
    seconds = tensor(
        writer, "Div", _samples(writer, sound.block), _scalar(writer, operation.rate), type="double"
    )
    return writer.columns(_where_heard(writer, sound.block, seconds))


def _silence_share(writer: GraphWriter, operation: op.SilenceShare, sound: Value) -> list[Value]:
    window = max(1, round(operation.rate / _WINDOWS_PER_SECOND))
    count = length(writer, sound.block)
    size, one = integers(writer, window), integers(writer, 1)
    above = tensor(writer, "Add", count, integers(writer, window - 1), type="int64")
    windows = tensor(writer, "Div", above, size, type="int64")
    whole = tensor(writer, "Mul", windows, size, type="int64")
    padding = tensor(writer, "Sub", whole, count, type="int64")
    ends = tensor(writer, "Concat", integers(writer, 0, 0, 0), padding, type="int64", axis=0)
    padded = writer.cast(tensor(writer, "Pad", sound.block, ends), "double")
    cut = tensor(writer, "Reshape", padded, integers(writer, 0, -1, window), type="double")
    squares = tensor(writer, "Mul", cut, cut, type="double")
    upright = tensor(writer, "Transpose", squares, type="double", perm=[0, 2, 1])
    ones = writer.constant(np.ones((1, window)))
    energies = tensor(writer, "MatMul", ones, upright, type="double")  # (n, 1, windows)
    last = tensor(writer, "Sub", size, padding, type="int64")  # samples of the last window
    before = tensor(writer, "Sub", windows, one, type="int64")
    full = tensor(writer, "Expand", size, before, type="int64")
    sizes = writer.cast(tensor(writer, "Concat", full, last, type="int64", axis=0), "double")
    bounds = tensor(writer, "Mul", sizes, _scalar(writer, _SILENCE), type="double")
    is_silent = tensor(writer, "Less", energies, bounds, type="bool")
    flags = writer.cast(is_silent, "double")
    silent = _column(writer, "ReduceSum", flags, integers(writer, 2), keepdims=0)
    share = _column(writer, "Div", silent, writer.cast(windows, "double"))
    return writer.columns(_where_heard(writer, sound.block, share))


def _zero_crossings(writer: GraphWriter, operation: op.ZeroCrossings, sound: Value) -> list[Value]:
    before = _before(writer, sound.block, "edge")
    zero = _scalar(writer, 0.0, np.float32)
    was, is_ = (tensor(writer, "Less", values, zero, type="bool") for values in (before, sound.block))
    crosses = writer.cast(tensor(writer, "Xor", was, is_, type="bool"), "double")
    crossings = _column(writer, "ReduceSum", crosses, integers(writer, 1), keepdims=1)
    seconds = _column(writer, "Div", _samples(writer, sound.block), _scalar(writer, operation.rate))
    found = _column(writer, "Div", crossings, seconds)
    return writer.columns(_where_heard(writer, sound.block, found))


RULES: dict[type[op.RowWise], Rule] = {
    op.AtRate: Rule(each(_at_rate)),
    op.NormalizeVolume: Rule(each(_normalize_volume)),
    op.PreEmphasis: Rule(each(_pre_emphasis)),
    op.Volume: Rule(each(_volume)),
    op.Duration: Rule(each(_duration)),
    op.SilenceShare: Rule(each(_silence_share)),
    op.ZeroCrossings: Rule(each(_zero_crossings)),
}
