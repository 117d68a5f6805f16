"""Parity: does the graph answer as the trained estimator does?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import Table
from tilth.training.learning import Learned
from tilth.types import JSONObject

__all__ = ["TOLERANCE", "Parity", "check_parity"]

TOLERANCE = 1e-5
"""The greatest difference of a probability, or of a number by its size or the spread, that is rounding."""


@dataclass(frozen=True)
class Parity:
    """The outcome of a comparison.

    Args:
        rows: how many rows were compared.
        max_difference: the greatest difference of a probability, or of a number divided by its size or the
            spread of all numbers where one of these is above 1, beyond what a steep calibration makes of
            rounding before it; infinite or NaN where an answer is.
        label_mismatches: rows with another label, although the decision was not within rounding.
        passed: whether graph and estimator agree; false without rows.
    """

    rows: int
    max_difference: float
    label_mismatches: int
    passed: bool

    def to_json(self) -> JSONObject:
        """The outcome as JSON values."""
        return {
            "rows": self.rows,
            "max_difference": self.max_difference if math.isfinite(self.max_difference) else None,
            "label_mismatches": self.label_mismatches,
            "passed": self.passed,
        }


def check_parity(graph: Graph, learned: Learned, table: Table, features: npt.NDArray[np.floating]) -> Parity:
    """Compare a graph on raw columns with what it was made from on their features.

    Args:
        graph: what `export` made.
        learned: the fitted estimator, with its calibration and its rule.
        table: the raw columns.
        features: (n, f), what the transform makes of the table.
    """
    results = list(graph.run_table(table))
    if not results:
        return Parity(0, 0.0, 0, False)
    encoding, wanted, slack = learned.encoding, learned.scores(features), learned.slack(features, TOLERANCE)
    name = "prediction" if encoding.is_number else "probabilities"
    got = np.concatenate([result[name] for result in results]).astype(np.float64).reshape(len(features), -1)
    if got.shape != wanted.shape:
        return Parity(len(features), float("inf"), len(features), False)
    # A number near 0 among large ones is made of large ones, and rounded as these are.
    scale = np.maximum(np.maximum(1.0, np.abs(wanted)), np.std(wanted)) if encoding.is_number else 1.0
    differences = np.abs(got - wanted) / scale
    differences = np.where(differences > slack, differences - slack, np.minimum(differences, TOLERANCE))
    greatest = float(np.max(differences, initial=0.0))
    mismatches = 0
    if not encoding.is_number:
        labels = np.concatenate([result["label"] for result in results])
        wrong = learned.decision.is_wrong(_said(encoding, labels), wanted, slack + TOLERANCE, encoding.task)
        mismatches = int(wrong.reshape(len(features), -1).any(axis=1).sum())
    passed = len(features) > 0 and not mismatches and greatest <= TOLERANCE
    return Parity(len(features), greatest, mismatches, passed)


def _said(encoding: LabelEncoding, labels: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """The labels of a graph as codes, -1 for what is no class; of several labels 0 or 1 for each."""
    if encoding.task == "multilabel":
        return labels.astype(np.int64)
    codes = {value: code for code, value in enumerate(encoding.classes)}
    return np.array([codes.get(label, -1) for label in labels.tolist()], np.int64)
