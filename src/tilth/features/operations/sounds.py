"""Operations on recordings, and on the frames (numbers over time) that are made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from tilth.features.operations.operation import RowWise

__all__ = [
    "STATISTICS",
    "AtRate",
    "CosineTransform",
    "Decibels",
    "Deltas",
    "Duration",
    "FirstFrames",
    "FrameStatistic",
    "Frames",
    "FramesOperation",
    "MelBands",
    "NormalizeVolume",
    "PowerSpectrum",
    "PreEmphasis",
    "ResampleTime",
    "SilenceShare",
    "Summary",
    "Volume",
    "ZeroCrossings",
]

FrameStatistic = Literal["mean", "std", "min", "max"]

STATISTICS: tuple[FrameStatistic, ...] = ("mean", "std", "min", "max")


@dataclass(frozen=True)
class AtRate(RowWise):
    """A recording decoded to so many samples a second."""

    rate: int


@dataclass(frozen=True)
class NormalizeVolume(RowWise):
    """A recording multiplied so that its root mean square or its peak has a level; silence stays."""

    level_db: float
    by: Literal["rms", "peak"]


@dataclass(frozen=True)
class PreEmphasis(RowWise):
    """y[0] = x[0], y[t] = x[t] - factor x[t - 1]."""

    factor: float


@dataclass(frozen=True)
class Volume(RowWise):
    """10 log10(mean(x^2)); missing for digital silence."""


@dataclass(frozen=True)
class Duration(RowWise):
    """Samples / rate, in seconds."""

    rate: int


@dataclass(frozen=True)
class SilenceShare(RowWise):
    """The share of the windows of 20 ms with mean(x^2) < 10^-6."""

    rate: int


@dataclass(frozen=True)
class ZeroCrossings(RowWise):
    """How often neighbors differ in sign (0 is positive), divided by samples / rate."""

    rate: int


@dataclass(frozen=True)
class FramesOperation(RowWise, ABC):
    """An operation that gives frames: (n, frames, coefficients)."""

    @property
    @abstractmethod
    def coefficients(self) -> int:
        """How many numbers a frame has."""


@dataclass(frozen=True)
class Frames(FramesOperation):
    """Frames of `window` samples, one every `step` samples.

    The first begins at sample 0; there are 1 + ceil(max(0, samples - window) / step), so that each sample is
    in one, if step <= window; behind the last sample there are zeros.
    """

    window: int
    step: int

    @property
    def coefficients(self) -> int:
        """The samples of a window."""
        return self.window


@dataclass(frozen=True)
class PowerSpectrum(FramesOperation):
    """|DFT|^2 of `size` points of frames of `window` samples times a periodic Hann window."""

    window: int
    size: int

    @property
    def coefficients(self) -> int:
        """The bins."""
        return self.size // 2 + 1


@dataclass(frozen=True)
class MelBands(FramesOperation):
    """Power spectra summed in triangular bands that are equally wide on Slaney's mel scale."""

    bands: int
    rate: int
    size: int
    low_hz: float
    high_hz: float

    @property
    def coefficients(self) -> int:
        """The bands."""
        return self.bands


@dataclass(frozen=True)
class Decibels(FramesOperation):
    """10 log10(max(power, 10^-10))."""

    count: int

    @property
    def coefficients(self) -> int:
        """As many as there were."""
        return self.count


@dataclass(frozen=True)
class CosineTransform(FramesOperation):
    """The first `count` coefficients of the orthonormal DCT-II over `inputs` coefficients of a frame."""

    count: int
    inputs: int

    @property
    def coefficients(self) -> int:
        """The first ones."""
        return self.count


@dataclass(frozen=True)
class Deltas(FramesOperation):
    """sum_k k (c[t + k] - c[t - k]) / (2 sum_k k^2), k = 1 to width // 2; the ends are repeated."""

    width: int
    count: int

    @property
    def coefficients(self) -> int:
        """As many as there were."""
        return self.count


@dataclass(frozen=True)
class Summary(RowWise):
    """Mean, population standard deviation, least and greatest of each coefficient over time."""

    statistics: tuple[FrameStatistic, ...]
    coefficients: int

    def column_names(self, name: str) -> list[str]:
        """feature=statistic coefficient for each."""
        return [f"{name}={found} {place}" for found in self.statistics for place in range(self.coefficients)]


@dataclass(frozen=True)
class ResampleTime(RowWise):
    """Frames at `steps` moments, equally far from each other, the first and the last included."""

    steps: int
    coefficients: int

    def column_names(self, name: str) -> list[str]:
        """feature=coefficient at step for each, a step after the other."""
        return [
            f"{name}={place} at {step}" for step in range(self.steps) for place in range(self.coefficients)
        ]


@dataclass(frozen=True)
class FirstFrames(RowWise):
    """The first `count` frames as columns; `fill` behind the last (NaN: missing)."""

    count: int
    coefficients: int
    fill: float

    def column_names(self, name: str) -> list[str]:
        """feature=coefficient at frame for each, a frame after the other."""
        return [
            f"{name}={place} at {step}" for step in range(self.count) for place in range(self.coefficients)
        ]
