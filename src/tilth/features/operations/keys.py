"""Operations that know something of each value of a category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tilth.features.operations.operation import Analyzed, Operand, RowWise

__all__ = [
    "CenterBy",
    "FillFromBy",
    "FoldedConstants",
    "Frequency",
    "GroupStatistic",
    "KeyedAffine",
    "KeyedConstants",
    "KeyedFill",
    "OutOfFold",
    "ScaleBy",
    "StatisticBy",
    "TargetMean",
    "ZScoreBy",
]

GroupStatistic = Literal["mean", "std", "min", "max", "count"]

Constants = tuple[float, ...]


@dataclass(frozen=True)
class KeyedConstants(RowWise):
    """The constants of a text, or those of texts that are not known; NaN for none.

    Args:
        keys: the known texts.
        rows: the constants of each, and a last row for all others.
        suffixes: what stands behind the feature's name, for each of the constants.
    """

    keys: tuple[str, ...]
    rows: tuple[Constants, ...]
    suffixes: tuple[str, ...] = ("",)

    def column_names(self, name: str) -> list[str]:
        """The feature's name with each suffix."""
        return [name + suffix for suffix in self.suffixes]

    def needs(self, arguments: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """The text alone, which stands last."""
        return arguments[-1:]


@dataclass(frozen=True)
class KeyedAffine(RowWise):
    """(a - shift) / divisor * factor + offset, with constants of the text that is the second argument.

    Args:
        keys: the known texts.
        rows: (shift, divisor, factor, offset) of each, and a last row for all others.
    """

    keys: tuple[str, ...]
    rows: tuple[Constants, ...]


@dataclass(frozen=True)
class KeyedFill(RowWise):
    """The first argument where it is there, else the constant of the text that is the second.

    Args:
        keys: the known texts.
        values: the constant of each, and a last one for all others.
    """

    keys: tuple[str, ...]
    values: Constants


@dataclass(frozen=True)
class FoldedConstants(RowWise):
    """`KeyedConstants` of all training rows, and beside them those of the rows outside each fold.

    In a graph it is `everywhere`; the training graph has `OutOfFold` in its place.
    """

    everywhere: KeyedConstants
    folds: tuple[tuple[Constants, ...], ...]

    def column_names(self, name: str) -> list[str]:
        """Those of the constants."""
        return self.everywhere.column_names(name)


@dataclass(frozen=True)
class OutOfFold(RowWise):
    """The constants of a text from the rows outside the fold that is the second argument.

    Where the fold is missing they come from all rows.
    """

    constants: FoldedConstants

    def column_names(self, name: str) -> list[str]:
        """Those of the constants."""
        return self.constants.column_names(name)


@dataclass(frozen=True)
class Frequency(Analyzed):
    """The share of the training rows that have the value; 0 for values that none has."""


@dataclass(frozen=True)
class TargetMean(Analyzed):
    """The mean label of the rows with the value, drawn to the mean of all rows by `smoothing` rows' weight.

    Args:
        smoothing: how many rows the mean of all counts for.
        classes: one column for each of these classes; none: the label is one number.
    """

    analysis: ClassVar[str] = "targets"

    smoothing: float
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CenterBy(Analyzed):
    """The first argument minus its mean among the rows with the same second argument."""

    analysis: ClassVar[str] = "moments by key"


@dataclass(frozen=True)
class ZScoreBy(Analyzed):
    """`CenterBy`, divided by the population standard deviation of those rows; 0 where that is 0."""

    analysis: ClassVar[str] = "moments by key"


@dataclass(frozen=True)
class ScaleBy(Analyzed):
    """The first argument mapped so that its range in rows with the same second one becomes [low, high]."""

    analysis: ClassVar[str] = "moments by key"

    low: float
    high: float


@dataclass(frozen=True)
class FillFromBy(Analyzed):
    """The first argument where it is there, else its mean among the rows with the same second argument."""

    analysis: ClassVar[str] = "moments by key"


@dataclass(frozen=True)
class StatisticBy(Analyzed):
    """A figure of the first argument's values in the training rows with the same second argument."""

    analysis: ClassVar[str] = "moments by key"

    statistic: GroupStatistic
