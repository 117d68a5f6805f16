"""Analyses: what operations learn of the training data beside the profile of a column.

An analysis is a mergeable summary: the rows may come in any order and any cut, and the same rows give the
same constants to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

from tilth.features.documents import Documents
from tilth.features.target_sums import TargetSums
from tilth.sketches import GroupedMoments, VectorProducts

__all__ = ["ANALYSES", "Analysis"]


class Analysis(Protocol):
    """What has been seen of an operation's arguments."""

    def update(self, *arguments: Any, **_: Any) -> None:
        """Take in some rows.

        Args:
            arguments: arrays, one for each argument of the operation: numbers float64 (n,), texts objects
                (n,), vectors float64 (n, k), whole tensors as they are. Where the analysis needs the label,
                two more: the label float64 (n, k), one number or a column of 0 and 1 for each class, and the
                fold of each row int64 (n,).
        """

    def merge(self, other: Self) -> None:
        """Take in what another one has seen."""


ANALYSES: dict[str, Callable[[Any], Analysis]] = {
    "documents": lambda _: Documents(),
    "moments by key": lambda _: GroupedMoments(),
    "products": lambda _: VectorProducts(),
    "targets": lambda _: TargetSums(),
}
"""Name of an analysis -> how it begins for an operation."""
