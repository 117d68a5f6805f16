"""Operations on numbers: arithmetic, comparison, choice, missing values, scaling, buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tilth.features.operations.operation import Analyzed, RowWise

__all__ = [
    "Add",
    "Affine",
    "AtLeast",
    "AtMost",
    "Buckets",
    "Center",
    "Choose",
    "Clip",
    "ClipQuantiles",
    "Divide",
    "Equal",
    "EqualWidthBuckets",
    "FillFrom",
    "FillWith",
    "Greater",
    "IsMissing",
    "Less",
    "Log1p",
    "MaxAbsScale",
    "Multiply",
    "QuantileBuckets",
    "QuantileRanks",
    "Ranks",
    "RobustScale",
    "Scale",
    "Statistic",
    "Subtract",
    "ZScore",
]

Statistic = Literal["mean", "median", "mode"]


@dataclass(frozen=True)
class Add(RowWise):
    """a + b."""


@dataclass(frozen=True)
class Subtract(RowWise):
    """a - b."""


@dataclass(frozen=True)
class Multiply(RowWise):
    """a * b."""


@dataclass(frozen=True)
class Divide(RowWise):
    """a / b; missing where b is 0."""


@dataclass(frozen=True)
class Less(RowWise):
    """1 where a < b, else 0."""


@dataclass(frozen=True)
class AtMost(RowWise):
    """1 where a <= b, else 0."""


@dataclass(frozen=True)
class Greater(RowWise):
    """1 where a > b, else 0."""


@dataclass(frozen=True)
class AtLeast(RowWise):
    """1 where a >= b, else 0."""


@dataclass(frozen=True)
class Equal(RowWise):
    """1 where two numbers or two texts are equal, else 0."""


@dataclass(frozen=True)
class Choose(RowWise):
    """The second argument where the first is not 0, else the third; numbers or texts."""


@dataclass(frozen=True)
class FillWith(RowWise):
    """The value where it is there, else a constant."""

    value: float | str


@dataclass(frozen=True)
class IsMissing(RowWise):
    """1 where a number, text or datetime is missing, else 0; never missing itself."""


@dataclass(frozen=True)
class Clip(RowWise):
    """Not below `low`, not above `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class Affine(RowWise):
    """(a - shift) / divisor * factor + offset."""

    shift: float = 0.0
    divisor: float = 1.0
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Log1p(RowWise):
    """The natural logarithm of 1 + a, in single precision; missing where a <= -1."""


@dataclass(frozen=True)
class Buckets(RowWise):
    """How many of the ascending bounds are at most a."""

    bounds: tuple[float, ...]


@dataclass(frozen=True)
class Ranks(RowWise):
    """From 0 to 1, linear between ascending bounds, each of which has its rank; 0 below them, 1 above."""

    bounds: tuple[float, ...]
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class FillFrom(Analyzed):
    """The value where it is there, else the training data's mean, median or most frequent value."""

    statistic: Statistic


@dataclass(frozen=True)
class Center(Analyzed):
    """A number minus its mean."""


@dataclass(frozen=True)
class ZScore(Analyzed):
    """A number minus its mean, divided by its population standard deviation; 0 where that is 0."""


@dataclass(frozen=True)
class Scale(Analyzed):
    """A number mapped so that the least becomes `low` and the greatest `high`; `low` where they are equal."""

    low: float
    high: float


@dataclass(frozen=True)
class QuantileBuckets(Analyzed):
    """`Buckets` with bounds that put about as many values into each of `count` buckets."""

    count: int


@dataclass(frozen=True)
class ClipQuantiles(Analyzed):
    """`Clip` to quantiles, linear between neighbors; `low` and `high` are shares of the values."""

    low: float
    high: float


@dataclass(frozen=True)
class RobustScale(Analyzed):
    """A number minus the median, divided by the 0.75 quantile minus the 0.25 one; 0 where that is 0."""


@dataclass(frozen=True)
class MaxAbsScale(Analyzed):
    """A number divided by the greatest size of all; 0 where that is 0."""


@dataclass(frozen=True)
class EqualWidthBuckets(Analyzed):
    """`Buckets` whose bounds cut the range of the values into `count` parts of equal width."""

    count: int


@dataclass(frozen=True)
class QuantileRanks(Analyzed):
    """`Ranks` between the bounds of `count` buckets that hold about as many values each."""

    count: int
