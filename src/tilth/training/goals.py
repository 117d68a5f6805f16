"""Goals: the rule by which probabilities become a class, chosen on rows that were not learned from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.decision import Decision
from tilth.training.rows import Labels

__all__ = ["decide"]


def decide(
    goal: str,
    scores: npt.NDArray[np.float64],
    y: Labels,
    weights: npt.NDArray[np.float64] | None = None,
    *,
    values: npt.NDArray[np.float64] | None = None,
) -> Decision:
    """The rule that serves a goal best on some rows."""
    raise TrainingError(f"no goal '{goal}'", where="[train] threshold")
