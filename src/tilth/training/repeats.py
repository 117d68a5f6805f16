"""Rows that are alike in all features: where their labels differ, no model can be right about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from tilth.training.order import hash_features
from tilth.training.rows import Rows
from tilth.types import JSONObject, JSONValue

__all__ = ["Repeats", "repeats"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Repeats:
    """Rows whose features another row has too.

    Args:
        rows: all rows that were looked at.
        repeated: those whose features another row has too.
        disagreement: half the share of pairs of such rows whose classes differ, or half the mean squared
            difference of their numbers; None where no row repeats.
    """

    rows: int
    repeated: int
    disagreement: float | None

    @property
    def least_error(self) -> float | None:
        """What any model must miss at least, of all rows: a share of them, or a mean squared error.

        Half the share of pairs that differ bounds it from below (Cover and Hart 1967); rows that do not
        repeat count as 0.
        """
        if self.disagreement is None:
            return None
        return self.disagreement * self.repeated / self.rows

    def to_json(self) -> JSONObject:
        """The three numbers, and the error that follows."""
        return {**vars(self), "least_error": self.least_error}

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> Repeats:
        """What `to_json` wrote."""
        disagreement = cast("float | None", data["disagreement"])
        return cls(cast("int", data["rows"]), cast("int", data["repeated"]), disagreement)


def repeats(rows: Rows, classes: int) -> Repeats:
    """Which rows repeat the features of others, and how much their labels differ.

    Args:
        rows: n rows with one label each.
        classes: how many there are; 0 for numbers.

    Example:
        >>> rows = Rows(np.array([[1.0], [1.0], [2.0], [2.0], [3.0]], np.float32), np.array([0, 1, 0, 0, 1]))
        >>> found = repeats(rows, 2)
        >>> found.repeated, found.disagreement, found.least_error
        (4, 0.25, 0.2)
    """
    _, codes, counts = np.unique(
        hash_features(rows.X) if rows.hashes is None else rows.hashes, return_inverse=True, return_counts=True
    )
    again = counts[codes] > 1
    many = int(again.sum())
    if not many:
        return Repeats(len(rows), 0, None)
    _, groups = np.unique(codes[again], return_inverse=True)
    sizes = np.bincount(groups).astype(np.float64)
    differ = _classes_differ if classes else _numbers_differ
    each = differ(groups, sizes, rows.y[again])
    return Repeats(len(rows), many, float(np.sort(each * sizes).sum()) / many)


def _classes_differ(groups: npt.NDArray[np.int64], sizes: Floats, y: npt.NDArray[np.number]) -> Floats:
    """For each group half the share of its pairs whose classes differ."""
    pairs, counts = np.unique(np.stack([groups, y.astype(np.int64)]), axis=1, return_counts=True)
    alike = np.bincount(pairs[0], weights=counts * (counts - 1.0), minlength=len(sizes))
    found: Floats = (1 - alike / (sizes * (sizes - 1))) / 2
    return found


def _numbers_differ(groups: npt.NDArray[np.int64], sizes: Floats, y: npt.NDArray[np.number]) -> Floats:
    """For each group the variance of its numbers, unbiased: half the mean squared difference of two."""
    order = np.lexsort((y, groups))  # sums in one order, whatever order the rows came in
    numbers = y[order].astype(np.float64)
    means = np.bincount(groups[order], weights=numbers) / sizes
    squares = np.bincount(groups[order], weights=(numbers - means[groups[order]]) ** 2)
    found: Floats = squares / (sizes - 1)
    return found
