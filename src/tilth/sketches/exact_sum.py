"""ExactSum: the sum of numbers without rounding, the same in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from tilth.sketches.power_sums import UNIT_BITS, power_sums
from tilth.sketches.sketch import Sketch

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["ExactSum"]


class ExactSum(Sketch):
    """The sum of finite numbers as one big integer, in units of 2**-1074.

    Nothing is rounded until `value` is read, so batches, order and merging never change a bit.

    Example:
        >>> total = ExactSum()
        >>> total.update(np.array([1e100, 1.0, -1e100]))
        >>> total.value
        1.0
    """

    def __init__(self, units: int = 0) -> None:
        self.units = units

    def update(self, values: np.ndarray) -> None:
        """Add finite numbers.

        Args:
            values: float64 or int64, shape (n,), without NaN and infinities.
        """
        self.units += power_sums(values)[0]

    def merge(self, other: Self) -> None:
        """Add the other sum."""
        self.units += other.units

    @property
    def value(self) -> float | None:
        """The sum rounded once to the nearest double; None beyond the range of doubles."""
        try:
            return self.units / (1 << UNIT_BITS)
        except OverflowError:
            return None

    def to_state(self) -> JSONObject:
        """The integer in hexadecimal."""
        return {"units": format(self.units, "x")}

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sum that wrote `state`."""
        return cls(int(str(state["units"]), 16))
