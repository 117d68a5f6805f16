"""Which search tilth.toml asks for: its spaces, its aim, and what its trials have in common."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from tilth.checks import Check
from tilth.errors import ProjectError, TilthError, TrainingError, closest
from tilth.metrics import CHIEF_METRIC, perfect
from tilth.pipelines.code_version import code_version
from tilth.pipelines.learning import recipe_parameters
from tilth.pipelines.training_files import digests_of
from tilth.projects import Configuration, Project
from tilth.projects.configuration import SearchSpace
from tilth.projects.declared_checks import refuse_unknown
from tilth.training import make_estimator
from tilth.training.boosting import LEAST_DEV_ROWS, same_parameter
from tilth.training.estimators import FUNCTION
from tilth.training.tuning import (
    COSTS,
    STANDARD_SPACES,
    Aim,
    Choice,
    Proposal,
    Range,
    Space,
    Spaces,
    standard_space,
)
from tilth.types import JSONObject

__all__ = ["Search", "merged", "search_of"]

_NO_PART = ("allow", "learning_curve", "sanity_checks")
"""Keys of [train] that change no trial."""


@dataclass(frozen=True)
class Search:
    """One search: trials with the same of all of this may be compared.

    Args:
        digest: of what the trials' scores depend on, apart from what is proposed.
        spaces: estimator -> parameter -> its values.
        aim: by which trials are told apart.
        seed: of what is drawn.
        first: the proposal of trial 0, what tilth.toml says now.
    """

    digest: str
    spaces: Spaces = field(hash=False)
    aim: Aim
    seed: int
    first: Proposal


def search_of(project: Project, inputs: Mapping[str, str], dev_rows: int = LEAST_DEV_ROWS) -> Search:
    """The search that a project asks for.

    Args:
        project: with its tilth.toml.
        inputs: name -> digest of the artifacts that are learned from.
        dev_rows: how many rows of the dev part there are.

    Raises:
        ProjectError: a mistake in [tune].
        TrainingError: an estimator without such a parameter, or one without any known space.
    """
    configuration = project.configuration
    section: JSONObject = msgspec.to_builtins(configuration.tune)
    del section["trials"]
    recipe = {key: value for key, value in recipe_parameters(project).items() if key not in _NO_PART}
    estimators = _estimators(configuration)
    document = {
        "inputs": dict(inputs),
        "code": code_version(),
        "recipe": recipe,
        "tune": section,
        "sources": {name: digests_of(name, project.directory) for name in estimators},
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    stops = configuration.train.early_stopping_rounds > 0 and dev_rows >= LEAST_DEV_ROWS
    spaces = {name: space for name, space in _spaces(project, estimators, stops).items() if space}
    first = Proposal(configuration.train.estimator, {})
    return Search(digest, spaces, _aim(configuration), configuration.train.seed, first)


def merged(configuration: Configuration, proposal: Proposal) -> dict[str, object]:
    """All parameters of a trial: those of [train] where the estimator is the same, and those proposed.

    Of LightGBM, a parameter that is proposed replaces all its other names.
    """
    section = configuration.train
    given = dict(section.parameters) if proposal.estimator == section.estimator else {}
    is_lightgbm = proposal.estimator == "lightgbm"
    replaced = {
        other for name in proposal.parameters for other in (same_parameter(name) if is_lightgbm else {name})
    }
    return {
        **{name: value for name, value in given.items() if name not in replaced},
        **proposal.parameters,
    }


def _estimators(configuration: Configuration) -> tuple[str, ...]:
    return tuple(dict.fromkeys(configuration.tune.estimators)) or (configuration.train.estimator,)


def _aim(configuration: Configuration) -> Aim:
    section, task = configuration.tune, configuration.project.task
    metric = section.metric or CHIEF_METRIC[task]
    where = "tilth.toml, [tune]"
    try:
        refuse_unknown(Check(metric, "model", low=0.0), task)
    except ProjectError as error:
        raise ProjectError(error.what, where=where, expected=error.expected, mend=error.mend) from error
    best = perfect(metric)
    if best is None:
        raise ProjectError(f"no value of {metric} is best", where=where, expected="such as auroc or rmse")
    for name, bound in section.constraints.items():
        if name not in COSTS:
            near = closest(name, COSTS)
            raise ProjectError(
                f"'{name}' cannot be bounded",
                where=f"{where} constraints",
                expected=f"one of {', '.join(COSTS)}",
                mend=f"did you mean '{near}'?" if near else None,
            )
        if math.isinf(bound) and bound > 0:
            raise ProjectError(f"{name} = {bound:g} is no bound", where=f"{where} constraints")
        if not bound > 0:
            raise ProjectError(f"{name} = {bound:g} allows nothing", where=f"{where} constraints")
    return Aim(metric, best > 0, dict(section.constraints), section.second or "", section.prune)


def _spaces(project: Project, estimators: tuple[str, ...], stops: bool) -> dict[str, Space]:
    """What tilth.toml names, of several estimators for those that take it; else the standard spaces."""
    named = {name: _values(name, given) for name, given in project.configuration.tune.parameters.items()}
    if len(estimators) == 1:
        (only,) = estimators
        if not named:
            return {only: standard_space(only, stops_early=stops)}
        for name, values in named.items():
            _try(project, only, name, values)
        return {only: named}
    own = {name: _own(project, name, named, stops_early=stops) for name in estimators}
    for name, values in named.items():
        if not any(name in space for space in own.values()):
            _try(project, estimators[0], name, values)
    return {name: space or standard_space(name, stops_early=stops) for name, space in own.items()}


def _own(project: Project, estimator: str, named: Space, *, stops_early: bool) -> Space:
    """The parameters that an estimator takes, before those of its standard space that are not named."""
    found = {}
    for name, values in named.items():
        try:
            _try(project, estimator, name, values)
        except TrainingError:
            continue
        found[name] = values
    known = estimator in STANDARD_SPACES
    standard = standard_space(estimator, stops_early=stops_early) if known else {}
    return {**{name: values for name, values in standard.items() if name not in found}, **found}


def _try(project: Project, estimator: str, name: str, values: Range | Choice) -> None:
    """Refuse a parameter that an estimator does not take.

    Raises:
        TrainingError: it does not.
    """
    if FUNCTION.fullmatch(estimator):
        return  # a function of one's own takes whatever it likes
    some = values.values[0] if isinstance(values, Choice) else values.tidied(values.low)
    configuration = project.configuration
    try:
        make_estimator(
            estimator,
            merged(configuration, Proposal(estimator, {name: some})),
            task=configuration.project.task,
            directory=project.directory,
        )
    except TilthError as error:
        where = f"tilth.toml, [tune.parameters] {name}"
        raise TrainingError(error.what, where=where, expected=error.expected, mend=error.mend) from error


_WIDEST = 1e300
"""Differences of bounds up to this are finite."""


def _values(name: str, given: SearchSpace) -> Range | Choice:
    where = f"tilth.toml, [tune.parameters] {name}"
    expected = "{ low = 0.01, high = 0.3, log = true }, or { choices = [1, 2] }"
    bounded = given.low is not None or given.high is not None
    if bounded == bool(given.choices) or (given.choices and given.log):
        raise ProjectError(f"the values of {name} are not told", where=where, expected=expected)
    if given.choices:
        if len(set(map(repr, given.choices))) < len(given.choices):
            raise ProjectError(f"a choice of {name} stands there twice", where=where)
        if any(isinstance(value, float) and not math.isfinite(value) for value in given.choices):
            raise ProjectError(f"a choice of {name} is not a finite number", where=where)
        return Choice(tuple(given.choices))
    if given.low is None or given.high is None:
        missing = "low" if given.low is None else "high"
        raise ProjectError(f"{name} has no {missing}", where=where, expected=expected)
    low, high = given.low, given.high
    if not -math.inf < low < high < math.inf:
        raise ProjectError(f"{name} from {low} to {high}: low is not below high", where=where)
    if not max(abs(low), abs(high)) <= _WIDEST:
        raise ProjectError(f"the range of {name} is too wide to draw from", where=where)
    if given.log and low <= 0:
        raise ProjectError(f"{name} from {low}: low must be above 0, since log = true", where=where)
    whole = isinstance(low, int) and isinstance(high, int)
    return Range(low, high, given.log, whole)
