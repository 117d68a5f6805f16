"""Rules for lists of texts and numbers: whole tensors (n, most), padded with "" or NaN.

What comes out must not depend on the padding, which the longest list beside a row decides. So sums go from
the first item to the last, never in pairs or fours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.pieces import beside, blank, count, slice_columns, there
from tilth.features.rules.rule import Rule, each, missing, row, when

__all__ = ["RULES"]


def _pack(writer: GraphWriter, _: op.Pack, items: Value) -> list[Value]:
    block, kind = items.block, items.type
    is_there = there(writer, block)
    ones = writer.cast(is_there, "int64")
    axis = writer.constant(np.array(1, dtype=np.int64))
    ranks = writer.node("CumSum", ones, axis, type="int64", width=0)
    # What is not there goes to a column before the first one.
    places = writer.node("Mul", ranks, ones, type="int64", width=0)
    empty = writer.constant(row([""]) if kind == "string" else row([np.nan]))
    none = writer.node("Where", is_there, empty, block, type=kind, width=0)
    room = beside(writer, blank(writer, block, 1), none)
    moved = writer.node("ScatterElements", room, places, block, type=kind, width=0, axis=1)
    return [writer.whole(slice_columns(writer, moved, 1, None))]


def _item_count(writer: GraphWriter, _: op.ItemCount, items: Value) -> list[Value]:
    return writer.columns(writer.cast(count(writer, items.block), "double"))


def _distinct_items(writer: GraphWriter, _: op.DistinctItems, items: Value) -> list[Value]:
    block = items.block
    shape = writer.node("Shape", block, type="int64", width=0)
    # NaN is not equal to itself, which the operator cannot bear.
    known = block if items.type == "string" else _filled(writer, block, 0.0)
    codes = writer.nodes("Unique", known, types=[items.type, "int64", "int64", "int64"], sorted=0)[2]
    codes = writer.node("Reshape", codes, shape, type="int64", width=0)
    none = writer.constant(np.array([[-1]], dtype=np.int64))
    codes = writer.node("Where", there(writer, block), codes, none, type="int64", width=0)
    bounds = [writer.constant(np.array([bound], dtype=np.int64)) for bound in (1, 2)]
    most = writer.node("Slice", shape, *bounds, type="int64", width=0)
    ordered = writer.nodes("TopK", codes, most, types=["int64", "int64"], axis=1, largest=1, sorted=1)[0]
    # A column of -1 behind them, so that each code that is there differs from what follows its last copy.
    last = slice_columns(writer, ordered, 0, 1)
    last = writer.node("Where", writer.constant(np.array([[True]])), none, last, type="int64", width=1)
    following = beside(writer, slice_columns(writer, ordered, 1, None), last)
    is_same = writer.node("Equal", ordered, following, type="bool", width=0)
    axis = writer.constant(np.array([1], dtype=np.int64))
    is_last = writer.cast(writer.node("Not", is_same, type="bool", width=0), "int64")
    found = writer.node("ReduceSum", is_last, axis, type="int64", width=1, keepdims=1)
    return writer.columns(writer.cast(found, "double"))


def _has_item(writer: GraphWriter, operation: op.HasItem, items: Value) -> list[Value]:
    values: Any = [operation.value]
    wanted = writer.constant(row(values))
    is_equal = writer.node("Equal", items.block, wanted, type="bool", width=0)
    return writer.columns(_reduced(writer, "ReduceMax", writer.cast(is_equal, "double")))


def _item(writer: GraphWriter, operation: op.Item, items: Value) -> list[Value]:
    block, kind = items.block, items.type
    total = count(writer, block)
    position = writer.constant(np.array([[operation.position]], dtype=np.int64))
    if operation.position >= 0:
        place = writer.node("Min", total, position, type="int64", width=1)
    else:
        before = writer.node("Add", total, position, type="int64", width=1)
        zero = writer.constant(np.array([[0]], dtype=np.int64))
        is_short = writer.node("Less", before, zero, type="bool", width=1)
        place = when(writer, is_short, total, before)
    # Behind the last item is padding, at the latest the column that is added here.
    padded = beside(writer, block, blank(writer, block, 1))
    return writer.columns(writer.node("GatherElements", padded, place, type=kind, width=1, axis=1))


def _item_figure(writer: GraphWriter, operation: op.ItemFigure, items: Value) -> list[Value]:
    found = _FIGURES[operation.figure](writer, items.block)
    zero = writer.constant(np.array([[0]], dtype=np.int64))
    is_empty = writer.node("Equal", count(writer, items.block), zero, type="bool", width=1)
    return writer.columns(when(writer, is_empty, writer.constant(row([np.nan])), found))


def _sum(writer: GraphWriter, block: str) -> str:
    filled = _filled(writer, block, 0.0)
    filled = writer.node("Add", filled, writer.constant(row([0.0])), type="double", width=0)  # no -0
    axis = writer.constant(np.array(1, dtype=np.int64))
    sums = writer.node("CumSum", filled, axis, type="double", width=0)
    bounds = [writer.constant(np.array([bound], dtype=np.int64)) for bound in (-1, np.iinfo(np.int64).max, 1)]
    return writer.node("Slice", sums, *bounds, type="double", width=1)


def _mean(writer: GraphWriter, block: str) -> str:
    total = writer.cast(count(writer, block), "double")
    return writer.node("Div", _sum(writer, block), total, type="double", width=1)


def _filled(writer: GraphWriter, block: str, value: float) -> str:
    filling = writer.constant(row([value]))
    return writer.node("Where", missing(writer, block), filling, block, type="double", width=0)


def _reduced(writer: GraphWriter, operator: str, tensor: str) -> str:
    axis = writer.constant(np.array([1], dtype=np.int64))
    return writer.node(operator, tensor, axis, type="double", width=1, keepdims=1)


_FIGURES: dict[str, Callable[[GraphWriter, str], str]] = {
    "sum": _sum,
    "mean": _mean,
    "min": lambda writer, block: _reduced(writer, "ReduceMin", _filled(writer, block, math.inf)),
    "max": lambda writer, block: _reduced(writer, "ReduceMax", _filled(writer, block, -math.inf)),
}


def _padded(writer: GraphWriter, operation: op.Padded, items: Value) -> list[Value]:
    room = beside(writer, items.block, blank(writer, items.block, operation.length))
    block = slice_columns(writer, room, 0, operation.length)
    if not math.isnan(operation.fill):
        block = when(writer, missing(writer, block), writer.constant(row([operation.fill])), block)
    return writer.columns(block)


def _token_ids(writer: GraphWriter, operation: op.TokenIds, ranks: Value) -> list[Value]:
    room = beside(writer, ranks.block, blank(writer, ranks.block, operation.length))
    block = slice_columns(writer, room, 0, operation.length)
    shifted = writer.node("Add", block, writer.constant(row([2.0])), type="double", width=operation.length)
    return writer.columns(when(writer, missing(writer, block), writer.constant(row([0.0])), shifted))


RULES: dict[type[op.RowWise], Rule] = {
    op.DistinctItems: Rule(each(_distinct_items)),
    op.HasItem: Rule(each(_has_item)),
    op.Item: Rule(each(_item)),
    op.ItemCount: Rule(each(_item_count)),
    op.ItemFigure: Rule(each(_item_figure)),
    op.Pack: Rule(each(_pack)),
    op.Padded: Rule(each(_padded)),
    op.TokenIds: Rule(each(_token_ids)),
}
