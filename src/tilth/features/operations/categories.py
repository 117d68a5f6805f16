"""Operations on categories: texts, whole numbers and flags."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.features.operations.operation import Analyzed, RowWise

__all__ = ["AsText", "Cross", "Indicators", "Lookup", "OneHot", "Vocabulary"]


@dataclass(frozen=True)
class AsText(RowWise):
    """A whole number as its decimal digits, or a flag as "true" or "false"."""

    flag: bool = False


@dataclass(frozen=True)
class Cross(RowWise):
    """Two texts as one; missing where either is."""


@dataclass(frozen=True)
class Lookup(RowWise):
    """A text's position among `values`, or `default` where it is not there or missing.

    With `buckets`, texts that are not there share so many positions behind the others, by their hash.
    """

    values: tuple[str, ...]
    default: float
    buckets: int = 0


@dataclass(frozen=True)
class Indicators(RowWise):
    """One column of 0 and 1 for each of `values`, and a last one for missing where `missing` is true.

    A text that is not there has 0 in all of them.
    """

    values: tuple[str, ...]
    missing: bool

    def column_names(self, name: str) -> list[str]:
        """feature=value for each."""
        values = [*self.values, "missing"] if self.missing else self.values
        return [f"{name}={value}" for value in values]


@dataclass(frozen=True)
class Vocabulary(Analyzed):
    """`Lookup` among the most frequent values."""

    top: int | None
    min_count: int
    default: float
    buckets: int = 0


@dataclass(frozen=True)
class OneHot(Analyzed):
    """`Indicators` of the most frequent values, and of missing where training data had missing values."""

    top: int | None
    min_count: int
