"""ColumnProfile: the mergeable summary of one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tilth.profiles.figures import QUANTILES, ColumnFigures, Value
from tilth.profiles.hints import Hint, hints_of
from tilth.profiles.kinds import likely_kind
from tilth.profiles.merging import merged_column
from tilth.profiles.summary import column_summary
from tilth.profiles.weighted import Weighted

if TYPE_CHECKING:
    from tilth.schemas import Kind
    from tilth.types import JSONObject

__all__ = ["QUANTILES", "ColumnProfile", "Value"]


@dataclass(frozen=True)
class ColumnProfile(ColumnFigures):
    """What is known of one column: its figures, and what they mean.

    All figures on numbers are of the finite ones. Datetimes are numbers of microseconds since 1970 in every
    numeric figure, and ISO texts in `to_dict`. Bools are 0 and 1. See docs/profiles.md for what is exact.

    Example:
        >>> from tilth.profiles import profile
        >>> column = profile({"x": [3, 5, None]}).columns["x"]
        >>> column.count, column.missing, column.mean, column.std, column.median
        (2, 1, 4.0, 1.0, 4.0)
    """

    @cached_property
    def kind(self) -> Kind:
        """What the column most likely means."""
        return likely_kind(self)

    @cached_property
    def hints(self) -> tuple[Hint, ...]:
        """What a person should look at."""
        return hints_of(self, self.kind)

    @property
    def weighted(self) -> Weighted | None:
        """The figures by weight; None where rows have none."""
        return Weighted(self.weights) if self.weights is not None else None

    def __add__(self, other: ColumnProfile) -> ColumnProfile:
        """The profile of both parts; an int and a float column make a float column.

        Raises:
            DataError: the types cannot be brought together.
        """
        return ColumnProfile.merged([self, other])

    @classmethod
    def merged(cls, columns: Sequence[ColumnProfile]) -> ColumnProfile:
        """The profile of all parts, in one go.

        Raises:
            DataError: the types cannot be brought together.
        """
        return merged_column(columns)

    def to_dict(self) -> JSONObject:
        """The summary as JSON values; what does not apply or is undefined is None."""
        summary = column_summary(self, self.kind, self.hints)
        return {**summary, "items": self.items.to_dict() if self.items is not None else None}
