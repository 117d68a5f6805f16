"""Functions of several expressions."""

from __future__ import annotations

from tilth.features import operations as op
from tilth.features.expressions.base import Operand, as_node
from tilth.features.expressions.categories import text_node
from tilth.features.expressions.expression import Expression
from tilth.features.nodes import NUMERIC, Node
from tilth.features.operators import choice
from tilth.features.requirements import need
from tilth.features.source_lines import caller_line

__all__ = ["cross", "log1p", "where"]


def cross(first: Expression, second: Expression, *others: Expression) -> Expression:
    """Several categories as one, such as day of week and hour as hour of week; missing where one is missing.

    Raises:
        FeatureError: something that is not a category.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"when": "datetime"})
        >>> cross(x["when"].weekday(), x["when"].hour())
        cross(x["when"].weekday(), x["when"].hour())
    """
    nodes = [as_node(part) for part in (first, second, *others)]
    text = f"cross({', '.join(node.text for node in nodes)})"
    joined, *rest = [text_node(node, text) for node in nodes]
    for part in rest:
        joined = Node(op.Cross(), (joined, part), "text", text, caller_line())
    return Expression(joined)


def where(condition: Expression, then: Operand, otherwise: Operand) -> Expression:
    """`then` where the condition holds, else `otherwise`; missing where the condition is missing.

    Args:
        condition: a flag, such as a comparison.
        then: a number, a text, or an expression.
        otherwise: the same kind as `then`.

    Raises:
        FeatureError: the condition is no flag, or the two others do not fit each other.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"age": "int"})
        >>> where(x["age"] < 18, "minor", "adult").one_hot()
        where((x["age"] < 18), 'minor', 'adult').one_hot()
    """
    return Expression(choice(as_node(condition), as_node(then), as_node(otherwise)))


def log1p(value: Expression) -> Expression:
    """The natural logarithm of 1 + value, as `value.log1p()`."""
    node = as_node(value)
    need(node, NUMERIC, f"log1p({node.text})")
    return Expression(node).log1p()
