"""Operators between expressions: arithmetic, comparison, logic."""

from __future__ import annotations

from typing import Self

from tilth.features import operations as op
from tilth.features.expressions.base import Base, Operand, as_node
from tilth.features.operators import arithmetic, comparison, constant, logic, negation

__all__ = ["Operators"]


class Operators(Base):  # noqa: PLW1641 - expressions are no keys
    """+ - * / % of numbers, comparisons of numbers, texts and datetimes, & | ~ of flags."""

    def __add__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Add(), "+", self._node, as_node(other)))

    def __radd__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Add(), "+", constant(other), self._node))

    def __sub__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Subtract(), "-", self._node, as_node(other)))

    def __rsub__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Subtract(), "-", constant(other), self._node))

    def __mul__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Multiply(), "*", self._node, as_node(other)))

    def __rmul__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Multiply(), "*", constant(other), self._node))

    def __truediv__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Divide(), "/", self._node, as_node(other)))

    def __rtruediv__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Divide(), "/", constant(other), self._node))

    def __mod__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Modulo(), "%", self._node, as_node(other)))

    def __rmod__(self, other: Operand) -> Self:
        return self._of(arithmetic(op.Modulo(), "%", constant(other), self._node))

    def __neg__(self) -> Self:
        return self * -1

    def __lt__(self, other: Operand) -> Self:
        return self._of(comparison(op.Less(), "<", self._node, as_node(other)))

    def __le__(self, other: Operand) -> Self:
        return self._of(comparison(op.AtMost(), "<=", self._node, as_node(other)))

    def __gt__(self, other: Operand) -> Self:
        return self._of(comparison(op.Greater(), ">", self._node, as_node(other)))

    def __ge__(self, other: Operand) -> Self:
        return self._of(comparison(op.AtLeast(), ">=", self._node, as_node(other)))

    def __eq__(self, other: Operand) -> Self:  # type: ignore[override]
        return self._of(comparison(op.Equal(), "==", self._node, as_node(other)))

    def __ne__(self, other: Operand) -> Self:  # type: ignore[override]
        return ~(self == other)

    def __and__(self, other: Operand) -> Self:
        return self._of(logic("&", self._node, as_node(other)))

    def __or__(self, other: Operand) -> Self:
        return self._of(logic("|", self._node, as_node(other)))

    def __invert__(self) -> Self:
        return self._of(negation(self._node))
