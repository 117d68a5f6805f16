"""Operations on several columns at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tilth.features.operations.operation import Analyzed, RowWise

__all__ = ["Components", "Group", "Project"]


@dataclass(frozen=True)
class Group(RowWise):
    """Several expressions beside each other, as one vector.

    Args:
        suffixes: what stands behind the feature's name in the names of each.
    """

    suffixes: tuple[str, ...]


@dataclass(frozen=True)
class Project(RowWise):
    """(a - means) times weights: k columns become fewer; all are missing where one of the k is.

    The sums are exact where |a - mean| is below `reach`: whatever the order in which a runtime adds, the
    result is the same to the last bit. The columns and weights are rounded to 38 bits below their reach.

    Args:
        means: of each column, k.
        reaches: powers of two above the size of a - mean in the training data, k.
        weights: k rows, a number for each component.
    """

    means: tuple[float, ...]
    reaches: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]

    def column_names(self, name: str) -> list[str]:
        """Feature 1, feature 2, ..."""
        return [f"{name} {number + 1}" for number in range(len(self.weights[0]))]


@dataclass(frozen=True)
class Components(Analyzed):
    """The first principal components of a vector."""

    analysis: ClassVar[str] = "products"

    count: int
