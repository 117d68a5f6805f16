"""Analyzers of words: from what was seen of lists of texts to vocabularies, bags of words, weights."""

from __future__ import annotations

import math

from tilth.features import operations as op
from tilth.features.documents import Documents

__all__ = ["bag_of_words", "item_vocabulary", "term_weights"]


def item_vocabulary(operation: op.ItemVocabulary, seen: Documents) -> op.RowWise:
    """The most frequent texts by their rank."""
    words = _words(seen, operation.top, operation.min_count, 1.0)
    return op.Lookup(tuple(words), operation.default, operation.buckets)


def bag_of_words(operation: op.BagOfWords, seen: Documents) -> op.RowWise:
    """The most frequent texts."""
    words = _words(seen, operation.top, operation.min_count, operation.max_share)
    return op.WordCounts(tuple(words), operation.counts)


def term_weights(operation: op.TermWeights, seen: Documents) -> op.RowWise:
    """The most frequent texts with their inverse document frequencies.

    1 + ln((1 + N) / (1 + df)), or without smoothing 1 + ln(N / df), as in tf.Transform's `tfidf`.

    Example:
        >>> import numpy as np
        >>> seen = Documents()
        >>> seen.update(np.array([["a", "b"], ["a", ""]], dtype=object))
        >>> term_weights(op.TermWeights(None, 1, 1.0, smooth=False), seen)
        WeightedWords(words=('a', 'b'), weights=(1.0, 1.6931471805599454))
    """
    words = _words(seen, operation.top, operation.min_count, operation.max_share)
    added = 1 if operation.smooth else 0
    with_word = seen.lists_with(words).tolist()
    weights = tuple(1 + math.log((seen.lists + added) / (count + added)) for count in with_word)
    return op.WeightedWords(tuple(words), weights)


def _words(seen: Documents, top: int | None, min_count: int, max_share: float) -> list[str]:
    words = [word for word, count in seen.frequent() if count >= min_count]
    if max_share < 1 and words:
        few = (seen.lists_with(words) <= max_share * seen.lists).tolist()
        words = [word for word, is_kept in zip(words, few, strict=True) if is_kept]
    return words[:top]
