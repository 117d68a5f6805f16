"""Rules for images: float32 (n, height, width, channels), all NaN where there is none.

The rows of one batch have one size, which the graph learns only then. Whatever would make something of a
missing image (comparisons, borders) has NaN put back by `absence`.
"""

from __future__ import annotations

import math

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.rule import Rule, each
from tilth.features.rules.tensors import integers, length, tensor

__all__ = ["RULES", "WHITE", "absence", "floats", "mean_level", "picture", "repeated", "shifted"]

WHITE = 255.0

_LUMA = (19_595.0, 38_470.0, 7_471.0)
"""The shares of red, green and blue by ITU-R BT.601 in 1/65536, as Pillow has them."""

_UNIT = 65_536.0
_END = -(2**63)


def picture(block: str) -> list[Value]:
    """An image as the result of a rule."""
    return [Value("float", block, whole=True)]


def floats(writer: GraphWriter, value: float) -> str:
    """A constant of single precision for images, shape (1, 1, 1, 1).

    The runtime takes a constant of fewer dimensions one pixel at a time where an image has one channel.
    """
    return writer.constant(np.full((1, 1, 1, 1), value, dtype=np.float32))


def absence(writer: GraphWriter, image: str) -> str:
    """0 for each image that is there and NaN for a missing one, shape (n, 1, 1, 1)."""
    ends = integers(writer, 1, 1, 1)
    first = tensor(writer, "Slice", image, integers(writer, 0, 0, 0), ends, integers(writer, 1, 2, 3))
    return tensor(writer, "Mul", first, floats(writer, 0.0))


def repeated(writer: GraphWriter, image: str, rows: int, columns: int, mode: str = "edge") -> str:
    """Rows and columns more on each side: copies of the border, or zeros with mode "constant"."""
    pads = integers(writer, 0, rows, columns, 0, 0, rows, columns, 0)
    return tensor(writer, "Pad", image, pads, "", mode=mode)


def shifted(writer: GraphWriter, bordered: str, down: int, right: int) -> str:
    """From an image with a border of one pixel the one without it, of the neighbors in a direction."""
    starts = (1 + down, 1 + right)
    ends = [start - 2 or 2**31 for start in starts]
    axes = integers(writer, 1, 2)
    return tensor(writer, "Slice", bordered, integers(writer, *starts), integers(writer, *ends), axes)


def mean_level(writer: GraphWriter, values: str, shape: tuple[int, ...] = (0, 1)) -> str:
    """The mean of each image of one channel, double, in this shape.

    The sum is made of products of matrices, for each row its own, because the runtime's own sums of a row
    depend on where it lies in memory, that is on the rows beside it.
    """
    flat = tensor(writer, "Reshape", values, integers(writer, 0, 0, -1), type="double")
    height, width, one = length(writer, flat), length(writer, flat, 2), integers(writer, 1)

    def ones(*sizes: str) -> str:
        size = tensor(writer, "Concat", *sizes, type="int64", axis=0)
        return tensor(writer, "Expand", writer.constant(np.array([[1.0]])), size, type="double")

    columns = tensor(writer, "MatMul", ones(one, height), flat, type="double")
    total = tensor(writer, "MatMul", columns, ones(width, one), type="double")
    count = writer.cast(tensor(writer, "Mul", height, width, type="int64"), "double")
    mean = tensor(writer, "Div", total, count, type="double")
    kept = 1 if len(shape) == 2 else 0
    return writer.node("Reshape", mean, integers(writer, *shape), type="double", width=kept)


def _resize(writer: GraphWriter, operation: op.Resize, image: Value) -> list[Value]:
    resized = tensor(
        writer,
        "Resize",
        image.block,
        "",
        "",
        integers(writer, operation.height, operation.width),
        axes=[1, 2],
        mode="linear",
        antialias=1,
        coordinate_transformation_mode="half_pixel",
        exclude_outside=1,
    )
    return picture(resized)


def _size(writer: GraphWriter, image: str) -> str:
    """Height and width as two whole numbers."""
    return tensor(writer, "Shape", image, type="int64", start=1, end=3)


def _bordered(writer: GraphWriter, image: str, before: str, after: str) -> str:
    """Black rows and columns added."""
    none = integers(writer, 0)
    pads = tensor(writer, "Concat", none, before, none, none, after, none, type="int64", axis=0)
    return tensor(writer, "Pad", image, pads)


def _crop(writer: GraphWriter, operation: op.Crop, image: Value) -> list[Value]:
    ends = integers(writer, operation.top + operation.height, operation.left + operation.width)
    starts = integers(writer, operation.top, operation.left)
    part = tensor(writer, "Slice", image.block, starts, ends, integers(writer, 1, 2))
    wanted = integers(writer, operation.height, operation.width)
    lacking = tensor(writer, "Sub", wanted, _size(writer, part), type="int64")
    whole = _bordered(writer, part, integers(writer, 0, 0), lacking)
    return picture(tensor(writer, "Add", whole, absence(writer, image.block)))


def _center_crop(writer: GraphWriter, operation: op.CenterCrop, image: Value) -> list[Value]:
    def integer(operator: str, *inputs: str) -> str:
        return tensor(writer, operator, *inputs, type="int64")

    wanted, two = integers(writer, operation.height, operation.width), integers(writer, 2)
    excess = integer("Max", integer("Sub", _size(writer, image.block), wanted), integers(writer, 0))
    starts = integer("Div", excess, two)
    ends = integer("Add", starts, wanted)
    part = tensor(writer, "Slice", image.block, starts, ends, integers(writer, 1, 2))
    lacking = integer("Sub", wanted, _size(writer, part))
    before = integer("Div", lacking, two)
    whole = _bordered(writer, part, before, integer("Sub", lacking, before))
    return picture(tensor(writer, "Add", whole, absence(writer, image.block)))


