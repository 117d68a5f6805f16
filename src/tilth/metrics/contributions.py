"""Metrics as means of what rows add to them: values with their influence functions (Hampel 1974)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Contributions", "average", "mean", "ratio"]

Floats = npt.NDArray[np.float64]

Contributions = tuple[float, Floats]
"""The value of a metric, and what each row adds to it, (n,), of mean 0."""


def mean(values: Floats) -> Contributions:
    """The mean of values (n,).

    Example:
        >>> mean(np.array([0.0, 1.0]))
        (0.5, array([-0.5,  0.5]))
    """
    value = float(np.sort(values).sum()) / len(values)
    return value, values - value


def ratio(part: Floats, whole: Floats) -> Contributions | None:
    """The sum of parts (n,) over that of wholes (n,); None without a whole."""
    total = float(np.sort(whole).sum())
    if total == 0:
        return None
    value = float(np.sort(part).sum()) / total
    return value, (part - value * whole) * (len(whole) / total)


def average(parts: Sequence[Contributions | None]) -> Contributions | None:
    """The plain average of several; None where one is undefined."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    value = math.fsum(value for value, _ in known) / len(known)
    return value, np.sum([each for _, each in known], axis=0) / len(known)
