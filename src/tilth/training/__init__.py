"""Estimators, fitted reproducibly and exported with their transform as one graph; baselines to beat.

The exported file takes raw columns and gives answers in the values of the label column. Whether it answers as
the trained estimator does is checked by `check_parity` before a model may be registered.
"""

from __future__ import annotations

from tilth.metrics import LabelEncoding
from tilth.training.baselines import BaselineAnswers, baselines
from tilth.training.estimators import Estimator, make_estimator
from tilth.training.export import export
from tilth.training.fitting import fit_estimator
from tilth.training.goals import decide
from tilth.training.learning import Learned, Recipe, learn
from tilth.training.parity import Parity, check_parity
from tilth.training.rows import Rows

__all__ = [
    "BaselineAnswers",
    "Estimator",
    "LabelEncoding",
    "Learned",
    "Parity",
    "Recipe",
    "Rows",
    "baselines",
    "check_parity",
    "decide",
    "export",
    "fit_estimator",
    "learn",
    "make_estimator",
]
