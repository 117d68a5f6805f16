"""SliceResult: the metrics of one model's predictions on one slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from tilth.metrics import CalibrationBin, Estimate, ThresholdCounts
from tilth.types import JSONObject, JSONValue

__all__ = ["SliceResult", "slice_text"]


@dataclass(frozen=True)
class SliceResult:
    """The metrics on one slice.

    Args:
        slice: the column values that select its rows; empty for all rows.
        rows: how many rows that have a label it has.
        metrics: estimates by name.
        confusion: rows by true (down) and predicted class (across), in the order of the evaluation's classes;
            None for numbers, rankings and several labels.
        small: it has so few rows that its figures say little.
        difference: by name, the metric here minus that of all rows; empty for all rows.
        calibration: of all rows of two classes with probabilities, mean score beside share of positives on
            bins of as equal weight as ties allow; else empty.
        thresholds: of all rows of two classes with scores, the confusion at up to 101 thresholds, from which
            the curves follow; else empty.
    """

    slice: Mapping[str, str]
    rows: int
    metrics: Mapping[str, Estimate]
    confusion: list[list[int]] | None = None
    small: bool = False
    difference: Mapping[str, Estimate] = field(default_factory=dict)
    calibration: tuple[CalibrationBin, ...] = ()
    thresholds: tuple[ThresholdCounts, ...] = ()

    @property
    def name(self) -> str:
        """The slice in words."""
        return slice_text(self.slice)

    def to_json(self) -> JSONObject:
        """The slice as JSON values."""
        return {
            "slice": dict(self.slice),
            "rows": self.rows,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
            "confusion": cast("JSONValue", self.confusion),
            "small": self.small,
            "difference": {name: estimate.to_json() for name, estimate in self.difference.items()},
            **self._curves(),
        }

    def _curves(self) -> JSONObject:
        """Calibration and thresholds, where there are."""
        found: dict[str, JSONValue] = {
            "calibration": [each.to_json() for each in self.calibration],
            "thresholds": [each.to_json() for each in self.thresholds],
        }
        return {name: values for name, values in found.items() if values}

    @classmethod
    def from_json(cls, data: JSONObject) -> SliceResult:
        """The slice that `to_json` wrote."""
        return cls(
            cast("dict[str, str]", data["slice"]),
            cast("int", data["rows"]),
            _estimates(data["metrics"]),
            cast("list[list[int]] | None", data.get("confusion")),
            bool(data.get("small", False)),
            _estimates(data.get("difference")),
            tuple(CalibrationBin.from_json(each) for each in _objects(data.get("calibration"))),
            tuple(ThresholdCounts.from_json(each) for each in _objects(data.get("thresholds"))),
        )


def slice_text(slice_: Mapping[str, str]) -> str:
    """A slice in words.

    Example:
        >>> slice_text({"sex": "f", "age": "old"}), slice_text({})
        ('sex=f, age=old', 'all rows')
    """
    return ", ".join(f"{column}={value}" for column, value in slice_.items()) or "all rows"


def _estimates(data: JSONValue) -> dict[str, Estimate]:
    found = cast("dict[str, JSONObject]", data or {})
    return {name: Estimate.from_json(estimate) for name, estimate in found.items()}


def _objects(data: JSONValue) -> list[JSONObject]:
    return cast("list[JSONObject]", data or [])
