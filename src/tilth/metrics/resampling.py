"""Resampling: counts of rows drawn anew with replacement, and what their spread says of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import Estimate

__all__ = ["Resampling"]

Integers = npt.NDArray[np.int64]

_REPLICATES = 200
_FEW_REPLICATES = 50
_FEW_KINDS = 2_000
MOST_DRAWN = 20_000
"""Of more rows so many are drawn at a time, unless they are of few kinds."""

_LEAST_DEFINED = 0.95
_Z = 1.959963984540054


class Resampling:
    """The bootstrap of rows that come in k kinds (Efron and Tibshirani 1993), by a fixed seed.

    As many rows as there are are drawn 200 times, and an interval holds the middle 95 % of what a statistic
    is for these. Of more than 20,000 rows of more than 2,000 kinds 20,000 are drawn 50 times, and the
    interval is normal, from the spread of the statistic times the root of the share that was drawn (the
    "m out of n" bootstrap, Bickel, Götze and van Zwet 1997).

    Args:
        counts: (k,), how many rows there are of each kind, 1 or more in all.

    Example:
        >>> rows = Resampling(np.array([30, 70]))
        >>> print(rows.estimate(0.3, [draw[0] / 100 for draw in rows.draws()]))
        0.3 [0.2097, 0.4]
    """

    def __init__(self, counts: Integers) -> None:
        self._counts = counts
        self._rows = int(counts.sum())
        self._is_whole = len(counts) <= _FEW_KINDS or self._rows <= MOST_DRAWN
        self._drawn = self._rows if self._is_whole else MOST_DRAWN

    @property
    def scale(self) -> float:
        """How many rows one that is drawn stands for."""
        return self._rows / self._drawn

    def draws(self) -> Iterator[Integers]:
        """(k,), how many rows of each kind are drawn, again and again."""
        random = np.random.default_rng(0)
        kinds = len(self._counts)
        few = kinds <= _FEW_KINDS
        kind_of = None if few else np.repeat(np.arange(kinds), self._counts)
        for _ in range(_REPLICATES if self._is_whole else _FEW_REPLICATES):
            if kind_of is None:
                yield random.multinomial(self._rows, self._counts / self._rows)
            else:
                yield np.bincount(kind_of[random.integers(self._rows, size=self._drawn)], minlength=kinds)

    def estimate(self, value: float | None, drawn: Sequence[float | None]) -> Estimate:
        """A statistic with its interval.

        There is none where more than one draw in twenty leaves it undefined, or all give the same.

        Args:
            value: that of all rows; None where it is undefined.
            drawn: that of each draw.
        """
        known = np.array([each for each in drawn if each is not None])
        if value is None or len(known) < _LEAST_DEFINED * len(drawn) or known.min() == known.max():
            return Estimate(value)
        if not self._is_whole:
            half = _Z * float(known.std(ddof=1)) / math.sqrt(self.scale)
            return Estimate(value, value - half, value + half)
        low, high = np.quantile(known, (0.025, 0.975)).tolist()
        return Estimate(value, min(low, value), max(high, value))
