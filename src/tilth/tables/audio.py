"""What an encoded recording sounds like: duration, volume, silence, clipping."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tilth.tables.media import media_format, media_type

__all__ = ["MAX_SAMPLES", "AudioStatistics", "audio_statistics", "open_recording"]

MAX_SAMPLES = 1 << 31
"""The longest recording that is decoded, in samples of all channels: 6 hours of 48 kHz stereo."""

_BLOCK_SAMPLES = 1 << 17
_WINDOWS_PER_SECOND = 50
_LONGEST_WINDOW = 1 << 22
_SILENCE = 10**-6  # of the power of full scale, that is -60 dB
_CLIPPED = 0.999
# The largest sample of encodings that stop short of 0.999 of full scale.
_LARGEST = {"PCM_U8": 127 / 128, "PCM_S8": 127 / 128, "ULAW": 32_124 / 32_768, "ALAW": 32_256 / 32_768}
_FLOATING = ("FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
_FULL_SCALE = 1 << 31
_UNKNOWN_LENGTHS = (0xFFFFFFFF, *range(0x7FFFF000, 0x80000000))
_UNKNOWN_FRAMES = 1 << 62
_MOST_CHUNKS = 1000

Samples: TypeAlias = npt.NDArray[np.int32] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AudioStatistics:
    """What `audio_statistics` finds; all but `readable` are None where a recording cannot be read.

    Args:
        readable: whether the whole recording can be decoded.
        format: wav, flac, ogg or mp3.
        duration: in seconds, 0 or more.
        sample_rate: in samples of one channel a second.
        channels: 1 for mono, 2 for stereo.
        volume: root mean square of all samples, in dB relative to full scale; None for digital silence.
        silence: share of the windows of 20 ms that are below -60 dB relative to full scale, 0 to 1.
        clipping: share of samples at full scale, 0 to 1.
    """

    readable: bool
    format: str | None = None
    duration: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    volume: float | None = None
    silence: float | None = None
    clipping: float | None = None


def audio_statistics(content: bytes | None) -> AudioStatistics | None:
    """The statistics of one encoded recording; None where there is none.

    With samples x from -1 to 1, volume is 10 log10(mean(x^2)) over all channels: a square wave of full scale
    has 0 dB, a sine -3.01 dB (the reference of most audio software; AES17 adds 3.01 dB). It is given to six
    decimals. Windows begin every 20 ms (rounded to whole samples), and the last one may be shorter. A sample
    is at full scale from 0.999 on, or at the largest value that its encoding has (8 bits, A-law, mu-law).
    Sums are exact, so the figures of WAV and FLAC are the same on every machine; those of Vorbis, Opus and
    MP3 up to the rounding of their decoders.

    Digital silence has no volume, an empty recording neither volume nor shares, nor have samples that are NaN
    or infinite. A WAV or FLAC file that is shorter than it says, and a recording of more than `MAX_SAMPLES`,
    are not readable; a WAV file written to a pipe, whose header says that the length is unknown, is.

    Args:
        content: the bytes of a WAV, FLAC, OGG or MP3 file. They are decoded in blocks.

    Example:
        >>> import soundfile
        >>> file = io.BytesIO()
        >>> soundfile.write(file, np.tile([0.5, -0.5], 400), 8000, format="WAV", subtype="PCM_16")
        >>> audio_statistics(file.getvalue())
        AudioStatistics(readable=True, format='wav', duration=0.1, sample_rate=8000, channels=1,
                        volume=-6.0206, silence=0.0, clipping=0.0)
    """
    if content is None:
        return None
    try:
        with open_recording(content) as stream:
            return _statistics(stream, media_format(content))
    except Exception:  # noqa: BLE001 - decoders raise anything on damaged bytes; `readable` is the answer
        return AudioStatistics(readable=False)


def open_recording(content: bytes) -> Any:
    """An encoded recording as a stream of samples that is read from start to end, as soundfile has it.

    Raises:
        ValueError: not a recording of a known format, or cut short.
        Exception: whatever libsndfile raises on damaged bytes.
    """
    if media_type(content[:32]) != "audio" or _is_cut_short(content):
        raise ValueError("not a whole recording")
    return _stream_class()(io.BytesIO(content))


@cache
def _stream_class() -> type[Any]:
    """A `soundfile.SoundFile` that is only read from start to end."""
    from soundfile import SoundFile

    class Stream(SoundFile):  # type: ignore[misc]
        def seekable(self) -> bool:
            # Else a seek follows every block, which is slow, and fails where the length is unknown.
            return False

    return Stream


def _is_cut_short(content: bytes) -> bool:
    """Whether a WAV file says that it has more samples than there are, which libsndfile does not mind."""
    if content[8:12] != b"WAVE":
        return False
    start, wide = 12, None
    for _ in range(_MOST_CHUNKS):
        name, size = content[start : start + 4], int.from_bytes(content[start + 4 : start + 8], "little")
        if name == b"ds64":
            wide = int.from_bytes(content[start + 16 : start + 24], "little")
        if name == b"data":
            unknown = size in _UNKNOWN_LENGTHS and wide is None
            return not unknown and start + 8 + (size if wide is None else wide) > len(content)
        start += 8 + size + size % 2
    return False


def _statistics(stream: Any, form: str | None) -> AudioStatistics:
    rate, channels = int(stream.samplerate), int(stream.channels)
    window = min(max(1, round(rate / _WINDOWS_PER_SECOND)) * channels, _LONGEST_WINDOW // channels * channels)
    levels = _Levels(window, min(_CLIPPED, _LARGEST.get(stream.subtype, 1.0)))
    for samples in _blocks(stream, window // channels * max(1, _BLOCK_SAMPLES // window)):
        levels.update(samples)
        if levels.samples > MAX_SAMPLES:
            raise ValueError("too long")
    frames = levels.samples // channels
    if stream.format == "FLAC" and frames < stream.frames < _UNKNOWN_FRAMES:
        raise ValueError("cut short")
    volume, silence, clipping = levels.result()
    return AudioStatistics(True, form, frames / rate, rate, channels, volume, silence, clipping)


def _blocks(stream: Any, frames: int) -> Iterator[Samples]:
    """The samples of all channels one after the other, of whole numbers where the encoding has such."""
    kind = "float64" if stream.subtype in _FLOATING else "int32"
    while len(block := stream.read(frames, kind, always_2d=True)):
        yield block.reshape(-1)


class _Levels:
    """The sums over the samples, in units of full scale.

    Args:
        window: how many samples make up 20 ms.
        largest: from which magnitude on a sample is clipped.
    """

    def __init__(self, window: int, largest: float) -> None:
        self.window = window
        self.largest = largest
        self.samples = self.windows = self.silent = self.clipped = 0
        self.energies: list[float] = []

    def update(self, samples: Samples) -> None:
        """Add a block of samples, whole windows unless it is the last."""
        starts = range(0, samples.size, self.window)
        if samples.dtype == np.int32:
            energies, largest = _energies_of_integers(samples, starts), self.largest * _FULL_SCALE
        else:
            energies, largest = _energies_of_floats(samples, starts), self.largest
        sizes = (min(self.window, samples.size - start) for start in starts)
        self.silent += sum(e < _SILENCE * n for e, n in zip(energies, sizes, strict=True))
        self.clipped += int(np.count_nonzero((samples >= largest) | (samples <= -largest)))
        self.samples += samples.size
        self.windows += len(starts)
        self.energies.append(math.fsum(energies))

    def result(self) -> tuple[float | None, float | None, float | None]:
        """Volume, silence and clipping."""
        energy = math.fsum(self.energies)
        if not self.samples or not math.isfinite(energy):
            return None, None, None
        volume = round(10 * math.log10(energy / self.samples), 6) if energy else None
        return volume, self.silent / self.windows, self.clipped / self.samples


def _energies_of_integers(samples: npt.NDArray[Any], starts: range) -> list[float]:
    """The sum of squares of each window, exact but for one rounding at the end.

    A square of 62 bits leaves no room for a sum, so the halves of a sample are multiplied apart.
    """
    high, low = (samples >> 16).astype(np.int64), (samples & 0xFFFF).astype(np.int64)
    tops = np.add.reduceat(high * high, starts).tolist()
    if not low.any():  # 16 bits or fewer
        return [top / (1 << 30) for top in tops]
    middles = np.add.reduceat(high * low, starts).tolist()
    bottoms = np.add.reduceat(low * low, starts).tolist()
    sums = zip(tops, middles, bottoms, strict=True)
    return [((top << 32) + (middle << 17) + bottom) / (1 << 62) for top, middle, bottom in sums]


def _energies_of_floats(samples: Samples, starts: range) -> list[float]:
    """The sum of squares of each window, rounded once; NaN or infinite where it has no finite value."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.square(samples)
        if not np.isfinite(squares.sum()):
            return [math.nan] * len(starts)
    values = squares.tolist()
    return [math.fsum(values[start : start + starts.step]) for start in starts]
