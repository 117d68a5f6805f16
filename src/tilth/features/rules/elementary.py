"""Rules for functions of a number, and for the smaller, the larger and the remainder of two.

A runtime may compute Log, Exp, Sin and Cos for several rows at once, and for a row alone by another routine
whose last bit differs. Where there is an operator that goes number by number (the logarithm of a sum of one,
a power of e), that one is used; sines and cosines are rounded.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.arithmetic import Arithmetic
from tilth.features.rules.rule import Rule, row, stacked

__all__ = ["RULES", "natural_logarithm"]

_GREATEST = sys.float_info.max
_FINE = 2.0**24
"""Sines and cosines are multiples of 1 / _FINE."""


def _function(compute: Callable[[Arithmetic], Arithmetic]) -> Rule:
    def emit(writer: GraphWriter, _: Sequence[op.RowWise], block: str) -> str:
        return compute(Arithmetic(writer, block)).block

    return Rule(stacked(emit))


def natural_logarithm(value: Arithmetic) -> Arithmetic:
    """The natural logarithm of numbers above 0, the same for a row alone and among others."""
    writer, width = value.writer, value.writer.width_of(value.block)
    axis = writer.constant(np.array([2], dtype=np.int64))
    deep = writer.node("Unsqueeze", value.block, axis, type="double", width=width)
    return Arithmetic(writer, writer.node("ReduceLogSum", deep, axis, type="double", width=width, keepdims=0))


def _positive_logarithm(value: Arithmetic) -> Arithmetic:
    return natural_logarithm(value.where(value.test("Greater", 0.0)))


def _square_root(value: Arithmetic) -> Arithmetic:
    return value.where(value.test("GreaterOrEqual", 0.0)).node("Sqrt")


def _finite(value: Arithmetic) -> Arithmetic:
    return value.where(value.node("Abs").test("LessOrEqual", _GREATEST))


def _exponential(value: Arithmetic) -> Arithmetic:
    return _finite(Arithmetic(value.writer, value.writer.constant(row([math.e]))).node("Pow", value))


def _power(writer: GraphWriter, operations: Sequence[op.Power], block: str) -> str:
    exponent, value = operations[0].exponent, Arithmetic(writer, block)
    if exponent == 2:
        return _finite(value * value).block
    if exponent == 0.5:
        return _square_root(value).block
    # One to the power of what is missing would be one.
    return _finite(value.node("Pow", exponent).where(value.test("Equal", value))).block


def _modulo(writer: GraphWriter, _: Sequence[op.Modulo], first: str, second: str) -> str:
    """The remainder of C has the sign of the first number; that of Python has the sign of the second."""
    divisor = Arithmetic(writer, second)
    divisor = Arithmetic(writer, writer.constant(row([math.nan]))).where(divisor.test("Equal", 0.0), divisor)
    rest = Arithmetic(writer, first).node("Mod", divisor, fmod=1)
    is_other_sign = (rest * divisor.node("Sign")).test("Less", 0.0)
    return (rest + divisor).where(is_other_sign, rest).block


def _extreme(operator: str) -> Rule:
    def emit(writer: GraphWriter, _: Sequence[op.RowWise], first: str, second: str) -> str:
        one, other = Arithmetic(writer, first), Arithmetic(writer, second)
        chosen = one.where(one.test(operator, other), other)  # the second where either is missing
        return chosen.where(one.test("Equal", one)).block

    return Rule(stacked(emit))


def _rounded(value: Arithmetic) -> Arithmetic:
    """To multiples of 1 / _FINE; what becomes 0 has no sign, which would be that of the last bit."""
    fine = (value * _FINE).node("Round") / _FINE
    zero = Arithmetic(value.writer, value.writer.constant(row([0.0])))
    return zero.where(fine.test("Equal", 0.0), fine)


def _cyclic(
    writer: GraphWriter, operations: Sequence[op.Cyclic], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    value = Arithmetic(writer, writer.stack(arguments[0]))
    starts = Arithmetic(writer, writer.constant(row([operation.start for operation in operations])))
    periods = Arithmetic(writer, writer.constant(row([operation.period for operation in operations])))
    turns = (value - starts) / periods
    angle = (turns - turns.node("Floor")) * (2 * math.pi)
    parts = [writer.columns(_rounded(angle.node(name)).block) for name in ("Sin", "Cos")]
    return [list(both) for both in zip(*parts, strict=True)]


RULES: dict[type[op.RowWise], Rule] = {
    op.Absolute: _function(lambda value: value.node("Abs")),
    op.Cyclic: Rule(_cyclic),
    op.Exponential: _function(_exponential),
    op.Floor: _function(lambda value: value.node("Floor")),
    op.Larger: _extreme("Greater"),
    op.Logarithm: _function(_positive_logarithm),
    op.Modulo: Rule(stacked(_modulo)),
    op.Power: Rule(stacked(_power), together=lambda operation: operation.exponent),
    op.Round: _function(lambda value: value.node("Round")),
    op.Sign: _function(lambda value: value.node("Sign")),
    op.Smaller: _extreme("Less"),
    op.SquareRoot: _function(_square_root),
}
