"""Shapley values of a tree ensemble, computed leaf by leaf, without drawing anything.

The game is that of model-agnostic Shapley values: the players in a coalition have the values of the row that
is explained, the others those of a background row, and the worth is what the trees say of the mixture,
averaged over background rows ("interventional" TreeSHAP; Lundberg et al. 2020). One leaf is reached by a
mixture if each player on its path, wherever its value comes from, fulfils the path's conditions on it. So
only three kinds of player matter: those whose conditions only the row fulfils (a of them), those whose only
the background row fulfils (b), those whose both fulfil. Where all are of these, a player of the first kind
gets (a - 1)! b! / (a + b)! of the leaf's value, one of the second minus a! (b - 1)! / (a + b)! of it.

A player is any set of features, such as the columns that one-hot encoding makes of one raw column, so that
these are the exact values of raw columns and not sums over features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError
from tilth.inference import TreeEnsemble

__all__ = ["MOST_PLAYERS", "raw_scores", "tree_shapley"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]

MOST_PLAYERS = 60
"""So many players on the path to one leaf fit into a word of bits."""

_MOST_PAIRS = 8_000_000
_LEAVES_AT_ONCE = (16, 2048)


def tree_shapley(
    ensemble: TreeEnsemble,
    features: npt.NDArray[np.floating],
    background: npt.NDArray[np.floating],
    players: Integers,
) -> tuple[Floats, Floats]:
    """The contribution of each player to each target of each row.

    Costs rows x background rows x leaves at worst; equal paths are counted once, which makes many rows cheap.

    Args:
        ensemble: its trees.
        features: (n, f), the rows that are explained.
        background: (m, f), what they are held against, 1 row at least.
        players: (f,), the player that each feature belongs to, from 0.

    Returns:
        (n, players, targets), and (targets,), the mean over the background rows. Both together add up to the
        ensemble's sums for the row.

    Raises:
        UsageError: the path to some leaf asks more than `MOST_PLAYERS` players.

    Example:
        >>> stump = TreeEnsemble(
        ...     roots=np.array([0]), features=np.array([0, 0, 0]), thresholds=np.array([0.5, 0, 0]),
        ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), missing_left=np.zeros(3, bool),
        ...     values=np.array([[0.0], [1.0], [5.0]]), base=np.zeros(1))
        >>> tree_shapley(stump, np.array([[1.0]]), np.array([[0.0], [1.0]]), np.array([0]))
        (array([[[2.]]]), array([3.]))
    """
    width, targets = int(players.max(initial=-1)) + 1, ensemble.values.shape[1]
    found = np.zeros((len(features), width * targets))
    pairs = max(1, len(features) * len(background))
    at_once = min(max(_MOST_PAIRS // pairs, _LEAVES_AT_ONCE[0]), _LEAVES_AT_ONCE[1])
    for block in _blocks(ensemble, players, at_once):
        shares = _shares(block, block.fulfilled(ensemble, features), block.fulfilled(ensemble, background))
        for bit, share in enumerate(shares):
            _add(found, share, block, bit, targets)
    base = raw_scores(ensemble, background).mean(axis=0)
    return found.reshape(len(features), width, targets), base


def raw_scores(ensemble: TreeEnsemble, features: npt.NDArray[np.floating]) -> Floats:
    """What the ensemble adds up to for n rows, (n, targets).

    Args:
        ensemble: its trees.
        features: (n, f).
    """
    sums = np.tile(ensemble.base, (len(features), 1))
    rows = np.arange(len(features))
    values = np.asarray(features, np.float64)
    for root in ensemble.roots.tolist():
        at = np.full(len(features), root)
        while True:
            inner = ensemble.left[at] >= 0
            if not inner.any():
                break
            x = values[rows, ensemble.features[at]]
            goes = (x <= ensemble.thresholds[at]) | (np.isnan(x) & ensemble.missing_left[at])
            at = np.where(inner, np.where(goes, ensemble.left[at], ensemble.right[at]), at)
        sums += ensemble.values[at]
    return np.asarray(sums, np.float64)


@dataclass(frozen=True)
class _Block:
    """Some leaves with the conditions on the way to them, those with the longest ways first.

    Args:
        values: (l, targets).
        nodes: (l, d), the nodes on the path; -1 where it is shorter.
        lefts: (l, d), whether the path goes left there.
        bits: (l, d), the bit of the node's player among those of the leaf.
        players: (l, k), who the bits stand for; -1 where there are fewer.
    """

    values: Floats
    nodes: Integers
    lefts: npt.NDArray[np.bool_]
    bits: Integers
    players: Integers

    @property
    def whole(self) -> Bits:
        """(l,), the bits of all players of a leaf."""
        return np.asarray((np.uint64(1) << (self.players >= 0).sum(axis=1).astype(np.uint64)) - np.uint64(1))

    def fulfilled(self, ensemble: TreeEnsemble, features: npt.NDArray[np.floating]) -> Bits:
        """(l, n), the bits of the players all of whose conditions a row fulfils."""
        found = np.repeat(self.whole[:, None], len(features), axis=1)
        columns = np.ascontiguousarray(np.asarray(features, np.float64).T)
        for step in range(self.nodes.shape[1]):
            long = int((self.nodes[:, step] >= 0).sum())  # the leaves with the longest paths come first
            nodes = self.nodes[:long, step]
            fails = _goes_left(ensemble, columns, nodes) != self.lefts[:long, step, None]
            bits = self.bits[:long, step, None].astype(np.uint64)
            found[:long] &= ~(fails.astype(np.uint64) << bits)
        return found


def _goes_left(ensemble: TreeEnsemble, columns: Floats, nodes: Integers) -> npt.NDArray[np.bool_]:
    """Which rows go left at some nodes, (nodes, n), from features (f, n)."""
    values = columns[ensemble.features[nodes]]
    goes = values <= ensemble.thresholds[nodes, None]
    goes |= np.isnan(values) & ensemble.missing_left[nodes, None]
    return np.asarray(goes, np.bool_)


def _blocks(ensemble: TreeEnsemble, players: Integers, at_once: int) -> Iterator[_Block]:
    parents = np.full(len(ensemble.left), -1, np.int64)
    is_left = np.zeros(len(parents), np.bool_)
    inner = np.flatnonzero(ensemble.left >= 0)
    parents[ensemble.left[inner]] = inner
    parents[ensemble.right[inner]] = inner
    is_left[ensemble.left[inner]] = True
    leaves = np.flatnonzero((ensemble.left < 0) & (parents >= 0) & (ensemble.values != 0).any(axis=1))
    for start in range(0, len(leaves), at_once):
        at = leaves[start : start + at_once]
        at = at[np.argsort(-_depths(parents, at), kind="stable")]
        nodes, lefts, values = [], [], ensemble.values[at]
        while (parents[at] >= 0).any():
            there = parents[at] >= 0
            nodes.append(np.where(there, parents[at], -1))
            lefts.append(is_left[at])
            at = np.where(there, parents[at], at)
        path = np.column_stack(nodes)
        owners = np.where(path >= 0, players[ensemble.features[path]], -1)
        bits, names = _numbered(owners)
        yield _Block(values, path, np.column_stack(lefts), bits, names)


def _depths(parents: Integers, at: Integers) -> Integers:
    """How many nodes are above each of some nodes."""
    found = np.zeros(len(at), np.int64)
    while True:
        at = np.where(at >= 0, parents[at], -1)
        if (at < 0).all():
            return found
        found += at >= 0


def _numbered(owners: Integers) -> tuple[Integers, Integers]:
    """The players on each path (l, d) by numbers of its own, and who the numbers stand for."""
    order = np.argsort(owners, axis=1, kind="stable")
    ordered = np.take_along_axis(owners, order, axis=1)
    is_new = ordered >= 0
    is_new[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    ranks = np.cumsum(is_new, axis=1) - 1
    width = int(ranks.max()) + 1
    if width > MOST_PLAYERS:
        raise UsageError(f"{width} columns on the path to one leaf", expected=f"at most {MOST_PLAYERS}")
    bits = np.empty_like(ranks)
    np.put_along_axis(bits, order, np.maximum(ranks, 0), axis=1)
    names = np.full((len(owners), width), -1, np.int64)
    leaves, steps = np.nonzero(is_new)
    names[leaves, ranks[leaves, steps]] = ordered[leaves, steps]
    return bits, names


def _shares(block: _Block, mine: Bits, theirs: Bits) -> Iterator[Floats]:
    """For each bit the share of each leaf's value that its player gets in each row: (l, n)."""
    own, other = _Patterns.of(mine), _Patterns.of(theirs)
    small = np.min_scalar_type((1 << block.players.shape[1]) - 1)  # narrow words are compared faster
    either = own.bits.astype(small)[:, :, None] | other.bits.astype(small)[:, None, :]
    leaf, first, second = np.nonzero(either == block.whole.astype(small)[:, None, None])
    x, z = own.bits[leaf, first], other.bits[leaf, second]
    counts = (x != z) & (first < own.counts[leaf]) & (second < other.counts[leaf])
    leaf, first, second, x, z = (each[counts] for each in (leaf, first, second, x, z))
    ours, against = x & ~z, z & ~x
    a, b = (np.bitwise_count(each).astype(np.int64) for each in (ours, against))
    weights = other.copies[leaf, second] / theirs.shape[1]
    gains, losses = _GAINS[a, b] * weights, _GAINS[b, a] * weights
    places = leaf * own.bits.shape[1] + first
    for bit in range(block.players.shape[1]):
        at = np.uint64(bit)
        amounts = ((ours >> at) & np.uint64(1)) * gains - ((against >> at) & np.uint64(1)) * losses
        found = np.bincount(places, amounts, minlength=own.bits.size).astype(np.float64)
        yield np.take_along_axis(found.reshape(own.bits.shape), own.of_row, axis=1)


