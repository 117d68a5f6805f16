"""Methods of numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.expressions.categories import key_node
from tilth.features.nodes import KIND_WORDS, NUMERIC, Kind, Node
from tilth.features.requirements import finite, is_whole, need, whole
from tilth.features.source_lines import caller_line

__all__ = ["NumberMethods"]

_MOST_BUCKETS = 65_536
"""Quantiles are exact up to so many different numbers."""


class NumberMethods(Base):
    """Missing values, bounds, scaling, buckets."""

    def fill_missing(self, value: float | str, *, indicator: bool = False, by: Base | None = None) -> Self:
        """The value where it is there, else another.

        Args:
            value: for numbers a number, or "mean", "median" or "mode" (the most frequent) of the training
                data; for text a text, or "mode"; for images a level from 0 to 255, which a missing image
                then is one pixel of.
            indicator: give two columns, the filled value and 1 where it was missing (feature is missing).
            by: a category; with "mean", the mean of the training rows that have the same value of it. Where
                that is new or missing, or none of them has a value: the mean of all rows.

        Raises:
            FeatureError: a value of another type, or a datetime.
        """
        self._need((*NUMERIC, "text", "image"), "fill_missing")
        filled = self._filled(value) if by is None else self._filled_by(value, by)
        if not indicator:
            return filled
        nodes = (filled.node, self.is_missing().node)
        text = f"{self}.fill_missing({value!r}, indicator=True)"
        need(filled.node, NUMERIC, text)
        return self._of(Node(op.Group(("", " is missing")), nodes, "vector", text, caller_line()))

    def _filled(self, value: float | str) -> Self:
        if self.kind == "image":
            return self._method(op.FillImage(_level(self._node, value)), "image", "fill_missing", value)
        operation = _fill(self._node, value)
        return self._method(operation, _filled_kind(self.kind, operation), "fill_missing", value)

    def _filled_by(self, value: float | str, by: Base) -> Self:
        if value != "mean" or self.kind not in NUMERIC:
            raise FeatureError(
                f"{self}.fill_missing({value!r}, by={by!r})",
                where=caller_line(),
                expected='"mean" of numbers where a key is given',
            )
        return self._by(op.FillFromBy(), "fill_missing", by, value)

    def is_missing(self) -> Self:
        """1 where there is no value, else 0; an image that cannot be decoded is none."""
        self._need((*NUMERIC, "text", "datetime", "image"), "is_missing")
        operation = op.NoImage() if self.kind == "image" else op.IsMissing()
        return self._method(operation, "flag", "is_missing")

    def clip(self, low: float | None = None, high: float | None = None) -> Self:
        """Not below `low` and not above `high`; None for no bound.

        Raises:
            FeatureError: not a number, or bounds that exclude each other.
        """
        self._need(NUMERIC, "clip")
        lower = -math.inf if low is None else finite(low, "clip")
        upper = math.inf if high is None else finite(high, "clip")
        if lower > upper:
            raise FeatureError(
                f"{self}.clip({low!r}, {high!r}): low is above high",
                where=caller_line(),
                expected="low <= high",
            )
        bounds = [bound for bound in (lower, upper) if math.isfinite(bound)]
        kind: Kind = "integer" if self.kind != "number" and all(map(is_whole, bounds)) else "number"
        return self._method(op.Clip(lower, upper), kind, "clip", low, high)

    def clip_quantiles(self, low: float = 0.01, high: float = 0.99) -> Self:
        """Not below one quantile of the training data and not above another.

        Args:
            low: the share of the values below the lower bound, 0 for no bound; quantiles are linear between
                neighbors.
            high: the share of the values below the upper bound, 1 for no bound.

        Raises:
            FeatureError: not a number, or shares that are not 0 <= low < high <= 1.
        """
        shares = finite(low, "clip_quantiles"), finite(high, "clip_quantiles")
        if not 0 <= shares[0] < shares[1] <= 1:
            raise FeatureError(
                f"{self}.clip_quantiles({low!r}, {high!r})",
                where=caller_line(),
                expected="shares with 0 <= low < high <= 1",
            )
        return self._analyzed(op.ClipQuantiles(*shares), "clip_quantiles", low, high)

    def center(self, *, by: Base | None = None) -> Self:
        """The value minus the training data's mean.

        Args:
            by: a category; the mean of the training rows that have the same value of it. Where that is new
                or missing, or none of them has a value: the mean of all rows.
        """
        return (
            self._by(op.CenterBy(), "center", by) if by is not None else self._analyzed(op.Center(), "center")
        )

    def zscore(self, *, by: Base | None = None) -> Self:
        """The value minus the mean, divided by the population standard deviation; 0 where that is 0.

        Args:
            by: a category, as for `center`.
        """
        return (
            self._by(op.ZScoreBy(), "zscore", by) if by is not None else self._analyzed(op.ZScore(), "zscore")
        )

    def robust_scale(self) -> Self:
        """The value minus the median, divided by the 0.75 quantile minus the 0.25 one; 0 where that is 0."""
        return self._analyzed(op.RobustScale(), "robust_scale")

    def max_abs_scale(self) -> Self:
        """The value divided by the greatest size in the training data; 0 where that is 0."""
        return self._analyzed(op.MaxAbsScale(), "max_abs_scale")

    def scale(self, low: float = 0, high: float = 1, *, by: Base | None = None) -> Self:
        """The value mapped so that the training data reach from `low` to `high`.

        Values outside the training data's range go outside; a column with one value becomes `low`.

        Args:
            low: what the least value becomes.
            high: what the greatest value becomes.
            by: a category, as for `center`.

        Raises:
            FeatureError: not a number, or low not below high.
        """
        lower, upper = finite(low, "scale"), finite(high, "scale")
        if lower >= upper or math.isinf(upper - lower):
            raise FeatureError(
                f"{self}.scale({low!r}, {high!r}): low is not below high, or too far below it",
                where=caller_line(),
                expected="low < high",
            )
        arguments = () if (low, high) == (0, 1) else (low, high)
        if by is not None:
            return self._by(op.ScaleBy(lower, upper), "scale", by, *arguments)
        return self._analyzed(op.Scale(lower, upper), "scale", *arguments)

    def buckets(self, bounds: Sequence[float]) -> Self:
        """Which bucket the value is in: 0 below the first bound; a value equal to a bound is above it.

        Args:
            bounds: ascending numbers.

        Raises:
            FeatureError: not a number; no bounds or more than 65,536, or bounds that do not ascend.
        """
        self._need(NUMERIC, "buckets")
        numbers = self._ascending(bounds, "buckets", 1)
        return self._method(op.Buckets(numbers), "integer", "buckets", list(bounds))

    def quantile_buckets(self, count: int) -> Self:
        """Which of `count` buckets the value is in, with about as many training values in each.

        Raises:
            FeatureError: not a number, or fewer than 2 or more than 65,536 buckets.
        """
        self._need(NUMERIC, "quantile_buckets")
        _check_buckets(count, "quantile_buckets")
        return self._method(op.QuantileBuckets(count), "integer", "quantile_buckets", count)

    def equal_width_buckets(self, count: int) -> Self:
        """Which of `count` buckets of equal width the value is in, from the least training value on.

        Bounds are low + k (high - low) / count; a value equal to one is above it. Beyond the training data
        are the first and the last bucket.

        Raises:
            FeatureError: not a number, or fewer than 2 or more than 65,536 buckets.
        """
        self._need(NUMERIC, "equal_width_buckets")
        _check_buckets(count, "equal_width_buckets")
        return self._method(op.EqualWidthBuckets(count), "integer", "equal_width_buckets", count)

    def quantile_ranks(self, bounds: int | Sequence[float] = 100) -> Self:
        """Where the value stands among others, from 0 to 1, linear between bounds.

        Args:
            bounds: ascending numbers, of which each is as much higher than the one before; or a number of
                buckets: then the bounds are the least training value, the boundaries of `quantile_buckets`
                and the greatest value. A value that is several of these has the mean of their ranks.

        Raises:
            FeatureError: not a number; fewer than 2 or more than 65,536 bounds or buckets, or bounds that do
                not ascend.
        """
        if isinstance(bounds, int):
            _check_buckets(bounds, "quantile_ranks")
            return self._analyzed(op.QuantileRanks(bounds), "quantile_ranks", bounds)
        numbers = self._ascending(bounds, "quantile_ranks", 2)
        if math.isinf(numbers[-1] - numbers[0]):
            raise FeatureError(
                f"{self}.quantile_ranks({list(bounds)!r}): the bounds are too far apart",
                where=caller_line(),
                expected="a distance below the greatest double",
            )
        ranks = tuple(place / (len(numbers) - 1) for place in range(len(numbers)))
        self._need(NUMERIC, "quantile_ranks")
        return self._method(op.Ranks(numbers, ranks), "number", "quantile_ranks", list(bounds))

    def _ascending(self, bounds: Sequence[float], method: str, least: int) -> tuple[float, ...]:
        if not isinstance(bounds, Iterable):
            raise FeatureError(
                f"{self}.{method}({bounds!r})", where=caller_line(), expected="numbers, such as [18, 30, 65]"
            )
        numbers = tuple(finite(bound, method) for bound in bounds)
        if len(numbers) > _MOST_BUCKETS:
            raise FeatureError(
                f"{self}.{method}() got {len(numbers):,} bounds",
                where=caller_line(),
                expected=f"at most {_MOST_BUCKETS:,}",
            )
        if len(numbers) < least or any(a >= b for a, b in itertools.pairwise(numbers)):
            raise FeatureError(
                f"{self}.{method}({list(bounds)!r}): the bounds do not ascend",
                where=caller_line(),
                expected=f"{'' if least == 1 else '2 or more '}ascending numbers, such as [18, 30, 65]",
            )
        return numbers

    def _by(self, operation: op.Analyzed, method: str, by: Base, *arguments: object) -> Self:
        """The expression of a method with a key."""
        self._need(NUMERIC, method)
        shown = ", ".join([*map(repr, arguments), f"by={by!r}"])
        text = f"{self}.{method}({shown})"
        key = key_node(by, text)
        return self._of(Node(operation, (self._node, key), "number", text, caller_line()))

    def _analyzed(self, operation: op.Analyzed, method: str, *arguments: object) -> Self:
        self._need((*NUMERIC, "numbers"), method)
        kind: Kind = "numbers" if self.kind == "numbers" else "number"
        return self._method(operation, kind, method, *arguments)


def _check_buckets(count: object, method: str) -> None:
    whole(count, 2, method)
    if isinstance(count, int) and count > _MOST_BUCKETS:
        raise FeatureError(
            f"{method} got {count!r}", where=caller_line(), expected=f"at most {_MOST_BUCKETS:,} buckets"
        )


def _fill(node: Node, value: float | str) -> op.FillFrom | op.FillWith:
    if value == "mode":
        return op.FillFrom("mode")
    if node.kind == "text" and isinstance(value, str) and value:
        return op.FillWith(value)
    if node.kind != "text" and (value == "mean" or value == "median"):
        return op.FillFrom("mean" if value == "mean" else "median")
    if node.kind != "text" and isinstance(value, int | float):
        return op.FillWith(finite(value, "fill_missing"))
    wanted = '"mode" or a text' if node.kind == "text" else '"mean", "median", "mode" or a number'
    raise FeatureError(
        f"{node.text}.fill_missing({value!r}) does not fit {KIND_WORDS[node.kind]}",
        where=caller_line(),
        expected=wanted,
    )


def _level(node: Node, value: float | str) -> float:
    if isinstance(value, int | float) and 0 <= value <= 255:
        return float(value)
    raise FeatureError(
        f"{node.text}.fill_missing({value!r}) does not fit an image",
        where=caller_line(),
        expected="a level from 0 (black) to 255 (white)",
    )


def _filled_kind(kind: Kind, operation: op.FillFrom | op.FillWith) -> Kind:
    if kind in ("text", "number") or operation == op.FillFrom("mode"):
        return kind
    if isinstance(operation, op.FillFrom) or not is_whole(operation.value):
        return "number"
    return "flag" if kind == "flag" and operation.value in (0, 1) else "integer"
