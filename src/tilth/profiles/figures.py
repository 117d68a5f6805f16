"""ColumnFigures: what is kept of one column, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self, TypeAlias

from tilth.profiles.dates import Dates, dates_of, iso_text

if TYPE_CHECKING:
    from tilth.sketches import DistinctCounts, Moments, NumberSummary, TextSummary
    from tilth.types import ColumnType

__all__ = ["QUANTILES", "ColumnFigures", "Value"]

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

Value: TypeAlias = "str | int | float | bool"

_NEARLY_ALL = 0.99
_TOP = 20


@dataclass(frozen=True)
class ColumnFigures:
    """What is kept of one column, and the figures that follow from it.

    All figures on numbers are of the finite ones. Datetimes are numbers of microseconds since 1970 in every
    numeric figure, and ISO texts in `to_dict`. Bools are 0 and 1. See docs/profiles.md for what is exact.

    Args:
        name: the column's name.
        type: what the column holds.
        count: values that are there (infinities included).
        missing: nulls and NaN.
        nan: NaN among the missing.
        infinite: infinities among the values.
        numbers: summary of the numbers; None for texts, lists, images and recordings.
        texts: summary of the texts; None for all other types.
        contents: the distinct lists, images or recordings.
        sizes: how many items the lists have, or bytes the images or recordings.
        items: the profile of the items of all lists.
        weights: the same column with every row counted as often as it has millionths of weight.
    """

    name: str
    type: ColumnType
    count: int
    missing: int
    nan: int = 0
    infinite: int = 0
    numbers: NumberSummary | None = None
    texts: TextSummary | None = None
    contents: DistinctCounts | None = None
    sizes: NumberSummary | None = None
    items: Self | None = None
    weights: Self | None = None

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.count + self.missing

    @property
    def distinct(self) -> int:
        """How many different values; exact while `is_distinct_exact`. Infinities do not count."""
        summary = self.texts or self.numbers or self.contents
        return summary.distinct if summary is not None else 0

    @property
    def is_exact(self) -> bool:
        """Whether every distinct value and its count is kept (65,536 numbers, 262,144 texts)."""
        summary = self.texts or self.numbers or self.contents
        return summary is not None and summary.is_exact

    @property
    def is_distinct_exact(self) -> bool:
        """Whether `distinct` and `is_unique` are exact (a million, of floats and dates 65,536)."""
        summary = self.texts or self.numbers
        return summary.is_distinct_exact if summary is not None else self.is_exact

    @property
    def is_unique(self) -> bool:
        """Whether no value came twice, as far as values are kept."""
        summary = self.texts or self.numbers or self.contents
        return summary is None or not summary.has_repeats

    @property
    def is_constant(self) -> bool:
        """Whether all values are the same one; missing ones do not count."""
        return self.distinct == 1 and not self.infinite

    @property
    def is_near_constant(self) -> bool:
        """Whether one value makes up 99 % of the values or more, but not all."""
        top = self.top(1)
        return bool(top) and not self.is_constant and top[0][1] >= _NEARLY_ALL * self.count

    @property
    def sum(self) -> float | None:
        """The sum; None without numbers, for dates and beyond the range of doubles."""
        return self.numbers.moments.sum if self.numbers is not None and self.type != "datetime" else None

    @property
    def mean(self) -> float | None:
        """The mean; None without numbers."""
        return self.numbers.moments.mean if self.numbers is not None else None

    @property
    def std(self) -> float | None:
        """The population standard deviation; None without numbers."""
        return self.numbers.moments.std if self.numbers is not None else None

    @property
    def min(self) -> int | float | None:
        """The least number; None without numbers."""
        return self._number(self.numbers.moments.low) if self.numbers is not None else None

    @property
    def max(self) -> int | float | None:
        """The greatest number; None without numbers."""
        return self._number(self.numbers.moments.high) if self.numbers is not None else None

    @property
    def zeros(self) -> int | None:
        """How many numbers are 0; None for strings."""
        return self.numbers.moments.zeros if self.numbers is not None else None

    @property
    def median(self) -> float | None:
        """The median; None without numbers."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float | None:
        """The quantile at `share` in [0, 1], linear between neighbors; None without numbers."""
        return self.quantiles([share])[0]

    def quantiles(self, shares: Sequence[float] = QUANTILES) -> list[float | None]:
        """The quantiles at `shares`, each in [0, 1]; None without numbers."""
        return self.numbers.table.quantiles(shares) if self.numbers is not None else [None] * len(shares)

    def quantile_boundaries(self, buckets: int) -> list[float]:
        """The `buckets - 1` inner boundaries of equally filled buckets; empty without numbers."""
        return self.numbers.table.quantile_boundaries(buckets) if self.numbers is not None else []

    def histogram(self, bins: int = 10) -> list[tuple[float, float, int]]:
        """Bins of equal width as (low, high, count); empty without numbers."""
        return self.numbers.table.histogram(bins) if self.numbers is not None else []

    def quantile_histogram(self, bins: int = 10) -> list[tuple[float, float, int]]:
        """Bins of about equal counts as (low, high, count), fewer where values repeat."""
        return self.numbers.table.quantile_histogram(bins) if self.numbers is not None else []

    @property
    def mode(self) -> Value | None:
        """The most frequent value; of equally frequent ones the last in order. None without values."""
        if self.texts is not None:
            found = self.texts.top(1)
            return found[0][0] if found else None
        if self.numbers is None or not self.numbers.count:
            return None
        return self._value(self.numbers.table.top(1)[0][0])

    def top(self, k: int | None = _TOP) -> list[tuple[Value, int]]:
        """The most frequent values, by count then value, both descending; None for all.

        While `is_exact`. Beyond, those that make up 1 % or more of the values: of texts none is missed, and
        counts are too large by about 1/16,384 of the values at most; of numbers those that stand out among
        their neighbors, and counts are those of all numbers that agree in their leading digits.
        """
        return self._frequent[:k] if k is not None and k <= _TOP else self._top(k)

    @cached_property
    def _frequent(self) -> list[tuple[Value, int]]:
        return self._top(_TOP)

    def _top(self, k: int | None) -> list[tuple[Value, int]]:
        if self.texts is not None:
            return list(self.texts.top(k))
        if self.numbers is None:
            return []
        table = self.numbers.table
        found = table.top(k) if self.numbers.is_exact else table.heavy()[:k]
        return [(self._value(value), count) for value, count in found]

    def rare(self, k: int = 5) -> list[tuple[Value, int]]:
        """The least frequent values, by count then value, both ascending; empty unless `is_exact`."""
        if not self.is_exact:
            return []
        if self.texts is not None:
            return list(self.texts.counts.rare(k))
        found = self.numbers.table.rare(k) if self.numbers is not None else []
        return [(self._value(value), count) for value, count in found]

    def counts(self) -> dict[str, int]:
        """Every distinct value kept, as text, with its count; numbers as they print, bools true and false."""
        if self.texts is not None:
            return self.texts.counts.to_dict()
        if self.numbers is None:
            return {}
        values, counts = self.numbers.table.table()
        names = (self.show(value) for value in values.tolist())
        return {
            (str(name).lower() if self.type == "bool" else str(name)): count
            for name, count in zip(names, counts.tolist(), strict=True)
        }

    @property
    def lengths(self) -> Moments | None:
        """Of texts in characters, of lists in items; None for other types."""
        if self.texts is not None:
            return self.texts.lengths
        return self.sizes.moments if self.sizes is not None and self.items is not None else None

    @property
    def byte_lengths(self) -> Moments | None:
        """Of texts (as UTF-8), images and recordings in bytes; None for other types."""
        if self.texts is not None:
            return self.texts.shape.byte_lengths
        return self.sizes.moments if self.sizes is not None and self.items is None else None

    @property
    def tokens(self) -> Moments | None:
        """How many words texts have, which is what stands between white space; None for other types."""
        return self.texts.shape.words if self.texts is not None else None

    @property
    def characters(self) -> Mapping[str, float] | None:
        """The shares of letters, digits, spaces and others among all characters; None without any."""
        if self.texts is None or not self.texts.shape.characters.sum():
            return None
        found = self.texts.shape.characters
        shares = (found / found.sum()).tolist()
        return dict(zip(("letters", "digits", "spaces", "other"), shares, strict=True))

    @property
    def empty_texts(self) -> int | None:
        """How many texts have no character; None for other types."""
        return self.texts.shape.empty_texts if self.texts is not None else None

    @cached_property
    def dates(self) -> Dates | None:
        """Range, usual step, gaps and repeats of dates; None for other types and without values."""
        return dates_of(self.numbers) if self.type == "datetime" and self.numbers is not None else None

    def _number(self, number: float | None) -> int | float | None:
        if number is None:
            return None
        return float(number) if self.type == "float" else int(number)

    def _value(self, number: float) -> Value:
        if self.type == "bool":
            return bool(number)
        return int(number) if self.type in ("int", "datetime") else float(number)

    def show(self, number: float | None) -> Value | None:
        """A number as people read it: dates as ISO texts, bools as such."""
        if number is None:
            return None
        return iso_text(number) if self.type == "datetime" else self._value(number)
