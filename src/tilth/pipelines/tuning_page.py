"""The page of a search: its course, what matters, and all trials, in one self-contained file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tilth.pipelines.line_charts import Chart, whisker_axis, whiskers
from tilth.pipelines.tuning_drawings import against_cost, history, over_parameter
from tilth.profiles.page_base import render
from tilth.profiles.page_figures import figure, label
from tilth.training.tuning import COSTS, Aim, Choice, Spaces, Trial

__all__ = ["TITLES", "Shown", "page"]

_ROOM = "tilth.pipelines"
_MOST_TRIALS = 2000
_ENOUGH = 4
"""Costs of fewer trials are not drawn where the search does not depend on them."""

TITLES: Mapping[str, str] = {
    "latency_us": "latency of one row, µs",
    "memory_mb": "memory, MB",
    "size_mb": "size of the file, MB",
}
"""What costs are called on the page."""


@dataclass(frozen=True)
class Shown:
    """What a page shows of a search.

    Args:
        title: of the page.
        sentences: what it has come to, in words.
        lines: of tilth.toml, to use the best trial; None where there is none.
        spaces: what was searched.
        aim: what it is after.
        trials: by number.
        total: how many there should be.
        importances: estimator -> parameter -> share.
    """

    title: str
    sentences: Sequence[str]
    lines: str | None
    spaces: Spaces
    aim: Aim
    trials: Sequence[Trial]
    total: int
    importances: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class _Line:
    """A trial in the table."""

    trial: Trial
    mark: str
    interval: str
    drawn: Markup
    costs: tuple[tuple[float | None, str], ...]
    words: str


def page(shown: Shown) -> str:
    """The page as HTML text: no network, no other file; the same trials give the same text."""
    aim, trials = shown.aim, list(shown.trials)
    costs = [name for name in COSTS if any(name in trial.costs for trial in trials)]

    def words(trial: Trial) -> str:
        return label(
            f"trial {trial.number}: {aim.metric} {trial.score}; {described(shown.spaces, trial)}", 600
        ).text

    return render(
        "tune.html.jinja",
        room=_ROOM,
        styles=["run.css", "tune.css"],
        script="run.js",
        title=label(shown.title, 120).text,
        facts=_facts(shown),
        sentences=shown.sentences,
        lines=shown.lines,
        metric=aim.metric,
        history=history(aim, trials, shown.total, words),
        against=[
            (drawn, aim.metric)
            for name in costs
            if name in aim.costs or sum(name in trial.costs for trial in trials) >= _ENOUGH
            if (drawn := against_cost(aim, trials, name, TITLES[name], words)) is not None
        ],
        estimators=[
            (name, _importances(shown.importances.get(name, {})), _slices(shown, name, words))
            for name in shown.spaces
        ],
        costs=[TITLES[name] for name in costs],
        table=_table(shown, costs),
        left_out=max(0, len(trials) - _MOST_TRIALS),
    )


def described(spaces: Spaces, trial: Trial) -> str:
    """What a trial proposes, without constants; its estimator where there are several.

    Example:
        >>> from tilth.training.tuning import Proposal, Range
        >>> trial = Trial(1, Proposal("lightgbm", {"num_leaves": 15, "subsample_freq": 1}), "running")
        >>> described({"lightgbm": {"num_leaves": Range(2, 20), "subsample_freq": Choice((1,))}}, trial)
        'num_leaves 15'
    """
    if trial.number == 0:
        return "as in tilth.toml"
    proposal = trial.proposal
    space = spaces.get(proposal.estimator, {})
    free = [
        f"{name} {value}"
        for name, value in proposal.parameters.items()
        if not (isinstance(given := space.get(name), Choice) and len(given.values) == 1)
    ]
    return ", ".join([*([proposal.estimator] if len(spaces) > 1 else []), *free])


def _facts(shown: Shown) -> list[tuple[str, str]]:
    ended = [trial for trial in shown.trials if trial.state not in ("running", "interrupted")]
    facts = [("trials", f"{len(ended):,} of {shown.total:,}")]
    for state in ("complete", "pruned", "failed"):
        count = sum(trial.state == state for trial in ended)
        facts += [(state, f"{count:,}")] if count else []
    best = shown.aim.best(shown.trials)
    seconds = sum(trial.seconds or 0.0 for trial in ended)
    facts += [] if best is None else [(f"best {shown.aim.metric}", figure(best.score.value))]
    return [*facts, ("time of all trials", f"{seconds:,.0f} s")]


def _importances(found: Mapping[str, float]) -> list[tuple[str, float, str]]:
    greatest = max(found.values(), default=0.0) or 1.0
    return [(name, round(100 * share / greatest, 1), f"{share:.0%}") for name, share in found.items()]


def _slices(shown: Shown, estimator: str, words: object) -> list[Chart]:
    own = [trial for trial in shown.trials if trial.proposal.estimator == estimator]
    space, shares = shown.spaces[estimator], shown.importances.get(estimator, {})
    names = sorted(space, key=lambda name: -shares.get(name, 0.0))
    free = [n for n in names if not (isinstance(v := space[n], Choice) and len(v.values) == 1)]
    assert callable(words)
    drawn = [over_parameter(shown.aim, own, name, space[name], words) for name in free]
    return [each for each in drawn if each is not None]


def _table(shown: Shown, costs: Sequence[str]) -> list[_Line]:
    """All trials, the best first; those without a score by number."""
    ranked = shown.aim.ranked(shown.trials)
    others = [trial for trial in shown.trials if not trial.is_complete]
    listed = [*ranked, *others][:_MOST_TRIALS]
    axis = whisker_axis([trial.score for trial in listed])
    return [
        _Line(
            trial,
            _mark(shown.aim, trial),
            "" if trial.score.low is None else f"{figure(trial.score.low)} to {figure(trial.score.high)}",
            whiskers(trial.score, axis),
            tuple(_cost(trial, name) for name in costs),
            label(trial.note or described(shown.spaces, trial), 600).text,
        )
        for trial in listed
    ]


def _mark(aim: Aim, trial: Trial) -> str:
    return trial.state if not trial.is_complete or aim.allows(trial) else "above a bound"


def _cost(trial: Trial, name: str) -> tuple[float | None, str]:
    value = trial.costs.get(name)
    return value, "" if value is None else figure(float(f"{value:.4g}"))
