"""Why a model says what it says: of single rows, of slices and as a whole.

A model is here a function from rows to answers, whoever made it. Of a tree ensemble more is known, since its
sums can be taken apart.
"""

from __future__ import annotations

from tilth.evaluation.explanation.asking import Ask, Said
from tilth.evaluation.explanation.attribution import Attributions, ExplainedModel, Method, attribute
from tilth.evaluation.explanation.dependence import Dependence, DependencePoint, partial_dependence
from tilth.evaluation.explanation.explained_rows import Contribution, RowExplanation, rows_explained
from tilth.evaluation.explanation.explanation import Explanation, Limits, explain
from tilth.evaluation.explanation.importance import Importance, SliceImportance, permutation_importance
from tilth.evaluation.explanation.influence import Influence, SliceOf
from tilth.evaluation.explanation.picking import hashes_of, some_groups, some_rows, table_hashes, taken

__all__ = [
    "Ask",
    "Attributions",
    "Contribution",
    "Dependence",
    "DependencePoint",
    "ExplainedModel",
    "Explanation",
    "Importance",
    "Influence",
    "Limits",
    "Method",
    "RowExplanation",
    "Said",
    "SliceImportance",
    "SliceOf",
    "attribute",
    "explain",
    "hashes_of",
    "partial_dependence",
    "permutation_importance",
    "rows_explained",
    "some_groups",
    "some_rows",
    "table_hashes",
    "taken",
]
