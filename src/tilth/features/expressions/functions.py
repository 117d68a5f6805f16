"""Functions of several expressions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Operand, as_node
from tilth.features.expressions.categories import text_node
from tilth.features.expressions.expression import Expression
from tilth.features.nodes import NUMERIC, Node
from tilth.features.operators import arithmetic, choice, extreme
from tilth.features.requirements import need
from tilth.features.source_lines import caller_line

__all__ = ["cross", "group", "interactions", "log1p", "maximum", "minimum", "where"]


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
    """The natural logarithm of 1 + value, as `value.log1p()`.

    Raises:
        FeatureError: not a number.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> log1p(Inputs({"income": "int"})["income"])
        x["income"].log1p()
    """
    node = as_node(value)
    need(node, NUMERIC, f"log1p({node.text})")
    return Expression(node).log1p()


def minimum(first: Operand, second: Operand, *others: Operand) -> Expression:
    """The smallest of several numbers, constants among them; missing where one is missing.

    Raises:
        FeatureError: something that is no number.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"a": "float", "b": "float"})
        >>> minimum(x["a"], x["b"], 10)
        minimum(x["a"], x["b"], 10)
    """
    return Expression(extreme(op.Smaller(), "minimum", _varying((first, second, *others), "minimum")))


def maximum(first: Operand, second: Operand, *others: Operand) -> Expression:
    """The largest of several numbers, constants among them; missing where one is missing.

    Raises:
        FeatureError: something that is no number.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> maximum(Inputs({"balance": "float"})["balance"], 0)
        maximum(x["balance"], 0)
    """
    return Expression(extreme(op.Larger(), "maximum", _varying((first, second, *others), "maximum")))


def group(*parts: Expression) -> Expression:
    """Several numbers as one vector, for `.pca(...)`, or as features under one name.

    The names of the columns are that of the feature and, after a space, the name of each column of the data
    or the text of each expression. Vectors keep the names of their columns.

    Raises:
        FeatureError: something that gives no numbers.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"height": "float", "weight": "float"})
        >>> group(x["height"].zscore(), x["weight"].zscore()).pca(1)
        group(x["height"].zscore(), x["weight"].zscore()).pca(1)
    """
    nodes = _varying(parts, "group", all_of_them=True)
    text = f"group({', '.join(node.text for node in nodes)})"
    for node in nodes:
        need(node, (*NUMERIC, "vector"), text)
    suffixes = tuple(f" {_short(node)}" for node in nodes)
    return Expression(Node(op.Group(suffixes), tuple(nodes), "vector", text, caller_line()))


def interactions(first: Expression, second: Expression, *others: Expression) -> Expression:
    """The product of each pair of several numbers, as one vector; missing where one of the two is.

    Raises:
        FeatureError: something that is no number.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"a": "float", "b": "float", "c": "float"})
        >>> interactions(x["a"], x["b"], x["c"])
        interactions(x["a"], x["b"], x["c"])
    """
    nodes = _varying((first, second, *others), "interactions", all_of_them=True)
    text = f"interactions({', '.join(node.text for node in nodes)})"
    pairs = list(itertools.combinations(nodes, 2))
    products = tuple(arithmetic(op.Multiply(), "*", *pair) for pair in pairs)
    suffixes = tuple(f" {_short(a)} * {_short(b)}" for a, b in pairs)
    return Expression(Node(op.Group(suffixes), products, "vector", text, caller_line()))


def _short(node: Node) -> str:
    """How a part is called: by the column that it is, or as it is written."""
    return node.operation.name if isinstance(node.operation, op.Column) else node.text


def _varying(parts: Sequence[Operand], use: str, *, all_of_them: bool = False) -> list[Node]:
    """The nodes of expressions, and of constants where not all must be expressions.

    Raises:
        FeatureError: a constant too many.
    """
    varying = [isinstance(part, Expression) for part in parts]
    if not varying or not (all(varying) if all_of_them else any(varying)):
        raise FeatureError(
            f"{use}({', '.join(map(repr, parts))})",
            where=caller_line(),
            expected='expressions such as x["age"]' if all_of_them else 'an expression such as x["age"]',
        )
    # A constant with a constant would be no column.
    return [as_node(part) for part in sorted(parts, key=lambda part: not isinstance(part, Expression))]
