"""Coverage: does the reference cover what the current data holds?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilth.sketches import to_keys
from tilth.validation.words import percent, shortened

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.types import JSONObject

__all__ = ["Coverage", "range_coverage", "value_coverage"]

_SHOWN = 10
_NAMED = 3
_USUAL = 0.99
_NOTABLE = 3


@dataclass(frozen=True)
class Coverage:
    """What of the current values the reference has seen.

    Args:
        share: the share of the current values inside the reference's range or among its values, 0 to 1.
        outside: how many values are not.
        values: some of those with their counts: of a range the farthest out first, else the most frequent.
        range: the reference's least and greatest number; None for values that have no order.
        by_chance: how many numbers would be outside the range on average, were nothing changed: the least and
            the greatest of n numbers leave 2 in n + 1 out.

    Example:
        >>> from tilth.validation import compare
        >>> before, after = {"size": ["S", "S", "M", "M"]}, {"size": ["S", "L", "L", "M"]}
        >>> found = compare(before, after).columns["size"].coverage
        >>> found.share, found.values
        (0.5, (('L', 2),))
    """

    share: float
    outside: int
    values: tuple[tuple[str | float, int], ...] = ()
    range: tuple[float, float] | None = None
    by_chance: float | None = None

    def to_json(self) -> JSONObject:
        """The coverage as JSON values."""
        return {
            "share": self.share,
            "outside": self.outside,
            "values": [[value, count] for value, count in self.values],
            "range": list(self.range) if self.range is not None else None,
            "by_chance": self.by_chance,
        }

    @property
    def is_notable(self) -> bool:
        """Whether a person should hear of it: any new category, or 1 % beyond a range and beyond chance."""
        if self.by_chance is None:
            return self.outside > 0
        return self.share < _USUAL and self.outside > _NOTABLE * (self.by_chance + 1)

    def __str__(self) -> str:
        shown = ", ".join(f"{_shown(value)} ({count:,})" for value, count in self.values[:_NAMED])
        more = ", ..." if len(self.values) > _NAMED else ""
        beyond = "not among the reference's" if self.range is None else "outside the reference's range"
        return f"{percent(1 - self.share)} of the values are {beyond}: {shown}{more}"


def _shown(value: str | float) -> str:
    return shortened(value) if isinstance(value, str) else f"{value:.6g}"


def range_coverage(old: ColumnProfile, new: ColumnProfile) -> Coverage | None:
    """How many of the current finite numbers lie within the reference's range; None without numbers.

    Where the current profile is approximate, numbers that share a key with an end of the range count as
    inside.
    """
    if old.numbers is None or new.numbers is None or new.min is None or old.min is None:
        return None
    assert old.max is not None
    assert new.max is not None
    ends = (old.min, old.max)
    total = new.numbers.moments.count
    by_chance = 2 * total / (old.numbers.moments.count + 1)
    if old.min <= new.min and new.max <= old.max:
        return Coverage(1.0, 0, (), ends, by_chance)
    table = new.numbers.table
    keys, counts = table.keys_at(table.shift)
    low, high = to_keys(np.array(ends, np.float64), table.shift)
    outside = np.concatenate(
        [np.arange(np.searchsorted(keys, low)), np.arange(np.searchsorted(keys, high, "right"), len(keys))]
    )
    count = int(counts[outside].sum())
    numbers = table.numbers_of(keys[outside], table.shift)
    farthest = np.argsort(-np.maximum(ends[0] - numbers, numbers - ends[1]), kind="stable")[:_SHOWN]
    values = tuple(
        (int(numbers[i]) if new.type == "int" else float(numbers[i]), int(counts[outside[i]]))
        for i in farthest
    )
    return Coverage(1 - count / total, count, values, ends, by_chance)


def value_coverage(names: Callable[[int], str], reference: np.ndarray, current: np.ndarray) -> Coverage:
    """How many of the current values are among the reference's.

    Args:
        names: the name of each value by its position.
        reference: counts of the values, shape (k,).
        current: counts of the same values, not all 0.
    """
    new = np.flatnonzero((reference == 0) & (current > 0))
    count, total = int(current[new].sum()), int(current.sum())
    frequent = new[np.argsort(-current[new], kind="stable")][:_SHOWN]
    return Coverage(1 - count / total, count, tuple((names(int(i)), int(current[i])) for i in frequent))
