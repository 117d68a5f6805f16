"""Moments: count, extremes, mean and standard deviation of numbers, exact until they are read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.exact_sum import UNIT_BITS, ExactSum, fixed_point_sum
from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Moments"]

_SPLIT = 134_217_729.0  # 2**27 + 1, Veltkamp's constant: halves a 53-bit mantissa
_LARGEST_WHOLE = 1 << 53
_WHOLE_SQUARE = 2.0**26


class Moments(Sketch):
    """Count, zeros, extremes, exact sum and exact sum of squares of finite numbers.

    The standard deviation is the population's; it does not suffer from large offsets, because the squares are
    subtracted as integers.

    Example:
        >>> moments = Moments()
        >>> moments.update(np.array([1e9 + 1, 1e9 + 2, 1e9 + 3]))
        >>> moments.mean, moments.std
        (1000000002.0, 0.816496580927726)
    """

    def __init__(self) -> None:
        self.count = 0
        self.zeros = 0
        self.low: int | float | None = None
        self.high: int | float | None = None
        self.total = ExactSum()
        self.squares = 0  # in units of 2**-2148, twice the unit bits of the sum

    def update(self, values: np.ndarray) -> None:
        """Take in finite numbers.

        Args:
            values: float64 or int64, shape (n,), without NaN and infinities.
        """
        if not len(values):
            return
        self.count += len(values)
        self.zeros += len(values) - int(np.count_nonzero(values))
        low, high = values.min().item(), values.max().item()
        self._stretch(low + 0, high + 0)  # minus zero becomes zero
        whole = values.dtype.kind == "i"
        if whole and max(high, -low) > _LARGEST_WHOLE:
            self._update_long(values)
            return
        numbers = values.astype(np.float64, copy=False)
        self.total.update(numbers)
        if whole and max(high, -low) <= _WHOLE_SQUARE:
            self.squares += fixed_point_sum(numbers * numbers) << UNIT_BITS
        else:
            self.squares += _square_sum(numbers)

    def _update_long(self, values: np.ndarray) -> None:
        # Integers beyond 2**53 are no doubles: cut each into two parts that are.
        upper = ((values >> 32) << 32).astype(np.float64)
        lower = (values & 0xFFFF_FFFF).astype(np.float64)
        self.total.update(upper)
        self.total.update(lower)
        twice = _product_sum(upper, lower) << 1
        self.squares += _product_sum(upper, upper) + twice + _product_sum(lower, lower)

    def _stretch(self, low: float, high: float) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        self.count += other.count
        self.zeros += other.zeros
        self.total.merge(other.total)
        self.squares += other.squares
        if other.low is not None and other.high is not None:
            self._stretch(other.low, other.high)

    @property
    def mean(self) -> float | None:
        """The mean, correctly rounded; None without values."""
        return self.total.units / (self.count << UNIT_BITS) if self.count else None

    @property
    def std(self) -> float | None:
        """The population standard deviation; None without values or beyond the range of doubles."""
        if not self.count:
            return None
        spread = self.count * self.squares - self.total.units**2  # count**2 times the variance
        root = math.isqrt((spread << 128) // (self.count * self.count))
        try:
            return root / (1 << (UNIT_BITS + 64))
        except OverflowError:
            return None

    def to_state(self) -> JSONObject:
        """Everything as JSON values; the sums in hexadecimal."""
        return {
            "count": self.count,
            "zeros": self.zeros,
            "low": self.low,
            "high": self.high,
            "total": format(self.total.units, "x"),
            "squares": format(self.squares, "x"),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The moments that wrote `state`."""
        found = cast("dict[str, Any]", state)
        moments = cls()
        moments.count, moments.zeros = found["count"], found["zeros"]
        moments.low, moments.high = found["low"], found["high"]
        moments.total = ExactSum(int(found["total"], 16))
        moments.squares = int(found["squares"], 16)
        return moments


def _square_sum(values: np.ndarray) -> int:
    # Far from one, squares leave the range of doubles: move these values by powers of two first.
    size = np.abs(values)
    largest, least = float(size.max()), float(size.min())
    if largest <= 2.0**400 and (least >= 2.0**-400 or not np.any((size > 0) & (size < 2.0**-400))):
        return _product_sum(values, values)
    huge, tiny = size > 2.0**400, size < 2.0**-400
    usual = values[~(huge | tiny)]
    large, small = values[huge] * 2.0**-600, values[tiny] * 2.0**600
    sums = _product_sum(usual, usual) + (_product_sum(large, large) << 1200)
    return sums + (_product_sum(small, small) >> 1200)


def _product_sum(left: np.ndarray, right: np.ndarray) -> int:
    # Dekker's two-product: rounded product and its error, both doubles, together exact.
    product = left * right
    left_high, left_low = _halves(left)
    right_high, right_low = (left_high, left_low) if left is right else _halves(right)
    error = ((left_high * right_high - product) + left_high * right_low + left_low * right_high) + (
        left_low * right_low
    )
    return (fixed_point_sum(product) + fixed_point_sum(error)) << UNIT_BITS


def _halves(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = _SPLIT * values
    high = scaled - (scaled - values)
    return high, values - high
