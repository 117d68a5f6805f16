"""Operations on images: rows of pixels, three channels (red, green, blue) or one (grey), from 0 to 255."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tilth.features.operations.operation import RowWise

__all__ = [
    "AdjustBrightness",
    "AdjustContrast",
    "Blur",
    "Brightness",
    "Canny",
    "CenterCrop",
    "ClipPixels",
    "Contrast",
    "Crop",
    "Direction",
    "FillImage",
    "Flip",
    "Grey",
    "Histogram",
    "Hog",
    "ImageForm",
    "ImageOperation",
    "ImageSize",
    "MeanColor",
    "NoImage",
    "Pixels",
    "Resize",
    "ScalePixels",
    "Sharpness",
    "Sobel",
]

Direction = Literal["horizontal", "vertical"]

COLORS = ("red", "green", "blue")


@dataclass(frozen=True)
class ImageForm:
    """What is known of all images of a column before any has been seen.

    Args:
        height: in pixels; None where each image has its own.
        width: the same.
        channels: 3 (red, green, blue) or 1 (grey).
        whole: the pixels are whole numbers, as they are in a file (of 8 bits a channel).
        levels: the pixels are levels from 0 (black) to 255 (white), not scaled to another range.
    """

    height: int | None = None
    width: int | None = None
    channels: int = 3
    whole: bool = True
    levels: bool = True


@dataclass(frozen=True)
class ImageOperation(RowWise):
    """An operation from an image to an image."""

    def form(self, before: ImageForm) -> ImageForm:
        """What is known of the results."""
        return replace(before, whole=False)


@dataclass(frozen=True)
class Resize(ImageOperation):
    """The image in another size: a triangle filter, wide enough to see every pixel where it shrinks."""

    height: int
    width: int

    def form(self, before: ImageForm) -> ImageForm:
        """The new size."""
        return replace(before, height=self.height, width=self.width, whole=False)


@dataclass(frozen=True)
class Crop(ImageOperation):
    """The part of the image from row `top` and column `left` on; black where the image ends before."""

    top: int
    left: int
    height: int
    width: int

    def form(self, before: ImageForm) -> ImageForm:
        """The size of the part."""
        return replace(before, height=self.height, width=self.width)


@dataclass(frozen=True)
class CenterCrop(ImageOperation):
    """The middle of the image; with a black border where the image is smaller."""

    height: int
    width: int

    def form(self, before: ImageForm) -> ImageForm:
        """The size of the middle."""
        return replace(before, height=self.height, width=self.width)


@dataclass(frozen=True)
class Flip(ImageOperation):
    """The image mirrored: left and right exchanged (horizontal), or top and bottom (vertical)."""

    direction: Direction

    def form(self, before: ImageForm) -> ImageForm:
        """As before."""
        return before


@dataclass(frozen=True)
class Grey(ImageOperation):
    """One channel, luma: (19595 R + 38470 G + 7471 B) / 65536.

    Where `rounded` is true it is rounded to whole numbers, unless all three channels are equal already.
    """

    rounded: bool

    def form(self, before: ImageForm) -> ImageForm:
        """One channel."""
        return replace(before, channels=1)


@dataclass(frozen=True)
class ScalePixels(ImageOperation):
    """Pixels from 0 to 255 mapped to the range from `low` to `high`."""

    low: float
    high: float

    def form(self, before: ImageForm) -> ImageForm:
        """No longer levels."""
        return replace(before, whole=False, levels=False)


@dataclass(frozen=True)
class ClipPixels(ImageOperation):
    """Pixels not below `low` and not above `high`."""

    low: float
    high: float

    def form(self, before: ImageForm) -> ImageForm:
        """As before; whole numbers stay so between whole bounds."""
        return replace(before, whole=before.whole and self.low.is_integer() and self.high.is_integer())


@dataclass(frozen=True)
class AdjustBrightness(ImageOperation):
    """pixel * factor + delta, kept from 0 to 255."""

    factor: float
    delta: float


@dataclass(frozen=True)
class AdjustContrast(ImageOperation):
    """mean + factor * (pixel - mean), kept from 0 to 255; the mean is that of the second argument, luma."""

    factor: float


@dataclass(frozen=True)
class Blur(ImageOperation):
    """Convolved with a Gaussian of standard deviation `sigma` pixels; border pixels are repeated outwards."""

    sigma: float


@dataclass(frozen=True)
class Sobel(ImageOperation):
    """The length of the gradient by Sobel's kernels, for each channel; its border is repeated outwards."""


@dataclass(frozen=True)
class Canny(ImageOperation):
    """255 on edges, 0 elsewhere, by Canny's detector; of an image of one channel."""

    low: float
    high: float
    sigma: float

    def form(self, before: ImageForm) -> ImageForm:
        """Whole numbers."""
        return replace(before, whole=True)


@dataclass(frozen=True)
class Pixels(RowWise):
    """All pixels as columns, row by row, channels last."""

    height: int
    width: int
    channels: int

    def column_names(self, name: str) -> list[str]:
        """feature=row column, and the color where there is one."""
        colors = [f" {color}" for color in COLORS] if self.channels > 1 else [""]
        places = ((row, column) for row in range(self.height) for column in range(self.width))
        return [f"{name}={row} {column}{color}" for row, column in places for color in colors]


@dataclass(frozen=True)
class Brightness(RowWise):
    """The mean of an image of one channel, as a share of white."""


@dataclass(frozen=True)
class Contrast(RowWise):
    """The population standard deviation of an image of one channel, as a share of white."""


@dataclass(frozen=True)
class Sharpness(RowWise):
    """The variance of the Laplacian of an image of one channel, mirrored at its border pixels."""


@dataclass(frozen=True)
class ImageSize(RowWise):
    """The number of rows or columns of pixels."""

    side: Literal["height", "width"]


@dataclass(frozen=True)
class FillImage(ImageOperation):
    """The image where there is one, else `level` in every pixel: one pixel, unless the size is fixed."""

    level: float

    def form(self, before: ImageForm) -> ImageForm:
        """As before; whole numbers stay so with a whole level."""
        return replace(before, whole=before.whole and self.level.is_integer())


@dataclass(frozen=True)
class NoImage(RowWise):
    """1 where there is no image or none that can be decoded, else 0; never missing itself."""


@dataclass(frozen=True)
class MeanColor(RowWise):
    """The means of red, green and blue, as shares of the full level."""

    def column_names(self, name: str) -> list[str]:
        """feature=color for each."""
        return [f"{name}={color}" for color in COLORS]


@dataclass(frozen=True)
class Histogram(RowWise):
    """The share of pixels in each of `bins` equal parts of the levels; of an image of one channel."""

    bins: int

    def column_names(self, name: str) -> list[str]:
        """feature=number of the part, from dark to bright."""
        return [f"{name}={place}" for place in range(self.bins)]


@dataclass(frozen=True)
class Hog(RowWise):
    """Histograms of oriented gradients: `orientations` numbers for each of `cells` x `cells` cells.

    Of an image of one channel and of `height` x `width` pixels.
    """

    cells: int
    orientations: int
    height: int
    width: int

    def column_names(self, name: str) -> list[str]:
        """feature=row column orientation of the cells, row by row."""
        cells, turns = range(self.cells), range(self.orientations)
        return [f"{name}={row} {column} {turn}" for row in cells for column in cells for turn in turns]
