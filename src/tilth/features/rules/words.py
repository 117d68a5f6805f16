"""Rules for words: n-grams, bags of words, their weights, the hashing trick."""

from __future__ import annotations

from typing import Any

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.patterns import hashes
from tilth.features.rules.pieces import beside, blank, count, slice_columns, there
from tilth.features.rules.rule import Rule, each, missing, row

__all__ = ["RULES"]


def _ngrams(writer: GraphWriter, operation: op.NGrams, items: Value) -> list[Value]:
    block = items.block
    if operation.high > 1:
        block = beside(writer, block, blank(writer, block, operation.high - 1))
    found = [
        _neighbors(writer, block, size, operation.high, operation.separator)
        for size in range(operation.low, operation.high + 1)
    ]
    return [writer.whole(found[0] if len(found) == 1 else beside(writer, *found))]


def _neighbors(writer: GraphWriter, block: str, size: int, most: int, separator: str) -> str:
    """Every `size` neighbors of a list that has `most` - 1 columns of padding at its end."""
    parts = [slice_columns(writer, block, start, start - most + 1 or None) for start in range(size)]
    joined = parts[0]
    if size == 1:
        return joined
    between = writer.constant(row([separator]))
    for part in parts[1:]:
        left = writer.node("StringConcat", joined, between, type="string", width=0) if separator else joined
        joined = writer.node("StringConcat", left, part, type="string", width=0)
    # The list has no gaps, so where the last neighbor is there all are.
    empty = writer.constant(row([""]))
    return writer.node("Where", missing(writer, parts[-1]), empty, joined, type="string", width=0)


def _word_counts(writer: GraphWriter, operation: op.WordCounts, items: Value) -> list[Value]:
    if not operation.words:
        return []
    mode = "TF" if operation.counts else "IDF"  # IDF without weights: 1 where there is any
    return writer.columns(_counted(writer, items, operation.words, mode=mode))


def _weighted_words(writer: GraphWriter, operation: op.WeightedWords, items: Value) -> list[Value]:
    if not operation.words:
        return []
    weights = list(operation.weights)
    weighted = _counted(writer, items, operation.words, mode="TFIDF", weights=weights)
    one = writer.constant(np.array([[1]], dtype=np.int64))
    length = writer.node("Max", count(writer, items.block), one, type="int64", width=1)
    shares = writer.node("Div", weighted, writer.cast(length, "float"), type="float", width=len(weights))
    return writer.columns(shares)


def _counted(writer: GraphWriter, items: Value, words: tuple[str, ...], **attributes: Any) -> str:
    return writer.node(
        "TfIdfVectorizer",
        items.block,
        type="float",
        width=len(words),
        min_gram_length=1,
        max_gram_length=1,
        max_skip_count=0,
        ngram_counts=[0],
        ngram_indexes=list(range(len(words))),
        pool_strings=list(words),
        **attributes,
    )


def _hashed_words(writer: GraphWriter, operation: op.HashedWords, items: Value) -> list[Value]:
    ones = writer.cast(there(writer, items.block), "float")
    places = hashes(writer, items.block, operation.buckets, operation.seed)
    zeros = blank(writer, ones, operation.buckets, 0.0)
    width = operation.buckets
    found = writer.node(
        "ScatterElements", zeros, places, ones, type="float", width=width, axis=1, reduction="add"
    )
    return writer.columns(found)


RULES: dict[type[op.RowWise], Rule] = {
    op.HashedWords: Rule(each(_hashed_words)),
    op.NGrams: Rule(each(_ngrams)),
    op.WeightedWords: Rule(each(_weighted_words)),
    op.WordCounts: Rule(each(_word_counts)),
}
