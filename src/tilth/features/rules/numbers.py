"""Rules for operations on numbers: double precision, NaN for missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter
from tilth.features.rules.arithmetic import Arithmetic
from tilth.features.rules.elementary import natural_logarithm
from tilth.features.rules.rule import Rule, either, missing, row, stacked, when

__all__ = ["RULES"]

_FEW_BOUNDS = 24
"""Up to so many all bounds are compared with at once."""

_SMALL = 1e-6
"""Below this the series of ln(1 + a) to its second term is more exact than the logarithm of the sum."""


def _double(writer: GraphWriter, operator: str, *blocks: str) -> str:
    width = max(writer.width_of(block) for block in blocks)
    return writer.node(operator, *blocks, type="double", width=width)


def _test(writer: GraphWriter, operator: str, *blocks: str) -> str:
    width = max(writer.width_of(block) for block in blocks)
    return writer.node(operator, *blocks, type="bool", width=width)


def _scalar(writer: GraphWriter, value: float) -> str:
    return writer.constant(row([value]))


def _missing_value(writer: GraphWriter, like: str) -> str:
    return writer.constant(row([""])) if writer.type_of(like) == "string" else _scalar(writer, np.nan)


def _plain(operator: str) -> Rule:
    def emit(writer: GraphWriter, _: Sequence[op.RowWise], first: str, second: str) -> str:
        return _double(writer, operator, first, second)

    return Rule(stacked(emit))


def _divide(writer: GraphWriter, _: Sequence[op.Divide], first: str, second: str) -> str:
    if not writer.is_constant(second):
        is_zero = _test(writer, "Equal", second, _scalar(writer, 0.0))
        second = when(writer, is_zero, _scalar(writer, np.nan), second)
    return _double(writer, "Div", first, second)


def _comparison(operator: str) -> Rule:
    def emit(writer: GraphWriter, _: Sequence[op.RowWise], first: str, second: str) -> str:
        answer = writer.cast(_test(writer, operator, first, second), "double")
        return when(writer, either(writer, [first, second]), _scalar(writer, np.nan), answer)

    return Rule(stacked(emit))


def _choose(writer: GraphWriter, _: Sequence[op.Choose], condition: str, then: str, otherwise: str) -> str:
    is_false = _test(writer, "Equal", condition, _scalar(writer, 0.0))
    chosen = when(writer, is_false, otherwise, then)
    return when(writer, missing(writer, condition), _missing_value(writer, chosen), chosen)


def _fill_with(writer: GraphWriter, operations: Sequence[op.FillWith], block: str) -> str:
    fills = writer.constant(row([operation.value for operation in operations]))  # type: ignore[arg-type]
    return when(writer, missing(writer, block), fills, block)


def _is_missing(writer: GraphWriter, _: Sequence[op.IsMissing], block: str) -> str:
    return writer.cast(missing(writer, block), "double")


def _clip(writer: GraphWriter, operations: Sequence[op.Clip], block: str) -> str:
    lows = writer.constant(row([operation.low for operation in operations]))
    highs = writer.constant(row([operation.high for operation in operations]))
    raised = when(writer, _test(writer, "Less", block, lows), lows, block)
    return when(writer, _test(writer, "Greater", raised, highs), highs, raised)


def _affine(writer: GraphWriter, operations: Sequence[op.Affine], block: str) -> str:
    steps = [
        ("Sub", [operation.shift for operation in operations], 0.0),
        ("Div", [operation.divisor for operation in operations], 1.0),
        ("Mul", [operation.factor for operation in operations], 1.0),
        ("Add", [operation.offset for operation in operations], 0.0),
    ]
    for operator, constants, neutral in steps:
        if any(constant != neutral for constant in constants):
            block = _double(writer, operator, block, writer.constant(row(constants)))
    return block


def _log1p(writer: GraphWriter, _: Sequence[op.Log1p], block: str) -> str:
    total = _double(writer, "Add", block, _scalar(writer, 1.0))
    is_positive = _test(writer, "Greater", total, _scalar(writer, 0.0))
    defined = when(writer, is_positive, total, _scalar(writer, np.nan))
    logarithm = natural_logarithm(Arithmetic(writer, defined)).block
    half_square = _double(writer, "Mul", _double(writer, "Mul", block, block), _scalar(writer, 0.5))
    series = _double(writer, "Sub", block, half_square)
    is_small = _test(writer, "Less", _double(writer, "Abs", block), _scalar(writer, _SMALL))
    answer = when(writer, is_small, series, logarithm)
    # Near the bound between the two, neither is much more exact than that.
    return writer.cast(writer.cast(answer, "float"), "double")


def _buckets(writer: GraphWriter, operations: Sequence[op.Buckets], block: str) -> str:
    counts = _reached(writer, [operation.bounds for operation in operations], block)
    return when(writer, missing(writer, block), _scalar(writer, np.nan), counts)


def _reached(writer: GraphWriter, given: Sequence[Sequence[float]], block: str) -> str:
    """How many of the bounds that each column has are at most its value; 0 for a missing one.

    Of many bounds first every k-th one is looked at, and then those that come before the next of these.
    """
    longest = max(len(bounds) for bounds in given)
    size = 1 if longest <= _FEW_BOUNDS else math.isqrt(longest - 1) + 1
    bounds = np.full((len(given), -(-longest // size) * size), np.nan)  # nothing is at least NaN
    for position, own in enumerate(given):
        bounds[position, : len(own)] = own
    last_axis = writer.constant(np.array([2], dtype=np.int64))
    deep = writer.node("Unsqueeze", block, last_axis, type="double", width=len(given))

    def count(among: str) -> Arithmetic:
        reached = writer.node("GreaterOrEqual", deep, among, type="bool", width=len(given))
        ones = writer.cast(reached, "double")
        total = writer.node("ReduceSum", ones, last_axis, type="double", width=len(given), keepdims=0)
        return Arithmetic(writer, total)

    if size == 1:
        return count(writer.constant(bounds[None])).block
    runs = np.full((len(given), bounds.shape[1] // size + 1, size), np.nan)  # none after the last run
    runs[:, :-1] = bounds.reshape(len(given), -1, size)
    whole = count(writer.constant(runs[None, :, :-1, -1]))
    begins = writer.constant(np.arange(len(given), dtype=np.int64)[None, :] * runs.shape[1])
    places = writer.node("Add", writer.cast(whole.block, "int64"), begins, type="int64", width=len(given))
    table = writer.constant(runs.reshape(-1, size))
    run = writer.node("Gather", table, places, type="double", width=len(given), axis=0)
    return (whole * float(size) + count(run)).block


def _ranks(writer: GraphWriter, operations: Sequence[op.Ranks], block: str) -> str:
    """The number of bounds that a value has reached chooses the line on which its rank lies."""
    value = Arithmetic(writer, block)
    reached = writer.cast(_reached(writer, [operation.bounds for operation in operations], block), "int64")
    sizes = [len(operation.bounds) + 1 for operation in operations]
    begins = writer.constant(np.cumsum([[0, *sizes[:-1]]], axis=1))
    places = writer.node("Add", reached, begins, type="int64", width=len(sizes))

    def chosen(part: Callable[[op.Ranks], Sequence[float]]) -> Arithmetic:
        table = writer.constant(np.array([number for o in operations for number in part(o)]))
        block = writer.node("Gather", table, places, type="double", width=len(sizes), axis=0)
        return Arithmetic(writer, block)

    # Below the bounds all is 0 and above them 1; the last bound itself has its own rank.
    begin = chosen(lambda o: (0.0, *o.bounds))
    width = chosen(lambda o: (1.0, *np.diff(o.bounds).tolist(), 1.0))
    rank = chosen(lambda o: (0.0, *o.ranks))
    step = chosen(lambda o: (0.0, *np.diff(o.ranks).tolist(), 0.0))
    line = (value - begin) / width * step + rank
    ends = Arithmetic(writer, writer.constant(row([operation.bounds[-1] for operation in operations])))
    # Beyond the bounds the line may be infinity times 0.
    starts = Arithmetic(writer, writer.constant(row([operation.bounds[0] for operation in operations])))
    zero, one = (Arithmetic(writer, _scalar(writer, end)) for end in (0.0, 1.0))
    return one.where(value.test("Greater", ends), zero.where(value.test("Less", starts), line)).block


RULES: dict[type[op.RowWise], Rule] = {
    op.Add: _plain("Add"),
    op.Subtract: _plain("Sub"),
    op.Multiply: _plain("Mul"),
    op.Divide: Rule(stacked(_divide)),
    op.Less: _comparison("Less"),
    op.AtMost: _comparison("LessOrEqual"),
    op.Greater: _comparison("Greater"),
    op.AtLeast: _comparison("GreaterOrEqual"),
    op.Equal: _comparison("Equal"),
    op.Choose: Rule(stacked(_choose)),
    op.FillWith: Rule(stacked(_fill_with)),
    op.IsMissing: Rule(stacked(_is_missing)),
    op.Clip: Rule(stacked(_clip)),
    op.Affine: Rule(stacked(_affine)),
    op.Log1p: Rule(stacked(_log1p)),
    op.Buckets: Rule(stacked(_buckets)),
    op.Ranks: Rule(stacked(_ranks)),
}
