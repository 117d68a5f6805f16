"""NumberSummary: all that is kept of a number column: moments, distribution, distinct values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.distinct_counts import DistinctCounts
from tilth.sketches.moments import Moments
from tilth.sketches.number_counts import NumberCounts, to_keys
from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["NumberSummary"]

_LARGEST_WHOLE = 1 << 53
_LONG = np.uint64(0x6A09E667F3BCC908)  # keeps long integers apart from the keys of doubles


@dataclass(eq=False)
class NumberSummary(Sketch):
    """Moments, distribution and distinct values of finite numbers, in one pass.

    Integers beyond 2**53 keep exact extremes, sums and distinct values; their distribution has the precision
    of doubles.

    Args:
        moments: count, extremes, sums.
        table: the distribution.
        words: the distinct values.

    Example:
        >>> summary = NumberSummary()
        >>> summary.update(np.array([2**62, 2**62 + 1]))
        >>> summary.distinct, summary.moments.low == 2**62
        (2, True)
    """

    __hash__ = None

    moments: Moments = field(default_factory=Moments)
    table: NumberCounts = field(default_factory=NumberCounts)
    words: DistinctCounts = field(default_factory=DistinctCounts)

    def update(self, values: np.ndarray) -> None:
        """Take in finite numbers, float64 or int64, shape (n,)."""
        if not len(values):
            return
        self.moments.update(values)
        numbers = values.astype(np.float64, copy=False)
        self.table.update(numbers)
        words = to_keys(numbers).view(np.uint64)
        if values.dtype.kind == "i" and not self._has_short_values:
            long = (values > _LARGEST_WHOLE) | (values < -_LARGEST_WHOLE)
            words = np.where(long, values.view(np.uint64) ^ _LONG, words)
        self.words.update(words)

    @property
    def _has_short_values(self) -> bool:
        low, high = self.moments.low, self.moments.high
        return low is None or high is None or (low >= -_LARGEST_WHOLE and high <= _LARGEST_WHOLE)

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        self.moments.merge(other.moments)
        self.table.merge(other.table)
        self.words.merge(other.words)

    @property
    def is_exact(self) -> bool:
        """Whether the table holds every distinct number."""
        return self.table.is_exact and self._has_short_values

    @property
    def distinct(self) -> int:
        """The number of distinct values, exact or estimated."""
        return self.table.distinct if self.is_exact else self.words.distinct

    @property
    def has_repeats(self) -> bool:
        """Whether a value came more than once, as far as values are kept."""
        if self.is_exact:
            return self.table.distinct < self.moments.count
        return self.words.has_repeats

    def to_state(self) -> JSONObject:
        """The states of the parts; distinct values only where the table does not tell them."""
        words: JSONObject = {"limit": self.words.limit} if self.is_exact else self.words.to_state()
        return {"moments": self.moments.to_state(), "table": self.table.to_state(), "words": words}

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The summary that wrote `state`."""
        found = cast("dict[str, Any]", state)
        moments, table = Moments.from_state(found["moments"]), NumberCounts.from_state(found["table"])
        if "hashes" in found["words"]:
            return cls(moments, table, DistinctCounts.from_state(found["words"]))
        words = DistinctCounts(found["words"]["limit"])
        keys, counts = table.keys_at(0)
        words.update(keys.view(np.uint64), counts)
        return cls(moments, table, words)
