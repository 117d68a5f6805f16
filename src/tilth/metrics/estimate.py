"""Estimate: a value with its 95 % confidence interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tilth.types import JSONObject, JSONValue, Task

__all__ = ["CHIEF_METRIC", "UNDEFINED", "Estimate"]

CHIEF_METRIC: dict[Task, str] = {
    "binary": "auroc",
    "multiclass": "accuracy",
    "regression": "r2",
    "multilabel": "micro_f1",
    "ranking": "ndcg_at_10",
}
"""The metric that a single line shows for each task."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and the interval that holds the true one with 95 % confidence.

    Args:
        value: what was measured; None when it is undefined, such as precision where nothing was predicted
            positive. Infinity and NaN count as undefined.
        low: the lower end of the interval; None when no interval is known.
        high: the upper end.

    Example:
        >>> Estimate(0.9, 0.85, 0.94).to_json()
        {'value': 0.9, 'low': 0.85, 'high': 0.94}
        >>> print(Estimate(None), Estimate(0.9), Estimate(0.9, 0.85, 0.94))
        undefined 0.9 0.9 [0.85, 0.94]
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        defined = self.value is not None and math.isfinite(self.value)
        bounded = defined and all(end is not None and math.isfinite(end) for end in (self.low, self.high))
        if not defined:
            object.__setattr__(self, "value", None)
        if not bounded:
            object.__setattr__(self, "low", None)
            object.__setattr__(self, "high", None)

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        interval = "" if self.low is None else f" [{self.low:.4g}, {self.high:.4g}]"
        return f"{self.value:.4g}{interval}"

    def scaled(self, factor: float, shift: float = 0.0) -> Estimate:
        """The same estimate of `factor` times the quantity plus `shift`; `factor` may be negative.

        Example:
            >>> Estimate(0.5, 0.25, 1.0).scaled(-1, 1)
            Estimate(value=0.5, low=0.0, high=0.75)
        """
        if self.value is None:
            return self
        value = self.value * factor + shift
        if self.low is None or self.high is None:
            return Estimate(value)
        ends = sorted((self.low * factor + shift, self.high * factor + shift))
        return Estimate(value, ends[0], ends[1])

    def to_json(self) -> JSONObject:
        """The three numbers; null where undefined."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> Estimate:
        """The estimate that `to_json` wrote."""
        numbers = (data.get(key) for key in ("value", "low", "high"))
        return cls(*(float(n) if isinstance(n, (int, float)) else None for n in numbers))


UNDEFINED = Estimate(None)
"""The estimate of a quantity that the rows do not define."""
