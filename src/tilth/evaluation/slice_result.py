"""SliceResult: the metrics of one model's predictions on one slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tilth.metrics import Estimate
from tilth.types import JSONObject, JSONValue

__all__ = ["SliceResult"]


@dataclass(frozen=True)
class SliceResult:
    """The metrics on one slice.

    Args:
        slice: the column values that select its rows; empty for all rows.
        rows: how many rows that have a label it has.
        metrics: estimates by name.
        confusion: rows by true (down) and predicted class (across), in the order of the evaluation's classes;
            None for numbers, rankings and several labels.
    """

    slice: Mapping[str, str]
    rows: int
    metrics: Mapping[str, Estimate]
    confusion: list[list[int]] | None = None

    @property
    def name(self) -> str:
        """The slice in words."""
        return ", ".join(f"{column}={value}" for column, value in self.slice.items()) or "all rows"

    def to_json(self) -> JSONObject:
        """The slice as JSON values."""
        return {
            "slice": dict(self.slice),
            "rows": self.rows,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
            "confusion": cast("JSONValue", self.confusion),
        }

    @classmethod
    def from_json(cls, data: JSONObject) -> SliceResult:
        """The slice that `to_json` wrote."""
        metrics = cast("dict[str, JSONObject]", data["metrics"])
        return cls(
            cast("dict[str, str]", data["slice"]),
            cast("int", data["rows"]),
            {name: Estimate.from_json(estimate) for name, estimate in metrics.items()},
            cast("list[list[int]] | None", data.get("confusion")),
        )
