"""Methods of numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.nodes import KIND_WORDS, NUMERIC, Kind, Node
from tilth.features.requirements import finite, is_whole, whole
from tilth.features.source_lines import caller_line

__all__ = ["NumberMethods"]


class NumberMethods(Base):
    """Missing values, bounds, scaling, buckets."""

    def fill_missing(self, value: float | str) -> Self:
        """The value where it is there, else another.

        Args:
            value: for numbers a number, or "mean", "median" or "mode" (the most frequent) of the training
                data; for text a text, or "mode".

        Raises:
            FeatureError: a value of another type, or a datetime.
        """
        self._need((*NUMERIC, "text"), "fill_missing")
        operation = _fill(self._node, value)
        return self._method(operation, _filled_kind(self.kind, operation), "fill_missing", value)

    def is_missing(self) -> Self:
        """1 where there is no value, else 0."""
        self._need((*NUMERIC, "text", "datetime"), "is_missing")
        return self._method(op.IsMissing(), "flag", "is_missing")

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

    def center(self) -> Self:
        """The value minus the training data's mean."""
        return self._analyzed(op.Center(), "center")

    def zscore(self) -> Self:
        """The value minus the mean, divided by the population standard deviation; 0 where that is 0."""
        return self._analyzed(op.ZScore(), "zscore")

    def scale(self, low: float = 0, high: float = 1) -> Self:
        """The value mapped so that the training data reach from `low` to `high`.

        Values outside the training data's range go outside; a column with one value becomes `low`.

        Raises:
            FeatureError: not a number, or low not below high.
        """
        lower, upper = finite(low, "scale"), finite(high, "scale")
        if lower >= upper:
            raise FeatureError(
                f"{self}.scale({low!r}, {high!r}): low is not below high",
                where=caller_line(),
                expected="low < high",
            )
        arguments = () if (low, high) == (0, 1) else (low, high)
        return self._analyzed(op.Scale(lower, upper), "scale", *arguments)

    def log1p(self) -> Self:
        """The natural logarithm of 1 + value, rounded to single precision; missing at -1 and below."""
        self._need(NUMERIC, "log1p")
        return self._method(op.Log1p(), "number", "log1p")

    def buckets(self, bounds: Sequence[float]) -> Self:
        """Which bucket the value is in: 0 below the first bound; a value equal to a bound is above it.

        Args:
            bounds: ascending numbers.

        Raises:
            FeatureError: not a number; no bounds, or bounds that do not ascend.
        """
        self._need(NUMERIC, "buckets")
        numbers = tuple(finite(bound, "buckets") for bound in bounds)
        if not numbers or any(a >= b for a, b in itertools.pairwise(numbers)):
            raise FeatureError(
                f"{self}.buckets({list(bounds)!r}): the bounds do not ascend",
                where=caller_line(),
                expected="ascending numbers, such as [18, 30, 65]",
            )
        return self._method(op.Buckets(numbers), "integer", "buckets", list(bounds))

    def quantile_buckets(self, count: int) -> Self:
        """Which of `count` buckets the value is in, with about as many training values in each.

        Raises:
            FeatureError: not a number, or fewer than 2 buckets.
        """
        self._need(NUMERIC, "quantile_buckets")
        whole(count, 2, "quantile_buckets")
        return self._method(op.QuantileBuckets(count), "integer", "quantile_buckets", count)

    def _analyzed(self, operation: op.Analyzed, method: str, *arguments: object) -> Self:
        self._need(NUMERIC, method)
        return self._method(operation, "number", method, *arguments)


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


def _filled_kind(kind: Kind, operation: op.FillFrom | op.FillWith) -> Kind:
    if kind in ("text", "number") or operation == op.FillFrom("mode"):
        return kind
    if isinstance(operation, op.FillFrom) or not is_whole(operation.value):
        return "number"
    return "flag" if kind == "flag" and operation.value in (0, 1) else "integer"
