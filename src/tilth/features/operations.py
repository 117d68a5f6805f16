"""Operations: what can be done to columns, as small values that know neither data nor ONNX.

A row-wise operation computes a row's value from that row alone and its own constants. An analyzed operation
must see all training data first; `analyzers` turns it into the row-wise operation that has its constants.

Missing in, missing out, unless an operation says otherwise. What is undefined (a quotient by zero, the
logarithm of a negative number) is missing too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tilth.types import ColumnType

__all__ = [
    "Add",
    "Affine",
    "Analyzed",
    "AsText",
    "AtLeast",
    "AtMost",
    "Buckets",
    "Center",
    "Choose",
    "Clip",
    "Column",
    "Cross",
    "DatePart",
    "Days",
    "Divide",
    "Equal",
    "FillFrom",
    "FillWith",
    "Greater",
    "Indicators",
    "IsMissing",
    "Less",
    "Log1p",
    "Lookup",
    "Multiply",
    "Number",
    "OneHot",
    "Operation",
    "QuantileBuckets",
    "RowWise",
    "Scale",
    "Statistic",
    "Subtract",
    "Text",
    "Vocabulary",
    "ZScore",
]

Statistic = Literal["mean", "median", "mode"]


@dataclass(frozen=True)
class Operation:
    """A step from columns to a column."""


@dataclass(frozen=True)
class RowWise(Operation):
    """An operation that needs nothing but the row."""


@dataclass(frozen=True)
class Analyzed(Operation):
    """An operation of one column that needs constants from all training data."""


@dataclass(frozen=True)
class Column(RowWise):
    """A raw column."""

    name: str
    type: ColumnType


@dataclass(frozen=True)
class Number(RowWise):
    """A constant number."""

    value: float


@dataclass(frozen=True)
class Text(RowWise):
    """A constant text."""

    value: str


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
class AsText(RowWise):
    """A whole number as its decimal digits, or a flag as "true" or "false"."""

    flag: bool = False


@dataclass(frozen=True)
class Cross(RowWise):
    """Two texts as one; missing where either is."""


@dataclass(frozen=True)
class Lookup(RowWise):
    """A text's position among `values`, or `default` where it is not there or missing."""

    values: tuple[str, ...]
    default: float


@dataclass(frozen=True)
class Indicators(RowWise):
    """One column of 0 and 1 for each of `values`, and a last one for missing where `missing` is true.

    A text that is not there has 0 in all of them.
    """

    values: tuple[str, ...]
    missing: bool


@dataclass(frozen=True)
class DatePart(RowWise):
    """A part of a datetime (UTC, Gregorian calendar): weekday 0 is Monday, months and days count from 1."""

    part: Literal["hour", "weekday", "day", "month", "year"]


@dataclass(frozen=True)
class Days(RowWise):
    """A datetime as days since 1970-01-01, with the time of day as a fraction."""


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
class Vocabulary(Analyzed):
    """`Lookup` among the most frequent values."""

    top: int | None
    min_count: int
    default: float


@dataclass(frozen=True)
class OneHot(Analyzed):
    """`Indicators` of the most frequent values, and of missing where training data had missing values."""

    top: int | None
    min_count: int
