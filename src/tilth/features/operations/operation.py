"""Operation: a small value that says what is done, and knows neither data nor ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

__all__ = ["Analyzed", "Operand", "Operation", "RowWise"]

Operand = TypeVar("Operand")


@dataclass(frozen=True)
class Operation:
    """A step from columns to a column."""


@dataclass(frozen=True)
class RowWise(Operation):
    """An operation that needs nothing but the row."""

    def column_names(self, name: str) -> list[str]:
        """The names of the columns that it makes of a feature called `name`: usually one."""
        return [name]

    def needs(self, arguments: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """Which arguments of the analyzed operation that it comes from it is applied to: usually all."""
        return arguments


@dataclass(frozen=True)
class Analyzed(Operation):
    """An operation that needs constants from all training data.

    `analysis` names what it must know: "profile" of its first argument, or one of `analyses.ANALYSES`.
    """

    analysis: ClassVar[str] = "profile"
