"""What an encoded image looks like: size, brightness, contrast, sharpness."""

from __future__ import annotations

import io
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from tilth.tables.media import media_format, media_type

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "MAX_PIXELS",
    "ImageStatistics",
    "image_statistics",
    "luma",
    "open_image",
    "orientation",
    "pixel_count",
]

MAX_PIXELS = 89_478_485
"""The largest image that is decoded, in pixels (where Pillow begins to warn): about 600 MB of memory."""

_LARGE_PIXELS = 1 << 24
_STRIP_PIXELS = 1 << 16
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_SIDEWAYS = (5, 6, 7, 8)
_one_large_image = threading.Lock()

Luma: TypeAlias = npt.NDArray[np.uint8 | np.uint16]
Wide: TypeAlias = npt.NDArray[np.int32 | np.int64]


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """What `image_statistics` finds; all but `readable` are None where an image cannot be read.

    Args:
        readable: whether the whole first picture can be decoded.
        format: png, jpeg, gif, webp, bmp or tiff.
        width: in pixels, as shown, that is after the turn that EXIF asks for.
        height: the same.
        channels: 1 grey, 2 grey and alpha, 3 color (a palette too), 4 color and alpha, or CMYK.
        brightness: mean luma, from 0 (black) to 1 (white).
        contrast: population standard deviation of luma, from 0 (flat) to 0.5 (half black, half white).
        sharpness: variance of the Laplacian of luma on the scale of 0 to 255, 0 or more.
    """

    readable: bool
    format: str | None = None
    width: int | None = None
    height: int | None = None
    channels: int | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None


def image_statistics(content: bytes | None) -> ImageStatistics | None:
    """The statistics of one encoded image; None where there is none.

    Luma is that of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, in steps of 1/255 (1/65535 for grey images of
    16 bits) as Pillow's conversion to `L` gives it; alpha is ignored, as a conversion to RGB does.
    Sharpness is the variance of the Laplacian (second differences along both axes, mirrored at the border
    without repeating it, as OpenCV does; Pech-Pacheco et al., Diatom autofocusing in brightfield
    microscopy, 2000): an image below about 100 looks blurred, but that depends on its size. Of an animation
    the first picture counts. All sums are of whole numbers, so the figures are the same on every machine.

    An image that is cut short, damaged, larger than `MAX_PIXELS` or of another format is not readable. Images
    whose samples have no full scale (floating point, 32 bits) have no brightness, contrast and sharpness.

    Args:
        content: the bytes of a PNG, JPEG, GIF, WebP, BMP or TIFF file.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGB", (4, 3), "white").save(file, "PNG")
        >>> found = image_statistics(file.getvalue())
        >>> found.width, found.height, found.channels, found.brightness, found.contrast
        (4, 3, 3, 1.0, 0.0)
        >>> image_statistics(b"not an image")
        ImageStatistics(readable=False, format=None, width=None, height=None, channels=None, ...)
    """
    if content is None:
        return None
    try:
        with open_image(content) as image:
            return _statistics(image, media_format(content))
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; `readable` is the answer
        return ImageStatistics(readable=False)


@contextmanager
def open_image(content: bytes, *, smallest: int | None = None) -> Iterator[Image.Image]:
    """The first picture of an encoded image, not decoded yet; large ones one at a time.

    Args:
        content: the encoded bytes.
        smallest: where the picture is only needed in this size in pixels or larger, which spares a JPEG
            most of its decoding.

    Raises:
        ValueError: not an image of a known format, or of more pixels than `MAX_PIXELS`.
        Exception: whatever Pillow raises on damaged bytes.
    """
    from PIL import Image

    if media_type(content[:32]) != "image":
        raise ValueError("the bytes do not begin like an image")
    with ExitStack() as stack:
        stack.enter_context(_without_warnings())
        image = stack.enter_context(Image.open(io.BytesIO(content), formats=_FORMATS))
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are too many")
        if smallest is not None:
            image.draft("L", (smallest, smallest))
        large = image.width * image.height > _LARGE_PIXELS
        stack.enter_context(_one_large_image if large else nullcontext())
        yield image


def pixel_count(content: bytes | None) -> int:
    """How many pixels an encoded image says to have, without decoding it; 0 where it is none.

    Example:
        >>> pixel_count(b"no image"), pixel_count(b"GIF89a" + bytes([4, 0, 3, 0, 0, 0, 0]))
        (0, 0)
    """
    if content is None:
        return 0
    if content.startswith(_PNG):  # its size always stands in the same place
        return int.from_bytes(content[16:20], "big") * int.from_bytes(content[20:24], "big")
    try:
        with open_image(content) as image:
            return image.width * image.height
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes
        return 0


