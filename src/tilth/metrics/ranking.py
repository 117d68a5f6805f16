"""How well scores rank positives above negatives: areas under ROC and PR curve, exact, ties included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.intervals import logit_normal, wilson

__all__ = ["auroc", "average_precision", "pr_auc"]

Floats = npt.NDArray[np.float64]


def auroc(negatives: Floats, positives: Floats, sizes: tuple[float, float] | None = None) -> Estimate:
    """The probability that a positive scores above a negative, ties counting one half.

    The variance is DeLong's (DeLong, DeLong and Clarke-Pearson 1988) in O(k); the interval is normal on the
    logit scale, so that it stays between 0 and 1. Where the ranking is perfect and that variance 0, the
    interval is Wilson's for the smaller class.

    Args:
        negatives: (k,), the weight of negatives at each distinct score, scores ascending.
        positives: (k,), the same for positives.
        sizes: the effective numbers of negatives and positives; default: the sums of the weights.

    Example:
        >>> print(auroc(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])))
        0.875 [0.2276, 0.994]
    """
    total_negative, total_positive = float(negatives.sum()), float(positives.sum())
    if total_negative == 0 or total_positive == 0:
        return UNDEFINED
    below = np.cumsum(negatives) - negatives
    above = total_positive - np.cumsum(positives)
    wins_of_positive = (below + negatives / 2) / total_negative
    wins_over_negative = (above + positives / 2) / total_positive
    value = float((positives * (below + negatives / 2)).sum()) / (total_negative * total_positive)
    n, m = sizes or (total_negative, total_positive)
    if min(n, m) <= 1:
        return Estimate(value)
    variance = float((positives * (wins_of_positive - value) ** 2).sum()) / total_positive / (m - 1)
    variance += float((negatives * (wins_over_negative - value) ** 2).sum()) / total_negative / (n - 1)
    if not 0 < value < 1 or variance == 0:
        return wilson(value, min(n, m))
    return logit_normal(value, variance)


def average_precision(negatives: Floats, positives: Floats, size: float | None = None) -> Estimate:
    """The precision at each threshold, weighted by the recall gained there (no interpolation).

    The interval is the logit interval of Boyd, Eng and Page 2013.

    Args:
        negatives: (k,), the weight of negatives at each distinct score, scores ascending.
        positives: (k,), the same for positives.
        size: the effective number of positives; default: the sum of their weights.

    Example:
        >>> print(average_precision(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])))
        0.8333 [0.1082, 0.9952]
    """
    total = float(positives.sum())
    if total == 0:
        return UNDEFINED
    true, false = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
    gained = positives[::-1]
    at = gained > 0
    value = float((true[at] / (true[at] + false[at]) * gained[at]).sum()) / total
    if not 0 < value < 1:
        return wilson(min(value, 1.0), size or total)
    return logit_normal(value, value * (1 - value) / (size or total))


def pr_auc(negatives: Floats, positives: Floats, size: float | None = None) -> Estimate:
    """The area under the curve of precision over recall, rows that tie being taken one after the other.

    Between two thresholds the curve is not straight: false positives grow in step with true ones (Davis and
    Goadrich 2006), which is integrated exactly (Boyd, Eng and Page 2013). So a constant score has the share
    of positives, as for average precision, which takes the precision at the end of each tie for all of it.

    Args:
        negatives: (k,), the weight of negatives at each distinct score, scores ascending.
        positives: (k,), the same for positives.
        size: the effective number of positives; default: the sum of their weights.

    Example:
        >>> print(pr_auc(np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])))
        0.8873 [0.08953, 0.9984]
    """
    total = float(positives.sum())
    if total == 0:
        return UNDEFINED
    gained = positives[::-1]
    true, false = np.cumsum(gained) - gained, np.cumsum(negatives[::-1]) - negatives[::-1]
    at = gained > 0
    gained, true, false = gained[at], true[at], false[at]
    growth = 1 + negatives[::-1][at] / gained  # of all that are called positive, for one more that is true
    called = true + false
    offset = false - (growth - 1) * true
    ratio = np.divide(growth * gained, called, out=np.zeros_like(called), where=called > 0)
    curved = np.where(called > 0, offset / growth**2 * np.log1p(ratio), 0.0)
    value = min(1.0, float((gained / growth - curved).sum()) / total)
    if not 0 < value < 1:
        return wilson(value, size or total)
    return logit_normal(value, value * (1 - value) / (size or total))
