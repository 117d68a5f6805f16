"""Two-class confusion at thresholds, from which the curves follow: ROC, precision and recall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from tilth.types import JSONObject, JSONValue

__all__ = ["ThresholdCounts", "confusion_at_thresholds"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ThresholdCounts:
    """The confusion matrix where scores above a threshold are called positive.

    Args:
        threshold: what a score must exceed.
        tn, fp, fn, tp: sums of weights, the numbers of rows where all weigh 1.

    Example:
        >>> at = ThresholdCounts(0.5, tn=905, fp=9, fn=18, tp=68)
        >>> round(at.precision, 3), round(at.recall, 3), round(at.fpr, 4)
        (0.883, 0.791, 0.0098)
    """

    threshold: float
    tn: float
    fp: float
    fn: float
    tp: float

    @property
    def precision(self) -> float | None:
        """The share of positives among those called so; None where nothing is."""
        return _share(self.tp, self.fp)

    @property
    def recall(self) -> float | None:
        """The share of positives that are called so, the y of the ROC curve; None without positives."""
        return _share(self.tp, self.fn)

    @property
    def fpr(self) -> float | None:
        """The share of negatives that are called positive, the x of the ROC curve; None without negatives."""
        return _share(self.fp, self.tn)

    def to_json(self) -> JSONObject:
        """The five numbers by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> ThresholdCounts:
        """The counts that `to_json` wrote."""
        numbers = (data[each.name] for each in fields(cls))
        return cls(*(float(n) for n in numbers if isinstance(n, (int, float))))


def confusion_at_thresholds(
    scores: Floats, negatives: Floats, positives: Floats, most: int = 101
) -> list[ThresholdCounts]:
    """The confusion at each distinct score, or at so many of them as cut the ROC curve into even pieces.

    Args:
        scores: (k,), ascending and distinct.
        negatives: (k,), the weight of negatives at each.
        positives: (k,), that of positives.
        most: how many thresholds at most, at least 2; the first calls all rows positive, the last none.

    Example:
        >>> ones = np.array([1.0, 1.0])
        >>> for at in confusion_at_thresholds(np.array([0.2, 0.7]), ones, np.array([0.0, 2.0])):
        ...     print(at.threshold, at.tn, at.fp, at.fn, at.tp)
        0.0 0.0 2.0 0.0 2.0
        0.2 1.0 1.0 0.0 2.0
        0.7 2.0 0.0 2.0 0.0
    """
    if not len(scores):
        return []
    below = [np.concatenate(([0.0], np.cumsum(side))) for side in (negatives, positives)]
    totals = [float(side[-1]) for side in below]
    places = np.sum([side / total for side, total in zip(below, totals, strict=True) if total], axis=0)
    at = _even(np.atleast_1d(places), len(scores) + 1, most)
    thresholds = np.concatenate(([_under(float(scores[0]))], scores))[at].tolist()
    tn, fn = (side[at].tolist() for side in below)
    rows = zip(thresholds, tn, fn, strict=True)
    return [ThresholdCounts(t, n, totals[0] - n, p, totals[1] - p) for t, n, p in rows]


def _even(places: Floats, count: int, most: int) -> npt.NDArray[np.int64]:
    """At most so many of the positions 0 to count - 1, both ends among them, evenly by their places."""
    if count <= most or len(places) < count:
        return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    wanted = np.linspace(0.0, float(places[-1]), most)
    found = np.searchsorted(places, wanted)
    return np.unique(np.clip(found, 0, count - 1)) if found[-1] == count - 1 else _with_end(found, count)


def _with_end(found: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The same positions, the last of them at the end: scores of weight 0 may stand there."""
    return np.unique(np.append(found[:-1], count - 1))


def _under(score: float) -> float:
    """A threshold that every score exceeds: 0 where that is one."""
    return 0.0 if score > 0 else min(score - 1.0, float(np.nextafter(score, -np.inf)))


def _share(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest else None
