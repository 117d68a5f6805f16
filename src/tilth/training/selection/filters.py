"""Filters: how each column goes together with the label, without any model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.training.selection.training import TrainingRows

__all__ = ["anova_f", "kendall", "pearson", "spearman", "whitening"]

Floats = npt.NDArray[np.float64]

_KENDALL_ROWS = 2_000
_RIDGE = 1e-9


def pearson(rows: TrainingRows) -> Floats:
    """The greatest |correlation| (Pearson 1895) of a feature of each candidate with the label.

    The label of several classes is one column of 0 and 1 for each, and the greatest counts.

    Returns:
        (c,), in [0, 1]; NaN for a candidate that does not vary.
    """
    return best_of(rows, np.abs(rows.toward).max(axis=1))


def spearman(rows: TrainingRows) -> Floats:
    """As `pearson`, of ranks (Spearman 1904); equal values share their mean rank, missing ones the middle.

    Returns:
        (c,), in [0, 1]; NaN for a candidate that does not vary.
    """
    ranks, targets = _scaled(_ranks(rows.Z)), _scaled(_ranks(rows.targets))
    return best_of(rows, np.abs(ranks.T @ targets / rows.rows).max(axis=1))


def kendall(rows: TrainingRows) -> Floats:
    """As `pearson`, with Kendall's tau-b (Kendall 1945), which counts pairs of rows and corrects for ties.

    For classes it follows from rank sums in O(n log n); for numbers at most 2,000 rows are looked at.

    Returns:
        (c,), in [0, 1]; NaN for a candidate that does not vary.
    """
    if rows.task == "regression":
        return best_of(
            rows, np.abs(_kendall_of_numbers(rows.Z[:_KENDALL_ROWS], rows.targets[:_KENDALL_ROWS]))
        )
    return best_of(rows, np.abs(_kendall_of_classes(rows.Z, rows.targets)).max(axis=1))


def anova_f(rows: TrainingRows) -> Floats:
    """The F statistic of all features of each candidate together against the label.

    For one feature and classes it is that of the one-way analysis of variance (Fisher 1925), for regression
    that of the linear model; for several features and several classes the approximation by Pillai's trace
    (Pillai 1955), which is both of these where they apply. Larger is stronger; infinite where the label is
    a linear function of the candidate.

    Returns:
        (c,), at least 0; NaN for a candidate that does not vary or has as many features as there are rows.
    """
    within = whitening(rows.targets.T @ rows.targets / rows.rows)
    found = np.full(len(rows.groups), np.nan)
    for at in rows.usable:
        group = rows.groups[at]
        basis = whitening(rows.gram[np.ix_(group, group)])
        shared = basis.T @ rows.toward[group] @ within
        found[at] = _pillai_f(float((shared**2).sum()), basis.shape[1], within.shape[1], rows.rows)
    return found


def best_of(rows: TrainingRows, of_features: Floats) -> Floats:
    """For each candidate the greatest value (f,) among its features; NaN where it has none."""
    found = np.full(len(rows.groups), np.nan)
    for at in rows.usable:
        found[at] = of_features[rows.groups[at]].max()
    return found


def _pillai_f(trace: float, features: int, targets: int, rows: int) -> float:
    """The F approximation; trace in [0, min(features, targets)]."""
    least = min(features, targets)
    spare = (rows - 1 - targets - features - 1) / 2
    if spare < 0:
        return float("nan")
    more = (abs(features - targets) - 1) / 2
    rest = least - min(trace, least)
    scale = (2 * spare + least + 1) / (2 * more + least + 1)
    return float("inf") if rest < _RIDGE else scale * trace / rest


def whitening(products: Floats) -> Floats:
    """What makes columns with these products uncorrelated and of variance 1.

    Args:
        products: (s, s), the columns' mean products.

    Returns:
        (s, r), r the rank.
    """
    if products.shape == (1, 1):
        return np.ones((1, 1)) / np.sqrt(np.maximum(products, _RIDGE))
    values, vectors = np.linalg.eigh(products)
    kept = values > _RIDGE * max(float(values[-1]), _RIDGE)
    whitened: Floats = vectors[:, kept] / np.sqrt(values[kept])
    return whitened


def _ranks(X: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(X, axis=0), np.float64)


def _scaled(X: Floats) -> Floats:
    """At mean 0 and deviation 1; 0 where nothing varies."""
    centered = X - X.mean(axis=0)
    deviations = np.sqrt((centered**2).mean(axis=0))
    scaled: Floats = centered / np.where(deviations > 0, deviations, np.inf)
    return scaled


def _kendall_of_classes(Z: Floats, targets: Floats) -> Floats:
    """tau-b of each feature and each 0/1 target, (f, q), from rank sums (Mann and Whitney 1947)."""
    from scipy.stats import rankdata

    rows = len(Z)
    ranks = _ranks(Z)
    # A row in a group of t equal values has a greatest rank (t - 1) / 2 above its mean rank.
    tied = rankdata(Z, method="max", axis=0).sum(axis=0) - rows * (rows + 1) / 2
    positive = (targets > 0).astype(np.float64)
    ones = positive.sum(axis=0)
    beyond = 2 * (ranks.T @ positive - ones * (ones + 1) / 2) - ones * (rows - ones)
    pairs = np.maximum(rows * (rows - 1) / 2 - tied, 0.0)[:, None] * (ones * (rows - ones))
    return np.asarray(beyond / np.sqrt(np.where(pairs > 0, pairs, np.inf)))


def _kendall_of_numbers(Z: Floats, targets: Floats) -> Floats:
    from scipy.stats import kendalltau

    varies = Z.min(axis=0) < Z.max(axis=0)
    found = [
        kendalltau(z, targets[:, 0]).statistic if there else 0.0 for z, there in zip(Z.T, varies, strict=True)
    ]
    return np.nan_to_num(np.array(found, np.float64))
