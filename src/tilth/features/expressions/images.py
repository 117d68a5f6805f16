"""Methods of images."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.nodes import Node
from tilth.features.operations.images import Direction, ImageForm, ImageOperation
from tilth.features.requirements import finite, whole
from tilth.features.source_lines import caller_line

__all__ = ["ImageMethods", "image_form"]

MAX_SIDE = 8_192
MAX_PIXELS = 65_536
MAX_SIGMA = 100.0


class ImageMethods(Base):
    """Sizes, colors, edges; and numbers that describe an image.

    An image is decoded as people see it (turned as EXIF says), with the channels red, green and blue from 0
    to 255; grey images have three equal ones, alpha is ignored, 16 bits are scaled to 255. An image that is
    missing or cannot be decoded stays missing in all that is made of it.
    """

    def resize(self, height: int, width: int) -> Self:
        """The image in this size, whatever its shape was.

        Linear interpolation with a triangle filter that widens as the image shrinks, so that every pixel
        counts: what Pillow does as BILINEAR, without its rounding to whole levels.

        Raises:
            FeatureError: no image, or a size that is none.
        """
        return self._sized(op.Resize(*self._size(height, width, "resize")), "resize", height, width)

    def crop(self, top: int, left: int, height: int, width: int) -> Self:
        """The part that begins at row `top` and column `left`; black where the image ends before it does.

        Raises:
            FeatureError: no image, or no such part.
        """
        for value in (top, left):
            whole(value, 0, "crop")
        operation = op.Crop(top, left, *self._size(height, width, "crop"))
        self._levels("crop")
        return self._sized(operation, "crop", top, left, height, width)

    def center_crop(self, height: int, width: int) -> Self:
        """The middle of the image, with a black border where it is smaller.

        Of an odd number of pixels that are cut away, the odd one goes at the bottom or the right; so does the
        odd one of a border.

        Raises:
            FeatureError: no image, or a size that is none.
        """
        operation = op.CenterCrop(*self._size(height, width, "center_crop"))
        self._levels("center_crop")
        return self._sized(operation, "center_crop", height, width)

    def flip(self, direction: Direction = "horizontal") -> Self:
        """The image mirrored.

        Args:
            direction: "horizontal" exchanges left and right, "vertical" top and bottom.

        Raises:
            FeatureError: no image, or another direction.
        """
        self._image("flip")
        if direction not in ("horizontal", "vertical"):
            raise FeatureError(
                f"{self}.flip({direction!r}): there is no such direction",
                where=caller_line(),
                expected='"horizontal" or "vertical"',
            )
        return self._method(op.Flip(direction), "image", "flip", direction)

    def grey(self) -> Self:
        """One channel: luma by ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.

        Of whole levels, that is before any resize or blur, it is rounded to whole levels, exactly as Pillow's
        conversion to `L` does. A grey image stays as it is.

        Raises:
            FeatureError: no image.
        """
        form = self._image("grey")
        if form.channels == 1:
            return self
        return self._method(op.Grey(form.whole), "image", "grey")

    def scale_pixels(self, low: float = -1, high: float = 1) -> Self:
        """Levels from 0 to 255 mapped to the range from `low` to `high`; once, since then they are no levels.

        Raises:
            FeatureError: no image, one that was scaled already, or low not below high.
        """
        lower, upper = finite(low, "scale_pixels"), finite(high, "scale_pixels")
        self._image("scale_pixels")
        self._ordered(lower, upper, "scale_pixels")
        self._levels("scale_pixels")
        return self._method(op.ScalePixels(lower, upper), "image", "scale_pixels", low, high)

    def clip_pixels(self, low: float = 0, high: float = 255) -> Self:
        """Pixels not below `low` and not above `high`.

        Raises:
            FeatureError: no image, or low not below high.
        """
        lower, upper = finite(low, "clip_pixels"), finite(high, "clip_pixels")
        self._image("clip_pixels")
        self._ordered(lower, upper, "clip_pixels")
        return self._method(op.ClipPixels(lower, upper), "image", "clip_pixels", low, high)

    def adjust_brightness(self, factor: float = 1.0, delta: float = 0.0) -> Self:
        """Level * factor + delta, kept from 0 to 255.

        Raises:
            FeatureError: no image, one that was scaled, or a negative factor.
        """
        operation = op.AdjustBrightness(self._factor(factor, "adjust_brightness"), finite(delta, "delta"))
        shown = (factor,) if delta == 0 else (factor, delta)
        return self._method(operation, "image", "adjust_brightness", *shown)

    def adjust_contrast(self, factor: float) -> Self:
        """Mean + factor * (level - mean), kept from 0 to 255, where the mean is that of the image's luma.

        Raises:
            FeatureError: no image, one that was scaled, or a negative factor.
        """
        operation = op.AdjustContrast(self._factor(factor, "adjust_contrast"))
        luma = (self._luma().node,)
        return self._method(operation, "image", "adjust_contrast", factor, others=luma)

    def blur(self, sigma: float = 1.0) -> Self:
        """Smoothed by a Gaussian of standard deviation `sigma` pixels.

        The filter reaches int(4 sigma + 0.5) pixels to each side; outside of the image its border pixels are
        repeated. The same as `scipy.ndimage.gaussian_filter(..., mode="nearest")` for each channel.

        Raises:
            FeatureError: no image, or sigma not above 0 and at most 100.
        """
        self._image("blur")
        return self._method(op.Blur(self._sigma(sigma, "blur")), "image", "blur", sigma)

    def sobel(self) -> Self:
        """The length of the gradient of each channel by Sobel's kernels, sqrt(gx^2 + gy^2), from 0 to 1141.

        gx has the weights [-1 0 1] [-2 0 2] [-1 0 1] above, in and below the pixel's row, gy the same turned;
        outside of the image its border pixels are repeated.

        Raises:
            FeatureError: no image.
        """
        self._image("sobel")
        return self._method(op.Sobel(), "image", "sobel")

    def canny(self, low: float, high: float, sigma: float = 1.0) -> Self:
        """255 on edges and 0 elsewhere, one channel.

        Canny, A computational approach to edge detection (1986): luma is blurred, its gradient taken by
        Sobel's kernels; a pixel stays where its gradient is above that of its two neighbors across the edge
        (the direction rounded to one of four; outside of the image the gradient is 0); it is an edge where
        the gradient is above `high`, or above `low` and connected to one, also by a corner. That last step is
        repeated in the graph until nothing changes.

        Args:
            low: gradient from which a pixel may belong to an edge, as `sobel` measures it.
            high: gradient from which it begins one.
            sigma: standard deviation of the blur in pixels; 0 for none.

        Raises:
            FeatureError: no image, one that was scaled, or thresholds that exclude each other.
        """
        self._levels("canny")
        lower, upper = finite(low, "canny"), finite(high, "canny")
        if not 0 <= lower <= upper:
            raise FeatureError(
                f"{self}.canny({low!r}, {high!r}): no such thresholds",
                where=caller_line(),
                expected="0 <= low <= high",
            )
        spread = 0.0 if sigma == 0 else self._sigma(sigma, "canny")
        shown = (low, high) if sigma == 1 else (low, high, sigma)
        return self._luma()._method(op.Canny(lower, upper, spread), "image", "canny", *shown)

    def pixels(self) -> Self:
        """Every pixel as a number, row by row, the channels of each together.

        Raises:
            FeatureError: no image, one whose size is not fixed, or of more than 65,536 numbers.
        """
        form = self._image("pixels")
        height, width = self._fixed(form, "pixels", form.channels)
        return self._method(op.Pixels(height, width, form.channels), "vector", "pixels")

    def brightness(self) -> Self:
        """The mean of luma from 0 (black) to 1 (white), as a profile tells it of the column."""
        return self._measure("brightness", op.Brightness())

    def contrast(self) -> Self:
        """The population standard deviation of luma, 0 to 0.5, as a profile tells it of the column."""
        return self._measure("contrast", op.Contrast())

    def sharpness(self) -> Self:
        """The variance of the Laplacian of luma, 0 or more, as a profile tells it of the column."""
        return self._measure("sharpness", op.Sharpness())

    def width(self) -> Self:
        """How many pixels wide the image is."""
        self._image("width")
        return self._method(op.ImageSize("width"), "integer", "width")

    def height(self) -> Self:
        """How many pixels high the image is."""
        self._image("height")
        return self._method(op.ImageSize("height"), "integer", "height")

    def mean_color(self) -> Self:
        """The means of red, green and blue, each from 0 to 1.

        Raises:
            FeatureError: no image, or one of one channel.
        """
        form = self._levels("mean_color")
        if form.channels == 1:
            raise FeatureError(
                f"{self}.mean_color() needs colors, and {self} has one channel",
                where=caller_line(),
                mend="use .brightness()",
            )
        return self._method(op.MeanColor(), "vector", "mean_color")

    def histogram(self, bins: int = 16) -> Self:
        """The share of pixels whose luma lies in each of `bins` equal parts of the levels, dark to bright.

        The first part begins at 0, the last one ends below 256 and has all that is brighter.

        Raises:
            FeatureError: no image, one that was scaled, or not 2 to 256 bins.
        """
        self._levels("histogram")
        whole(bins, 2, "histogram")
        if bins > 256:
            raise FeatureError(
                f"{self}.histogram({bins!r}): there are 256 levels",
                where=caller_line(),
                expected="at most 256 bins",
            )
        return self._luma()._method(op.Histogram(bins), "vector", "histogram", bins)

    def hog(self, cells: int = 7, orientations: int = 9) -> Self:
        """Histograms of oriented gradients: which way the edges run in each of `cells` x `cells` cells.

        Dalal and Triggs, Histograms of oriented gradients for human detection (2005), with the compact
        normalization of Felzenszwalb et al., Object detection with discriminatively trained part-based models
        (2010), section 6.1:

        - gx = right - left, gy = below - above neighbor of luma, border pixels repeated outwards;
        - a pixel votes with its length sqrt(gx^2 + gy^2) for its angle modulo 180 degrees, shared linearly by
          the two nearest of `orientations` angles (0 and so on in equal steps), and by the nearest cells in
          both directions; C is the sum of the votes in a cell by the area of a cell;
        - each of the four blocks of 2 x 2 cells that a cell belongs to (border cells repeated outwards) has
          the energy N^2 = sum of C^2 over its cells and orientations;
        - the result is the mean over the four blocks of min(C / sqrt(N^2 + 1), 0.2).

        It is continuous in the pixels, and hardly changes with brightness and contrast.

        Args:
            cells: how many cells each side of the image is divided into.
            orientations: how many angles.

        Raises:
            FeatureError: no image, one that was scaled, one whose size is not fixed or more than 65,536
                pixels, or fewer pixels than cells.
        """
        form = self._levels("hog")
        whole(cells, 1, "hog")
        whole(orientations, 2, "hog")
        height, width = self._fixed(form, "hog", 1)
        if cells > min(height, width) or cells * cells * orientations > MAX_PIXELS:
            raise FeatureError(
                f"{self}.hog({cells!r}, {orientations!r}): too many cells or orientations",
                where=caller_line(),
                expected=f"at most {min(height, width)} cells a side and {MAX_PIXELS:,} numbers in all",
            )
        operation = op.Hog(cells, orientations, height, width)
        return self._luma()._method(operation, "vector", "hog", cells, orientations)

    def _measure(self, method: str, operation: op.RowWise) -> Self:
        self._levels(method)
        return self._luma()._method(operation, "number", method)

    def _luma(self) -> Self:
        """This image with one channel, called as it is."""
        node, form = self._node, image_form(self._node)
        if form.channels == 1:
            return self
        return self._of(replace(node, operation=op.Grey(form.whole), arguments=(node,)))

    def _sized(self, operation: ImageOperation, method: str, *arguments: object) -> Self:
        return self._method(operation, "image", method, *arguments)

    def _image(self, method: str) -> ImageForm:
        """What is known of this image.

        Raises:
            FeatureError: it is none.
        """
        self._need(("image",), method)
        return image_form(self._node)

    def _levels(self, method: str) -> ImageForm:
        form = self._image(method)
        if form.levels:
            return form
        raise FeatureError(
            f"{self}.{method}() needs levels from 0 to 255, and {self} was scaled to another range",
            where=caller_line(),
            mend="call .scale_pixels() after it",
        )

    def _size(self, height: int, width: int, method: str) -> tuple[int, int]:
        self._image(method)
        for side in (height, width):
            whole(side, 1, method)
            if side > MAX_SIDE:
                raise FeatureError(
                    f"{self}.{method}() got {side!r}",
                    where=caller_line(),
                    expected=f"at most {MAX_SIDE:,} pixels",
                )
        return height, width

    def _fixed(self, form: ImageForm, method: str, channels: int) -> tuple[int, int]:
        """The size that all images have by now."""
        if form.height is None or form.width is None:
            raise FeatureError(
                f"{self}.{method}() needs images of one size, and those of {self} have each their own",
                where=caller_line(),
                mend=f"give them one first: .resize(28, 28).{method}() or .center_crop(28, 28).{method}()",
            )
        if form.height * form.width * channels > MAX_PIXELS:
            raise FeatureError(
                f"{self}.{method}() needs at most {MAX_PIXELS:,} numbers in an image, and {self} has "
                f"{form.height} x {form.width} x {channels}",
                where=caller_line(),
                mend="make it smaller first, with .resize(height, width)",
            )
        return form.height, form.width

    def _ordered(self, low: float, high: float, method: str) -> None:
        if low >= high:
            raise FeatureError(
                f"{self}.{method}({low!r}, {high!r}): low is not below high",
                where=caller_line(),
                expected="low < high",
            )

    def _factor(self, factor: float, method: str) -> float:
        self._levels(method)
        if finite(factor, method) < 0:
            raise FeatureError(
                f"{self}.{method}() got {factor!r}", where=caller_line(), expected="a factor of 0 or more"
            )
        return float(factor)

    def _sigma(self, sigma: float, method: str) -> float:
        if not 0 < finite(sigma, method) <= MAX_SIGMA:
            raise FeatureError(
                f"{self}.{method}() got sigma {sigma!r}",
                where=caller_line(),
                expected=f"above 0, at most {MAX_SIGMA:g} pixels",
            )
        return float(sigma)


def image_form(node: Node) -> ImageForm:
    """What is known of the images that a node gives.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"photo": "image"})
        >>> image_form(x["photo"].grey().resize(28, 32).node)
        ImageForm(height=28, width=32, channels=1, whole=False, levels=True)
    """
    if isinstance(node.operation, ImageOperation):
        return node.operation.form(image_form(node.arguments[0]))
    return ImageForm()
