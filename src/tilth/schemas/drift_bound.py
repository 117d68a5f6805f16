"""DriftBound: how far a column may move."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from tilth.errors import SchemaError
from tilth.schemas.severities import known

__all__ = ["DRIFT_MEASURES", "DriftBound", "DriftMeasure"]

DriftMeasure = Literal[
    "l_infinity", "jensen_shannon", "ks", "psi", "wasserstein", "total_variation", "effect"
]
"""How far two distributions are apart; see `tilth.profiles` for each."""

DRIFT_MEASURES: tuple[DriftMeasure, ...] = get_args(DriftMeasure)


@dataclass(frozen=True)
class DriftBound:
    """How far a column may move away from its reference.

    Args:
        measure: the distance; "effect" is Wasserstein-1 over the reference's standard deviation for numbers
            and total variation for categories.
        threshold: the largest distance that is accepted, 0 or more.

    Raises:
        SchemaError: an unknown measure, or a threshold that is negative or not a number.

    Example:
        >>> DriftBound("l_infinity", 0.01).threshold
        0.01
    """

    measure: DriftMeasure
    threshold: float

    def __post_init__(self) -> None:
        known("measure", self.measure, DRIFT_MEASURES, "key 'measure'")
        object.__setattr__(self, "threshold", float(self.threshold))
        if not 0 <= self.threshold < math.inf:
            raise SchemaError(
                f"a drift threshold of {self.threshold}", where="threshold", expected="a number, 0 or more"
            )
