"""Mergeable accumulators, pure mathematics: exact sums, moments, distributions, distinct values, text counts.

Every sketch depends on the multiset of values alone: not on their order, batches, threads or machine.
"""

from __future__ import annotations

from tilth.sketches.distinct_counts import DistinctCounts, mix
from tilth.sketches.exact_sum import ExactSum
from tilth.sketches.moments import Moments
from tilth.sketches.number_counts import NumberCounts, from_keys, to_keys
from tilth.sketches.number_summary import NumberSummary
from tilth.sketches.sketch import Sketch
from tilth.sketches.text_counts import TextCounts
from tilth.sketches.text_summary import TextSummary

__all__ = [
    "DistinctCounts",
    "ExactSum",
    "Moments",
    "NumberCounts",
    "NumberSummary",
    "Sketch",
    "TextCounts",
    "TextSummary",
    "from_keys",
    "mix",
    "to_keys",
]