class _Quiet:
    """How many threads want no warnings; the filters are global, so only first and last may touch them."""

    lock = threading.Lock()
    users = 0
    filters = ExitStack()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Show no warnings of Python inside, in whatever number of threads.

    What Pillow warns of, such as damaged EXIF data or a size near its limit, is answered by the statistics.
    """
    with _Quiet.lock:
        _Quiet.users += 1
        if _Quiet.users == 1:
            _Quiet.filters.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.users -= 1
            if not _Quiet.users:
                _Quiet.filters.close()


def _statistics(image: Image.Image, form: str | None) -> ImageStatistics:
    image.load()
    width, height = image.size
    if not width or not height:
        return ImageStatistics(readable=False)
    grey, scale = luma(image)
    brightness = contrast = sharpness = None
    if grey is not None:
        brightness, contrast = _mean_and_deviation(grey, scale)
        sharpness = _sharpness(grey, scale)
    if orientation(image) in _SIDEWAYS:
        width, height = height, width
    channels = {"P": 3, "PA": 4}.get(image.mode, len(image.getbands()))
    return ImageStatistics(True, form, width, height, channels, brightness, contrast, sharpness)


def orientation(image: Image.Image) -> int | None:
    """How EXIF asks the picture to be turned, 1 to 8; None where it says nothing that can be understood."""
    try:
        found = image.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - the picture is fine, only what is said about it is damaged
        return None
    return found if isinstance(found, int) and 1 <= found <= 8 else None


def luma(image: Image.Image) -> tuple[Luma | None, int]:
    """Luma as `(height, width)` whole numbers, None where it has no full scale, and the number of white."""
    if image.mode.startswith("I;16"):
        wide = np.asarray(image)
        return wide.astype(np.uint16), 65_535
    if image.mode in ("I", "F"):
        return None, 1
    try:
        grey = image if image.mode == "L" else _converted(image)
    except ValueError:  # a color space that Pillow has no conversion for
        return None, 1
    return np.asarray(grey), 255


def _converted(image: Image.Image) -> Image.Image:
    """By way of RGB, so that a palette's colors, not its positions, count."""
    direct = image.mode in ("RGB", "RGBA", "1", "LA", "RGBX")
    return image.convert("L") if direct else image.convert("RGB").convert("L")


def _mean_and_deviation(grey: Luma, scale: int) -> tuple[float, float]:
    total, squares = 0, 0
    for strip in _strips(grey):
        values = strip.astype(_wide(scale))
        total += int(values.sum(dtype=np.int64))
        squares += int(np.square(values, out=values).sum(dtype=np.int64))
    n = grey.size
    return total / (scale * n), math.sqrt(n * squares - total * total) / (scale * n)


def _sharpness(grey: Luma, scale: int) -> float:
    total, squares = 0, 0
    # Two rows more: the neighbors of the strip's first and last row.
    for strip in _strips(_mirrored(grey), more=2):
        values = _laplacian(strip.astype(_wide(scale)))
        total += int(values.sum(dtype=np.int64))
        squares += int(np.square(values, out=values).sum(dtype=np.int64))
    n = grey.size
    return (n * squares - total * total) / (n * n) * (255 / scale) ** 2


def _wide(scale: int) -> type[np.int32 | np.int64]:
    """Whole numbers that hold the square of a Laplacian, at most (4 x scale) squared."""
    return np.int32 if scale == 255 else np.int64


def _mirrored(grey: Luma) -> Luma:
    """One row and column more on each side, those next to the border (itself, where there is only one)."""
    height, width = grey.shape
    padded = np.empty((height + 2, width + 2), grey.dtype)
    padded[1:-1, 1:-1] = grey
    padded[0, 1:-1], padded[-1, 1:-1] = grey[min(1, height - 1)], grey[max(-2, -height)]
    padded[:, 0], padded[:, -1] = padded[:, min(2, width)], padded[:, max(-3, -width - 1)]
    return padded


def _laplacian(padded: Wide) -> Wide:
    values: Wide = padded[1:-1, 1:-1] * -4
    values += padded[:-2, 1:-1]
    values += padded[2:, 1:-1]
    values += padded[1:-1, :-2]
    values += padded[1:-1, 2:]
    return values


def _strips(pixels: Luma, more: int = 0) -> Iterator[Luma]:
    """The rows of an image, some at a time, so that wide integers need little memory."""
    rows = max(1, _STRIP_PIXELS // pixels.shape[1])
    for start in range(0, pixels.shape[0] - more, rows):
        yield pixels[start : start + rows + more]
