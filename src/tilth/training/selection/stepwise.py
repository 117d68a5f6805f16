"""Stepwise selection: columns taken in, or left out, one after the other by how a model then does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.training.selection.training import INNER_FOLDS, TrainingRows

__all__ = ["backward", "forward"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_PENALTY = 1.0


@dataclass(frozen=True)
class _Fold:
    """The products of the rows learned from and of those held out, the constant as the first column.

    Args:
        learned: (f, f), with the penalty on its diagonal.
        learned_toward: (f, q).
        held: (f, f).
        held_toward: (f, q).
    """

    learned: Floats
    learned_toward: Floats
    held: Floats
    held_toward: Floats


def forward(rows: TrainingRows, candidates: list[int]) -> list[int]:
    """Candidates in the order in which they are taken in.

    Each time the one is taken in with which a ridge regression of the label has the least squared error on
    held-out folds of the training rows; classes are columns of 0 and 1, so that the model is the least
    squares classifier. The errors of all regressions follow exactly from sums of products (Hastie,
    Tibshirani, Friedman: The Elements of Statistical Learning, 2009, section 3.3.2).

    Args:
        rows: the training rows.
        candidates: which to look at.
    """
    folds, groups = _folds(rows, candidates)
    taken: list[int] = []
    while len(taken) < len(candidates):
        active = _joined(groups, taken)
        left = [at for at in range(len(candidates)) if at not in taken]
        errors = np.sum([_errors_with(fold, active, [groups[at] for at in left]) for fold in folds], axis=0)
        taken.append(left[int(np.argmin(errors))])
    return [candidates[at] for at in taken]


def backward(rows: TrainingRows, candidates: list[int]) -> list[int]:
    """Candidates from the one that is left out last to the one that is left out first.

    Each time the one is left out without which the error that `forward` looks at is least.

    Args:
        rows: the training rows.
        candidates: which to look at.
    """
    folds, groups = _folds(rows, candidates)
    left, gone = list(range(len(candidates))), []
    while len(left) > 1:
        active = _joined(groups, left)
        errors = np.sum(
            [_errors_without(fold, active, [groups[at] for at in left]) for fold in folds], axis=0
        )
        gone.append(left.pop(int(np.argmin(errors))))
    return [candidates[at] for at in (left + gone[::-1])]


def _folds(rows: TrainingRows, candidates: list[int]) -> tuple[list[_Fold], list[Integers]]:
    used = rows.features_of(candidates)
    wide = np.column_stack([np.ones(rows.rows), rows.Z[:, used]])
    place = {int(feature): at + 1 for at, feature in enumerate(used)}
    groups = [np.array([place[int(f)] for f in rows.groups[at]], np.int64) for at in candidates]
    penalty = np.full(wide.shape[1], _PENALTY)
    penalty[0] = 1e-9
    products, toward = wide.T @ wide, wide.T @ rows.targets
    found = []
    for fold in range(INNER_FOLDS):
        part = wide[rows.folds == fold]
        held, held_toward = part.T @ part, part.T @ rows.targets[rows.folds == fold]
        learned = products - held + np.diag(penalty)
        found.append(_Fold(learned, toward - held_toward, held, held_toward))
    return found, groups


def _joined(groups: list[Integers], members: list[int]) -> Integers:
    """The features of some groups behind the constant."""
    return np.sort(np.concatenate([np.zeros(1, np.int64), *(groups[at] for at in members)]))


def _errors_with(fold: _Fold, active: Integers, groups: list[Integers]) -> Floats:
    """Held-out squared error, but for a constant, of the model with each group beside the active features."""
    others = np.concatenate(groups)
    known = np.column_stack([fold.learned[np.ix_(active, others)], fold.learned_toward[active]])
    both = np.linalg.solve(fold.learned[np.ix_(active, active)], known)
    ways, weights = both[:, : len(others)], both[:, len(others) :]
    # Taking in a feature with the weight d changes the weights of the active ones by -ways d.
    change = np.zeros((len(fold.held), len(others)))
    change[active] = -ways
    change[others, np.arange(len(others))] = 1.0
    spare = fold.learned[np.ix_(others, others)] - fold.learned[np.ix_(others, active)] @ ways
    wanted = fold.learned_toward[others] - ways.T @ fold.learned_toward[active]
    residual = fold.held[:, active] @ weights - fold.held_toward
    return _changes(fold.held, change, residual, spare, wanted, [len(group) for group in groups])


def _errors_without(fold: _Fold, active: Integers, groups: list[Integers]) -> Floats:
    """Held-out squared error, but for a constant, of the model without each group of the active features."""
    inverse = np.asarray(np.linalg.inv(fold.learned[np.ix_(active, active)]), np.float64)
    weights = inverse @ fold.learned_toward[active]
    inside = np.searchsorted(active, np.concatenate(groups))
    # A weight of 0 for a feature is reached by moving along its column of the inverse.
    change = np.zeros((len(fold.held), len(inside)))
    change[active] = inverse[:, inside]
    spare, wanted = inverse[np.ix_(inside, inside)], -weights[inside]
    residual = fold.held[:, active] @ weights - fold.held_toward
    return _changes(fold.held, change, residual, spare, wanted, [len(group) for group in groups])


def _changes(
    held: Floats, change: Floats, residual: Floats, spare: Floats, wanted: Floats, sizes: list[int]
) -> Floats:
    """How the held-out squared error changes with each group.

    Args:
        held: (f, f), the products of the held-out rows.
        change: (f, g), what a unit of each of the g features does to all weights.
        residual: (f, q), half the slope of the error at the present weights.
        spare: (g, g), of which the block of a group gives its step with `wanted`.
        wanted: (g, q).
        sizes: how many of the g features each group has, one group after the other.
    """
    slope = change.T @ residual
    if max(sizes) == 1:
        steps = wanted / np.diag(spare)[:, None]
        bends = np.einsum("fg,fg->g", change, held @ change)
        return np.asarray(2 * (steps * slope).sum(axis=1) + bends * (steps**2).sum(axis=1))
    curvature = change.T @ (held @ change)
    ends = np.cumsum([0, *sizes])
    found = np.empty(len(sizes))
    for position in range(len(sizes)):
        at = slice(ends[position], ends[position + 1])
        step = np.linalg.solve(spare[at, at], wanted[at])
        found[position] = 2 * (step * slope[at]).sum() + (step * (curvature[at, at] @ step)).sum()
    return found
