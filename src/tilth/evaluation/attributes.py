"""How the groups of one protected attribute fare, and how far they are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.metrics import Estimate
from tilth.types import JSONObject

__all__ = ["Attribute", "Gap", "Group", "attribute_name"]


@dataclass(frozen=True)
class Group:
    """How one group of a protected attribute fares.

    Args:
        slice: its values.
        rows: how many labeled rows it has.
        small: whether it has too few rows to take part in gaps.
        metrics: its figures.
    """

    slice: Mapping[str, str]
    rows: int
    small: bool
    metrics: Mapping[str, Estimate]

    @property
    def name(self) -> str:
        """The group in words."""
        return ", ".join(f"{column}={value}" for column, value in self.slice.items())

    def to_json(self) -> JSONObject:
        """The group as JSON values."""
        figures: JSONObject = {name: found.to_json() for name, found in self.metrics.items()}
        return {"slice": dict(self.slice), "rows": self.rows, "small": self.small, "metrics": figures}


@dataclass(frozen=True)
class Gap:
    """How far apart the groups are in one metric.

    Args:
        metric: which.
        gap: the greatest minus the least.
        ratio: the least divided by the greatest; None where a ratio has no meaning.
        greatest: the group that has most of it.
        least: the group that has least.
        reason: why there is no gap; None where there is one.
    """

    metric: str
    gap: Estimate
    ratio: Estimate | None = None
    greatest: Mapping[str, str] | None = None
    least: Mapping[str, str] | None = None
    reason: str | None = None

    def to_json(self) -> JSONObject:
        """The gap as JSON values."""
        return {
            "gap": self.gap.to_json(),
            "ratio": None if self.ratio is None else self.ratio.to_json(),
            "greatest": None if self.greatest is None else dict(self.greatest),
            "least": None if self.least is None else dict(self.least),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Attribute:
    """A protected attribute, or a crossing of several.

    Args:
        columns: what its groups are made by.
        groups: all of them, small ones too.
        gaps: one for each metric.
        fact: for two classes a sentence on what cannot be equal in groups like these; None where it can be.
    """

    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]
    fact: str | None = None

    @property
    def name(self) -> str:
        """What it is called in the names of metrics."""
        return attribute_name(self.columns)

    def to_json(self) -> JSONObject:
        """The attribute as JSON values."""
        return {
            "attribute": self.name,
            "columns": list(self.columns),
            "groups": [group.to_json() for group in self.groups],
            "gaps": {gap.metric: gap.to_json() for gap in self.gaps},
            "fact": self.fact,
        }


def attribute_name(columns: Sequence[str]) -> str:
    """What an attribute, or a crossing of several, is called in the names of metrics.

    Example:
        >>> attribute_name(["sex"]), attribute_name(["sex", "race"])
        ('sex', 'sex,race')
    """
    return ",".join(columns)