def _flip(writer: GraphWriter, operation: op.Flip, image: Value) -> list[Value]:
    back = integers(writer, -1)
    axis = integers(writer, 2 if operation.direction == "horizontal" else 1)
    return picture(tensor(writer, "Slice", image.block, back, integers(writer, _END), axis, back))


def _grey(writer: GraphWriter, operation: op.Grey, image: Value) -> list[Value]:
    channels = writer.nodes("Split", image.block, types=["float"] * 3, axis=3, num_outputs=3)
    parts = [
        tensor(writer, "Mul", channel, floats(writer, weight))
        for channel, weight in zip(channels, _LUMA, strict=True)
    ]
    total = tensor(writer, "Add", tensor(writer, "Add", parts[0], parts[1]), parts[2])
    if not operation.rounded:
        return picture(tensor(writer, "Mul", total, floats(writer, 1 / _UNIT)))
    # All of it is exact: no sum of whole levels reaches 2^24.
    raised = tensor(writer, "Add", total, floats(writer, _UNIT / 2))
    rounded = tensor(writer, "Floor", tensor(writer, "Mul", raised, floats(writer, 1 / _UNIT)))
    red, green, blue = channels
    first = tensor(writer, "Equal", red, green, type="bool")
    second = tensor(writer, "Equal", green, blue, type="bool")
    is_grey = tensor(writer, "And", first, second, type="bool")
    return picture(tensor(writer, "Where", is_grey, red, rounded))


def _scaled(writer: GraphWriter, image: str, factor: float, offset: float) -> str:
    if factor != 1:
        image = tensor(writer, "Mul", image, floats(writer, factor))
    return image if offset == 0 else tensor(writer, "Add", image, floats(writer, offset))


def _scale_pixels(writer: GraphWriter, operation: op.ScalePixels, image: Value) -> list[Value]:
    factor = (operation.high - operation.low) / WHITE
    return picture(_scaled(writer, image.block, factor, operation.low))


def _clipped(writer: GraphWriter, image: str, low: float = 0.0, high: float = WHITE) -> str:
    """Not below and not above; NaN stays."""
    bounds = (writer.constant(np.array(bound, dtype=np.float32)) for bound in (low, high))
    return tensor(writer, "Clip", image, *bounds)


def _clip_pixels(writer: GraphWriter, operation: op.ClipPixels, image: Value) -> list[Value]:
    return picture(_clipped(writer, image.block, operation.low, operation.high))


def _adjust_brightness(writer: GraphWriter, operation: op.AdjustBrightness, image: Value) -> list[Value]:
    return picture(_clipped(writer, _scaled(writer, image.block, operation.factor, operation.delta)))


def _adjust_contrast(
    writer: GraphWriter, operation: op.AdjustContrast, image: Value, luma: Value
) -> list[Value]:
    mean = mean_level(writer, writer.cast(luma.block, "double"), (0, 1, 1, 1))
    center = writer.cast(mean, "float")
    away = tensor(writer, "Sub", image.block, center)
    stretched = tensor(writer, "Mul", away, floats(writer, operation.factor))
    return picture(_clipped(writer, tensor(writer, "Add", stretched, center)))


def _fill_image(writer: GraphWriter, operation: op.FillImage, image: Value) -> list[Value]:
    absent = tensor(writer, "IsNaN", image.block, type="bool")
    return picture(tensor(writer, "Where", absent, floats(writer, operation.level), image.block))


def _no_image(writer: GraphWriter, _: op.NoImage, image: Value) -> list[Value]:
    flat = writer.node("Reshape", absence(writer, image.block), integers(writer, 0, 1), type="float", width=1)
    is_absent = writer.node("IsNaN", flat, type="bool", width=1)
    return writer.columns(writer.cast(is_absent, "double"))


def _image_size(writer: GraphWriter, operation: op.ImageSize, image: Value) -> list[Value]:
    size = writer.cast(length(writer, image.block, 1 if operation.side == "height" else 2), "double")
    column = tensor(writer, "Reshape", absence(writer, image.block), integers(writer, 0, 1))
    known = writer.node("Add", writer.cast(column, "double"), size, type="double", width=1)
    return writer.columns(known)


def _pixels(writer: GraphWriter, operation: op.Pixels, image: Value) -> list[Value]:
    width = math.prod((operation.height, operation.width, operation.channels))
    flat = writer.node("Reshape", image.block, integers(writer, 0, width), type="float", width=width)
    return writer.columns(writer.cast(flat, "double"))


RULES: dict[type[op.RowWise], Rule] = {
    op.Resize: Rule(each(_resize)),
    op.Crop: Rule(each(_crop)),
    op.CenterCrop: Rule(each(_center_crop)),
    op.Flip: Rule(each(_flip)),
    op.Grey: Rule(each(_grey)),
    op.ScalePixels: Rule(each(_scale_pixels)),
    op.ClipPixels: Rule(each(_clip_pixels)),
    op.AdjustBrightness: Rule(each(_adjust_brightness)),
    op.AdjustContrast: Rule(each(_adjust_contrast)),
    op.FillImage: Rule(each(_fill_image)),
    op.NoImage: Rule(each(_no_image)),
    op.ImageSize: Rule(each(_image_size)),
    op.Pixels: Rule(each(_pixels)),
}
