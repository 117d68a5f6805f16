"""Arithmetic: blocks of numbers with Python's operators, each written as a node."""

from __future__ import annotations

from typing import Any

from tilth.features.graph_writer import GraphWriter
from tilth.features.rules.rule import row, when

__all__ = ["Arithmetic"]


class Arithmetic:
    """A block of double precision that is computed with; other blocks have as many columns, or one.

    Args:
        writer: where the nodes go.
        block: the block.
    """

    def __init__(self, writer: GraphWriter, block: str) -> None:
        self.writer = writer
        self.block = block

    def node(self, operator: str, *others: Arithmetic | float, **attributes: Any) -> Arithmetic:
        """The block that an operator makes of this one and others."""
        blocks = [self.block, *(self._block(other) for other in others)]
        return self._of(
            self.writer.node(operator, *blocks, type="double", width=self._width(blocks), **attributes)
        )

    def test(self, operator: str, *others: Arithmetic | float) -> str:
        """The block of booleans that an operator makes of this one and others."""
        blocks = [self.block, *(self._block(other) for other in others)]
        return self.writer.node(operator, *blocks, type="bool", width=self._width(blocks))

    def where(self, condition: str, otherwise: Arithmetic | float = float("nan")) -> Arithmetic:
        """This block where a condition holds, else another, or missing."""
        return self._of(when(self.writer, condition, self.block, self._block(otherwise)))

    def __add__(self, other: Arithmetic | float) -> Arithmetic:
        return self.node("Add", other)

    def __sub__(self, other: Arithmetic | float) -> Arithmetic:
        return self.node("Sub", other)

    def __mul__(self, other: Arithmetic | float) -> Arithmetic:
        return self.node("Mul", other)

    def __truediv__(self, other: Arithmetic | float) -> Arithmetic:
        return self.node("Div", other)

    def __floordiv__(self, other: float) -> Arithmetic:
        return (self / other).node("Floor")

    def __mod__(self, other: float) -> Arithmetic:
        return self - self // other * other

    def at_least(self, bound: float, then: Arithmetic, otherwise: Arithmetic | float) -> Arithmetic:
        """One of two blocks by whether this one is at least a bound."""
        return then.where(self.test("GreaterOrEqual", bound), otherwise)

    def _block(self, other: Arithmetic | float) -> str:
        return other.block if isinstance(other, Arithmetic) else self.writer.constant(row([float(other)]))

    def _width(self, blocks: list[str]) -> int:
        return max(self.writer.width_of(block) for block in blocks)

    def _of(self, block: str) -> Arithmetic:
        return Arithmetic(self.writer, block)
