"""SliceSearch: the slice that chance explains least, then what that one leaves unexplained, and so on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from tilth.evaluation.candidates import Candidates
from tilth.evaluation.chance import log_bound_of_counts, log_bound_of_means, log_tail
from tilth.evaluation.cuts import Cut

__all__ = ["Found", "SliceSearch"]

_LEAST_RATIO = 1.1
"""A slice that is less than a tenth worse than the other rows is none to look at."""

_SAME = 0.8
"""Of two slices that share so much of what they have together, only one is told."""

_LOOKED_AT = 10
_MOST_STRATA = 256
_MOST_CROSSINGS = 1_500_000
"""Of more crossings of conditions those of the columns that tell most are tried."""

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """A slice that is worse.

    Args:
        expression: the slice in SQL.
        columns: what it names.
        measure: which measure is worse.
        p: adjusted for all slices and measures tried.
    """

    expression: str
    columns: tuple[str, ...]
    measure: int
    p: float


class SliceSearch:
    """A search over conditions of columns and their crossings.

    Args:
        cuts: the columns.
        values: (m, n), for each measure the values of all rows, whole numbers, at least 0; those of a measure
            with no other values than 0 and 1 are counts of errors.
        pairs: which columns may be crossed.
        minimum_rows: the least rows of a slice.
        level: the family-wise error.
        most_pairs: of more pairs those are crossed whose columns tell most by themselves; all count as tried.

    Attributes:
        tried: how many slices count as tried.
        notes: sentences on what was left out.
    """

    def __init__(
        self,
        cuts: Sequence[Cut],
        values: Floats,
        pairs: Sequence[tuple[int, int]],
        *,
        minimum_rows: int,
        level: float,
        most_pairs: int,
    ) -> None:
        self.notes: list[str] = []
        self._level = level
        tops = values.max(axis=1, initial=1.0)
        self._values = values / tops[:, None]
        self._counts = tops == 1.0
        chosen, untried = pairs, 0
        if len(pairs) > most_pairs or _crossings(cuts, pairs) > _MOST_CROSSINGS:
            chosen = _telling(cuts, values, pairs, most_pairs)
            untried = _crossings(cuts, pairs) - _crossings(cuts, chosen)
            self.notes.append(
                f"of {len(pairs):,} pairs of columns the {len(chosen):,} that tell most were crossed; "
                "all count as tried"
            )
        self._candidates = Candidates(cuts, values, chosen, minimum_rows)
        self._sums = self._candidates.sums / tops[:, None]
        self.tried = len(self._candidates) + untried
        self._strata = np.zeros(values.shape[1], np.int64)
        self._masks: list[Mask] = []
        children = np.bincount(self._candidates.parents[self._candidates.parents >= 0], minlength=1)
        self._children = children

    def run(self, limit: int) -> list[Found]:
        """The slices, at most so many, in the order in which they were found."""
        found: list[Found] = []
        for measure in range(len(self._values)):
            open_ = self._worse(measure)
            while len(found) < limit and open_.any() and self._strata.max(initial=0) < _MOST_STRATA:
                each = self._next(measure, open_)
                if each is None:
                    break
                candidate, p = each
                open_[candidate] = False
                mask = self._candidates.mask(candidate)
                if not any((mask & other).sum() >= _SAME * (mask | other).sum() for other in self._masks):
                    expression, columns = (
                        self._candidates.expression(candidate),
                        self._candidates.columns(candidate),
                    )
                    found.append(Found(expression, columns, measure, p))
                self._masks.append(mask)
                self._tell_apart(mask)
        return found

    def _worse(self, measure: int) -> Mask:
        """Which candidates are worse than the other rows at all, by enough to be of interest."""
        rows, sums = self._candidates.rows, self._sums[measure]
        total = float(self._sums_of(measure, np.zeros_like(self._strata), 1)[0][0])
        others = np.maximum(len(self._strata) - rows, 1)
        mean, rest = sums / np.maximum(rows, 1), (total - sums) / others
        worse: Mask = (sums > 0) & (mean >= _LEAST_RATIO * rest)
        return worse

    def _next(self, measure: int, open_: Mask) -> tuple[int, float] | None:
        """The candidate that chance explains least, and its adjusted p; None when chance may explain all."""
        expected, variance = self._expected(measure)
        while open_.any():
            at = np.flatnonzero(open_)
            logs = self._bounds(measure, at, expected[at], variance[at])
            best = at[np.argsort(logs, kind="stable")[:_LOOKED_AT]]
            tails = [self._adjusted(measure, int(each), expected, variance) for each in best]
            candidate, p = int(best[int(np.argmin(tails))]), min(tails)
            if p > self._level:
                return None
            parent = self._no_better(measure, candidate, expected, variance)
            if parent is None:
                return candidate, p
            open_[candidate] = False
            p = self._adjusted(measure, parent, expected, variance)
            if open_[parent] and p <= self._level:
                return parent, p
        return None

    def _expected(self, measure: int) -> tuple[Floats, Floats]:
        """The sum that each candidate has on average if rows of one stratum are alike, and its variance."""
        strata = int(self._strata.max(initial=0)) + 1
        sums, squares, sizes = self._sums_of(measure, self._strata, strata)
        means = sums / np.maximum(sizes, 1)
        variances = np.maximum(squares / np.maximum(sizes, 1) - means**2, 0.0)
        within = self._candidates.in_strata.astype(np.float64)
        return within @ means, within @ variances

    def _sums_of(self, measure: int, strata: Counts, count: int) -> tuple[Floats, Floats, Counts]:
        values = self._values[measure]
        sums: Floats = np.bincount(strata, values, count).astype(np.float64)
        squares: Floats = np.bincount(strata, values**2, count).astype(np.float64)
        return sums, squares, np.bincount(strata, minlength=count).astype(np.int64)

    def _bounds(self, measure: int, at: Counts, expected: Floats, variance: Floats) -> Floats:
        rows, sums = self._candidates.rows[at].astype(np.float64), self._sums[measure][at]
        if self._counts[measure]:
            return log_bound_of_counts(sums, expected, rows)
        strata = int(self._strata.max(initial=0)) + 1
        sums_of, _, sizes = self._sums_of(measure, self._strata, strata)
        room = 1.0 - float((sums_of / np.maximum(sizes, 1))[sizes > 0].min())
        return log_bound_of_means(sums, expected, variance, rows, room)

    def _adjusted(self, measure: int, candidate: int, expected: Floats, variance: Floats) -> float:
        """How likely any of the slices tried looks so bad by chance."""
        if self._counts[measure]:
            strata = int(self._strata.max(initial=0)) + 1
            wrong, _, total = self._sums_of(measure, self._strata, strata)
            drawn = self._candidates.in_strata[candidate].astype(np.int64)
            found = log_tail(
                round(self._sums[measure][candidate]), drawn, np.rint(wrong).astype(np.int64), total
            )
        else:
            at = np.array([candidate])
            found = float(self._bounds(measure, at, expected[at], variance[at])[0])
        return math.exp(min(0.0, found + math.log(self.tried * len(self._values))))

    def _no_better(self, measure: int, candidate: int, expected: Floats, variance: Floats) -> int | None:
        """Of a crossing the condition whose other rows are about as bad, the worse one of two; or None."""
        surplus = self._sums[measure] - expected
        rows = self._candidates.rows
        alike = []
        for parent in self._candidates.parents[candidate].tolist():
            if parent < 0:
                continue
            left = int(rows[parent] - rows[candidate])
            inside = surplus[candidate] / rows[candidate]
            outside = (surplus[parent] - surplus[candidate]) / left
            spread = variance[candidate] / rows[candidate] ** 2
            spread += (variance[parent] - variance[candidate]) / left**2
            # The most different of so many crossings is a little different by chance alone.
            clear = NormalDist().inv_cdf(1 - 0.05 / max(int(self._children[parent]), 1))
            if inside - outside < clear * math.sqrt(max(spread, 0.0)):
                alike.append(parent)
        if not alike:
            return None
        at = np.array(alike)
        logs = self._bounds(measure, at, expected[at], variance[at])
        return int(at[int(np.argmin(logs))])

    def _tell_apart(self, mask: Mask) -> None:
        """From now on rows inside a slice are compared with each other only, and so are those outside."""
        strata = int(self._strata.max(initial=0)) + 1
        rows = np.flatnonzero(mask)
        before = self._strata[rows]
        total = np.bincount(self._strata, minlength=strata)
        inside = np.bincount(before, minlength=strata)
        split = (inside > 0) & (inside < total)
        new = np.cumsum(split) - 1 + strata
        moved = split[before]
        rows, before = rows[moved], before[moved]
        after = new[before]
        self._strata[rows] = after
        self._candidates.move(rows, before, after, strata + int(split.sum()))


def _telling(
    cuts: Sequence[Cut], values: Floats, pairs: Sequence[tuple[int, int]], most: int
) -> list[tuple[int, int]]:
    """The pairs of those columns whose cells differ most in the first measure."""
    first = values[0]
    whole = first.mean()
    scores = []
    for cut in cuts:
        counts = np.bincount(cut.codes, minlength=cut.cells)
        sums = np.bincount(cut.codes, first, cut.cells)
        surplus = (sums - counts * whole) ** 2 / np.maximum(counts, 1)
        scores.append(float(surplus.max()))
    ranked = sorted(range(len(cuts)), key=lambda at: (-scores[at], at))
    sizes = [len(cut.conditions) for cut in cuts]
    chosen: list[int] = []
    crossings = 0
    for at in ranked:
        crossings += sizes[at] * sum(sizes[other] for other in chosen)
        if len(chosen) * (len(chosen) + 1) // 2 > most or crossings > _MOST_CROSSINGS:
            break
        chosen.append(at)
    return [pair for pair in pairs if pair[0] in chosen and pair[1] in chosen]


def _crossings(cuts: Sequence[Cut], pairs: Sequence[tuple[int, int]]) -> int:
    sizes = [len(cut.conditions) for cut in cuts]
    return sum(sizes[one] * sizes[other] for one, other in pairs)
