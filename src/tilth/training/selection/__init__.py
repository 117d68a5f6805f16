"""Feature selection: which columns a model needs, by filters, wrappers and embedded methods side by side.

Every choice is made on training folds alone, preprocessing included, and judged on the rows that were not
looked at; `select` does all of it.
"""

from __future__ import annotations

from tilth.training.selection.figures import Figure
from tilth.training.selection.leaks import Leak
from tilth.training.selection.methods import METHODS
from tilth.training.selection.result import MethodResult, Recommendation, Selection
from tilth.training.selection.selecting import MOST_ROWS, select

__all__ = [
    "METHODS",
    "MOST_ROWS",
    "Figure",
    "Leak",
    "MethodResult",
    "Recommendation",
    "Selection",
    "select",
]
