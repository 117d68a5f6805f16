"""Expression: what a person writes in features.py, checked as it is written."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.nodes import KIND_WORDS, NUMERIC, Kind, Node
from tilth.features.operators import arithmetic, choice, comparison, constant, logic, negation
from tilth.features.requirements import finite, is_whole, need, whole
from tilth.features.source_lines import caller_line

__all__ = ["Expression", "Operand", "as_node", "cross", "log1p", "where"]


class Expression:
    """A column, or something computed from columns; made by `x["name"]` and the methods below.

    Numbers take + - * / and comparisons with numbers and each other; texts take == and !=; flags
    (comparisons, `is_missing()`, bool columns) take & | ~. What is missing makes the result missing, unless
    a method says otherwise.

    Args:
        node: the step that gives the value.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"height": "float", "city": "string"})
        >>> (x["height"] / 100).clip(0, 2.5)
        (x["height"] / 100).clip(0, 2.5)
        >>> x["city"].zscore()
        Traceback (most recent call last):
        ...
        tilth.errors.FeatureError: x["city"].zscore() needs a number, and x["city"] is text
          where: ..., line 1
          expected: a number or an integer or a flag
          to mend it: make it numbers first, with .one_hot() or .vocabulary()
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
        """What the expression gives: number, integer, flag, text, datetime or indicators."""
        return self._node.kind

    def __repr__(self) -> str:
        return self._node.text

    def __bool__(self) -> bool:
        raise FeatureError(
            f"{self} is not known while features are defined, so it cannot be a Python condition",
            where=caller_line(),
            mend="use where(condition, a, b), and & | ~ instead of and, or, not",
        )

    def __add__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Add(), "+", self._node, as_node(other)))

    def __radd__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Add(), "+", constant(other), self._node))

    def __sub__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Subtract(), "-", self._node, as_node(other)))

    def __rsub__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Subtract(), "-", constant(other), self._node))

    def __mul__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Multiply(), "*", self._node, as_node(other)))

    def __rmul__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Multiply(), "*", constant(other), self._node))

    def __truediv__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Divide(), "/", self._node, as_node(other)))

    def __rtruediv__(self, other: Operand) -> Expression:
        return Expression(arithmetic(op.Divide(), "/", constant(other), self._node))

    def __neg__(self) -> Expression:
        return self * -1

    def __lt__(self, other: Operand) -> Expression:
        return Expression(comparison(op.Less(), "<", self._node, as_node(other)))

    def __le__(self, other: Operand) -> Expression:
        return Expression(comparison(op.AtMost(), "<=", self._node, as_node(other)))

    def __gt__(self, other: Operand) -> Expression:
        return Expression(comparison(op.Greater(), ">", self._node, as_node(other)))

    def __ge__(self, other: Operand) -> Expression:
        return Expression(comparison(op.AtLeast(), ">=", self._node, as_node(other)))

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]
        return Expression(comparison(op.Equal(), "==", self._node, as_node(other)))

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]
        return ~(self == other)

    def __and__(self, other: Operand) -> Expression:
        return Expression(logic("&", self._node, as_node(other)))

    def __or__(self, other: Operand) -> Expression:
        return Expression(logic("|", self._node, as_node(other)))

    def __invert__(self) -> Expression:
        return Expression(negation(self._node))

    def fill_missing(self, value: float | str) -> Expression:
        """The value where it is there, else another.

        Args:
            value: for numbers a number, or "mean", "median" or "mode" (the most frequent) of the training
                data; for text a text, or "mode".

        Raises:
            FeatureError: a value of another type, or a datetime.
        """
        self._need((*NUMERIC, "text"), "fill_missing")
        operation = _fill(self._node, value)
        return self._method(operation, _filled_kind(self.kind, operation), "fill_missing", value)

    def is_missing(self) -> Expression:
        """1 where there is no value, else 0."""
        self._need((*NUMERIC, "text", "datetime"), "is_missing")
        return self._method(op.IsMissing(), "flag", "is_missing")

    def clip(self, low: float | None = None, high: float | None = None) -> Expression:
        """Not below `low` and not above `high`; None for no bound.

        Raises:
            FeatureError: not a number, or bounds that exclude each other.
        """
        self._need(NUMERIC, "clip")
        lower = -math.inf if low is None else finite(low, "clip")
        upper = math.inf if high is None else finite(high, "clip")
        if lower > upper:
            raise FeatureError(
                f"{self}.clip({low!r}, {high!r}): low is above high",
                where=caller_line(),
                expected="low <= high",
            )
        bounds = [bound for bound in (lower, upper) if math.isfinite(bound)]
        kind: Kind = "integer" if self.kind != "number" and all(map(is_whole, bounds)) else "number"
        return self._method(op.Clip(lower, upper), kind, "clip", low, high)

    def center(self) -> Expression:
        """The value minus the training data's mean."""
        return self._analyzed(op.Center(), "center")

    def zscore(self) -> Expression:
        """The value minus the mean, divided by the population standard deviation; 0 where that is 0."""
        return self._analyzed(op.ZScore(), "zscore")

    def scale(self, low: float = 0, high: float = 1) -> Expression:
        """The value mapped so that the training data reach from `low` to `high`.

        Values outside the training data's range go outside; a column with one value becomes `low`.

        Raises:
            FeatureError: not a number, or low not below high.
        """
        lower, upper = finite(low, "scale"), finite(high, "scale")
        if lower >= upper:
            raise FeatureError(
                f"{self}.scale({low!r}, {high!r}): low is not below high",
                where=caller_line(),
                expected="low < high",
            )
        arguments = () if (low, high) == (0, 1) else (low, high)
        return self._analyzed(op.Scale(lower, upper), "scale", *arguments)

    def log1p(self) -> Expression:
        """The natural logarithm of 1 + value, rounded to single precision; missing at -1 and below."""
        self._need(NUMERIC, "log1p")
        return self._method(op.Log1p(), "number", "log1p")

    def buckets(self, bounds: Sequence[float]) -> Expression:
        """Which bucket the value is in: 0 below the first bound; a value equal to a bound is above it.

        Args:
            bounds: ascending numbers.

        Raises:
            FeatureError: not a number; no bounds, or bounds that do not ascend.
        """
        self._need(NUMERIC, "buckets")
        numbers = tuple(finite(bound, "buckets") for bound in bounds)
        if not numbers or any(a >= b for a, b in itertools.pairwise(numbers)):
            raise FeatureError(
                f"{self}.buckets({list(bounds)!r}): the bounds do not ascend",
                where=caller_line(),
                expected="ascending numbers, such as [18, 30, 65]",
            )
        return self._method(op.Buckets(numbers), "integer", "buckets", list(bounds))

    def quantile_buckets(self, count: int) -> Expression:
        """Which of `count` buckets the value is in, with about as many training values in each.

        Raises:
            FeatureError: not a number, or fewer than 2 buckets.
        """
        self._need(NUMERIC, "quantile_buckets")
        whole(count, 2, "quantile_buckets")
        return self._method(op.QuantileBuckets(count), "integer", "quantile_buckets", count)

    def vocabulary(self, top: int | None = None, min_count: int = 1, default: int = -1) -> Expression:
        """The value's rank among the training data's values, the most frequent being 0.

        Values as frequent as each other are ordered by text, descending. Numbers must be integers or flags.

        Args:
            top: how many values to know; None for all.
            min_count: how often a value must occur to be known.
            default: the answer for values that are not known, and for missing ones.

        Raises:
            FeatureError: not a category, or a bad argument.
        """
        operation = op.Vocabulary(top, min_count, finite(default, "vocabulary"))
        return self._category(operation, "integer", "vocabulary", top, min_count)

    def one_hot(self, top: int | None = None, min_count: int = 1) -> Expression:
        """One column of 0 and 1 for each of the training data's values, named feature=value.

        A value that is not known has 0 in all. Where training data had missing values there is a last column
        feature=missing. The order is that of `vocabulary`.

        Args:
            top: how many values to know; None for all.
            min_count: how often a value must occur to be known.

        Raises:
            FeatureError: not a category, or a bad argument.
        """
        return self._category(op.OneHot(top, min_count), "indicators", "one_hot", top, min_count)

    def hour(self) -> Expression:
        """The hour of a datetime, 0 to 23 (UTC)."""
        return self._part("hour")

    def weekday(self) -> Expression:
        """The weekday of a datetime: 0 is Monday, 6 is Sunday."""
        return self._part("weekday")

    def day(self) -> Expression:
        """The day of the month of a datetime, 1 to 31."""
        return self._part("day")

    def month(self) -> Expression:
        """The month of a datetime, 1 to 12."""
        return self._part("month")

    def year(self) -> Expression:
        """The year of a datetime."""
        return self._part("year")

    def days(self) -> Expression:
        """A datetime as days since 1970-01-01, the time of day as a fraction."""
        self._need(("datetime",), "days")
        return self._method(op.Days(), "number", "days")

    def _part(self, part: Literal["hour", "weekday", "day", "month", "year"]) -> Expression:
        self._need(("datetime",), part)
        return self._method(op.DatePart(part), "integer", part)

    def _analyzed(self, operation: op.Analyzed, method: str, *arguments: object) -> Expression:
        self._need(NUMERIC, method)
        return self._method(operation, "number", method, *arguments)

    def _category(
        self, operation: op.Analyzed, kind: Kind, method: str, top: int | None, min_count: int
    ) -> Expression:
        if top is not None:
            whole(top, 1, method)
        whole(min_count, 1, method)
        arguments = [top, min_count] if min_count != 1 else [top] * (top is not None)
        category = Expression(text_node(self._node, f"{self}.{method}()"))
        return category._method(operation, kind, method, *arguments)

    def _need(self, kinds: tuple[Kind, ...], method: str) -> None:
        need(self._node, kinds, f"{self}.{method}()")

    def _method(self, operation: op.Operation, kind: Kind, name: str, *arguments: object) -> Expression:
        shown = ", ".join(repr(argument) for argument in arguments)
        text = f"{self._node.text}.{name}({shown})"
        return Expression(Node(operation, (self._node,), kind, text, caller_line()))


