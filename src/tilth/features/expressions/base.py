"""Base: what every expression has, and what the methods are made with."""

from __future__ import annotations

from datetime import datetime
from typing import Self, TypeAlias

from tilth.errors import FeatureError
from tilth.features.nodes import Kind, Node
from tilth.features.operations import Operation
from tilth.features.operators import constant
from tilth.features.requirements import need
from tilth.features.source_lines import caller_line

__all__ = ["Base", "Operand", "as_node"]


class Base:
    """A step of a computation on columns; the methods are in the classes beside this one.

    Args:
        node: the step that gives the value.
    """

    __hash__ = None  # type: ignore[assignment]  # == builds an expression, so expressions are no keys

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def node(self) -> Node:
        """The step that gives the value."""
        return self._node

    @property
    def kind(self) -> Kind:
        """What the expression gives: number, integer, flag, text, ...; one of `nodes.Kind`."""
        return self._node.kind

    def __repr__(self) -> str:
        return self._node.text

    def __bool__(self) -> bool:
        raise FeatureError(
            f"{self} is not known while features are defined, so it cannot be a Python condition",
            where=caller_line(),
            mend="use where(condition, a, b), and & | ~ instead of and, or, not; (18 < x) & (x < 65) for "
            "18 < x < 65, .is_in([...]) for in, maximum(a, b) for max(a, b)",
        )

    def _need(self, kinds: tuple[Kind, ...], method: str) -> None:
        """Refuse an expression that gives none of some kinds.

        Raises:
            FeatureError: it does.
        """
        need(self._node, kinds, f"{self}.{method}()")

    def _of(self, node: Node) -> Self:
        """An expression for a node."""
        return type(self)(node)

    def _method(
        self, operation: Operation, kind: Kind, name: str, *arguments: object, others: tuple[Node, ...] = ()
    ) -> Self:
        """The expression that a method gives.

        Args:
            operation: what is done.
            kind: what comes out.
            name: the method.
            arguments: what it was called with, for messages.
            others: the operation's arguments beside this expression.
        """
        shown = ", ".join(repr(argument) for argument in arguments)
        text = f"{self._node.text}.{name}({shown})"
        return self._of(Node(operation, (self._node, *others), kind, text, caller_line()))


Operand: TypeAlias = "Base | float | str | datetime"
"""What may stand beside an expression: another one, or a constant."""


def as_node(value: Operand) -> Node:
    """The step that gives an expression's or a constant's value.

    Raises:
        FeatureError: neither an expression nor a number, a text or a datetime.
    """
    return value.node if isinstance(value, Base) else constant(value)
