"""Rules for constants by key: a text's number in a table, and from it the constants of that row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import ML_DOMAIN, GraphWriter, Value
from tilth.features.rules.arithmetic import Arithmetic
from tilth.features.rules.rule import Rule, missing, row, when

__all__ = ["RULES"]

_Table = np.ndarray
"""Constants, float64, shape (keys and 1, w); the last row is for all other keys."""


def _place(writer: GraphWriter, keys: Sequence[str], text: Value) -> Value:
    """The position of a text among keys, or how many there are."""
    places = {key: place for place, key in enumerate(keys)}
    # With the empty text the table has at least one entry, as the operator demands.
    places = {"": len(keys)} | places
    block = writer.node(
        "LabelEncoder",
        writer.stack([text]),
        type="int64",
        width=1,
        domain=ML_DOMAIN,
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=len(keys),
    )
    return Value("int64", block)


def _gather(writer: GraphWriter, tables: Sequence[_Table], places: Sequence[Value]) -> str:
    """The rows of tables at places, beside each other: one look-up for all of them."""
    widths = [table.shape[1] for table in tables]
    begins = np.cumsum([0, *(table.size for table in tables[:-1])])
    owners = np.repeat(np.arange(len(tables)), widths)
    offsets = np.concatenate([begin + np.arange(w) for begin, w in zip(begins, widths, strict=True)])
    width = len(owners)
    spread = writer.stack([places[owner] for owner in owners.tolist()])
    if max(widths) > 1:
        steps = writer.constant(np.array([widths], dtype=np.int64)[:, owners])
        spread = writer.node("Mul", spread, steps, type="int64", width=width)
    if offsets.any():
        shifts = writer.constant(offsets[None, :].astype(np.int64))
        spread = writer.node("Add", spread, shifts, type="int64", width=width)
    flat = writer.constant(np.concatenate([table.ravel() for table in tables]))
    return writer.node("Gather", flat, spread, type="double", width=width, axis=0)


def _parted(values: Sequence[Value], widths: Sequence[int]) -> list[list[Value]]:
    """Values dealt out, so many to each."""
    found, start = [], 0
    for width in widths:
        found.append(list(values[start : start + width]))
        start += width
    return found


def _constants(
    writer: GraphWriter, operations: Sequence[op.KeyedConstants], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    places = [_place(writer, o.keys, text) for o, text in zip(operations, arguments[0], strict=True)]
    tables = [np.array(operation.rows, dtype=np.float64) for operation in operations]
    block = _gather(writer, tables, places)
    return _parted(writer.columns(block), [table.shape[1] for table in tables])


def _folded(
    writer: GraphWriter, operations: Sequence[op.FoldedConstants], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    return _constants(writer, [operation.everywhere for operation in operations], arguments)


def _out_of_fold(
    writer: GraphWriter, operations: Sequence[op.OutOfFold], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    """The tables of the folds stand below each other, and below them that of all rows, for a missing fold."""
    places, tables = [], []
    for operation, text, fold in zip(operations, *arguments, strict=True):
        constants = operation.constants
        keys, folds = constants.everywhere.keys, len(constants.folds)
        number = writer.stack([fold])
        is_missing = missing(writer, number)
        number = when(writer, is_missing, writer.constant(row([float(folds)])), number)
        rows = writer.constant(np.array([[len(keys) + 1]], dtype=np.int64))
        begin = writer.node("Mul", writer.cast(number, "int64"), rows, type="int64", width=1)
        place = writer.stack([_place(writer, keys, text)])
        places.append(Value("int64", writer.node("Add", begin, place, type="int64", width=1)))
        tables.append(np.concatenate([*map(np.array, constants.folds), np.array(constants.everywhere.rows)]))
    block = _gather(writer, tables, places)
    return _parted(writer.columns(block), [table.shape[1] for table in tables])


def _affine(
    writer: GraphWriter, operations: Sequence[op.KeyedAffine], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    places = [_place(writer, o.keys, text) for o, text in zip(operations, arguments[1], strict=True)]
    tables = [np.array(operation.rows, dtype=np.float64) for operation in operations]
    value = Arithmetic(writer, writer.stack(arguments[0]))
    for column, (operator, neutral) in enumerate([("Sub", 0.0), ("Div", 1.0), ("Mul", 1.0), ("Add", 0.0)]):
        if any((table[:, column] != neutral).any() for table in tables):
            block = _gather(writer, [table[:, column : column + 1] for table in tables], places)
            value = value.node(operator, Arithmetic(writer, block))
    return [[column] for column in writer.columns(value.block)]


def _fill(
    writer: GraphWriter, operations: Sequence[op.KeyedFill], arguments: Sequence[Sequence[Value]]
) -> list[list[Value]]:
    places = [_place(writer, o.keys, text) for o, text in zip(operations, arguments[1], strict=True)]
    tables = [np.array(operation.values, dtype=np.float64)[:, None] for operation in operations]
    block, fills = writer.stack(arguments[0]), _gather(writer, tables, places)
    filled = when(writer, missing(writer, block), fills, block)
    return [[column] for column in writer.columns(filled)]


RULES: dict[type[op.RowWise], Rule] = {
    op.FoldedConstants: Rule(_folded),
    op.KeyedAffine: Rule(_affine),
    op.KeyedConstants: Rule(_constants),
    op.KeyedFill: Rule(_fill),
    op.OutOfFold: Rule(_out_of_fold),
}
