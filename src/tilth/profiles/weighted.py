"""Weighted: the figures of a column by the weight of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.profiles.figures import ColumnFigures, Value

__all__ = ["MILLIONTHS", "Weighted"]

MILLIONTHS = 1_000_000
"""Weights are kept as whole millionths, so that sums do not depend on the order of rows."""


@dataclass(frozen=True)
class Weighted:
    """What a column looks like when each row counts as much as it weighs.

    Args:
        column: the profile in which a row counts as often as it has millionths of weight.

    Example:
        >>> from tilth.profiles import profile
        >>> found = profile({"x": [1.0, 4.0], "w": [3.0, 1.0]}, weight="w")["x"].weighted
        >>> found.count, found.mean, found.top(1)
        (4.0, 1.75, [(1.0, 3.0)])
    """

    column: ColumnFigures

    @property
    def count(self) -> float:
        """The weight of the values."""
        return self.column.count / MILLIONTHS

    @property
    def missing(self) -> float:
        """The weight of the missing values."""
        return self.column.missing / MILLIONTHS

    @property
    def mean(self) -> float | None:
        """The weighted mean; None without numbers."""
        return self.column.mean

    @property
    def std(self) -> float | None:
        """The weighted population standard deviation; None without numbers."""
        return self.column.std

    def quantile(self, share: float) -> float | None:
        """The number below which `share` of the weight lies; None without numbers."""
        return self.column.quantile(share)

    def top(self, k: int | None = 20) -> list[tuple[Value, float]]:
        """The values of most weight, as `ColumnFigures.top`."""
        return [(value, count / MILLIONTHS) for value, count in self.column.top(k)]
