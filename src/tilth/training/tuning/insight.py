"""What a search has shown: which parameters matter, and how much of a lead may be chance."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tilth.metrics import Answered, Estimate, paired_difference
from tilth.training.tuning.sampling import as_study
from tilth.training.tuning.spaces import Choice, Spaces
from tilth.training.tuning.trials import Aim, Trial
from tilth.types import JSONObject

__all__ = ["Lead", "importances", "lead_over"]

_LEAST_TRIALS = 8
_LEVEL = 0.95
_Z = statistics.NormalDist().inv_cdf((1 + _LEVEL) / 2)


@dataclass(frozen=True)
class Lead:
    """How much better the best trial is than what tilth.toml says now, on the same dev rows.

    Args:
        difference: of the metric, positive where the best trial is better, with its 95 % interval.
        among_all: the same, with the interval that holds at once for all trials that it was chosen from.
        trials: how many these are.
        rows: how many dev rows there are.
    """

    difference: Estimate
    among_all: Estimate
    trials: int
    rows: int

    @property
    def is_more_than_chance(self) -> bool | None:
        """Whether choosing the best of so many equal ones would hardly lead as much; None if not known."""
        return None if self.among_all.low is None else self.among_all.low > 0

    def __str__(self) -> str:
        if self.difference.value is None or self.among_all.low is None:
            return "how much of it is chance is not known"
        verdict = "more than chance" if self.is_more_than_chance else "chance may be all of it"
        return (
            f"{self.difference.value:+.4f} [{self.difference.low:.4f}, {self.difference.high:.4f}] on"
            f" {self.rows:,} dev rows; as the best of {self.trials:,} trials"
            f" [{self.among_all.low:.4f}, {self.among_all.high:.4f}]: {verdict}"
        )

    def to_json(self) -> JSONObject:
        """The lead as JSON values."""
        return {
            "difference": self.difference.to_json(),
            "among_all": self.among_all.to_json(),
            "trials": self.trials,
            "rows": self.rows,
            "more_than_chance": self.is_more_than_chance,
            "sentence": str(self),
        }


def lead_over(aim: Aim, now: Answered, best: Answered, trials: int) -> Lead:
    """How far the best of several trials leads.

    The best of many looks better than it is: it was chosen also for its luck on these rows. The wider
    interval holds for all of them at once (Bonferroni's inequality; Dunn 1961).

    Args:
        aim: which metric.
        now: what is said of the dev rows by what tilth.toml says now.
        best: the same of the best trial.
        trials: how many it was chosen from.

    Example:
        >>> import numpy as np
        >>> truth = np.array([0, 1] * 50)
        >>> guess, right = Answered(truth, np.zeros(100, int)), Answered(truth, truth)
        >>> print(lead_over(Aim("accuracy"), guess, right, 20))
        +0.5000 [0.3894, 0.5909] on 100 dev rows; as the best of 20 trials [0.3295, 0.6403]: more than chance
    """
    found = paired_difference(aim.metric, now, best)
    if not aim.upward:
        found = found.scaled(-1)
    wider = statistics.NormalDist().inv_cdf(1 - (1 - _LEVEL) / 2 / max(1, trials)) / _Z
    return Lead(found, _stretched(found, wider), trials, len(now))


def _stretched(found: Estimate, factor: float) -> Estimate:
    if found.value is None or found.low is None or found.high is None:
        return found
    low, high = found.value - found.low, found.high - found.value
    return Estimate(found.value, found.value - factor * low, found.value + factor * high)


def importances(spaces: Spaces, aim: Aim, trials: Sequence[Trial], estimator: str) -> dict[str, float]:
    """How much of the differences between the scores of an estimator each parameter explains.

    By functional ANOVA on a random forest (Hutter, Hoos and Leyton-Brown 2014).

    Args:
        spaces: what was searched.
        aim: whose metric.
        trials: of all estimators.
        estimator: whose parameters.

    Returns:
        Parameter -> share, the greatest first; nothing from fewer than 8 complete trials.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    space = spaces[estimator]
    free = [name for name, v in space.items() if not (isinstance(v, Choice) and len(v.values) == 1)]
    own = [t for t in trials if t.proposal.estimator == estimator and t.is_complete]
    one = Aim(aim.metric, aim.upward)
    study = as_study({estimator: {name: space[name] for name in free}}, one, own)
    scores = {trial.value for trial in study.get_trials(deepcopy=False)}
    if len(study.get_trials(deepcopy=False)) < _LEAST_TRIALS or len(scores) < 2 or not free:
        return {}
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {name: float(share) for name, share in found.items()}
