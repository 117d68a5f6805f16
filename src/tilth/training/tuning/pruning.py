"""Pruner: ends a trial that is behind the others while it is still being fitted."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence

from tilth.training.tuning.trials import Aim, Trial

__all__ = ["Pruned", "Pruner"]

_LEAST_TRIALS = 5
_FIRST_STEP = 2
_STEPS_PER_UNIT = 2
_GROWTH = 4
_GROWING = re.compile(
    r"(auc\w*|auroc|average_precision|map|ndcg|\w*accuracy|\w*f1|\w*precision|pre|\w*recall|r2)(@.*)?"
)
"""The metrics of estimators of which more is better; of all others less is."""


class Pruned(Exception):  # noqa: N818 - it ends a trial as planned
    """A trial is ended since it is behind."""


class Pruner:
    """Watches a fitting, and ends it when it is behind: the median stopping rule (Golovin et al. 2017).

    It is behind when its best dev loss so far is worse than the median of what the other trials of the same
    estimator had reached when they had come as far, once five of these are complete. Those that were pruned
    count as far as they came, since a bar of survivors alone would rise without end. It is looked at each
    time that it has come four times as far, so that bad luck has few occasions. How far boosting has come is
    its number of iterations times its learning rate, since small steps need more of them for the same way; of
    all others the number of iterations counts. Where the estimator tells nothing, nothing is pruned.

    Args:
        trials: what was tried before.
        aim: complete trials that it does not allow are no measure; with a second aim, nothing is pruned.
        estimator: whose fitting is watched.
        learning_rate: of boosting; None for others.

    Example:
        >>> pruner = Pruner([], Aim("auroc"), "lightgbm", learning_rate=0.1)
        >>> for iteration in range(20):
        ...     pruner(iteration, {"train.auc": 0.9, "dev.auc": 0.8 + iteration / 100})
        >>> [(step, round(loss, 2)) for step, loss in pruner.course]
        [(0, -0.84), (1, -0.89), (2, -0.94), (3, -0.99)]
    """

    def __init__(
        self, trials: Sequence[Trial], aim: Aim, estimator: str, learning_rate: float | None = None
    ) -> None:
        own = [trial for trial in trials if trial.proposal.estimator == estimator and trial.course]
        self._complete = [dict(trial.course) for trial in own if aim.allows(trial)]
        self._pruned = [dict(trial.course) for trial in own if trial.state == "pruned"]
        self._active = aim.prune and not aim.second and len(self._complete) >= _LEAST_TRIALS
        self._pace = 1.0 if learning_rate is None else _STEPS_PER_UNIT * learning_rate
        self._metric: str | None = None
        self._sign = 1
        self._step, self._best = 0, float("inf")
        self._next = _FIRST_STEP
        self._losses: dict[int, float] = {}

    def __call__(self, iteration: int, metrics: Mapping[str, float]) -> None:
        """Take in the metrics of an iteration.

        Raises:
            Pruned: the fitting is behind.
        """
        if self._metric is None:
            self._metric = next((name for name in metrics if name.startswith("dev.")), "")
            self._sign = -1 if _GROWING.fullmatch(self._metric.rpartition(".")[2].lower()) else 1
        if self._metric not in metrics:
            return
        step = int((iteration + 1) * self._pace - 1e-9)
        if step > self._step:
            self._look_back()
        self._step = step
        self._best = min(self._best, self._sign * metrics[self._metric])
        if math.isfinite(self._best):
            self._losses[step] = self._best

    @property
    def course(self) -> tuple[tuple[int, float], ...]:
        """Steps, and the best loss at the end of each."""
        return tuple(self._losses.items())

    def _look_back(self) -> None:
        """Compare the step that is over."""
        if not self._active or self._step < self._next:
            return
        while self._next <= self._step:
            self._next *= _GROWTH
        came_as_far = [other for other in self._pruned if max(other) >= self._step]
        theirs = [_reached(other, self._step) for other in (*self._complete, *came_as_far)]
        if self._best > statistics.median(theirs):
            raise Pruned(f"behind half of the trials at {self._metric} {abs(self._best):.4g}")


def _reached(course: Mapping[int, float], step: int) -> float:
    """The best loss of a trial at a step; of one that had ended, what it ended with."""
    return min(loss for at, loss in course.items() if at <= max(step, min(course)))
