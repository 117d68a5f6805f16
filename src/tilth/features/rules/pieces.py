"""What the rules for texts and lists are made with: texts on one axis, pieces of texts, items that are there.

A list is a whole tensor (n, most), padded with "" or NaN; it has one column at least.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tilth.features.graph_writer import RUNTIME_DOMAIN, GraphWriter, Value
from tilth.features.rules.rule import missing, row, when

__all__ = [
    "beside",
    "blank",
    "column",
    "count",
    "in_row",
    "like",
    "pieces",
    "slice_columns",
    "texts_in_row",
    "there",
    "unless_missing",
]

_END = np.iinfo(np.int64).max


def column(writer: GraphWriter, value: Value) -> str:
    """A column as a block, or a list as it is."""
    return value.block if value.whole else writer.stack([value])


def like(writer: GraphWriter, tensor: str, value: Value) -> list[Value]:
    """A tensor as the value of an operation that keeps columns columns and lists lists."""
    return [writer.whole(tensor)] if value.whole else writer.columns(tensor)


def texts_in_row(writer: GraphWriter, value: Value) -> str:
    """All texts of a column or list as a tensor of one axis, which is what some operators take."""
    shape = writer.constant(np.array([-1], dtype=np.int64))
    return writer.node("Reshape", column(writer, value), shape, type="string", width=0)


def in_row(writer: GraphWriter, tensor: str, value: Value) -> list[Value]:
    """Back from one axis to the column or list that `texts_in_row` made it of."""
    if value.whole:
        shape = writer.node("Shape", value.block, type="int64", width=0)
        return [writer.whole(writer.node("Reshape", tensor, shape, type="string", width=0))]
    shape = writer.constant(np.array([-1, 1], dtype=np.int64))
    return writer.columns(writer.node("Reshape", tensor, shape, type="string", width=1))


def pieces(writer: GraphWriter, texts: str, operator: str, **attributes: Any) -> str:
    """The pieces of texts (n,) as a list (n, most), by an operator that gives one; it has a column at least.

    Args:
        writer: where it is written.
        texts: what is taken apart.
        operator: "Tokenizer" or "StringSplit".
        attributes: those of the operator.
    """
    if operator == "Tokenizer":
        found = writer.node(
            operator,
            texts,
            type="string",
            width=0,
            domain=RUNTIME_DOMAIN,
            mark=0,
            mincharnum=1,
            pad_value="",
            **attributes,
        )
    else:
        found = writer.nodes(operator, texts, types=["string", "int64"], **attributes)[0]
    shape = writer.constant(np.array([-1, 1], dtype=np.int64))
    texts = writer.node("Reshape", texts, shape, type="string", width=1)
    return beside(writer, found, blank(writer, texts, 1))


def blank(writer: GraphWriter, tensor: str, width: int, value: float | str | None = None) -> str:
    """As many columns as wanted of one value, by default missing ones, with the rows of a tensor."""
    kind = writer.type_of(tensor)
    if value is None:
        value = "" if kind == "string" else np.nan
    dtypes = {"string": np.object_, "float": np.float32, "double": np.float64}
    values = writer.constant(np.array([[value] * width], dtype=dtypes[kind]))
    first = slice_columns(writer, tensor, 0, 1)
    return writer.node("Where", writer.constant(np.array([[True]])), values, first, type=kind, width=width)


def beside(writer: GraphWriter, *tensors: str) -> str:
    """Lists or columns as one list."""
    return writer.node("Concat", *tensors, type=writer.type_of(tensors[0]), width=0, axis=1)


def slice_columns(writer: GraphWriter, tensor: str, start: int, stop: int | None) -> str:
    """Some neighboring columns, as Python slices; the width is 0 where it is not known."""
    bounds = [
        writer.constant(np.array([bound], dtype=np.int64))
        for bound in (start, _END if stop is None else stop, 1)
    ]
    is_known = stop is not None and 0 <= start <= stop
    width = stop - start if is_known and stop is not None else 0
    return writer.node("Slice", tensor, *bounds, type=writer.type_of(tensor), width=width)


def there(writer: GraphWriter, tensor: str) -> str:
    """Where there are items, as booleans."""
    return writer.node("Not", missing(writer, tensor), type="bool", width=writer.width_of(tensor))


def count(writer: GraphWriter, tensor: str) -> str:
    """How many items there are: int64, one column."""
    axis = writer.constant(np.array([1], dtype=np.int64))
    ones = writer.cast(there(writer, tensor), "int64")
    return writer.node("ReduceSum", ones, axis, type="int64", width=1, keepdims=1)


def unless_missing(writer: GraphWriter, texts: str, numbers: str) -> str:
    """Numbers made of texts, missing where these are."""
    return when(writer, missing(writer, texts), writer.constant(row([np.nan])), numbers)
