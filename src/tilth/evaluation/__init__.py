"""Evaluation of predictions on slices of the data, and the checks that decide on a release.

Anyone's predictions can be evaluated: a table with labels and predictions is all that is needed. Rows stream
through mergeable statistics, one for each slice.
"""

from __future__ import annotations

from tilth.evaluation.differences import MINIMUM_ROWS
from tilth.evaluation.discovered import DiscoveredSlice, Discovery
from tilth.evaluation.discovery import discover
from tilth.evaluation.entry import evaluate, measure_scored
from tilth.evaluation.evaluator import Evaluator
from tilth.evaluation.fairness import Fairness, fairness_of
from tilth.evaluation.judgment import judge
from tilth.evaluation.must_pass import MustPass
from tilth.evaluation.result import Evaluation
from tilth.evaluation.scored import Scored, ScoredBatch, ScoredRows, group_codes
from tilth.evaluation.slice_result import SliceResult
from tilth.evaluation.versus import ComparedSlice, Comparison, Flips, compare
from tilth.evaluation.word_lists import Never, WordList, WordSearch

__all__ = [
    "MINIMUM_ROWS",
    "ComparedSlice",
    "Comparison",
    "DiscoveredSlice",
    "Discovery",
    "Evaluation",
    "Evaluator",
    "Fairness",
    "Flips",
    "MustPass",
    "Never",
    "Scored",
    "ScoredBatch",
    "ScoredRows",
    "SliceResult",
    "WordList",
    "WordSearch",
    "compare",
    "discover",
    "evaluate",
    "fairness_of",
    "group_codes",
    "judge",
    "measure_scored",
]
