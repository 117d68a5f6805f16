"""Recursive elimination: the column that counts least is left out, and the model fitted again."""

from __future__ import annotations

import numpy as np

from tilth.training.selection.models import Learner
from tilth.training.selection.training import TrainingRows

__all__ = ["recursive_elimination"]

_ONE_BY_ONE = 20
_SHARE = 10


def recursive_elimination(rows: TrainingRows, learner: Learner, candidates: list[int]) -> list[int]:
    """Candidates from the one that is left out last to the one that is left out first.

    A candidate counts as much as its features together: the sum of the squares of their coefficients,
    features at deviation 1 (Guyon, Weston, Barnhill, Vapnik 2002), or the sum of their importances. While
    there are more than 20, a tenth of them goes at once.

    Args:
        rows: the training rows.
        learner: the estimator; the linear one is taken instead if it tells neither of the two.
        candidates: which to look at.
    """
    left, gone = list(candidates), []
    while len(left) > 1:
        features = rows.features_of(left)
        weights = learner.fit(rows.X, rows.labels, features).weights()
        if weights is None:
            learner = Learner("linear", rows.task, rows.classes, rows.seed)
            continue
        wide = np.zeros(len(rows.Z[0]))
        wide[features] = weights
        counts = {at: float(wide[rows.groups[at]].sum()) for at in left}
        leaving = max(1, len(left) // _SHARE) if len(left) > _ONE_BY_ONE else 1
        weakest = sorted(left, key=lambda at: (counts[at], -at))[:leaving]
        gone += weakest
        left = [at for at in left if at not in weakest]
    return left + gone[::-1]
