"""ColumnSummary: what the summaries of numbers and of texts share: exact until there are too many values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, Self

from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.sketches.distinct_counts import DistinctCounts

__all__ = ["ColumnSummary"]


class _Table(Protocol):
    @property
    def count(self) -> int: ...

    @property
    def distinct(self) -> int: ...


class _Beyond(Protocol):
    @property
    def words(self) -> DistinctCounts: ...


class ColumnSummary(Sketch):
    """A table of values with their counts, and what is kept beside it once it does not hold them all.

    Example:
        >>> from tilth.sketches import NumberSummary
        >>> import numpy as np
        >>> summary = NumberSummary()
        >>> summary.update(np.array([1, 2, 2]))
        >>> summary.is_exact, summary.distinct, summary.repeats, summary.has_repeats
        (True, 2, 1, True)
    """

    @abstractmethod
    def _settled(self) -> tuple[_Table, _Beyond | None]:
        """The table, and what is kept beside it or None while the table holds all."""

    def merged_with(self, others: Iterable[Self]) -> Self:
        """A new summary of everything; exact ones are brought together first, which is quicker."""
        total, exact = self.empty(), self.empty()
        for each in (self, *others):
            (exact if each.is_exact else total).merge(each)
            if not exact._holds_all():
                total.merge(exact)
                exact = self.empty()
        total.merge(exact)
        return total

    @abstractmethod
    def _holds_all(self) -> bool:
        """Whether nothing is kept beside the table yet; what waits to be counted is not looked at."""

    @property
    def is_exact(self) -> bool:
        """Whether the table holds every distinct value."""
        return self._settled()[1] is None

    @property
    def is_distinct_exact(self) -> bool:
        """Whether `distinct`, `repeats` and `has_repeats` are exact."""
        beyond = self._settled()[1]
        return beyond is None or beyond.words.is_exact

    @property
    def distinct(self) -> int:
        """The number of distinct values, exact or estimated."""
        table, beyond = self._settled()
        return table.distinct if beyond is None else beyond.words.distinct

    @property
    def repeats(self) -> int:
        """How many values are copies of another one, exact or estimated."""
        table, beyond = self._settled()
        return table.count - table.distinct if beyond is None else beyond.words.repeats

    @property
    def has_repeats(self) -> bool:
        """Whether a value came more than once, as far as values are kept."""
        table, beyond = self._settled()
        return table.count > table.distinct if beyond is None else beyond.words.has_repeats
