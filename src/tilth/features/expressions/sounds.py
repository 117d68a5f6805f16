"""Methods of recordings and of frames, the numbers over time that are made of them."""

from __future__ import annotations

import math
from typing import Literal, Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.nodes import Kind, Node
from tilth.features.operations.sounds import STATISTICS, FramesOperation, FrameStatistic
from tilth.features.requirements import finite, whole
from tilth.features.sample_rates import sample_rate
from tilth.features.source_lines import caller_line

__all__ = ["FrameMethods", "SoundMethods"]

_RATES = (100, 192_000)
_LONGEST_WINDOW = 4096
"""In samples: the matrix of its Fourier transform then has 67 MB."""


class SoundMethods(Base):
    """What is done to recordings. Windows of a spectrum are Hann's (periodic); frames are not centered.

    Of a frame of w samples, the spectrum has the next power of two of points, N >= w, and N / 2 + 1 bins.
    """

    def at_rate(self, rate: int) -> Self:
        """The recording with so many samples a second, whatever its file has; without it there are 16,000.

        The rate is part of the graph, and whoever decodes a recording for it resamples (`decode_recording`).

        Args:
            rate: samples a second, 100 to 192,000.

        Raises:
            FeatureError: not a column of recordings, or a bad rate.
        """
        self._need(("sound",), "at_rate")
        if not isinstance(self._node.operation, op.Column):
            raise FeatureError(
                f"{self}.at_rate({rate!r}) comes too late",
                where=caller_line(),
                expected='it first, on the column: x["clip"].at_rate(8000).pre_emphasis()',
            )
        whole(rate, _RATES[0], "at_rate")
        if rate > _RATES[1]:
            raise _out_of_range(f"{self}.at_rate({rate!r})", f"{_RATES[0]} to {_RATES[1]} samples a second")
        return self._method(op.AtRate(rate), "sound", "at_rate", rate)

    def normalize_volume(self, level_db: float = -20, by: Literal["rms", "peak"] = "rms") -> Self:
        """The recording made louder or softer as a whole.

        x * 10^(level_db / 20) / sqrt(mean(x^2)), or / max |x| for the peak. Samples may go beyond -1 and 1.
        Digital silence stays what it is.

        Args:
            level_db: the root mean square, or peak, that it gets, in dB of full scale.
            by: "rms" or "peak".

        Raises:
            FeatureError: not a recording, or a bad argument.
        """
        self._need(("sound",), "normalize_volume")
        level = finite(level_db, "normalize_volume")
        if by not in ("rms", "peak"):
            raise _out_of_range(f"{self}.normalize_volume(by={by!r})", '"rms" or "peak"')
        if not -200 <= level <= 60:
            raise _out_of_range(f"{self}.normalize_volume({level_db!r})", "-200 to 60 dB")
        arguments = (level_db,) if by == "rms" else (level_db, by)
        return self._method(op.NormalizeVolume(level, by), "sound", "normalize_volume", *arguments)

    def pre_emphasis(self, factor: float = 0.97) -> Self:
        """The recording with high frequencies raised: y[t] = x[t] - factor x[t - 1], y[0] = x[0].

        Raises:
            FeatureError: not a recording, or not a number.
        """
        self._need(("sound",), "pre_emphasis")
        return self._method(op.PreEmphasis(finite(factor, "pre_emphasis")), "sound", "pre_emphasis", factor)

    def frames(self, length_s: float = 0.025, step_s: float = 0.010) -> Self:
        """The recording cut into frames; a frame's coefficients are its samples.

        The first frame begins with the recording. The last is followed by zeros where it is longer than what
        is left, and there is always one.

        Args:
            length_s: of a frame, in seconds (rounded to samples).
            step_s: from one frame to the next.

        Raises:
            FeatureError: not a recording, or lengths that are not possible.
        """
        cut = self._cut("frames", length_s, step_s)
        return self._frames("frames", f"{length_s!r}, {step_s!r}", cut)

    def spectrogram(self, window_s: float = 0.025, step_s: float = 0.010, log: bool = True) -> Self:
        """The power of each frequency over time: |DFT(window * frame)|^2, bins from 0 to half the rate.

        With `log`, 10 log10(max(power, 10^-10)), so that digital silence has -100.

        Args:
            window_s: length of a frame, in seconds.
            step_s: from one frame to the next.
            log: in decibels.

        Raises:
            FeatureError: not a recording, or lengths that are not possible.
        """
        cut = self._cut("spectrogram", window_s, step_s)
        spectrum = _spectrum(cut)
        levels = [op.Decibels(spectrum.coefficients)] if log else []
        return self._frames("spectrogram", _shown(window_s, step_s, log), cut, spectrum, *levels)

    def mel_spectrogram(
        self,
        bands: int = 40,
        window_s: float = 0.025,
        step_s: float = 0.010,
        low_hz: float = 0.0,
        high_hz: float | None = None,
        log: bool = True,
    ) -> Self:
        """The power in bands that are equally wide to the ear, over time.

        The power spectrum summed in overlapping triangles on Slaney's mel scale (linear below 1000 Hz), each
        of area 1; librosa's default scale and norm. With `log`, 10 log10(max(power, 10^-10)).

        Args:
            bands: how many.
            window_s: length of a frame, in seconds.
            step_s: from one frame to the next.
            low_hz: where the first band begins.
            high_hz: where the last band ends; default: half the sample rate.
            log: in decibels.

        Raises:
            FeatureError: not a recording, or arguments that are not possible.
        """
        operations = self._mel("mel_spectrogram", bands, window_s, step_s, low_hz, high_hz)
        levels = [op.Decibels(bands)] if log else []
        shown = f"{bands}" if log else f"{bands}, log=False"
        return self._frames("mel_spectrogram", shown, *operations, *levels)

    def mfcc(
        self,
        count: int = 13,
        bands: int = 40,
        window_s: float = 0.025,
        step_s: float = 0.010,
        low_hz: float = 0.0,
        high_hz: float | None = None,
    ) -> Self:
        """Mel-frequency cepstral coefficients over time: the orthonormal DCT-II of `mel_spectrogram` in dB.

        Args:
            count: how many coefficients, from the one that says how loud it is.
            bands: of the mel spectrogram.
            window_s: length of a frame, in seconds.
            step_s: from one frame to the next.
            low_hz: where the first band begins.
            high_hz: where the last band ends; default: half the sample rate.

        Raises:
            FeatureError: not a recording, or arguments that are not possible.
        """
        operations = self._mel("mfcc", bands, window_s, step_s, low_hz, high_hz)
        whole(count, 1, "mfcc")
        if count > bands:
            raise _out_of_range(f"{self}.mfcc({count!r})", f"at most as many as there are bands: {bands}")
        transform = op.CosineTransform(count, bands)
        return self._frames("mfcc", f"{count}", *operations, op.Decibels(bands), transform)

    def volume(self) -> Self:
        """10 log10(mean(x^2)): a sine of full scale has -3.01 dB. Missing for digital silence.

        As the statistic clip.volume of a profile, if the recording is mono and at the file's own rate.
        """
        return self._number(op.Volume(), "volume")

    def duration(self) -> Self:
        """How long the recording is, in seconds, to one sample of the graph's rate."""
        return self._number(op.Duration(self._rate()), "duration")

    def silence_share(self) -> Self:
        """The share of windows of 20 ms that are softer than -60 dB, as the statistic clip.silence."""
        return self._number(op.SilenceShare(self._rate()), "silence_share")

    def zero_crossings(self) -> Self:
        """How often the sign changes in a second: twice the frequency of a tone. 0 counts as positive."""
        return self._number(op.ZeroCrossings(self._rate()), "zero_crossings")

    def _rate(self) -> int:
        return sample_rate(self._node)

    def _number(self, operation: op.RowWise, method: str) -> Self:
        self._need(("sound",), method)
        return self._method(operation, "number", method)

    def _frames(self, method: str, shown: str, *operations: op.RowWise) -> Self:
        text, place, kind = f"{self._node.text}.{method}({shown})", caller_line(), _FRAMES
        node = self._node
        for operation in operations:
            node = Node(operation, (node,), kind, text, place)
        return self._of(node)

    def _cut(self, method: str, window_s: float, step_s: float) -> op.Frames:
        self._need(("sound",), method)
        rate = self._rate()
        window = round(finite(window_s, method) * rate)
        step = round(finite(step_s, method) * rate)
        if not (2 <= window <= _LONGEST_WINDOW and step >= 1):
            raise FeatureError(
                f"{self}.{method}() has frames of {window:,} samples, one every {step:,}",
                where=caller_line(),
                expected=f"2 to {_LONGEST_WINDOW:,} samples, at least 1 from one to the next",
                mend=f"the recording has {rate:,} samples a second; the lengths are in seconds",
            )
        return op.Frames(window, step)

    def _mel(
        self, method: str, bands: int, window_s: float, step_s: float, low_hz: float, high_hz: float | None
    ) -> tuple[op.Frames, op.PowerSpectrum, op.MelBands]:
        cut = self._cut(method, window_s, step_s)
        whole(bands, 1, method)
        spectrum, rate = _spectrum(cut), self._rate()
        low = finite(low_hz, method)
        high = rate / 2 if high_hz is None else finite(high_hz, method)
        if not 0 <= low < high <= rate / 2:
            raise _out_of_range(
                f"{self}.{method}(low_hz={low_hz!r}, high_hz={high_hz!r})",
                f"0 <= low_hz < high_hz <= {rate / 2:g}, half the sample rate",
            )
        if bands > spectrum.coefficients:
            raise _out_of_range(
                f"{self}.{method}() with {bands} bands",
                f"at most {spectrum.coefficients}, the bins of a spectrum",
            )
        return cut, spectrum, op.MelBands(bands, rate, spectrum.size, low, high)


