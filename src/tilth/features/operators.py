"""Nodes for operators between two operands: arithmetic, comparison, logic, choice."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.nodes import KIND_WORDS, NUMERIC, Kind, Node
from tilth.features.requirements import finite, is_whole, need
from tilth.features.source_lines import caller_line

__all__ = [
    "arithmetic",
    "choice",
    "comparison",
    "constant",
    "extreme",
    "logic",
    "moment",
    "negation",
    "since",
]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def constant(value: object) -> Node:
    """A number, text, date or datetime written in an expression; without a zone it is UTC.

    Raises:
        FeatureError: none of them.
    """
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()  # type: ignore[attr-defined]  # a number of NumPy's as Python's
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
        seconds = (zoned - _EPOCH) / timedelta(seconds=1)
        return Node(op.Number(seconds), (), "datetime", repr(value), caller_line())
    if isinstance(value, str):
        return Node(op.Text(value), (), "text", repr(value), caller_line())
    if isinstance(value, bool):
        return Node(op.Number(float(value)), (), "flag", repr(value), caller_line())
    if isinstance(value, int | float):
        kind: Kind = "integer" if is_whole(value) else "number"
        return Node(op.Number(finite(value, "a constant")), (), kind, repr(value), caller_line())
    raise FeatureError(
        f"{value!r} cannot be part of a feature",
        where=caller_line(),
        expected='a number, a text, a datetime, or an expression such as x["age"]',
    )


def moment(node: Node, use: str) -> Node:
    """A datetime: an expression, a constant, or a constant text in ISO 8601.

    Args:
        node: what is written.
        use: how it is used, as it is written.

    Raises:
        FeatureError: none of them.
    """
    if isinstance(node.operation, op.Text):
        try:
            return constant(datetime.fromisoformat(node.operation.value))
        except ValueError:
            raise FeatureError(
                f"{use}: {node.text} is no datetime",
                where=caller_line(),
                expected='such as "2024-05-01" or "2024-05-01T12:00:00Z"',
            ) from None
    need(node, ("datetime",), use)
    return node


def since(later: Node, earlier: Node, unit_s: float, text: str) -> Node:
    """The time between two datetimes, in units of so many seconds."""
    seconds = Node(op.Subtract(), (later, earlier), "number", text, caller_line())
    return Node(op.Affine(divisor=unit_s), (seconds,), "number", text, caller_line())


def extreme(operation: op.RowWise, name: str, nodes: Sequence[Node]) -> Node:
    """The smallest or largest of several numbers.

    Raises:
        FeatureError: something is no number.
    """
    text = f"{name}({', '.join(node.text for node in nodes)})"
    for node in nodes:
        need(node, NUMERIC, text)
    kind: Kind = "number" if any(node.kind == "number" for node in nodes) else "integer"
    return functools.reduce(lambda a, b: Node(operation, (a, b), kind, text, caller_line()), nodes)


def arithmetic(operation: op.RowWise, symbol: str, first: Node, second: Node) -> Node:
    """+ - * / % of two numbers.

    Raises:
        FeatureError: something is no number, or a quotient by the constant 0.
    """
    text = _between(symbol, first, second, NUMERIC)
    if isinstance(operation, op.Divide | op.Modulo) and second.operation == op.Number(0.0):
        raise FeatureError(f"{text} is never defined", where=caller_line())
    whole = {first.kind, second.kind} <= {"integer", "flag"} and not isinstance(operation, op.Divide)
    return Node(operation, (first, second), "integer" if whole else "number", text, caller_line())


def comparison(operation: op.RowWise, symbol: str, first: Node, second: Node) -> Node:
    """A flag from two numbers or two datetimes, or for equality from two texts.

    Raises:
        FeatureError: the two cannot be compared so.
    """
    if "datetime" in (first.kind, second.kind):
        text = f"({first.text} {symbol} {second.text})"
        return Node(operation, (moment(first, text), moment(second, text)), "flag", text, caller_line())
    texts = isinstance(operation, op.Equal) and "text" in (first.kind, second.kind)
    text = _between(symbol, first, second, ("text",) if texts else NUMERIC)
    return Node(operation, (first, second), "flag", text, caller_line())


def logic(symbol: str, first: Node, second: Node) -> Node:
    """& or | of two flags.

    Raises:
        FeatureError: something is no flag.
    """
    text = _between(symbol, first, second, ("flag",))
    both = Node(op.Multiply(), (first, second), "flag", text, caller_line())
    if symbol == "&":
        return both
    total = Node(op.Add(), (first, second), "integer", text, caller_line())
    return Node(op.Subtract(), (total, both), "flag", text, caller_line())


def negation(node: Node) -> Node:
    """Not a flag.

    Raises:
        FeatureError: no flag.
    """
    need(node, ("flag",), f"~{node.text}")
    return Node(op.Subtract(), (constant(1), node), "flag", f"~{node.text}", caller_line())


def choice(condition: Node, then: Node, otherwise: Node) -> Node:
    """One of two numbers or texts, by a flag.

    Raises:
        FeatureError: the condition is no flag, or the two others do not fit each other.
    """
    text = f"where({condition.text}, {then.text}, {otherwise.text})"
    need(condition, ("flag",), text)
    if isinstance(condition.operation, op.Number):
        raise FeatureError(f"{text} has a condition that never changes", where=caller_line())
    kinds = {then.kind, otherwise.kind}
    if not (kinds == {"text"} or kinds <= set(NUMERIC)):
        raise FeatureError(
            f"{text} mixes {KIND_WORDS[then.kind]} and {KIND_WORDS[otherwise.kind]}",
            where=caller_line(),
            expected="two numbers or two texts",
        )
    kind: Kind = next(kind for kind in (*NUMERIC, "text") if kind in kinds)
    return Node(op.Choose(), (condition, then, otherwise), kind, text, caller_line())


def _between(symbol: str, first: Node, second: Node, kinds: tuple[Kind, ...]) -> str:
    text = f"({first.text} {symbol} {second.text})"
    need(first, kinds, text)
    need(second, kinds, text)
    return text
