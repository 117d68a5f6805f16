"""RankedGroups: rows in the order of their scores, group after group, and what each order is worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["RankedGroups", "group_keys"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LOW_HALF = np.uint64(0xFFFFFFFF)


class RankedGroups:
    """n rows ranked within g groups; groups without a relevant row are left out.

    Rows of one score share their block of places: each place in it holds the block's mean. All arrays of
    results are (g,), in the order of the groups.

    Args:
        groups: (n, w), the numbers that name each row's group.
        predictions: (n,), the greatest first.
        labels: (n,), at least 0; relevant above 0.

    Example:
        >>> groups = np.array([[1.0], [1.0], [2.0]])
        >>> found = RankedGroups(groups, np.array([0.5, 0.5, 0.1]), np.array([1.0, 0.0, 0.0]))
        >>> found.reciprocal_ranks().tolist(), found.without
        ([0.75], 1)
    """

    def __init__(self, groups: Floats, predictions: Floats, labels: Floats) -> None:
        order = np.lexsort((labels, -predictions, *groups.T[::-1]))
        names, scores, labels = groups[order], predictions[order], labels[order]
        starts = np.flatnonzero(_changes(names))
        relevant = _sums((labels > 0).astype(np.float64), starts)
        self.without = int((relevant == 0).sum())
        keep = np.repeat(relevant > 0, np.diff(starts, append=len(labels)))
        names, scores, self._labels = names[keep], scores[keep], labels[keep]
        self.relevant: Floats = relevant[relevant > 0]
        new_group = _changes(names)
        self._starts = np.flatnonzero(new_group)
        self._group = np.cumsum(new_group) - 1
        self._places = np.arange(len(names)) - self._starts[self._group]
        blocks = new_group | _changes(scores[:, None])
        self._block_starts = np.flatnonzero(blocks)
        self._block = np.cumsum(blocks) - 1
        self._block_sizes = np.diff(self._block_starts, append=len(names))
        self._shares = self._block_means((self._labels > 0).astype(np.float64))

    def ndcg(self, cutoff: int | None) -> Floats:
        """Discounted gain over that of the best order, of all places or the first `cutoff`."""
        discounts = 1 / np.log2(self._places + 2.0)
        if cutoff is not None:
            discounts = np.where(self._places < cutoff, discounts, 0.0)
        best = self._labels[np.lexsort((-self._labels, self._group))]
        gained = _sums(self._block_means(self._labels) * discounts, self._starts)
        return np.minimum(gained / _sums(best * discounts, self._starts), 1.0)

    def relevant_among(self, cutoff: int) -> Floats:
        """How many of the first `cutoff` places hold a relevant row."""
        return _sums(np.where(self._places < cutoff, self._shares, 0.0), self._starts)

    def average_precisions(self) -> Floats:
        """The mean over the relevant rows of the precision at their places."""
        sizes = self._block_sizes[self._block].astype(np.float64)
        first = self._block_starts[self._block]
        before = np.concatenate([[0.0], np.cumsum(self._shares)])
        before = np.rint(before[first] - before[self._starts[self._group]])
        others = np.where(sizes > 1, (self._shares * sizes - 1) / np.maximum(sizes - 1, 1), 0.0)
        hits = before + 1 + (np.arange(len(sizes)) - first) * others
        return _sums(self._shares * hits / (self._places + 1), self._starts) / self.relevant

    def reciprocal_ranks(self) -> Floats:
        """One over the place of the first relevant row."""
        at = np.flatnonzero(self._shares > 0)
        _, first = np.unique(self._group[at], return_index=True)
        at = at[first]
        sizes = self._block_sizes[self._block[at]]
        relevant = np.rint(self._shares[at] * sizes).astype(np.int64)
        cases, which = np.unique(
            np.column_stack((self._places[at], sizes, relevant)), axis=0, return_inverse=True
        )
        found = [_expected_reciprocal(*case) for case in cases.tolist()]
        return np.array(found, np.float64)[which.ravel()]

    def _block_means(self, values: Floats) -> Floats:
        means: Floats = (_sums(values, self._block_starts) / self._block_sizes)[self._block]
        return means


def group_keys(groups: Integers) -> Floats:
    """Numbers of groups (n,) in 64 bits as pairs of floats (n, 2), which hold 32 bits each exactly.

    Example:
        >>> group_keys(np.array([2**32 + 5])).tolist()
        [[1.0, 5.0]]
    """
    codes = np.asarray(groups, np.int64).view(np.uint64)
    halves = (codes >> np.uint64(32), codes & _LOW_HALF)
    return np.column_stack([half.astype(np.float64) for half in halves])


def _expected_reciprocal(before: int, size: int, relevant: int) -> float:
    """The mean of 1 / place of the first of some relevant rows in a block whose order is random.

    The first is at place j of the block with probability r/m, (m-r)/m r/(m-1), ...
    """
    places = np.arange(1, size - relevant + 2)
    earlier = np.maximum(size - places - relevant + 1, 0) / np.maximum(size - places + 1, 1)
    none_before = np.concatenate([[1.0], np.cumprod(earlier[:-1])])
    return float((none_before * (1 - earlier) / (before + places)).sum())


def _changes(rows: Floats) -> npt.NDArray[np.bool_]:
    """Where a row differs from the one before; the first does."""
    changed: npt.NDArray[np.bool_] = np.ones(len(rows), np.bool_)
    changed[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return changed


def _sums(values: Floats, starts: Integers) -> Floats:
    """The sum of each stretch that begins at `starts`."""
    return np.add.reduceat(values, starts) if len(starts) else np.empty(0)