class FrameMethods(Base):
    """From frames to other frames, and to a fixed number of numbers."""

    def deltas(self, width: int = 9) -> Self:
        """How the coefficients change from frame to frame: the slope of a line through `width` frames.

        sum_k k (c[t + k] - c[t - k]) / (2 sum_k k^2) for k = 1 to width // 2, the ends repeated. Taken twice
        it is the acceleration.

        Args:
            width: an odd number of frames, 3 to 99.

        Raises:
            FeatureError: not frames, or a bad width.
        """
        self._need(("frames",), "deltas")
        whole(width, 3, "deltas")
        if width % 2 == 0 or width > 99:
            raise _out_of_range(f"{self}.deltas({width!r})", "an odd number of frames, 3 to 99")
        return self._method(op.Deltas(width, self._coefficients()), "frames", "deltas", width)

    def summary(self, *statistics: FrameStatistic) -> Self:
        """Figures of each coefficient over time, named feature=mean 0, feature=mean 1, ...

        Args:
            statistics: some of "mean", "std" (population), "min", "max"; default: all.

        Raises:
            FeatureError: not frames, or another statistic.
        """
        self._need(("frames",), "summary")
        wanted = statistics or STATISTICS
        for name in wanted:
            if name not in STATISTICS or wanted.count(name) > 1:
                raise _out_of_range(
                    f"{self}.summary{wanted!r}", "some of " + ", ".join(STATISTICS) + ", each once"
                )
        return self._method(op.Summary(wanted, self._coefficients()), "vector", "summary", *statistics)

    def resample_time(self, steps: int) -> Self:
        """The coefficients at a fixed number of moments, named feature=0 at 0, feature=1 at 0, ...

        The moments are equally far from each other, from the first frame to the last; between frames the
        coefficients are interpolated linearly.

        Args:
            steps: how many moments, 1 to 1000; the one of 1 is the middle.

        Raises:
            FeatureError: not frames, or a bad number of steps.
        """
        self._need(("frames",), "resample_time")
        whole(steps, 1, "resample_time")
        if steps > 1000:
            raise _out_of_range(f"{self}.resample_time({steps!r})", "1 to 1000 steps")
        operation = op.ResampleTime(steps, self._coefficients())
        return self._method(operation, "vector", "resample_time", steps)

    def first_frames(self, count: int, fill: float | None = None) -> Self:
        """The first frames as they are, not stretched, named feature=0 at 0, feature=1 at 0, ...

        Args:
            count: how many, 1 to 1000.
            fill: what stands where there are fewer; None for missing.

        Raises:
            FeatureError: not frames, or a bad argument.

        Example:
            >>> from tilth.features.inputs import Inputs
            >>> Inputs({"clip": "audio"})["clip"].mfcc().first_frames(50)
            x["clip"].mfcc(13).first_frames(50)
        """
        self._need(("frames",), "first_frames")
        whole(count, 1, "first_frames")
        if count > 1000:
            raise _out_of_range(f"{self}.first_frames({count!r})", "1 to 1000 frames")
        filling = math.nan if fill is None else finite(fill, "first_frames")
        operation = op.FirstFrames(count, self._coefficients(), filling)
        shown = (count,) if fill is None else (count, fill)
        return self._method(operation, "vector", "first_frames", *shown)

    def _coefficients(self) -> int:
        assert isinstance(self._node.operation, FramesOperation)
        return self._node.operation.coefficients


_FRAMES: Kind = "frames"


def _spectrum(cut: op.Frames) -> op.PowerSpectrum:
    return op.PowerSpectrum(cut.window, 2 ** math.ceil(math.log2(cut.window)))


def _shown(window_s: float, step_s: float, log: bool) -> str:
    return f"{window_s!r}, {step_s!r}" + ("" if log else ", log=False")


def _out_of_range(use: str, expected: str) -> FeatureError:
    return FeatureError(f"{use} is not possible", where=caller_line(), expected=expected)
