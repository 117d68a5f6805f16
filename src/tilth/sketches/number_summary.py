"""NumberSummary: all that is kept of a number column: moments, distribution, distinct values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.column_summary import ColumnSummary
from tilth.sketches.distinct_counts import DistinctCounts
from tilth.sketches.hashing import are_doubles, number_words
from tilth.sketches.moments import Moments
from tilth.sketches.number_counts import KEY_LIMIT, NumberCounts

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["DISTINCT_LIMIT", "NumberSummary"]

DISTINCT_LIMIT = 1 << 20


@dataclass
class _Beyond:
    """What the table cannot tell any more."""

    moments: Moments
    words: DistinctCounts


class NumberSummary(ColumnSummary):
    """Moments, distribution and distinct values of finite numbers, in one pass.

    While the table of numbers is exact, everything follows from it and nothing else is kept. From the moment
    it has to coarsen, or meets an integer that is no double, moments and distinct values are kept beside it;
    they begin with the exact table, so that the summary depends on the numbers alone.

    Integers beyond 2**53 that are no doubles keep exact extremes, sums and distinct values; their
    distribution has the precision of doubles.

    Args:
        limit: how many distinct numbers the table holds.
        distinct_limit: how many distinct numbers are told apart beyond that.

    Example:
        >>> summary = NumberSummary()
        >>> summary.update(np.array([2**62, 2**62 + 1]))
        >>> summary.distinct, summary.moments.low == 2**62
        (2, True)
    """

    def __init__(self, limit: int = KEY_LIMIT, distinct_limit: int = DISTINCT_LIMIT) -> None:
        self._table = NumberCounts(limit)
        self._distinct_limit = distinct_limit
        self._beyond: _Beyond | None = None
        self._known: Moments | None = None  # computed from the exact table, until more comes in

    def empty(self) -> Self:
        """A summary with the same limits that has seen nothing."""
        return type(self)(self._table.limit, self._distinct_limit)

    def update(
        self, values: np.ndarray, counts: np.ndarray | None = None, words: np.ndarray | None = None
    ) -> None:
        """Take in finite numbers, once each or `counts` (1 or more) times.

        Args:
            values: float64 or int64, shape (n,).
            counts: int64, shape (n,).
            words: the numbers' hashes (`number_words`), if they are known.
        """
        if not len(values):
            return
        self._known = None
        if self._beyond is None and not are_doubles(values):
            self._go_beyond()
        if self._beyond is None:
            self._table.collect(values.astype(np.float64, copy=False), counts)
            if self._table.is_full:
                self._settle()
            return
        self._beyond.moments.update(values, counts)
        self._beyond.words.update_hashes(number_words(values) if words is None else words, counts)
        self._table.update(values.astype(np.float64, copy=False), counts)

    def _settle(self) -> None:
        if self._beyond is None and self._table.overflow() is not None:
            self._go_beyond()
            self._table.coarsen()

    def _settled(self) -> tuple[NumberCounts, _Beyond | None]:
        self._settle()
        return self._table, self._beyond

    def _holds_all(self) -> bool:
        return self._beyond is None

    def _go_beyond(self) -> None:
        self._beyond = self._told()

    def _told(self) -> _Beyond:
        """What an exact table tells about moments and distinct numbers."""
        told = _Beyond(Moments(), DistinctCounts(self._distinct_limit))
        values, counts = self._table.overflow() or self._table.table()
        told.moments.update(values, counts)
        told.words.update_hashes(number_words(values), counts)
        return told

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen; the smaller limits hold."""
        self._known = None
        self._distinct_limit = min(self._distinct_limit, other._distinct_limit)
        other._settle()
        if self._beyond is None and other._beyond is None:
            self._table.absorb(other._table)
            if self._table.is_full:
                self._settle()
            return
        self._settle()
        if self._beyond is None:
            self._go_beyond()
        beyond, more = cast("_Beyond", self._beyond), other._beyond or other._told()
        beyond.moments.merge(more.moments)
        beyond.words.merge(more.words)
        self._table.merge(other._table)

    @property
    def table(self) -> NumberCounts:
        """The distribution."""
        self._settle()
        return self._table

    @property
    def moments(self) -> Moments:
        """Count, extremes, sums."""
        self._settle()
        if self._beyond is not None:
            return self._beyond.moments
        if self._known is None:
            self._known = Moments()
            self._known.update(*self._table.table())
        return self._known

    @property
    def count(self) -> int:
        """How many numbers were taken in."""
        return self.table.count

    def to_state(self) -> JSONObject:
        """The states of the parts; moments and distinct values only where the table does not tell them."""
        self._settle()
        beyond = self._beyond
        return {
            "distinct_limit": self._distinct_limit,
            "table": self._table.to_state(),
            "moments": beyond.moments.to_state() if beyond is not None else None,
            "words": beyond.words.to_state() if beyond is not None else None,
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The summary that wrote `state`."""
        found = cast("dict[str, Any]", state)
        table = NumberCounts.from_state(found["table"])
        summary = cls(table.limit, found["distinct_limit"])
        summary._table = table
        if found["moments"] is not None:
            words = DistinctCounts.from_state(found["words"])
            summary._beyond = _Beyond(Moments.from_state(found["moments"]), words)
        return summary
