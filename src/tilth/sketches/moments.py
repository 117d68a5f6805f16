"""Moments: count, extremes, mean and standard deviation of numbers, exact until they are read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tilth.sketches.power_sums import UNIT_BITS, power_sums
from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Moments"]

_LARGEST_WHOLE = 1 << 53


class Moments(Sketch):
    """Count, zeros, extremes, exact sum and exact sum of squares of finite numbers.

    The standard deviation is the population's; it does not suffer from large offsets, because the squares are
    subtracted as integers.

    Example:
        >>> moments = Moments()
        >>> moments.update(np.array([1e9 + 1, 1e9 + 2, 1e9 + 3]))
        >>> moments.mean, moments.std, moments.sum
        (1000000002.0, 0.816496580927726, 3000000006.0)
    """

    def __init__(self) -> None:
        self.count = 0
        self.zeros = 0
        self.low: int | float | None = None
        self.high: int | float | None = None
        self.units = 0  # the sum, in units of 2**-1074
        self.squares = 0  # the sum of squares, in units of 2**-2148

    def update(self, values: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Take in finite numbers, once each or `counts` times.

        Args:
            values: float64 or int64, shape (n,), without NaN and infinities.
            counts: int64, 1 or more, shape (n,).
        """
        if not len(values):
            return
        if counts is None:
            self.count += len(values)
            self.zeros += len(values) - int(np.count_nonzero(values))
        else:
            self.count += int(counts.sum())
            self.zeros += int(counts[values == 0].sum())
        self._stretch(values.min().item() + 0, values.max().item() + 0)  # minus zero becomes zero
        units, squares = power_sums(values, counts)
        self.units += units
        self.squares += squares

    def _stretch(self, low: float, high: float) -> None:
        self.low = _plain(low) if self.low is None else min(self.low, _plain(low))
        self.high = _plain(high) if self.high is None else max(self.high, _plain(high))

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        self.count += other.count
        self.zeros += other.zeros
        self.units += other.units
        self.squares += other.squares
        if other.low is not None and other.high is not None:
            self._stretch(other.low, other.high)

    @property
    def sum(self) -> float | None:
        """The sum, correctly rounded; None without values or beyond the range of doubles."""
        try:
            return self.units / (1 << UNIT_BITS) if self.count else None
        except OverflowError:
            return None

    @property
    def mean(self) -> float | None:
        """The mean, correctly rounded; None without values."""
        return self.units / (self.count << UNIT_BITS) if self.count else None

    @property
    def std(self) -> float | None:
        """The population standard deviation; None without values or beyond the range of doubles."""
        if not self.count:
            return None
        spread = self.count * self.squares - self.units**2  # count**2 times the variance
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
            "sum": format(self.units, "x"),
            "squares": format(self.squares, "x"),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The moments that wrote `state`."""
        found = cast("dict[str, Any]", state)
        moments = cls()
        moments.count, moments.zeros = found["count"], found["zeros"]
        moments.low, moments.high = found["low"], found["high"]
        moments.units, moments.squares = int(found["sum"], 16), int(found["squares"], 16)
        return moments


def _plain(number: float) -> int | float:
    # A whole number is the same whether it came as an int or as a float: one form for both.
    whole = abs(number) <= _LARGEST_WHOLE and float(number).is_integer()
    return int(number) if whole else number
