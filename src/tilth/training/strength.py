"""Strength: how well scores tell labels apart, on one scale whose chance level is known for every task."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["CHANCE", "class_strength", "number_strength", "ranks", "strength", "strength_name"]

Floats: TypeAlias = "npt.NDArray[np.floating]"

CHANCE = {"auroc": 0.5, "rank correlation": 0.0}
"""What scores that know nothing reach."""


def strength_name(task: str) -> str:
    """What is measured for a task: "auroc" for classes, "rank correlation" for numbers and rankings."""
    return "rank correlation" if task in ("regression", "ranking") else "auroc"


def strength(
    scores: Floats, y: npt.NDArray[np.number], task: str, groups: npt.NDArray[np.int64] | None = None
) -> float | None:
    """How well the scores of rows tell their labels.

    AUROC for two classes; the mean over the classes (or over several labels) of each against the others;
    Spearman's rank correlation for numbers, within each group and averaged for a ranking. Ties count half.

    Args:
        scores: (n, classes) probabilities, or (n, 1) numbers.
        y: (n,), codes of classes or numbers; for several labels (n, classes), 0 or 1.
        task: what is predicted.
        groups: (n,), for a ranking.

    Returns:
        None where the rows do not define it: one class only, numbers that are all equal.

    Example:
        >>> strength(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), "binary")
        1.0
    """
    if not np.isfinite(scores).all():
        return None
    if task == "ranking" and groups is not None:
        found = [number_strength(scores[groups == g, 0], y[groups == g]) for g in np.unique(groups)]
        known = [value for value in found if value is not None]
        return float(np.mean(known)) if known else None
    if strength_name(task) == "rank correlation":
        return number_strength(scores[:, 0], y)
    if task == "binary":
        return class_strength(scores[:, 1], y)
    if y.ndim == 2:
        values = [class_strength(score, member) for score, member in zip(scores.T, y.T, strict=True)]
    else:
        values = [class_strength(scores[:, code], y == code) for code in np.unique(y).astype(int)]
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def class_strength(scores: Floats, y: npt.NDArray[np.generic]) -> float | None:
    """AUROC (Mann and Whitney 1947) of scores (n,) for labels (n,) that are 0 or 1; None for one class."""
    positive = np.asarray(y, bool)
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        return None
    above = ranks(scores)[positive].sum() - count * (count + 1) / 2
    return float(above / (count * others))


def number_strength(scores: Floats, y: npt.NDArray[np.number]) -> float | None:
    """Spearman's rank correlation of scores (n,) and numbers (n,); None where either does not vary."""
    a, b = ranks(scores), ranks(np.asarray(y, np.float64))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a**2).sum() * (b**2).sum())) if len(a) else 0.0
    return float((a * b).sum() / size) if size else None


def ranks(values: Floats) -> npt.NDArray[np.float64]:
    """The ranks of numbers (n,), from 1, ties at their mean; missing ones rank first.

    Example:
        >>> ranks(np.array([3.0, 1.0, 3.0, np.nan])).tolist()
        [3.5, 2.0, 3.5, 1.0]
    """
    filled = np.where(np.isnan(values), -np.inf, values)
    _, codes, counts = np.unique(filled, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[codes], np.float64)
