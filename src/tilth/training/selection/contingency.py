"""Filters on tables of counts: chi-square and mutual information of levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tilth.profiles.levels import chance_information, cramers_v, entropy, mutual_information
from tilth.training.selection.training import TrainingRows

__all__ = ["chi_square", "known_share", "log_chi_square_tail", "surplus_information"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Measure: TypeAlias = Callable[[Integers], float]

_LEVELS = 10
_TINY, _EXACT, _TERMS = 1e-300, 1e-15, 10_000
_MOST_CLASSES = 50


def chi_square(rows: TrainingRows) -> Floats:
    """The chi-square test (Pearson 1900) of each candidate's levels against the label's.

    Numbers count by the ten parts of them that have as many rows each, categories by themselves; the best
    feature counts. Tables of different sizes compare by their p-values.

    Returns:
        (c,), -log(p), at least 0, larger is stronger; NaN for a candidate that does not vary.
    """
    return _best_table(rows, _evidence)


def surplus_information(rows: TrainingRows) -> Floats:
    """The mutual information in bits of the levels, as `chi_square` has them, beyond what chance gives.

    Returns:
        (c,), larger is stronger, below 0 where chance gives more; NaN for a candidate that does not vary.
    """
    return _best_table(rows, lambda table: mutual_information(table) - chance_information(table))


def known_share(rows: TrainingRows) -> Floats:
    """The share of the label's uncertainty that each candidate's levels take away, beyond chance.

    Returns:
        (c,), at most 1; NaN for a candidate that does not vary.
    """
    whole = entropy(np.bincount(_label_levels(rows)))
    return surplus_information(rows) / whole if whole else np.full(len(rows.groups), np.nan)


def _best_table(rows: TrainingRows, measure: Measure) -> Floats:
    labels = _label_levels(rows)
    width = int(labels.max(initial=0)) + 1
    found = np.full(len(rows.groups), np.nan)
    for at in rows.usable:
        tables = (_table(codes, labels, width) for codes in _variables(rows, rows.groups[at]))
        found[at] = max(measure(table) for table in tables)
    return found


def log_chi_square_tail(statistic: float, freedom: int) -> float:
    """The logarithm of the probability that chi-square is greater, however small that is.

    Far out the incomplete gamma function's continued fraction (Abramowitz and Stegun 1964, 6.5.31), evaluated
    by Lentz's method, where the probability itself would be 0.

    Args:
        statistic: at least 0.
        freedom: the degrees of freedom, 1 or more.

    Example:
        >>> round(log_chi_square_tail(3.841, 1), 3), round(log_chi_square_tail(5000.0, 1), 1)
        (-2.995, -2504.5)
    """
    from scipy.special import gammaincc

    a, x = freedom / 2, statistic / 2
    if x < a + 1:
        return math.log(float(gammaincc(a, x)))
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    fraction = d
    for i in range(1, _TERMS):
        b += 2
        d = 1 / (b - i * (i - a) * d)
        c = b - i * (i - a) / c
        fraction *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return a * math.log(x) - x - math.lgamma(a) + math.log(fraction)


def _evidence(table: Integers) -> float:
    filled = [int(np.count_nonzero(table.any(axis=axis))) for axis in (1, 0)]
    freedom = (filled[0] - 1) * (filled[1] - 1)
    strength = cramers_v(table)
    if strength is None or not freedom:
        return 0.0
    return -log_chi_square_tail(strength**2 * int(table.sum()) * (min(filled) - 1), freedom)


def _variables(rows: TrainingRows, group: Integers) -> list[Integers]:
    """The levels of what a candidate consists of: a one-hot feature is one variable, others one each."""
    found = []
    for entry in np.unique(rows.entries[group]):
        members = group[rows.entries[group] == entry]
        X = rows.X[:, members]
        if len(members) > 1 and _is_one_hot(X):
            found.append(np.where(X.any(axis=1), X.argmax(axis=1) + 1, 0).astype(np.int64))
        else:
            found += [_levels(column) for column in rows.Z[:, members].T]
    return found


def _is_one_hot(X: Floats) -> bool:
    return bool(np.isin(X, (0.0, 1.0)).all() and X.sum(axis=1).max(initial=0.0) <= 1)


def _levels(values: Floats) -> Integers:
    """Each different value where there are few, tenths of the rows otherwise."""
    distinct = np.unique(values)
    if len(distinct) > _LEVELS:
        at = np.arange(1, _LEVELS) / _LEVELS
        distinct = np.unique(np.quantile(values, at, method="inverted_cdf"))
        return np.searchsorted(distinct, values, side="left").astype(np.int64)
    return np.searchsorted(distinct, values).astype(np.int64)


def _label_levels(rows: TrainingRows) -> Integers:
    """The classes, the rare ones of very many together; the tenths of numbers."""
    if rows.task == "regression":
        return _levels(rows.labels.astype(np.float64))
    codes = rows.labels.astype(np.int64)
    counts = np.bincount(codes, minlength=rows.classes)
    ranked = np.empty(len(counts), np.int64)
    ranked[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(ranked, _MOST_CLASSES)[codes]


def _table(codes: Integers, labels: Integers, width: int) -> Integers:
    height = int(codes.max(initial=0)) + 1
    return np.bincount(codes * width + labels, minlength=height * width).reshape(height, width)
