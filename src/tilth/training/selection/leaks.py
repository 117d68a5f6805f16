"""Leaks: columns that alone tell the label, which they should not be able to."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.metrics import BinaryStatistics, RegressionStatistics
from tilth.training.selection.contingency import known_share
from tilth.training.selection.training import INNER_FOLDS, TrainingRows
from tilth.types import JSONObject

__all__ = ["LEAST_ROWS", "NEARLY_ONE", "Leak", "find_leaks"]

Floats = npt.NDArray[np.float64]

LEAST_ROWS = 50
"""Fewer rows prove nothing."""

_SUSPECT_SHARE = 0.3
_SURE_SHARE = 0.95
NEARLY_ONE = 0.999
"""From which AUROC, accuracy or R squared on something that was not known before is suspected."""

_DEPTH = 6


@dataclass(frozen=True)
class Leak:
    """A column that alone tells the label.

    Args:
        column: its name.
        metric: "auroc", or "r2" for regression.
        value: what a model of this column alone reaches on held-out rows.
        share: how much of the label's uncertainty its levels take away.
    """

    column: str
    metric: str
    value: float
    share: float

    def to_json(self) -> JSONObject:
        """The leak as JSON values."""
        return {**vars(self), "sentence": str(self)}

    def __str__(self) -> str:
        return (
            f"'{self.column}' alone tells the label ({self.metric} {self.value:.4f} on held-out rows): was "
            f"it known before? If not, leave it out with --exclude {shlex.quote(self.column)}, in a project "
            "by deleting its lines in features.py"
        )


def find_leaks(rows: TrainingRows, names: list[str]) -> list[Leak]:
    """The candidates that alone tell the label of held-out rows, whether it was known before or not.

    AUROC (the mean over the classes) or R squared of 0.999 or more, by a linear model or a tree of six levels
    of the candidate's features on three folds; or 95 % of the label's uncertainty taken away by its levels.
    Fewer than 50 rows prove nothing.

    Args:
        rows: all rows.
        names: (c,), the names of the candidates.
    """
    if rows.rows < LEAST_ROWS:
        return []
    metric = "r2" if rows.task == "regression" else "auroc"
    shares, found = known_share(rows), []
    for at in rows.usable:
        if shares[at] >= _SUSPECT_SHARE:
            value = _alone(rows, at)
            if value is not None and (value >= NEARLY_ONE or shares[at] >= _SURE_SHARE):
                found.append(Leak(names[at], metric, value, float(shares[at])))
    return found


def _alone(rows: TrainingRows, at: int) -> float | None:
    """The median over folds of what the better of a linear model and a tree of one candidate reaches."""
    found = []
    for model in (_linear, _tree):
        values = []
        for fold in range(INNER_FOLDS):
            held = rows.folds == fold
            Z = rows.Z[:, rows.groups[at]]
            values.append(_reached(rows, rows.targets[held], model(Z[~held], rows.targets[~held], Z[held])))
        known = [value for value in values if value is not None]
        found += [float(np.median(known))] if known else []
    return max(found, default=None)


def _linear(Z: Floats, targets: Floats, held: Floats) -> Floats:
    wide = np.column_stack([np.ones(len(Z)), Z])
    weights = np.linalg.solve(wide.T @ wide + 1e-6 * np.eye(wide.shape[1]), wide.T @ targets)
    return np.asarray(np.column_stack([np.ones(len(held)), held]) @ weights, np.float64)


def _tree(Z: Floats, targets: Floats, held: Floats) -> Floats:
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_depth=_DEPTH, random_state=0).fit(Z, targets)
    return np.asarray(tree.predict(held), np.float64).reshape(len(held), -1)


def _reached(rows: TrainingRows, targets: Floats, outputs: Floats) -> float | None:
    if rows.task == "regression":
        numbers = RegressionStatistics()
        numbers.update(targets[:, 0], outputs[:, 0])
        return numbers.metrics()["r2"].value
    values = []
    for wanted, said in zip(targets.T, outputs.T, strict=True):
        one = BinaryStatistics()
        one.update(wanted > 0, scores=said)
        values.append(one.metrics()["auroc"].value)
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
