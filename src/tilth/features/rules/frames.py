"""Rules for frames: float32 (n, frames, coefficients); all NaN where the recording is missing.

Every product of matrices has the constant on the left and one product for each row: what a row gives then
does not depend on how many rows there are.
"""

from __future__ import annotations

import math

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.rule import Rule, each
from tilth.features.rules.spectra import cosine_matrix, fourier_matrix, mel_matrix
from tilth.features.rules.tensors import integers, length, tensor

__all__ = ["RULES"]

_FLOOR = 1e-10
_DECIBELS = 10 / math.log(10)
_END = 2**62


def _frames_value(block: str) -> list[Value]:
    return [Value("float", block, whole=True)]


def _upright(writer: GraphWriter, block: str) -> str:
    """Coefficients and time exchanged."""
    return tensor(writer, "Transpose", block, type=writer.type_of(block), perm=[0, 2, 1])


def _mixed(writer: GraphWriter, matrix: np.ndarray, frames: str) -> str:
    """Each frame multiplied by a constant matrix (to, from)."""
    constant = writer.constant(np.ascontiguousarray(matrix, dtype=np.float32))
    return _upright(writer, tensor(writer, "MatMul", constant, _upright(writer, frames)))


def _cut(writer: GraphWriter, operation: op.Frames, sound: Value) -> list[Value]:
    window, step = operation.window, operation.step
    chunk = math.gcd(window, step)
    samples = length(writer, sound.block)

    def integer(operator: str, *inputs: str) -> str:
        return tensor(writer, operator, *inputs, type="int64")

    zero, one = integers(writer, 0), integers(writer, 1)
    beyond = integer("Max", integer("Sub", samples, integers(writer, window)), zero)
    more = integer("Div", integer("Add", beyond, integers(writer, step - 1)), integers(writer, step))
    covered = integer("Add", integer("Mul", more, integers(writer, step)), integers(writer, window))
    padding = integer("Sub", covered, samples)
    ends = tensor(writer, "Concat", integers(writer, 0, 0, 0), padding, type="int64", axis=0)
    padded = tensor(writer, "Pad", sound.block, ends)
    # A missing recording is one sample of NaN, which is to be in every place of its only frame.
    first = tensor(writer, "Slice", sound.block, zero, one, one)
    nothing = tensor(writer, "Mul", first, writer.constant(np.array(0, dtype=np.float32)))
    padded = tensor(writer, "Add", padded, nothing)
    chunks = tensor(writer, "Reshape", padded, integers(writer, 0, -1, chunk))
    count = integer("Squeeze", integer("Add", more, one))
    begin, by = (writer.constant(np.array(value, dtype=np.int64)) for value in (0, 1))
    numbers = integer("Unsqueeze", integer("Range", begin, count, by), one)
    starts = integer("Mul", numbers, integers(writer, step // chunk))
    places = integer("Add", starts, integers(writer, *range(window // chunk)))
    taken = tensor(writer, "Gather", chunks, places, axis=1)
    return _frames_value(tensor(writer, "Reshape", taken, integers(writer, 0, 0, window)))


def _power_spectrum(writer: GraphWriter, operation: op.PowerSpectrum, frames: Value) -> list[Value]:
    matrix = fourier_matrix(operation.window, operation.size).astype(np.float32)
    spectra = tensor(writer, "MatMul", writer.constant(matrix), _upright(writer, frames.block))
    squares = tensor(writer, "Mul", spectra, spectra)
    real, imaginary = writer.nodes("Split", squares, types=["float", "float"], axis=1, num_outputs=2)
    return _frames_value(_upright(writer, tensor(writer, "Add", real, imaginary)))


def _mel_bands(writer: GraphWriter, operation: op.MelBands, frames: Value) -> list[Value]:
    matrix = mel_matrix(operation.bands, operation.rate, operation.size, operation.low_hz, operation.high_hz)
    return _frames_value(_mixed(writer, matrix, frames.block))


def _decibels(writer: GraphWriter, _: op.Decibels, frames: Value) -> list[Value]:
    power = writer.cast(frames.block, "double")
    floor = writer.constant(np.array(_FLOOR))
    is_low = tensor(writer, "Less", power, floor, type="bool")
    raised = tensor(writer, "Where", is_low, floor, power, type="double")
    logarithms = tensor(writer, "Log", raised, type="double")
    levels = tensor(writer, "Mul", logarithms, writer.constant(np.array(_DECIBELS)), type="double")
    # The last bit of the runtime's logarithm depends on the rows beside it: single precision hides that.
    return _frames_value(writer.cast(levels, "float"))


def _cosine_transform(writer: GraphWriter, operation: op.CosineTransform, frames: Value) -> list[Value]:
    return _frames_value(_mixed(writer, cosine_matrix(operation.count, operation.inputs), frames.block))


def _deltas(writer: GraphWriter, operation: op.Deltas, frames: Value) -> list[Value]:
    reach = operation.width // 2
    ends = integers(writer, 0, reach, 0, 0, reach, 0)
    wide = tensor(writer, "Pad", frames.block, ends, "", mode="edge")
    axis, scale = integers(writer, 1), 2 * sum(k * k for k in range(1, reach + 1))
    total = ""
    for k in range(1, reach + 1):
        after, before = (
            tensor(
                writer,
                "Slice",
                wide,
                integers(writer, reach + by),
                integers(writer, by - reach or _END),
                axis,
            )
            for by in (k, -k)
        )
        weight = writer.constant(np.array(k / scale, dtype=np.float32))
        part = tensor(writer, "Mul", tensor(writer, "Sub", after, before), weight)
        total = tensor(writer, "Add", total, part) if total else part
    return _frames_value(total)


def _summary(writer: GraphWriter, operation: op.Summary, frames: Value) -> list[Value]:
    values = writer.cast(frames.block, "double")
    count = length(writer, values)
    shape = tensor(writer, "Concat", integers(writer, 1), count, type="int64", axis=0)
    ones = tensor(writer, "Expand", writer.constant(np.array([[1.0]])), shape, type="double")
    divisor = writer.cast(count, "double")

    def mean(of: str) -> str:
        total = tensor(writer, "MatMul", ones, of, type="double")  # (n, 1, coefficients)
        return tensor(writer, "Div", total, divisor, type="double")

    average = mean(values)
    found = {"mean": average}
    if "std" in operation.statistics:
        away = tensor(writer, "Sub", values, average, type="double")
        variance = mean(tensor(writer, "Mul", away, away, type="double"))
        found["std"] = tensor(writer, "Sqrt", variance, type="double")
    is_missing = tensor(writer, "IsNaN", average, type="bool")
    for name, operator in (("min", "ReduceMin"), ("max", "ReduceMax")):
        extreme = tensor(writer, operator, values, integers(writer, 1), type="double", keepdims=1)
        found[name] = tensor(writer, "Where", is_missing, average, extreme, type="double")
    chosen = [found[name] for name in operation.statistics]
    together = tensor(writer, "Concat", *chosen, type="double", axis=1)
    width = len(chosen) * operation.coefficients
    flat = writer.node("Reshape", together, integers(writer, 0, width), type="double", width=width)
    return writer.columns(flat)


def _resample_time(writer: GraphWriter, operation: op.ResampleTime, frames: Value) -> list[Value]:
    values = writer.cast(frames.block, "double")
    steps, count = operation.steps, length(writer, values)
    shares = np.linspace(0.0, 1.0, steps) if steps > 1 else np.array([0.5])
    last = writer.cast(tensor(writer, "Sub", count, integers(writer, 1), type="int64"), "double")
    moments = tensor(writer, "Mul", writer.constant(shares[:, None]), last, type="double")
    zero, one = (writer.constant(np.array(value, dtype=np.int64)) for value in (0, 1))
    places = tensor(writer, "Range", zero, tensor(writer, "Squeeze", count, type="int64"), one, type="int64")
    away = tensor(
        writer,
        "Abs",
        tensor(writer, "Sub", moments, writer.cast(places, "double"), type="double"),
        type="double",
    )
    nearness = tensor(writer, "Sub", writer.constant(np.array(1.0)), away, type="double")
    weights = tensor(writer, "Max", nearness, writer.constant(np.array(0.0)), type="double")
    found = tensor(writer, "MatMul", weights, values, type="double")
    width = steps * operation.coefficients
    flat = writer.node("Reshape", found, integers(writer, 0, width), type="double", width=width)
    return writer.columns(flat)


def _first_frames(writer: GraphWriter, operation: op.FirstFrames, frames: Value) -> list[Value]:
    count, axis = operation.count, integers(writer, 1)
    ends, fill = integers(writer, 0, 0, 0, 0, count, 0), np.array(operation.fill, dtype=np.float32)
    room = tensor(writer, "Pad", frames.block, ends, writer.constant(fill))
    taken = tensor(writer, "Slice", room, integers(writer, 0), integers(writer, count), axis)
    # A missing recording is one frame of NaN, which is to be in every place.
    first = tensor(writer, "Slice", frames.block, integers(writer, 0), integers(writer, 1), axis)
    nothing = tensor(writer, "Mul", first, writer.constant(np.array(0, dtype=np.float32)))
    width = count * operation.coefficients
    flat = tensor(writer, "Add", taken, nothing)
    found = writer.node("Reshape", flat, integers(writer, 0, width), type="float", width=width)
    return writer.columns(writer.cast(found, "double"))


RULES: dict[type[op.RowWise], Rule] = {
    op.Frames: Rule(each(_cut)),
    op.PowerSpectrum: Rule(each(_power_spectrum)),
    op.MelBands: Rule(each(_mel_bands)),
    op.Decibels: Rule(each(_decibels)),
    op.CosineTransform: Rule(each(_cosine_transform)),
    op.Deltas: Rule(each(_deltas)),
    op.Summary: Rule(each(_summary)),
    op.ResampleTime: Rule(each(_resample_time)),
    op.FirstFrames: Rule(each(_first_frames)),
}
