"""Rules for operations on texts and categories: "" for missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import ML_DOMAIN, GraphWriter, Value
from tilth.features.rules.patterns import hashes
from tilth.features.rules.pieces import column, like
from tilth.features.rules.rule import Rule, each, either, missing, row, stacked, when

__all__ = ["RULES", "SEPARATOR"]

SEPARATOR = " & "
"""What stands between the parts of a cross."""

_UNKNOWN = -1

_FEW = 4


def _as_text(writer: GraphWriter, operations: Sequence[op.AsText], block: str) -> str:
    width, zero = writer.width_of(block), writer.constant(row([0.0]))
    if operations[0].flag:
        absent = missing(writer, block)
        is_false = writer.node("Equal", block, zero, type="bool", width=width)
        text = when(writer, is_false, writer.constant(row(["false"])), writer.constant(row(["true"])))
        return when(writer, absent, writer.constant(row([""])), text)
    # What an integer of 64 bits cannot hold would be another one on each machine; NaN is not below it either.
    size = writer.node("Abs", block, type="double", width=width)
    fits = writer.node("Less", size, writer.constant(row([2.0**63])), type="bool", width=width)
    text = writer.cast(writer.cast(when(writer, fits, block, zero), "int64"), "string")
    return when(writer, fits, text, writer.constant(row([""])))


def _cross(writer: GraphWriter, _: Sequence[op.Cross], first: str, second: str) -> str:
    width = max(writer.width_of(first), writer.width_of(second))
    separator = writer.constant(row([SEPARATOR]))
    left = writer.node("StringConcat", first, separator, type="string", width=width)
    joined = writer.node("StringConcat", left, second, type="string", width=width)
    return when(writer, either(writer, [first, second]), writer.constant(row([""])), joined)


def _codes(writer: GraphWriter, text: Value, codes: dict[str, int]) -> Value:
    block = writer.node(
        "LabelEncoder",
        column(writer, text),
        type="int64",
        width=0 if text.whole else 1,
        domain=ML_DOMAIN,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=_UNKNOWN,
    )
    return Value("int64", block, whole=text.whole)


def _lookup(
    writer: GraphWriter, operations: Sequence[op.Lookup], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    if operations[0].buckets or arguments[0][0].whole:
        return each(_lookup_apart)(writer, operations, arguments)
    found = [
        _codes(writer, text, _ranks(operation))
        for operation, text in zip(operations, arguments[0], strict=True)
    ]
    ranks = writer.cast(writer.stack(found), "double")
    defaults = [operation.default for operation in operations]
    if any(default != _UNKNOWN for default in defaults):
        zero = writer.constant(row([0.0]))
        is_unknown = writer.node("Less", ranks, zero, type="bool", width=len(defaults))
        ranks = when(writer, is_unknown, writer.constant(row(defaults)), ranks)
    return [[value] for value in writer.columns(ranks)]


def _lookup_apart(writer: GraphWriter, operation: op.Lookup, text: Value) -> list[Value]:
    """A list, whose missing items stay missing, or unknown texts put behind the others by their hash."""
    block = column(writer, text)
    codes = _codes(writer, text, _ranks(operation)).block
    zero = writer.constant(np.array([[0]], dtype=np.int64))
    is_unknown = writer.node("Less", codes, zero, type="bool", width=writer.width_of(codes))
    default = writer.constant(row([operation.default]))
    if operation.buckets:
        behind = writer.constant(np.array([[len(operation.values)]], dtype=np.int64))
        hashed = hashes(writer, block, operation.buckets, 0)
        hashed = writer.node("Add", hashed, behind, type="int64", width=writer.width_of(codes))
        ranks = writer.cast(when(writer, is_unknown, hashed, codes), "double")
    else:
        ranks = when(writer, is_unknown, default, writer.cast(codes, "double"))
    absent = writer.constant(row([np.nan])) if text.whole else default
    return like(writer, when(writer, missing(writer, block), absent, ranks), text)


def _ranks(operation: op.Lookup) -> dict[str, int]:
    # The empty text is never a value; with it the table has at least one entry, as the operator demands.
    return {"": _UNKNOWN} | {value: code for code, value in enumerate(operation.values)}


def _indicators(
    writer: GraphWriter, operations: Sequence[op.Indicators], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    found: list[tuple[Value, int]] = []
    for operation, text in zip(operations, arguments[0], strict=True):
        keys = [*operation.values, ""] if operation.missing else list(operation.values)
        if keys:
            codes = _codes(writer, text, {key: code for code, key in enumerate(keys)})
            found.append((codes, len(keys)))
    if not found:
        return [[] for _ in operations]
    is_value = _equal_each(writer, found) if len(found) <= _FEW else _equal_turned(writer, found)
    columns = iter(writer.columns(is_value))
    return [[next(columns) for _ in range(len(o.values) + o.missing)] for o in operations]


def _equal_each(writer: GraphWriter, codes: Sequence[tuple[Value, int]]) -> str:
    """For each column of codes below a number whether it is 0, 1, ...: the fastest, but a node for each."""
    parts: list[str] = []
    for code, count in codes:
        targets = writer.constant(np.arange(count, dtype=np.int64)[np.newaxis])
        parts.append(writer.node("Equal", code.block, targets, type="bool", width=count))
    width = sum(count for _, count in codes)
    together = (
        parts[0] if len(parts) == 1 else writer.node("Concat", *parts, type="bool", width=width, axis=1)
    )
    return writer.cast(together, "float")


def _equal_turned(writer: GraphWriter, codes: Sequence[tuple[Value, int]]) -> str:
    """The same in a few nodes. The columns are turned into rows, which the runtime gathers much faster."""
    counts = [count for _, count in codes]
    owners = writer.constant(np.repeat(np.arange(len(codes)), counts).astype(np.int64))
    targets = writer.constant(
        np.concatenate([np.arange(count) for count in counts]).astype(np.int64)[:, np.newaxis]
    )
    rows = writer.node(
        "Transpose", writer.stack([code for code, _ in codes]), type="int64", width=0, perm=[1, 0]
    )
    spread = writer.node("Gather", rows, owners, type="int64", width=0, axis=0)
    is_value = writer.node("Equal", spread, targets, type="bool", width=0)
    return writer.node(
        "Transpose", writer.cast(is_value, "float"), type="float", width=sum(counts), perm=[1, 0]
    )


RULES: dict[type[op.RowWise], Rule] = {
    op.AsText: Rule(stacked(_as_text, apart=True), together=lambda operation: operation.flag),
    op.Cross: Rule(stacked(_cross)),
    op.Lookup: Rule(_lookup, together=lambda operation: operation.buckets > 0),
    op.Indicators: Rule(_indicators),
}
