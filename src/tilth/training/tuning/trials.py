"""Trial: one proposal that was tried; and the aim by which trials are told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tilth.metrics import Estimate
from tilth.training.tuning.spaces import Proposal
from tilth.types import JSONObject

__all__ = ["COSTS", "Aim", "Trial", "TrialState"]

COSTS: Mapping[str, str] = {
    "latency_us": "one row through the compiled graph, in microseconds",
    "memory_mb": "what the loaded graph holds in memory, in MB",
    "size_mb": "the file of the compiled graph, in MB",
}
"""What a model costs where it is deployed."""

TrialState: TypeAlias = Literal["running", "complete", "pruned", "failed", "interrupted"]


@dataclass(frozen=True)
class Trial:
    """One proposal and what came of it.

    Args:
        number: 0 is what tilth.toml says now, the others count from 1.
        proposal: estimator and parameters.
        state: how far it is.
        score: the metric on the dev part; undefined unless it is complete.
        costs: of the compiled model, as far as they were measured; see `COSTS`.
        course: pairs of how far the fitting was and the best dev loss until then; see `Pruner`.
        seconds: how long it took.
        note: why it failed, or at which loss it was pruned.
    """

    number: int
    proposal: Proposal
    state: TrialState
    score: Estimate = field(default_factory=lambda: Estimate(None))
    costs: Mapping[str, float] = field(default_factory=dict, hash=False)
    course: tuple[tuple[int, float], ...] = ()
    seconds: float | None = None
    note: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it ended with a score that is defined."""
        return self.state == "complete" and self.score.value is not None

    def to_json(self) -> JSONObject:
        """The trial as JSON values, without its course."""
        return {
            "trial": self.number,
            **self.proposal.to_json(),
            "state": self.state,
            "score": self.score.to_json(),
            "costs": {name: round(value, 4) for name, value in self.costs.items()},
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "note": self.note,
        }


@dataclass(frozen=True)
class Aim:
    """What a search is after.

    Args:
        metric: on the dev part.
        upward: whether more of it is better.
        constraints: the most that a model may cost, by name of `COSTS`.
        second: a cost that shall be low too; "" for none.
        prune: whether trials that are behind may be ended early; with a second aim they never are.

    Example:
        >>> aim = Aim("auroc", constraints={"size_mb": 1.0})
        >>> small, large = (
        ...     Trial(n, Proposal("a", {}), "complete", Estimate(0.9 + n / 100), {"size_mb": n / 2})
        ...     for n in (1, 3)
        ... )
        >>> aim.best([small, large]).number
        1
    """

    metric: str
    upward: bool = True
    constraints: Mapping[str, float] = field(default_factory=dict, hash=False)
    second: str = ""
    prune: bool = True

    @property
    def costs(self) -> tuple[str, ...]:
        """The costs that the search cannot do without."""
        return tuple(name for name in COSTS if name in self.constraints or name == self.second)

    def excess(self, trial: Trial) -> dict[str, float]:
        """By how much of each bound a trial is above it; 0 or less where it keeps within.

        A cost that is not known counts as twice the bound.
        """
        return {
            name: (trial.costs[name] - bound) / bound if name in trial.costs else 1.0
            for name, bound in self.constraints.items()
        }

    def allows(self, trial: Trial) -> bool:
        """Whether a trial is complete and keeps within all bounds."""
        return trial.is_complete and all(share <= 0 for share in self.excess(trial).values())

    def loss(self, trial: Trial) -> float:
        """The score, turned so that less is better."""
        assert trial.score.value is not None
        return -trial.score.value if self.upward else trial.score.value

    def leads(self, trial: Trial, others: Iterable[Trial]) -> bool:
        """Whether a trial would be the first of all."""
        return next(iter(self.ranked([*others, trial])), None) is trial

    def ranked(self, trials: Iterable[Trial]) -> list[Trial]:
        """The complete trials, the best first: those within all bounds, then those nearest to them."""
        complete = [trial for trial in trials if trial.is_complete]
        return sorted(complete, key=lambda trial: (self._violation(trial), self.loss(trial), trial.number))

    def best(self, trials: Iterable[Trial]) -> Trial | None:
        """The best trial within all bounds; of equal ones the first."""
        first = next(iter(self.ranked(trials)), None)
        return first if first is not None and self.allows(first) else None

    def front(self, trials: Sequence[Trial]) -> list[Trial]:
        """With a second aim: the trials than which none is better in one and not worse in the other.

        That is the Pareto front, by the score from the best down.
        """
        if not self.second:
            return []
        known = [trial for trial in trials if self.allows(trial) and self.second in trial.costs]
        found: list[Trial] = []
        for trial in sorted(known, key=lambda each: (self.loss(each), each.costs[self.second], each.number)):
            if not found or trial.costs[self.second] < found[-1].costs[self.second]:
                found.append(trial)
        return found

    def _violation(self, trial: Trial) -> float:
        return sum(share for share in self.excess(trial).values() if share > 0)