@dataclass(frozen=True)
class _Patterns:
    """The distinct patterns of each leaf.

    Args:
        bits: (l, u), those of a leaf first, then zeros.
        counts: (l,), how many a leaf has.
        copies: (l, u), how many rows have it.
        of_row: (l, n), which one each row has.
    """

    bits: Bits
    counts: Integers
    copies: Integers
    of_row: Integers

    @classmethod
    def of(cls, patterns: Bits) -> _Patterns:
        order = np.argsort(patterns, axis=1, kind="stable")
        ordered = np.take_along_axis(patterns, order, axis=1)
        is_new = np.ones(ordered.shape, np.bool_)
        is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        numbers = np.cumsum(is_new, axis=1) - 1
        counts = numbers[:, -1] + 1
        shape = (len(patterns), int(counts.max()))
        places = np.arange(len(patterns))[:, None] * shape[1] + numbers
        bits = np.zeros(shape, np.uint64)
        bits.ravel()[places[is_new]] = ordered[is_new]
        of_row = np.empty_like(numbers)
        np.put_along_axis(of_row, order, numbers, axis=1)
        copies = np.bincount(places.ravel(), minlength=bits.size).reshape(shape)
        return cls(bits, counts, copies, of_row)


def _add(found: Floats, share: Floats, block: _Block, bit: int, targets: int) -> None:
    """Give the players of one bit their shares of the leaves' values."""
    there = np.flatnonzero(block.players[:, bit] >= 0)
    leaves, of = np.nonzero(block.values[there])
    places, at = np.unique(block.players[there[leaves], bit] * targets + of, return_inverse=True)
    weights = np.zeros((len(there), len(places)))
    weights[leaves, at] = block.values[there[leaves], of]
    found[:, places] += share[there].T @ weights


def _gains() -> Floats:
    """(a - 1)! b! / (a + b)! by a and b; 0 where a is 0."""
    found = np.zeros((MOST_PLAYERS + 2, MOST_PLAYERS + 2))
    for a in range(1, len(found)):
        for b in range(len(found)):
            found[a, b] = 1 / (a * math.comb(a + b, a))
    return found


_GAINS = _gains()