Operand: TypeAlias = "Expression | float | str"


def as_node(value: Operand) -> Node:
    """The step that gives an expression's or a constant's value.

    Raises:
        FeatureError: neither an expression nor a number nor a text.
    """
    return value.node if isinstance(value, Expression) else constant(value)


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


def text_node(node: Node, use: str) -> Node:
    """A category as text: text itself, or the digits of whole numbers.

    Raises:
        FeatureError: not a category.
    """
    need(node, ("text", "integer", "flag"), use)
    if node.kind == "text":
        return node
    return Node(op.AsText(flag=node.kind == "flag"), (node,), "text", node.text, node.place)


def _fill(node: Node, value: float | str) -> op.FillFrom | op.FillWith:
    if value == "mode":
        return op.FillFrom("mode")
    if node.kind == "text" and isinstance(value, str) and value:
        return op.FillWith(value)
    if node.kind != "text" and (value == "mean" or value == "median"):
        return op.FillFrom("mean" if value == "mean" else "median")
    if node.kind != "text" and isinstance(value, int | float):
        return op.FillWith(finite(value, "fill_missing"))
    wanted = '"mode" or a text' if node.kind == "text" else '"mean", "median", "mode" or a number'
    raise FeatureError(
        f"{node.text}.fill_missing({value!r}) does not fit {KIND_WORDS[node.kind]}",
        where=caller_line(),
        expected=wanted,
    )


def _filled_kind(kind: Kind, operation: op.FillFrom | op.FillWith) -> Kind:
    if kind in ("text", "number") or operation == op.FillFrom("mode"):
        return kind
    if isinstance(operation, op.FillFrom) or not is_whole(operation.value):
        return "number"
    return "flag" if kind == "flag" and operation.value in (0, 1) else "integer"
