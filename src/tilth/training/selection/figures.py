"""Figure: the mean of a quantity over repeated folds, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilth.metrics import LEVEL
from tilth.types import JSONObject

__all__ = ["Figure"]


@dataclass(frozen=True)
class Figure:
    """A mean over folds.

    Args:
        value: the mean; None where the quantity is undefined in every fold.
        standard_error: of the mean; None where fewer than two folds define it.
        low: the lower end of its 95 % interval.
        high: the upper end.
        folds: how many folds define it.
    """

    value: float | None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    folds: int = 0

    @classmethod
    def of(
        cls,
        values: Sequence[float | None],
        share: float,
        *,
        least: float = -math.inf,
        greatest: float = math.inf,
    ) -> Figure:
        """The figure of some folds' values.

        Folds share most of their training rows, so that the usual standard error is too small; it is
        corrected by the ratio of test to training rows (Nadeau and Bengio: Inference for the generalization
        error, 2003). The interval is Student's.

        Args:
            values: one for each fold; None where it is undefined there.
            share: test rows / training rows.
            least: the least possible value; the interval ends there.
            greatest: the greatest.

        Example:
            >>> figure = Figure.of([0.9, 0.8, 0.7, None], 0.25)
            >>> figure.folds, round(figure.value, 6), round(figure.standard_error, 6)
            (3, 0.8, 0.076376)
        """
        from scipy.special import stdtrit

        known = [value for value in values if value is not None]
        if not known:
            return cls(None)
        mean = math.fsum(known) / len(known)
        if len(known) < 2:
            return cls(mean, folds=1)
        variance = math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1)
        error = math.sqrt(variance * (1 / len(known) + share))
        half = float(stdtrit(len(known) - 1, (1 + LEVEL) / 2)) * error
        low, high = (float(np.clip(end, least, greatest)) for end in (mean - half, mean + half))
        return cls(mean, error, low, high, len(known))

    def to_json(self) -> JSONObject:
        """The figure as JSON values."""
        return dict(vars(self))

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        size = f"{self.value:.3f}" if abs(self.value) < 1e4 else f"{self.value:.4g}"
        if self.standard_error is None:
            return size
        error = f"{self.standard_error:.3f}" if self.standard_error < 1e4 else f"{self.standard_error:.4g}"
        return f"{size} ± {error}"
