"""Decoding: the pixels of an encoded image, the samples of an encoded recording, as a graph takes them."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from tilth.tables.audio import open_recording
from tilth.tables.images import open_image

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["LONGEST_S", "decode_image", "decode_recording", "image_problem", "recording_seconds"]

LONGEST_S = 600
"""The longest recording that a graph takes, in seconds: its spectrogram needs half a gigabyte."""

_BLOCK_FRAMES = 1 << 16
_LARGEST = 1e6
_USUAL_RATE = 48_000
_NO_FULL_SCALE = ("I", "F")
_USUAL = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16")


def decode_image(content: bytes | None) -> npt.NDArray[np.float32] | None:
    """The pixels of an image, turned as EXIF says: RGB from 0 to 255, shape (height, width, 3).

    Alpha is ignored, grey images have three equal channels, of an animation the first picture counts. Images
    of 16 bits are scaled to 255. None where the image is missing or not readable, or where nothing says what
    is white: samples of floating point or 32 bits.

    Args:
        content: the bytes of a PNG, JPEG, GIF, WebP, BMP or TIFF file.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("L", (2, 1), 200).save(file, "PNG")
        >>> decode_image(file.getvalue()).tolist()
        [[[200.0, 200.0, 200.0], [200.0, 200.0, 200.0]]]
        >>> decode_image(b"no image")
    """
    if content is None:
        return None
    from PIL import ImageOps

    try:
        with open_image(content) as image:
            if image.mode in _NO_FULL_SCALE:
                return None
            turned = ImageOps.exif_transpose(image)
            if turned.mode.startswith("I;16"):
                grey = np.asarray(turned).astype(np.float32) * np.float32(255 / 65_535)
                pixels = np.repeat(grey[:, :, None], 3, axis=2)
            else:
                pixels = np.asarray(turned.convert("RGB")).astype(np.float32)
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; None is the answer
        return None
    return pixels if pixels.size else None


def image_problem(content: bytes) -> str | None:
    """What keeps an image from being decoded, in words, or None: then `decode_image` gives its pixels.

    Example:
        >>> image_problem(b"GIF89a")
        'an image that is damaged'
    """
    try:
        with open_image(content) as image:
            if image.mode in _NO_FULL_SCALE:
                return "an image whose levels have no white"
            image.load()
            if image.mode not in _USUAL:
                image.convert("RGB")
            return None if image.width and image.height else "an image of no pixels"
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; the answer is in words
        return "an image that is damaged"


def recording_seconds(content: bytes) -> float | None:
    """How long a recording says that it is, without decoding it; None where it is not readable.

    Example:
        >>> recording_seconds(b"RIFF....WAVE")
    """
    from soundfile import SoundFile

    try:
        with open_recording(content), SoundFile(io.BytesIO(content)) as stream:
            return float(stream.frames / stream.samplerate)
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; None is the answer
        return None


def decode_recording(content: bytes | None, rate: int) -> npt.NDArray[np.float32] | None:
    """The samples of a recording, the mean of its channels from -1 to 1, shape (samples,).

    Another rate is converted by a polyphase filter (`scipy.signal.resample_poly`). None where the recording
    is missing, empty or not readable, longer than `LONGEST_S` (beyond 48,000 samples a second: than as many
    samples), or has samples that are NaN, infinite or more than a million times full scale.

    Args:
        content: the bytes of a WAV, FLAC, OGG or MP3 file.
        rate: samples a second that are wanted, 1 or more.

    Example:
        >>> from io import BytesIO
        >>> import soundfile
        >>> file = BytesIO()
        >>> soundfile.write(file, np.full(800, 0.5), 8000, format="WAV", subtype="FLOAT")
        >>> decode_recording(file.getvalue(), 8000)[:2].tolist()
        [0.5, 0.5]
        >>> decode_recording(file.getvalue(), 16000).shape
        (1600,)
    """
    if content is None:
        return None
    try:
        with open_recording(content) as stream:
            most = LONGEST_S * min(int(stream.samplerate), _USUAL_RATE) * int(stream.channels)
            blocks, count = [], 0
            while len(block := stream.read(_BLOCK_FRAMES, "float32", always_2d=True)):
                count += block.size
                if count > most or not np.abs(block).max() <= _LARGEST:  # which NaN is not either
                    return None
                blocks.append(block.mean(axis=1, dtype=np.float64).astype(np.float32))
            ratio = Fraction(rate, int(stream.samplerate))
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; None is the answer
        return None
    if not blocks:
        return None
    samples: npt.NDArray[np.float32] = np.concatenate(blocks)
    if ratio == 1:
        return samples
    from scipy.signal import resample_poly

    found: npt.NDArray[np.float32] = resample_poly(
        samples.astype(np.float64), ratio.numerator, ratio.denominator
    ).astype(np.float32)
    return found
