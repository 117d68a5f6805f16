"""Evaluation of predictions on slices of the data, and the checks that decide on a release.

Anyone's predictions can be evaluated: a table with labels and predictions is all that is needed. Rows stream
through mergeable statistics, one for each slice.
"""

from __future__ import annotations

from tilth.evaluation.entry import evaluate, measure_scored
from tilth.evaluation.evaluator import Evaluator
from tilth.evaluation.judgment import judge
from tilth.evaluation.result import Evaluation
from tilth.evaluation.scored import Scored, ScoredBatch, ScoredRows, group_codes
from tilth.evaluation.slice_result import SliceResult

__all__ = [
    "Evaluation",
    "Evaluator",
    "Scored",
    "ScoredBatch",
    "ScoredRows",
    "SliceResult",
    "evaluate",
    "group_codes",
    "judge",
    "measure_scored",
]
