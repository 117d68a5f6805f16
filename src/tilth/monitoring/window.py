"""One window of served predictions, and what it is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilth.metrics import Estimate
from tilth.profiles import Profile

__all__ = ["Reference", "Thresholds", "Window"]


@dataclass(frozen=True)
class Reference:
    """What a model version was accepted on.

    Args:
        inputs: the profile of the raw input columns that it learned from.
        predictions: the profile of its answers on held-out rows: `prediction` and, for classes, `confidence`.
        metrics: its metrics on the test part, by name.
    """

    inputs: Profile
    predictions: Profile
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class Window:
    """What was served, and what came of it.

    Args:
        inputs: the profile of the served input columns.
        predictions: the profile of the answers, columns as in `Reference.predictions`.
        performance: metrics on the newest predictions whose outcome is known, be they as old as they may;
            None while there are none.
        outcomes: how many predictions that are.
        notes: what was left out, in sentences for people.
    """

    inputs: Profile
    predictions: Profile
    performance: Mapping[str, Estimate] | None = None
    outcomes: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thresholds:
    """When something is judged, and when it counts.

    Args:
        minimum_rows: fewer predictions (for drift) or outcomes (for performance) are not judged.
        drift_threshold: the effect from which a column counts as drifted; see `tilth.validation.compare`.
        significance: the false alarm rate for drift, of one window over all columns of inputs and answers.
    """

    minimum_rows: int = 30
    drift_threshold: float = 0.1
    significance: float = 0.01
