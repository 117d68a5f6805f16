"""Methods that apply a function to a number."""

from __future__ import annotations

from typing import Self

from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.nodes import NUMERIC, Kind
from tilth.features.requirements import finite

__all__ = ["ElementaryMethods"]


class ElementaryMethods(Base):
    """Logarithms, powers, signs, rounding."""

    def log(self) -> Self:
        """The natural logarithm; missing at 0 and below."""
        return self._function(op.Logarithm(), "number", "log")

    def log1p(self) -> Self:
        """The natural logarithm of 1 + value, rounded to single precision; missing at -1 and below."""
        return self._function(op.Log1p(), "number", "log1p")

    def exp(self) -> Self:
        """E to the power of the value; missing beyond the greatest double."""
        return self._function(op.Exponential(), "number", "exp")

    def sqrt(self) -> Self:
        """The square root; missing below 0."""
        return self._function(op.SquareRoot(), "number", "sqrt")

    def power(self, exponent: float) -> Self:
        """The value to a power; missing where that is undefined or beyond the greatest double.

        Raises:
            FeatureError: not a number, or an exponent that is no constant.
        """
        return self._function(op.Power(finite(exponent, "power")), "number", "power", exponent)

    def __pow__(self, exponent: float) -> Self:
        return self.power(exponent)

    def abs(self) -> Self:
        """The size of the value, without its sign."""
        return self._function(op.Absolute(), "number" if self.kind == "number" else "integer", "abs")

    def __abs__(self) -> Self:
        return self.abs()

    def sign(self) -> Self:
        """-1, 0 or 1."""
        return self._function(op.Sign(), "integer", "sign")

    def round(self) -> Self:
        """The nearest whole number; of two the even one."""
        return self._function(op.Round(), "integer", "round")

    def floor(self) -> Self:
        """The greatest whole number that is not above the value."""
        return self._function(op.Floor(), "integer", "floor")

    def _function(self, operation: op.RowWise, kind: Kind, method: str, *arguments: object) -> Self:
        self._need(NUMERIC, method)
        return self._method(operation, kind, method, *arguments)
