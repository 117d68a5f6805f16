"""Check: a declared bound on a named quantity, on a slice, possibly against a baseline, at a named moment.

Model gates and alarms all end as verdicts of this one kind. An undefined quantity
(None) never passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from tilth.errors import ProjectError
from tilth.types import JSONObject

__all__ = ["MOMENTS", "Check", "Moment", "Verdict"]

Moment = Literal["model", "live"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)


@dataclass(frozen=True)
class Check:
    """A bound on a named quantity.

    Without `baseline`, `low` and `high` bound the value itself; with it, they bound the value minus the
    baseline's value. Bounds are inclusive.

    Args:
        metric: the quantity, such as "auroc", "drifted_columns", "error_rate".
        moment: when it is looked at: "model", before a model is registered, or "live", in production.
        low: the least allowed value, or None.
        high: the greatest allowed value, or None.
        slice: column values that select the rows, such as {"sex": "Female"}; empty for all.
        baseline: what to compare with: "majority", "linear", "champion", ...; None for an absolute bound.
        optional_baseline: pass when the baseline does not exist yet (a champion before the first release).

    Raises:
        ProjectError: no bound at all, one that is nan or infinite, or bounds that exclude each other.

    Example:
        >>> check = Check("auroc", "model", low=0.9)
        >>> print(check.judge(0.93))
        pass: auroc 0.93 >= 0.9
        >>> check.judge(None).passed
        False
    """

    metric: str
    moment: Moment
    low: float | None = None
    high: float | None = None
    slice: Mapping[str, str] = field(default_factory=dict)
    baseline: str | None = None
    optional_baseline: bool = False

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ProjectError(
                f"the check on '{self.metric}' has no bound",
                expected="min, max or both",
                mend="add for example min = 0.8",
            )
        for bound in (self.low, self.high):
            if bound is not None and not math.isfinite(bound):
                raise ProjectError(
                    f"the check on '{self.metric}' has {bound} as a bound", expected="a number"
                )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ProjectError(
                f"the check on '{self.metric}' can never hold: min {self.low} is above max {self.high}"
            )

    @property
    def name(self) -> str:
        """The check in words: quantity, slice, baseline."""
        where = ", ".join(f"{column}={value}" for column, value in self.slice.items())
        against = f" minus {self.baseline}" if self.baseline else ""
        return self.metric + (f" where {where}" if where else "") + against

    def judge(self, value: float | None, baseline_value: float | None = None) -> Verdict:
        """The verdict on a measured value.

        Args:
            value: what was measured; None when undefined.
            baseline_value: what the baseline measures; needed when the check names one. None with
                `optional_baseline` passes, since there is nothing to be compared with yet.
        """
        if self.baseline is not None and baseline_value is None and self.optional_baseline:
            return Verdict(self, value, None, True, "no baseline to compare with yet")
        observed = value
        if self.baseline is not None:
            observed = None if value is None or baseline_value is None else value - baseline_value
        if observed is None or math.isnan(observed):
            return Verdict(self, value, baseline_value, False, "undefined")
        too_low = self.low is not None and observed < self.low
        too_high = self.high is not None and observed > self.high
        return Verdict(self, value, baseline_value, not (too_low or too_high), self._compare(observed))

    def _compare(self, observed: float) -> str:
        shown = format(observed, ".4g")
        if self.low is not None and self.high is not None:
            inside = self.low <= observed <= self.high
            return f"{shown} {'within' if inside else 'outside'} [{self.low:g}, {self.high:g}]"
        if self.low is not None:
            return f"{shown} {'>=' if observed >= self.low else '<'} {self.low:g}"
        return f"{shown} {'<=' if self.high is not None and observed <= self.high else '>'} {self.high:g}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check, with its evidence."""

    check: Check
    value: float | None
    baseline_value: float | None
    passed: bool
    reason: str

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'fail'}: {self.check.name} {self.reason}"

    def to_json(self) -> JSONObject:
        """The verdict as JSON values."""
        return {
            "check": self.check.name,
            "metric": self.check.metric,
            "moment": self.check.moment,
            "slice": dict(self.check.slice),
            "baseline": self.check.baseline,
            "min": self.check.low,
            "max": self.check.high,
            "value": _defined(self.value),
            "baseline_value": _defined(self.baseline_value),
            "passed": self.passed,
            "reason": self.reason,
        }


def _defined(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None
