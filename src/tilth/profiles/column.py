"""ColumnProfile: the mergeable summary of one column."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from tilth.errors import DataError
from tilth.sketches import NumberSummary, TextSummary

if TYPE_CHECKING:
    from tilth.types import ColumnType, JSONObject, JSONValue

__all__ = ["QUANTILES", "ColumnProfile", "Value"]

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

Value: TypeAlias = "str | int | float | bool"

_EPOCH = datetime.datetime(1970, 1, 1)
_WIDER: dict[frozenset[str], ColumnType] = {frozenset({"int", "float"}): "float"}
_TOP = 20
_Summary = TypeVar("_Summary", NumberSummary, TextSummary)


@dataclass(frozen=True)
class ColumnProfile:
    """What is known of one column.

    All figures on numbers are of the finite ones. Datetimes are numbers of microseconds since 1970 in every
    numeric figure, and ISO texts in `to_dict`. Bools are 0 and 1.

    Args:
        name: the column's name.
        type: what the column holds.
        count: values that are there (infinities included).
        missing: nulls and NaN.
        nan: NaN among the missing.
        infinite: infinities among the values.
        numbers: summary of the numbers; None for strings.
        texts: summary of the texts; None for all other types.

    Example:
        >>> from tilth.profiles import profile
        >>> column = profile({"x": [3, 5, None]}).columns["x"]
        >>> column.count, column.missing, column.mean, column.std, column.median
        (2, 1, 4.0, 1.0, 4.0)
    """

    name: str
    type: ColumnType
    count: int
    missing: int
    nan: int
    infinite: int
    numbers: NumberSummary | None
    texts: TextSummary | None

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.count + self.missing

    @property
    def distinct(self) -> int:
        """How many different values; exact while `is_exact`, close beyond."""
        if self.texts is not None:
            return self.texts.counts.distinct
        return self.numbers.distinct if self.numbers is not None else 0

    @property
    def is_exact(self) -> bool:
        """Whether every distinct value and its count is kept (65,536 numbers, a million texts)."""
        if self.texts is not None:
            return self.texts.counts.is_exact
        return self.numbers is not None and self.numbers.is_exact

    @property
    def is_unique(self) -> bool:
        """Whether no value came twice, as far as values are kept."""
        if self.numbers is not None:
            return not self.numbers.has_repeats
        if self.texts is None:
            return True
        counts = self.texts.counts.table()[1]
        return not (counts > 1).any()

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
        return self.numbers.moments.low if self.numbers is not None else None

    @property
    def max(self) -> int | float | None:
        """The greatest number; None without numbers."""
        return self.numbers.moments.high if self.numbers is not None else None

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
        return self.numbers.table.quantile(share) if self.numbers is not None else None

    def quantile_boundaries(self, buckets: int) -> list[float]:
        """The `buckets - 1` inner boundaries of equally filled buckets; empty without numbers."""
        return self.numbers.table.quantile_boundaries(buckets) if self.numbers is not None else []

    def histogram(self, bins: int = 10) -> list[tuple[float, float, int]]:
        """Bins of equal width as (low, high, count); empty without numbers."""
        return self.numbers.table.histogram(bins) if self.numbers is not None else []

    @property
    def mode(self) -> Value | None:
        """The most frequent value; of equally frequent ones the last in order. None without values."""
        if self.texts is not None:
            found = self.texts.counts.top(1)
            return found[0][0] if found else None
        if self.numbers is None or not self.numbers.moments.count:
            return None
        return self._value(self.numbers.table.top(1)[0][0])

    def top(self, k: int = _TOP) -> list[tuple[Value, int]]:
        """The most frequent values, by count then value, both descending; empty where values all differ."""
        if self.texts is not None:
            return list(self.texts.counts.top(k))
        if self.numbers is None or not self.numbers.is_exact:
            return []
        return [(self._value(value), count) for value, count in self.numbers.table.top(k)]

    def counts(self) -> dict[str, int]:
        """Every distinct value kept, as text, with its count; numbers as they print, bools true and false."""
        if self.texts is not None:
            return self.texts.counts.to_dict()
        if self.numbers is None:
            return {}
        values, counts = self.numbers.table.table()
        names = (self._show(value) for value in values.tolist())
        return {
            (str(name).lower() if self.type == "bool" else str(name)): count
            for name, count in zip(names, counts.tolist(), strict=True)
        }

    def _value(self, number: float) -> Value:
        if self.type == "bool":
            return bool(number)
        return int(number) if self.type in ("int", "datetime") else float(number)

    def _show(self, number: float | None) -> Value | None:
        if number is None or self.type != "datetime":
            return None if number is None else self._value(number)
        try:
            return (_EPOCH + datetime.timedelta(microseconds=round(number))).isoformat()
        except OverflowError:
            return float(number)

    def __add__(self, other: ColumnProfile) -> ColumnProfile:
        """The profile of both parts; an int and a float column make a float column.

        Raises:
            DataError: the types cannot be brought together.
        """
        first, second = _same_kind(self, other)
        return ColumnProfile(
            name=self.name,
            type=first.type,
            count=first.count + second.count,
            missing=first.missing + second.missing,
            nan=first.nan + second.nan,
            infinite=first.infinite + second.infinite,
            numbers=_plus(first.numbers, second.numbers),
            texts=_plus(first.texts, second.texts),
        )

    def to_dict(self) -> JSONObject:
        """The summary as JSON values; what does not apply or is undefined is None."""
        numeric = self.numbers is not None and self.type != "bool"
        lengths = self.texts.lengths if self.texts is not None else None
        top: list[tuple[JSONValue, int]] = [
            (self._show(v) if isinstance(v, int | float) else v, n) for v, n in self.top()
        ]
        summary: dict[str, Any] = {
            "type": self.type,
            "count": self.count,
            "missing": self.missing,
            "nan": self.nan,
            "infinite": self.infinite,
            "distinct": self.distinct,
            "distinct_exact": self._distinct_is_exact,
            "mean": self._show_figure(self.mean),
            "std": self.std,
            "min": self._show(self.min),
            "max": self._show(self.max),
            "zeros": self.zeros,
            "quantiles": self._quantiles() if numeric else None,
            "histogram": self._histogram() if numeric else None,
            "top": [[value, count] for value, count in top],
            "length": lengths and {"min": lengths.low, "max": lengths.high, "mean": lengths.mean},
        }
        return summary

    @property
    def _distinct_is_exact(self) -> bool:
        return self.is_exact or (self.numbers is not None and self.numbers.words.is_exact)

    def _show_figure(self, number: float | None) -> JSONValue:
        return self._show(number) if self.type == "datetime" else number

    def _quantiles(self) -> dict[str, JSONValue]:
        assert self.numbers is not None
        found = self.numbers.table.quantiles(QUANTILES)
        return {str(share): self._show_figure(value) for share, value in zip(QUANTILES, found, strict=True)}

    def _histogram(self) -> list[list[JSONValue]]:
        bins = self.histogram()
        return [[self._show_figure(low), self._show_figure(high), count] for low, high, count in bins]

    def to_state(self) -> JSONObject:
        """What `from_state` needs beside the summary."""
        return {
            "numbers": self.numbers.to_state() if self.numbers is not None else None,
            "texts": self.texts.to_state() if self.texts is not None else None,
        }

    @classmethod
    def from_state(cls, name: str, summary: JSONObject, state: JSONObject) -> ColumnProfile:
        """The column that wrote `summary` (to_dict) and `state` (to_state)."""
        found, parts = cast("dict[str, Any]", summary), cast("dict[str, Any]", state)
        return cls(
            name=name,
            **{key: found[key] for key in ("type", "count", "missing", "nan", "infinite")},
            numbers=NumberSummary.from_state(parts["numbers"]) if parts["numbers"] else None,
            texts=TextSummary.from_state(parts["texts"]) if parts["texts"] else None,
        )


def _same_kind(left: ColumnProfile, right: ColumnProfile) -> tuple[ColumnProfile, ColumnProfile]:
    if left.type == right.type:
        return left, right
    wider = _WIDER.get(frozenset({left.type, right.type}))
    if wider is None and not right.count:
        return left, _emptied(right, left)
    if wider is None and not left.count:
        return _emptied(left, right), right
    if wider is None:
        raise DataError(
            f"two profiles of column '{left.name}' cannot be added: types {left.type} and {right.type}",
            expected="one type, or int and float",
            mend="read both tables with the same types",
        )
    return _retyped(left, wider), _retyped(right, wider)


def _retyped(column: ColumnProfile, kind: ColumnType) -> ColumnProfile:
    return ColumnProfile(
        column.name, kind, column.count, column.missing, column.nan, column.infinite, column.numbers, None
    )


def _emptied(column: ColumnProfile, like: ColumnProfile) -> ColumnProfile:
    return ColumnProfile(column.name, like.type, 0, column.missing, column.nan, 0, None, None)


def _plus(left: _Summary | None, right: _Summary | None) -> _Summary | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right
