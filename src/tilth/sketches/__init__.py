"""Mergeable accumulators, pure mathematics: exact sums, moments, distributions, distinct values, text counts.

Every sketch depends on the multiset of values alone: not on their order, batches, threads or machine.
"""

from __future__ import annotations

from tilth.sketches.distinct_counts import DistinctCounts
from tilth.sketches.exact_sum import ExactSum
from tilth.sketches.frequent_texts import FrequentTexts
from tilth.sketches.grouped_moments import GroupedMoments
from tilth.sketches.grouped_sums import GroupedSums
from tilth.sketches.hashing import mix, text_words
from tilth.sketches.key_numbers import KEY_NUMBERS, KeyNumbers
from tilth.sketches.moments import Moments
from tilth.sketches.number_counts import NumberCounts, from_keys, to_keys
from tilth.sketches.number_summary import NumberSummary
from tilth.sketches.sketch import Sketch
from tilth.sketches.text_counts import TextCounts
from tilth.sketches.text_shape import TextShape
from tilth.sketches.text_summary import TextSummary
from tilth.sketches.vector_products import VectorProducts
from tilth.sketches.whole_sums import WholeSums

__all__ = [
    "KEY_NUMBERS",
    "DistinctCounts",
    "ExactSum",
    "FrequentTexts",
    "GroupedMoments",
    "GroupedSums",
    "KeyNumbers",
    "Moments",
    "NumberCounts",
    "NumberSummary",
    "Sketch",
    "TextCounts",
    "TextShape",
    "TextSummary",
    "VectorProducts",
    "WholeSums",
    "from_keys",
    "mix",
    "text_words",
    "to_keys",
]
