"""What to try next: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), from records.

The study is made anew from the trials each time, so that a search which was interrupted, or is shared by
several processes, goes on as if nothing had happened: the same trials give the same proposal.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilth.training.tuning.spaces import Choice, Proposal, Range, Space, Spaces, Value, grid, grid_size
from tilth.training.tuning.trials import Aim, Trial

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as Asked

__all__ = ["as_study", "propose"]

_ESTIMATOR = "estimator"
_GRID_AT_MOST = 1000
_ATTEMPTS = 10


def propose(spaces: Spaces, aim: Aim, trials: Sequence[Trial], number: int, seed: int) -> Proposal | None:
    """The next proposal; the same for the same trials.

    Spaces of at most 1,000 points are gone through in an order drawn at random. In all others, ten points
    are drawn, and then the likely better ones are preferred.

    Args:
        spaces: estimator -> parameter -> its values.
        aim: what the search is after.
        trials: what was tried, or is being tried elsewhere.
        number: of the trial, from 1.
        seed: another one gives another search.

    Returns:
        None when everything was tried.

    Example:
        >>> found = propose({"a": {"depth": Range(1, 5, whole=True)}}, Aim("auroc"), [], 1, 0)
        >>> found.estimator, list(found.parameters)
        ('a', ['depth'])
    """
    if grid_size(spaces) <= _GRID_AT_MOST:
        return _next_in_grid(spaces, trials, number, seed)
    known = [trial.proposal for trial in trials]
    for attempt in range(_ATTEMPTS):
        found = _sampled(spaces, aim, trials, f"{seed}/{number}/{attempt}")
        if found not in known:  # what is equal gives the same
            return found
    return _drawn(spaces, f"{seed}/{number}")


def _next_in_grid(spaces: Spaces, trials: Sequence[Trial], number: int, seed: int) -> Proposal | None:
    """The point of this number, passing over what trial 0 already was."""
    first = [trial.proposal for trial in trials if trial.number == 0]
    left = [point for point in grid(spaces, seed) if point not in first]
    return left[number - 1] if number <= len(left) else None


def as_study(spaces: Spaces, aim: Aim, trials: Sequence[Trial], seed: int = 0) -> Study:
    """Trials as Optuna sees them: those in the spaces; bounds as its constraints.

    Args:
        spaces: estimator -> parameter -> its values.
        aim: what the search is after.
        trials: in any order.
        seed: of its sampler.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    down = optuna.study.StudyDirection.MINIMIZE
    directions = [down, down] if aim.second else [down]
    study = optuna.create_study(directions=directions, sampler=optuna.samplers.TPESampler(seed=seed))
    for trial in sorted(trials, key=lambda each: each.number):
        known = _frozen(spaces, aim, trial)
        if known is not None:
            study.add_trial(known)
    return study


def _sampled(spaces: Spaces, aim: Aim, trials: Sequence[Trial], words: str) -> Proposal:
    asked = as_study(spaces, aim, trials, _seed(words)).ask()
    names = list(spaces)
    estimator = names[0] if len(names) == 1 else str(asked.suggest_categorical(_ESTIMATOR, names))
    space = spaces[estimator]
    return Proposal(
        estimator,
        {name: _suggested(asked, _key(spaces, estimator, name), values) for name, values in space.items()},
    )


def _suggested(asked: Asked, key: str, values: Range | Choice) -> Value:
    if isinstance(values, Choice):
        found: Any = (
            values.values[0] if len(values.values) == 1 else asked.suggest_categorical(key, values.values)
        )
        return found if isinstance(found, str | int | float | bool) else str(found)
    if values.whole:
        return asked.suggest_int(key, int(values.low), int(values.high), log=values.log)
    return values.tidied(asked.suggest_float(key, values.low, values.high, log=values.log))


def _drawn(spaces: Spaces, words: str) -> Proposal:
    """Any point, where the sampler keeps to those that were tried."""
    chance = random.Random(words)  # noqa: S311 - nothing secret
    estimator = chance.choice(list(spaces))
    return Proposal(estimator, {name: _any(values, chance) for name, values in spaces[estimator].items()})


def _any(values: Range | Choice, chance: random.Random) -> Value:
    if isinstance(values, Choice):
        return chance.choice(values.values)
    if values.whole:
        return chance.randint(int(values.low), int(values.high))
    return values.tidied(chance.uniform(values.low, values.high))


def _frozen(spaces: Spaces, aim: Aim, trial: Trial) -> FrozenTrial | None:
    """A trial in Optuna's form; None where it tells the sampler nothing."""
    from optuna.trial import TrialState, create_trial

    space = spaces.get(trial.proposal.estimator)
    if space is None or set(space) - set(trial.proposal.parameters):
        return None
    if not all(space[name].contains(trial.proposal.parameters[name]) for name in space):
        return None
    given: dict[str, Any] = _placed(spaces, trial.proposal, space)
    if trial.state == "running":
        return create_trial(state=TrialState.RUNNING, **given)
    if trial.state == "pruned" and trial.course:
        # Pruned trials are compared by how far they came, and then by their loss.
        values = {step: float(value) for step, value in trial.course}
        return create_trial(state=TrialState.PRUNED, intermediate_values=values, **given)
    if not trial.is_complete or (aim.second and aim.second not in trial.costs):
        return None
    goals = [aim.loss(trial), *([trial.costs[aim.second]] if aim.second else [])]
    bounds = aim.excess(trial) or None
    return create_trial(state=TrialState.COMPLETE, values=goals, constraints=bounds, **given)


def _placed(spaces: Spaces, proposal: Proposal, space: Space) -> dict[str, Any]:
    """Parameters with their distributions; constants are no part of the search."""
    import optuna

    free = {name: values for name, values in space.items() if not _is_constant(values)}
    parameters = {_key(spaces, proposal.estimator, name): proposal.parameters[name] for name in free}
    distributions = {_key(spaces, proposal.estimator, name): _distribution(free[name]) for name in free}
    if len(spaces) > 1:
        parameters[_ESTIMATOR] = proposal.estimator
        distributions[_ESTIMATOR] = optuna.distributions.CategoricalDistribution(list(spaces))
    return {"params": parameters, "distributions": distributions}


def _distribution(values: Range | Choice) -> BaseDistribution:
    import optuna

    if isinstance(values, Choice):
        return optuna.distributions.CategoricalDistribution(values.values)
    if values.whole:
        return optuna.distributions.IntDistribution(int(values.low), int(values.high), log=values.log)
    return optuna.distributions.FloatDistribution(values.low, values.high, log=values.log)


def _is_constant(values: Range | Choice) -> bool:
    return isinstance(values, Choice) and len(values.values) == 1


def _key(spaces: Spaces, estimator: str, name: str) -> str:
    """Of several estimators, each has parameters of its own."""
    return name if len(spaces) == 1 else f"{estimator}.{name}"


def _seed(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:4])
