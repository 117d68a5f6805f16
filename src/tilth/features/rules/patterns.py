"""Rules for letters, patterns, pieces and hashes of texts; "" is a missing text.

Lower and upper case are those of the locale C.UTF-8, which every system with ONNX Runtime's packages has
without installing languages. `Tokenizer` finds the longest match at each place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import ML_DOMAIN, RUNTIME_DOMAIN, GraphWriter, Value
from tilth.features.regular_expressions import WHITE_SPACE
from tilth.features.rules.pieces import (
    column,
    count,
    in_row,
    like,
    pieces,
    slice_columns,
    texts_in_row,
    unless_missing,
)
from tilth.features.rules.rule import Rule, each, row

__all__ = ["LOCALE", "RULES", "hashes"]

LOCALE = "C.UTF-8"

_INNER = rf"(?s)[^{WHITE_SPACE}](?:.*[^{WHITE_SPACE}])?"


def _change_case(writer: GraphWriter, operation: op.ChangeCase, text: Value) -> list[Value]:
    changed = writer.node(
        "StringNormalizer",
        texts_in_row(writer, text),
        type="string",
        width=0,
        case_change_action="UPPER" if operation.upper else "LOWER",
        is_case_sensitive=1,
        locale=LOCALE,
    )
    return in_row(writer, changed, text)


def _strip(writer: GraphWriter, _: op.Strip, text: Value) -> list[Value]:
    found = pieces(writer, texts_in_row(writer, text), "Tokenizer", tokenexp=_INNER)
    return in_row(writer, slice_columns(writer, found, 0, 1), text)


def _text_length(writer: GraphWriter, _: op.TextLength, text: Value) -> list[Value]:
    letters = pieces(writer, texts_in_row(writer, text), "Tokenizer", separators=[""])
    length = writer.cast(count(writer, letters), "double")
    return writer.columns(unless_missing(writer, column(writer, text), length))


def _full_match(writer: GraphWriter, operation: op.FullMatch, text: Value) -> list[Value]:
    block = column(writer, text)
    is_match = writer.node("RegexFullMatch", block, type="bool", width=1, pattern=operation.pattern)
    return writer.columns(unless_missing(writer, block, writer.cast(is_match, "double")))


def _extract(writer: GraphWriter, operation: op.Extract, text: Value) -> list[Value]:
    found = pieces(writer, texts_in_row(writer, text), "Tokenizer", tokenexp=operation.pattern)
    return writer.columns(slice_columns(writer, found, 0, 1))


def _tokens(writer: GraphWriter, operation: op.Tokens, text: Value) -> list[Value]:
    return [writer.whole(pieces(writer, texts_in_row(writer, text), "Tokenizer", tokenexp=operation.pattern))]


def _split(writer: GraphWriter, operation: op.Split, text: Value) -> list[Value]:
    return [
        writer.whole(pieces(writer, texts_in_row(writer, text), "StringSplit", delimiter=operation.separator))
    ]


def _hash(writer: GraphWriter, operation: op.Hash, text: Value) -> list[Value]:
    tensor = column(writer, text)
    found = writer.cast(hashes(writer, tensor, operation.buckets, operation.seed), "double")
    return like(writer, unless_missing(writer, tensor, found), text)


def hashes(writer: GraphWriter, texts: str, buckets: int, seed: int) -> str:
    """The hash of each text modulo `buckets`, int64."""
    width = writer.width_of(texts)
    found = writer.node(
        "MurmurHash3", texts, type="uint32", width=width, domain=RUNTIME_DOMAIN, positive=1, seed=seed
    )
    modulus = writer.constant(np.array([[buckets]], dtype=np.int64))
    return writer.node("Mod", writer.cast(found, "int64"), modulus, type="int64", width=width)


def _is_in(writer: GraphWriter, operation: op.IsIn, value: Value) -> list[Value]:
    block = column(writer, value)
    if value.type == "string":
        found = writer.node(
            "LabelEncoder",
            block,
            type="int64",
            width=1,
            domain=ML_DOMAIN,
            keys_strings=list(operation.values),
            values_int64s=[1] * len(operation.values),
            default_int64=0,
        )
    else:
        values: Sequence[float] = [float(known) for known in operation.values]
        is_equal = writer.node("Equal", block, writer.constant(row(values)), type="bool", width=len(values))
        axis = writer.constant(np.array([1], dtype=np.int64))
        ones = writer.cast(is_equal, "double")
        found = writer.node("ReduceMax", ones, axis, type="double", width=1, keepdims=1)
    return writer.columns(unless_missing(writer, block, writer.cast(found, "double")))


RULES: dict[type[op.RowWise], Rule] = {
    op.ChangeCase: Rule(each(_change_case)),
    op.Extract: Rule(each(_extract)),
    op.FullMatch: Rule(each(_full_match)),
    op.Hash: Rule(each(_hash)),
    op.IsIn: Rule(each(_is_in)),
    op.Split: Rule(each(_split)),
    op.Strip: Rule(each(_strip)),
    op.TextLength: Rule(each(_text_length)),
    op.Tokens: Rule(each(_tokens)),
}
