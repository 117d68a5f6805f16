"""The figures that advice is derived from: one metric on train, dev and test, and how it grows with rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tilth.metrics import Estimate, improvement, perfect

__all__ = ["Figures", "Goal"]

_LARGE_GAP = 0.5
"""A gap from train to dev of this share of the dev error, or more, is the greater part of it."""


@dataclass(frozen=True)
class Goal:
    """What a metric shall reach.

    Args:
        name: in words, such as "human level".
        value: of the metric.
    """

    name: str
    value: float


@dataclass(frozen=True)
class Figures:
    """What advice is derived from; all of one metric, but for the last two.

    Args:
        metric: its name.
        rows: how many were learned from.
        train: on these.
        dev: on the dev rows.
        test: on the test rows.
        gain: on the dev rows, from learning from all rows instead of `gained_from`; None: not measured.
        gained_from: so many rows.
        goal: what is to be reached, if that is known.
        human: what people reach, if that is known and not the goal itself.
        rival: the best of the baselines on the test rows, by name.
        error: the dev rows' share of errors, or mean squared error; None where undefined.
        least_error: what any model must miss of that, since rows alike have different labels.
    """

    metric: str
    rows: int
    train: Estimate
    dev: Estimate
    test: Estimate
    gain: Estimate | None = None
    gained_from: int | None = None
    goal: Goal | None = None
    human: Goal | None = None
    rival: tuple[str, float] | None = None
    error: float | None = None
    least_error: float | None = None

    @property
    def best(self) -> float:
        """What a faultless model reaches."""
        found = perfect(self.metric)
        assert found is not None
        return found

    @property
    def gap(self) -> float:
        """How much better train is than dev."""
        return self.better(self.dev.value, self.train.value)

    @property
    def has_large_gap(self) -> bool:
        """Whether train is better than dev beyond chance, and that is the greater part of what is missed."""
        inner, outer = self.worst(self.train), self.luckiest(self.dev)
        apart = self.gap > 0 and (inner is None or outer is None or self.better(outer, inner) > 0)
        if self.goal is not None:
            return apart and self.gap > self.better(self.train.value, self.goal.value)
        return apart and self.gap >= _LARGE_GAP * self.missed(self.dev.value)

    @property
    def is_sure_of_gain(self) -> bool:
        """Whether more rows helped beyond chance."""
        if self.gain is None or self.gain.low is None or self.gain.high is None:
            return False
        return self.gain.low > 0 if self.best else self.gain.high < 0

    @property
    def power(self) -> float:
        """The error fell as rows ** -power between the last two points of the curve; 0 without a curve."""
        if self.gain is None or self.gain.value is None or not self.gained_from or self.dev.value is None:
            return 0.0
        after, before = self.missed(self.dev.value), self.missed(self.dev.value - self.gain.value)
        if not after or not before:
            return math.inf if before else 0.0
        return math.log(before / after) / math.log(self.rows / self.gained_from)

    @property
    def per_doubling(self) -> float:
        """The share of the error that twice the rows take away, at the pace so far."""
        return 1 - math.exp2(-self.power)

    @property
    def growth(self) -> float:
        """How many times the rows the goal takes if the error goes on falling as it did; inf: never."""
        left = 0.0 if self.goal is None else self.missed(self.goal.value)
        if self.power <= 0 or not left:
            return math.inf
        ratio = math.log(self.missed(self.dev.value) / left) / self.power
        return math.exp(min(max(ratio, 0.0), 700.0))

    def better(self, before: float | None, after: float | None) -> float:
        """How much nearer to perfect one value is than another."""
        assert before is not None
        assert after is not None
        return improvement(self.metric, before, after)

    def missed(self, value: float | None) -> float:
        """How far a value is from perfect."""
        assert value is not None
        return abs(self.best - value)

    def worst(self, estimate: Estimate) -> float | None:
        """The less favorable end of an interval."""
        return estimate.low if self.best else estimate.high

    def luckiest(self, estimate: Estimate) -> float | None:
        """The more favorable end of an interval."""
        return estimate.high if self.best else estimate.low
