"""One sentence of advice, derived from figures: more data, another model, better labels, enough, ...

The error that is left is taken apart as Ng does (Machine Learning Yearning, 2018): what the model misses on
the rows that it learned from (too simple a model or features, or labels that contradict each other), what it
misses beyond that on new rows (too few rows, or too free a model), and what nobody gets right. How fast more
rows help is read from the learning curve, where errors fall by a power of the number of rows (Hestness et
al. 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tilth.metrics import Estimate, perfect
from tilth.training.figures import Figures, Goal
from tilth.types import JSONObject, JSONValue

__all__ = ["KINDS", "MATERIAL", "MOST_GROWTH", "Advice", "Kind", "advise"]

Kind = Literal[
    "more data", "another model", "other features", "regularize", "better labels", "enough", "undecided"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_BLIND = ("majority", "prior")
"""Baselines that know the labels alone."""

MATERIAL = 0.05
"""More rows are worth their cost where doubling them takes away this share of the error, or more."""

MOST_GROWTH = 10
"""By how much a data set should grow at once, at most."""


@dataclass(frozen=True)
class Advice:
    """What to do next, and why.

    Args:
        kind: in a word or two.
        sentence: with the figures that it follows from.
    """

    kind: Kind
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"

    def to_json(self) -> JSONObject:
        """Kind and sentence."""
        return {"kind": self.kind, "sentence": self.sentence}

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> Advice:
        """The advice that `to_json` wrote."""
        kind = next(kind for kind in KINDS if kind == data["kind"])
        return cls(kind, str(data["sentence"]))


def advise(figures: Figures) -> Advice:
    """The advice that the figures support; the first rule that holds.

    Undefined figures: nothing. Goal reached: enough. A baseline as good: another model; one that looks at
    no feature: other features. Alike rows with different labels make half the error: better labels, and
    so where the goal lies above what people reach. Train misses the goal by more than dev misses train:
    another model. Dev misses train, and more rows help: more data; they do not: regularize. Too few dev
    rows to tell whether more rows help: undecided. Otherwise: enough.

    Example:
        >>> train, dev, gain = Estimate(0.99), Estimate(0.8, 0.76, 0.84), Estimate(0.05, 0.03, 0.07)
        >>> print(advise(Figures("accuracy", 800, train, dev, dev, gain, 400)))
        more data: from 400 to 800 rows accuracy on dev grew by 0.05 [0.03, 0.07], to 0.8, ...
    """
    for rule in _RULES:
        found = rule(figures)
        if found is not None:
            return found
    return _enough(figures)


def _undefined(told: Figures) -> Advice | None:
    sides = {"train": told.train, "dev": told.dev, "test": told.test}
    missing = [name for name, each in sides.items() if each.value is None]
    if perfect(told.metric) is None:
        return Advice("undecided", f"no value of {told.metric} is best, so that nothing follows from it")
    if missing:
        return Advice(
            "undecided", f"{told.metric} is undefined on {' and '.join(missing)}: too few rows there"
        )
    return None


def _reached(told: Figures) -> Advice | None:
    goal = told.goal
    if goal is None or told.better(goal.value, told.test.value) < 0:
        return None
    sure = told.worst(told.test)
    if sure is not None and told.better(goal.value, sure) >= 0:
        return Advice("enough", f"{told.metric} on test, {told.test}, reaches {_said(goal)} surely")
    return Advice(
        "enough",
        f"{told.metric} on test, {told.test}, reaches {_said(goal)}, though with so many test rows "
        "that may be luck",
    )


def _rivaled(told: Figures) -> Advice | None:
    if told.rival is None:
        return None
    name, value = told.rival
    if told.better(value, told.test.value) > 0:
        return None
    if name in _BLIND:
        return Advice(
            "other features",
            f"the baseline '{name}', which looks at none, is as good, {told.metric} {_shown(value)} on test "
            f"against {told.test}; or the labels are wrong, or mean another thing with time",
        )
    return Advice(
        "another model",
        f"the baseline '{name}' is as good, {told.metric} {_shown(value)} on test against {told.test}",
    )


def _contradicted(told: Figures) -> Advice | None:
    if told.error and told.least_error is not None and told.least_error >= told.error / 2:
        part = min(told.least_error / told.error, 1.0)
        return Advice(
            "better labels",
            f"rows alike in all features have different labels, which makes {part:.0%} of the error on dev, "
            f"{_shown(told.error)}, whatever the model: mend them, or add a feature that tells them apart",
        )
    return None


def _beyond_people(told: Figures) -> Advice | None:
    goal, human = told.goal, told.human
    if goal is None or human is None or told.better(human.value, goal.value) <= 0:
        return None
    if told.better(human.value, told.test.value) < 0:
        return None
    return Advice(
        "better labels",
        f"{told.metric} on test, {told.test}, is what people reach ({_said(human)}), and {_said(goal)} lies "
        "beyond that: only clearer labels raise both",
    )


def _biased(told: Figures) -> Advice | None:
    goal = told.goal
    if goal is None:
        return None
    missed = told.better(told.train.value, goal.value)
    if missed <= 0 or missed < told.gap:
        return None
    return Advice(
        "another model",
        f"even on the rows that it learned from it misses {_said(goal)}, with {told.metric} {told.train} "
        f"(dev {told.dev}): a stronger model or new features, not more rows",
    )


def _varied(told: Figures) -> Advice | None:
    """Dev is worse than train, and both figures together say what would help."""
    if told.gain is None or told.gain.value is None or told.gained_from is None:
        return _unmeasured(told)
    if told.is_sure_of_gain and told.per_doubling >= MATERIAL:
        return _more_data(told, told.growth)
    if not told.has_large_gap:
        return None
    return Advice(
        "regularize",
        f"{told.metric} is {told.train} on train and {told.dev} on dev, and from {told.gained_from:,} to "
        f"{told.rows:,} rows it did not {_verb(told)} surely ({_change(told.gain)}): a less free model, or "
        "fewer features",
    )


def _unmeasured(told: Figures) -> Advice | None:
    if not told.has_large_gap:
        return None
    return Advice(
        "regularize",
        f"{told.metric} is {told.train} on train and {told.dev} on dev; whether more rows would help instead "
        "was not measured",
    )


def _more_data(told: Figures, growth: float) -> Advice:
    seen = (
        f"from {told.gained_from:,} to {told.rows:,} rows {told.metric} on dev {_past(told)} by "
        f"{_size(told.gain)}, to {_shown(told.dev.value)}"
    )
    if told.goal is None:
        return Advice("more data", f"{seen}, and train is at {_shown(told.train.value)}")
    if growth > MOST_GROWTH:
        times = f"{growth:,.0f} times" if growth < 1e4 else "more than 10,000 times"
        return Advice(
            "another model",
            f"{seen}; at that pace {_said(told.goal)} would take {times} as many rows: one that needs fewer",
        )
    needed = _rounded(growth * told.rows)
    return Advice("more data", f"{seen}; at that pace about {needed:,} rows reach {_said(told.goal)}")


def _unsure(told: Figures) -> Advice | None:
    """More rows may help or not: the dev part is too small to tell."""
    gain, lucky = told.gain, None if told.gain is None else told.luckiest(told.gain)
    if gain is None or gain.value is None or lucky is None or told.is_sure_of_gain:
        return None
    most = replace(told, gain=Estimate(lucky))
    if told.goal is not None or most.per_doubling < MATERIAL:
        return None
    return Advice(
        "undecided",
        f"whether more rows help cannot be told: from {told.gained_from:,} to {told.rows:,} rows "
        f"{told.metric} on dev changed by {_change(gain)}, to {_shown(told.dev.value)} (train "
        f"{_shown(told.train.value)}); more dev rows would tell",
    )


def _enough(told: Figures) -> Advice:
    both = f"train {_shown(told.train.value)} and dev {_shown(told.dev.value)}"
    rows = (
        f"more rows like these hardly help ({told.metric} {_change(told.gain)} from {told.gained_from:,} to "
        f"{told.rows:,}), with {both}"
        if told.gain is not None and told.gain.value is not None
        else f"{told.metric} is nearly the same on both, with {both}"
    )
    if told.goal is None:
        return Advice("enough", f"{rows}; whether that is good, a human level or a target would tell")
    return Advice("another model", f"{rows}, short of {_said(told.goal)}: a stronger model or new features")


_RULES: tuple[Callable[[Figures], Advice | None], ...] = (
    _undefined,
    _reached,
    _rivaled,
    _contradicted,
    _beyond_people,
    _biased,
    _varied,
    _unsure,
)


def _rounded(rows: float) -> int:
    """To two digits: a forecast is no better."""
    digits = max(0, math.floor(math.log10(rows)) - 1)
    return int(round(rows / 10**digits) * 10**digits)


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _said(goal: Goal) -> str:
    return f"{goal.name} {_shown(goal.value)}"


def _change(gain: Estimate | None) -> str:
    if gain is None or gain.value is None:
        return "unknown"
    around = "" if gain.low is None else f" [{gain.low:+.2g}, {gain.high:+.2g}]"
    return f"{gain.value:+.2g}{around}"


def _size(gain: Estimate | None) -> str:
    """A gain without its sign, which the verb has."""
    if gain is None or gain.value is None:
        return "unknown"
    ends = sorted(abs(end) for end in (gain.low, gain.high) if end is not None)
    around = f" [{ends[0]:.2g}, {ends[1]:.2g}]" if len(ends) == 2 else ""
    return f"{abs(gain.value):.2g}{around}"


def _past(told: Figures) -> str:
    return "grew" if told.best else "fell"


def _verb(told: Figures) -> str:
    return "grow" if told.best else "fall"
