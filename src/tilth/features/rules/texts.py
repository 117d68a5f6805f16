"""Rules for operations on texts and categories: "" for missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import ML_DOMAIN, GraphWriter, Value
from tilth.features.rules.rule import Rule, either, missing, row, stacked, when

__all__ = ["RULES", "SEPARATOR"]

SEPARATOR = " & "
"""What stands between the parts of a cross."""

_UNKNOWN = -1


def _as_text(writer: GraphWriter, operations: Sequence[op.AsText], block: str) -> str:
    absent, width = missing(writer, block), writer.width_of(block)
    zero = writer.constant(row([0.0]))
    if operations[0].flag:
        is_false = writer.node("Equal", block, zero, type="bool", width=width)
        text = when(writer, is_false, writer.constant(row(["false"])), writer.constant(row(["true"])))
    else:
        text = writer.cast(writer.cast(when(writer, absent, zero, block), "int64"), "string")
    return when(writer, absent, writer.constant(row([""])), text)


def _cross(writer: GraphWriter, _: Sequence[op.Cross], first: str, second: str) -> str:
    width = max(writer.width_of(first), writer.width_of(second))
    separator = writer.constant(row([SEPARATOR]))
    left = writer.node("StringConcat", first, separator, type="string", width=width)
    joined = writer.node("StringConcat", left, second, type="string", width=width)
    return when(writer, either(writer, [first, second]), writer.constant(row([""])), joined)


def _codes(writer: GraphWriter, text: Value, codes: dict[str, int]) -> Value:
    block = writer.node(
        "LabelEncoder",
        writer.stack([text]),
        type="int64",
        width=1,
        domain=ML_DOMAIN,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=_UNKNOWN,
    )
    return Value("int64", block)


def _lookup(
    writer: GraphWriter, operations: Sequence[op.Lookup], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    found = []
    for operation, text in zip(operations, arguments[0], strict=True):
        # The empty text is never a value; with it the table has at least one entry, as the operator demands.
        codes = {value: code for code, value in enumerate(operation.values)}
        found.append(_codes(writer, text, {"": _UNKNOWN} | codes))
    ranks = writer.cast(writer.stack(found), "double")
    defaults = [operation.default for operation in operations]
    if any(default != _UNKNOWN for default in defaults):
        zero = writer.constant(row([0.0]))
        is_unknown = writer.node("Less", ranks, zero, type="bool", width=len(defaults))
        ranks = when(writer, is_unknown, writer.constant(row(defaults)), ranks)
    return [[value] for value in writer.columns(ranks)]


def _indicators(
    writer: GraphWriter, operations: Sequence[op.Indicators], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    codes: list[Value] = []
    owners: list[int] = []
    wanted: list[int] = []
    for operation, text in zip(operations, arguments[0], strict=True):
        keys = [*operation.values, ""] if operation.missing else list(operation.values)
        if keys:
            owners += [len(codes)] * len(keys)
            wanted += list(range(len(keys)))
            codes.append(_codes(writer, text, {key: code for code, key in enumerate(keys)}))
    if not codes:
        return [[] for _ in operations]
    places = writer.constant(np.array(owners, dtype=np.int64))
    spread = writer.node("Gather", writer.stack(codes), places, type="int64", width=len(owners), axis=1)
    targets = writer.constant(np.array([wanted], dtype=np.int64))
    is_value = writer.node("Equal", spread, targets, type="bool", width=len(owners))
    columns = iter(writer.columns(writer.cast(is_value, "float")))
    return [[next(columns) for _ in range(len(o.values) + o.missing)] for o in operations]


RULES: dict[type[op.RowWise], Rule] = {
    op.AsText: Rule(stacked(_as_text), together=lambda operation: operation.flag),
    op.Cross: Rule(stacked(_cross)),
    op.Lookup: Rule(_lookup),
    op.Indicators: Rule(_indicators),
}
