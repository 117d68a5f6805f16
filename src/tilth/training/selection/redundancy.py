"""Redundancy: of two columns that say the same only the one that tells more of the label is kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.training.selection.filters import anova_f, whitening
from tilth.training.selection.training import TrainingRows

__all__ = ["togetherness", "without_redundant"]

Floats = npt.NDArray[np.float64]


def without_redundant(rows: TrainingRows, bound: float) -> list[int]:
    """The candidates of which no two go together more than a bound, those closest to the label first.

    Candidates are taken in the order of their F statistic, and each is kept unless it goes together with one
    that is kept already; see `togetherness`.

    Args:
        rows: the training rows.
        bound: in [0, 1].

    Returns:
        Positions of candidates.
    """
    usable = rows.usable
    strength = np.nan_to_num(anova_f(rows), nan=-1.0)
    together = togetherness(rows)
    kept: list[int] = []
    for place in sorted(range(len(usable)), key=lambda at: (-strength[usable[at]], usable[at])):
        if not kept or together[place, kept].max() <= bound:
            kept.append(place)
    return [usable[place] for place in kept]


def togetherness(rows: TrainingRows) -> Floats:
    """How much each two of the candidates that vary go together, (u, u), in [0, 1].

    |Pearson's correlation| where each has one feature. Where one has several: the multiple correlation of
    the feature that is told least by all features of the other, so that two columns which are merely missing
    together do not count; of the two directions the greater. That of several features is corrected for their
    number (Ezekiel 1930), since it is large by chance where rows are few.
    """
    groups = [rows.groups[at] for at in rows.usable]
    sizes = np.array([len(group) for group in groups])
    starts = np.cumsum(sizes) - sizes
    bases = [whitening(rows.gram[np.ix_(group, group)]) for group in groups]
    told = np.empty((int(sizes.sum()), len(groups)))
    order = np.concatenate(groups)
    for at, (group, basis) in enumerate(zip(groups, bases, strict=True)):
        told[:, at] = ((rows.gram[np.ix_(order, group)] @ basis) ** 2).sum(axis=1)
    least = np.minimum.reduceat(np.minimum(told, 1.0), starts, axis=0)
    ranks = np.array([basis.shape[1] for basis in bases])
    spare = rows.rows - ranks - 1
    corrected = 1 - (1 - least) * (rows.rows - 1) / np.maximum(spare, 1)
    corrected = np.where(spare > 0, corrected, 0.0)
    shares = np.where(ranks > 1, np.maximum(corrected, 0.0), least)
    return np.asarray(np.sqrt(np.maximum(shares, shares.T)))
