"""Recordings as numbers: how loud each band of frequencies is in each part of the time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tilth.tables import decode_recording

__all__ = ["SPECTRUM_NUMBERS", "spectrum"]

_RATE = 8000
_WINDOW = 256
_HOP = 128
_BANDS = 32
_PARTS = 16
_FLOOR = 1e-10
_FRAMES_AT_ONCE = 4096

SPECTRUM_NUMBERS = _BANDS * _PARTS
"""How many numbers `spectrum` gives."""


def spectrum(content: bytes | None) -> npt.NDArray[np.float32] | None:
    """The coarse log spectrogram of a recording; None where none can be read.

    Of the mean of the channels at 8,000 samples a second: the power in windows of 32 ms (Hann) every 16 ms,
    in 32 bands of equal width on the mel scale (O'Shaughnessy: Speech communication, 1987) up to 4 kHz, as
    the mean over each sixteenth of the time, in units of 10 dB.

    Args:
        content: the bytes of a WAV, FLAC, OGG or MP3 file.

    Returns:
        (512,) float32, band after band within each part of the time.

    Example:
        >>> import io, soundfile
        >>> file = io.BytesIO()
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
        >>> soundfile.write(file, tone, 8000, format="WAV")
        >>> spectrum(file.getvalue()).reshape(16, 32)[8].argmax()
        np.int64(14)
    """
    samples = decode_recording(content, _RATE)
    if samples is None or not np.isfinite(samples).all():
        return None
    if len(samples) < _WINDOW:
        samples = np.pad(samples, (0, _WINDOW - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    bounds = np.linspace(0, len(frames), _PARTS + 1)
    parts = []
    for start, end in pairwise(bounds):
        part = frames[int(start) : max(int(np.ceil(end)), int(start) + 1)]
        blocks = np.array_split(part, len(part) // _FRAMES_AT_ONCE + 1)
        parts.append(sum(_bands(block) for block in blocks) / len(part))
    return np.log10(np.concatenate(parts) + _FLOOR).astype(np.float32)


def _bands(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The power in each band, summed over frames; (32,)."""
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1))).sum(axis=0)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / _RATE)
    mels = 2595 * np.log10(1 + hertz / 700)
    edges = np.linspace(0, mels[-1], _BANDS + 2)
    rising = (mels[None, :] - edges[:-2, None]) / (edges[1] - edges[0])
    weights = np.clip(np.minimum(rising, 2 - rising), 0, None)
    found: npt.NDArray[np.float64] = weights @ power
    return found
