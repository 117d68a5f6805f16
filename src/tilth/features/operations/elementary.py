"""Operations that apply a function to each number, or to each pair of them."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.features.operations.operation import RowWise

__all__ = [
    "Absolute",
    "Cyclic",
    "Exponential",
    "Floor",
    "Larger",
    "Logarithm",
    "Modulo",
    "Power",
    "Round",
    "Sign",
    "Smaller",
    "SquareRoot",
]


@dataclass(frozen=True)
class Absolute(RowWise):
    """|a|."""


@dataclass(frozen=True)
class Sign(RowWise):
    """-1 below 0, 0 at 0, 1 above 0."""


@dataclass(frozen=True)
class Floor(RowWise):
    """The greatest whole number that is at most a."""


@dataclass(frozen=True)
class Round(RowWise):
    """The nearest whole number; the even one of two."""


@dataclass(frozen=True)
class SquareRoot(RowWise):
    """The square root of a; missing where a < 0."""


@dataclass(frozen=True)
class Logarithm(RowWise):
    """The natural logarithm of a; missing where a <= 0."""


@dataclass(frozen=True)
class Exponential(RowWise):
    """e**a; missing beyond the greatest double."""


@dataclass(frozen=True)
class Power(RowWise):
    """a**exponent; missing where that is undefined or beyond the greatest double."""

    exponent: float


@dataclass(frozen=True)
class Modulo(RowWise):
    """a - b * floor(a / b), with the sign of b; missing where b is 0."""


@dataclass(frozen=True)
class Smaller(RowWise):
    """The smaller of two numbers."""


@dataclass(frozen=True)
class Larger(RowWise):
    """The larger of two numbers."""


@dataclass(frozen=True)
class Cyclic(RowWise):
    """sin and cos of 2 pi (a - start) / period, rounded to multiples of 2**-24."""

    period: float
    start: float = 0.0

    def column_names(self, name: str) -> list[str]:
        """Feature sin, feature cos."""
        return [f"{name} sin", f"{name} cos"]
