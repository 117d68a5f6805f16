"""The business milestone of a run: what its answers are worth, beside the baselines' and the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tilth.errors import ProjectError
from tilth.evaluation import Evaluation
from tilth.evaluation.business import value_matrix, value_per_row
from tilth.metrics import Estimate
from tilth.projects.configuration import BusinessSection
from tilth.types import JSONObject

__all__ = ["Business", "business_of"]


@dataclass(frozen=True)
class Business:
    """What a row's answer is worth.

    Args:
        metric: the business metric in words.
        unit: of the value.
        target: the least wanted value of a row.
        value: of a test row, on average; None where it is not declared or not defined.
        baselines: the same of the baselines' answers on the test rows.
        faultless: what a row is worth where every answer is the best one; no model reaches more.
        lack: why there is no value.
    """

    metric: str
    unit: str
    target: float | None
    value: Estimate | None = None
    baselines: Mapping[str, Estimate] = field(default_factory=dict)
    faultless: float | None = None
    lack: str | None = None

    @property
    def is_reached(self) -> bool | None:
        """Whether the value is at least the target; None where one of them is not known."""
        if self.target is None or self.value is None or self.value.value is None:
            return None
        return self.value.value >= self.target

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval of the value reaches the target."""
        low = None if self.value is None else self.value.low
        return self.target is not None and low is not None and low >= self.target

    def shown(self, estimate: Estimate | float | None) -> str:
        """A value with its unit."""
        if isinstance(estimate, float | int):
            estimate = Estimate(float(estimate))
        if estimate is None or estimate.value is None:
            return "undefined"
        return f"{estimate} {self.unit}".strip()

    def to_json(self) -> JSONObject:
        """The milestone as JSON values."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "target": self.target,
            "value": None if self.value is None else self.value.to_json(),
            "reached": self.is_reached,
            "faultless": self.faultless,
            "baselines": {name: each.to_json() for name, each in self.baselines.items()},
            "lack": self.lack,
        }


def business_of(
    section: BusinessSection, test: Evaluation, baselines: Mapping[str, Evaluation] | None = None
) -> Business:
    """What the answers of a model and of its baselines are worth, by the values that tilth.toml declares.

    Args:
        section: what it declares.
        test: the model on the test part.
        baselines: what it is held against, on the same rows.

    Example:
        >>> from tilth.evaluation import evaluate
        >>> found = evaluate({"y": list("gggb"), "said": list("ggbb")}, label="y", prediction="said")
        >>> values = {"g": {"g": 1.0, "b": 0.0}, "b": {"g": -5.0, "b": 0.0}}
        >>> business = business_of(BusinessSection(metric="profit", unit="EUR", values=values), found)
        >>> business.shown(business.value), business.faultless
        ('0.5 [-0.06579, 1.066] EUR', 0.75)
    """
    declared = Business(section.metric or "value of a row", section.unit or "", section.target)
    try:
        values = value_matrix(section.values, test.encoding)
    except ProjectError as error:
        return replace(declared, lack=f"{error.what} ({error.where})")
    if values is None:
        lack = "its values are not declared" if section.metric else "not declared"
        return replace(declared, lack=f"{lack} ([business] in tilth.toml)")
    others = {name: value_per_row(each.slices[0], values) for name, each in (baselines or {}).items()}
    return replace(
        declared,
        value=value_per_row(test.slices[0], values),
        baselines={name: each for name, each in others.items() if each.value is not None},
        faultless=_faultless(test, values),
    )


def _faultless(test: Evaluation, values: npt.NDArray[np.float64]) -> float | None:
    """What a row is worth where each gets the answer of most value."""
    confusion = test.slices[0].confusion
    counts = np.asarray(confusion or [[0]], np.float64)
    return float((counts.sum(axis=1) * values.max(axis=1)).sum() / counts.sum()) if counts.sum() else None
