"""Small pictures and short sounds of images and recordings: to look at, to listen to, and as numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tilth.tables.audio import open_recording
from tilth.tables.images import open_image
from tilth.tables.media import media_format

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PICTURE_NUMBERS", "picture_numbers", "preview", "thumbnail"]

_LUMA_SIDE = 28
_CHROMA_SIDE = 7

PICTURE_NUMBERS = _LUMA_SIDE**2 + 2 * _CHROMA_SIDE**2
"""How many numbers `picture_numbers` gives."""

_WHOLE_BYTES = 1 << 16
_PREVIEW_S = 5
_PREVIEW_RATE = 16_000
_PLAYED = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}


def thumbnail(content: bytes | None, side: int) -> str | None:
    """A small copy of an encoded image as a `data:` address (WebP); None where none can be read.

    Turned as EXIF asks; never larger than the image.

    Args:
        content: the bytes of an image file.
        side: the greatest width and height, in pixels.

    Example:
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (400, 300), "red").save(file, "PNG")
        >>> thumbnail(file.getvalue(), 32)[:22]
        'data:image/webp;base64'
    """
    if content is None:
        return None
    file = io.BytesIO()
    try:
        with _opened(content, side) as image:
            small = image.convert("RGBA" if image.has_transparency_data else "RGB")
            small.thumbnail((side, side))
            small.save(file, "WEBP", quality=80, method=3)
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; None is the answer
        return None
    return _address("image/webp", file.getvalue())


def picture_numbers(content: bytes | None) -> npt.NDArray[np.float32] | None:
    """An image as numbers from 0 to 1: luma of 28 x 28 pixels, then both differences of color of 7 x 7.

    In the color space of JPEG (ITU-R BT.601), so that shapes count more than colors, as they do for people.
    The image is turned as EXIF asks and stretched to a square. None where none can be read.

    Args:
        content: the bytes of an image file.

    Returns:
        (882,) float32.

    Example:
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("L", (40, 30), 255).save(file, "PNG")
        >>> found = picture_numbers(file.getvalue())
        >>> found.shape, float(found[0]), round(float(found[-1]), 2)
        ((882,), 1.0, 0.5)
    """
    if content is None:
        return None
    from PIL.Image import Resampling

    try:
        with _opened(content, _LUMA_SIDE) as image:
            luma, blue, red = image.convert("RGB").convert("YCbCr").split()
            parts = [luma.resize((_LUMA_SIDE, _LUMA_SIDE), Resampling.BILINEAR)]
            parts += [each.resize((_CHROMA_SIDE, _CHROMA_SIDE), Resampling.BILINEAR) for each in (blue, red)]
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; None is the answer
        return None
    numbers = np.concatenate([np.asarray(part).ravel() for part in parts]).astype(np.float32)
    return numbers / np.float32(255)


def preview(content: bytes | None) -> str | None:
    """A recording, or its first five seconds, as a `data:` address that browsers play; None where it is none.

    Files of at most 64 KiB as they are; of longer ones the mean of the channels, as MP3.

    Args:
        content: the bytes of a WAV, FLAC, OGG or MP3 file.

    Example:
        >>> import soundfile
        >>> file = io.BytesIO()
        >>> soundfile.write(file, np.zeros(800), 8000, format="WAV")
        >>> preview(file.getvalue())[:21]
        'data:audio/wav;base64'
    """
    if content is None:
        return None
    kind = _PLAYED.get(media_format(content[:32]) or "")
    try:
        with open_recording(content) as stream:
            if len(content) <= _WHOLE_BYTES and kind:
                return _address(kind, content)
            rate = int(stream.samplerate)
            samples = stream.read(_PREVIEW_S * rate, "float32", always_2d=True).mean(axis=1)
        return _address("audio/mpeg", _mp3(samples, rate))
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; None is the answer
        return None


@contextmanager
def _opened(content: bytes, side: int) -> Iterator[Image.Image]:
    """An image turned the right way up, decoded no larger than it must be."""
    from PIL import Image, ImageOps

    with open_image(content) as image:
        image.draft("RGB", (2 * side, 2 * side))
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith("I;16"):
            yield Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
        else:
            yield image


def _mp3(samples: npt.NDArray[np.float32], rate: int) -> bytes:
    import soundfile
    from scipy.signal import resample_poly

    if rate != _PREVIEW_RATE:
        samples = resample_poly(samples, _PREVIEW_RATE, rate).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, samples, _PREVIEW_RATE, format="MP3")
    return file.getvalue()


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
