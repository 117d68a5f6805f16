"""Differences between a slice and all rows, and between a slice and the other rows, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import UNDEFINED, Estimate

__all__ = ["MINIMUM_ROWS", "against_whole", "change_text", "difference_to_whole"]

MINIMUM_ROWS = 30
"""A slice with fewer rows is marked as small: its figures say little."""


def difference_to_whole(part: Estimate, whole: Estimate, share: float) -> Estimate:
    """A metric on a slice minus the same on all rows, with its 95 % interval.

    The slice is part of the whole, so the two move together: of a mean over all rows the share `f` is the
    mean over the slice and the rest of it that over the other rows, so that slice - whole is 1 - f times
    slice - others, and its variance (1 - f)^2 Var(slice) + (Var(whole) - f^2 Var(slice)). Where all rows
    spread alike that is 1 - f times the slice's own. The slice's part keeps the ends of its interval, which
    need not be equally far from the value (MOVER: Zou and Donner 2008, Construction of confidence limits
    about effect measures).

    Args:
        part: the metric on the slice.
        whole: the metric on all rows.
        share: how much of what the metric is an average over lies in the slice, 0 to 1.

    Example:
        >>> print(difference_to_whole(Estimate(0.7, 0.6, 0.8), Estimate(0.8, 0.75, 0.85), 0.25))
        -0.1 [-0.1866, -0.0134]
        >>> print(difference_to_whole(Estimate(0.8, 0.75, 0.85), Estimate(0.8, 0.75, 0.85), 1.0))
        0 [0, 0]
    """
    if part.value is None or whole.value is None:
        return UNDEFINED
    value = part.value - whole.value
    if part.low is None or part.high is None or whole.low is None or whole.high is None:
        return Estimate(value)
    # Differences of squares are taken of whole widths, since of single sides they may be far off.
    of_rest = max((whole.high - whole.low) ** 2 - (share * (part.high - part.low)) ** 2, 0.0) / 4
    below = math.hypot((1 - share) * (part.value - part.low), math.sqrt(of_rest))
    above = math.hypot((1 - share) * (part.high - part.value), math.sqrt(of_rest))
    if share >= 1:
        below = above = 0.0
    return Estimate(value, value - below, value + above)


def against_whole(
    results: Sequence[SliceResult], classes: Sequence[str] = (), minimum_rows: int = MINIMUM_ROWS
) -> tuple[SliceResult, ...]:
    """The results with each slice held against all rows, and marked where it is small.

    Args:
        results: that of all rows first.
        classes: the names of the classes, in the order of the confusion matrices.
        minimum_rows: a slice with fewer rows is small.

    Example:
        >>> all_rows = SliceResult({}, 200, {"mae": Estimate(2.0, 1.8, 2.2)})
        >>> women = SliceResult({"sex": "f"}, 20, {"mae": Estimate(3.0, 2.5, 3.5)})
        >>> _, found = against_whole([all_rows, women])
        >>> print(found.small, found.difference["mae"])
        True 1 [0.5101, 1.49]
    """
    whole = results[0]
    marked = [replace(whole, small=whole.rows < minimum_rows, difference={})]
    for result in results[1:]:
        shares = _Shares(result, whole, classes)
        differences = {
            name: difference_to_whole(estimate, whole.metrics.get(name, UNDEFINED), shares.of(name))
            for name, estimate in result.metrics.items()
        }
        marked.append(replace(result, small=result.rows < minimum_rows, difference=differences))
    return tuple(marked)


def change_text(difference: Estimate) -> str:
    """A difference with its sign and interval.

    Example:
        >>> change_text(Estimate(0.25, -0.5, 1.0)), change_text(UNDEFINED)
        ('+0.2500 (-0.5000 to +1.0000)', 'undefined')
    """
    if difference.value is None:
        return "undefined"
    interval = "" if difference.low is None else f" ({difference.low:+.4f} to {difference.high:+.4f})"
    return f"{difference.value:+.4f}{interval}"


class _Shares:
    """How much of what a metric is an average over lies in a slice: of recall the positive rows, for one."""

    def __init__(self, part: SliceResult, whole: SliceResult, classes: Sequence[str]) -> None:
        self._least = _ratio(part.rows, whole.rows)
        self._by_name: Mapping[str, float] = {}
        if part.confusion is None or whole.confusion is None:
            return
        mine, all_ = np.array(part.confusion, np.float64), np.array(whole.confusion, np.float64)
        rows = _ratio(mine.sum(), all_.sum())
        true, said, either = (
            [_ratio(one, other) for one, other in zip(of(mine), of(all_), strict=True)]
            for of in (_true, _said, lambda counts: _true(counts) + _said(counts))
        )
        known = dict.fromkeys(_OF_ALL_ROWS, rows)
        if len(true) == 2:
            known |= dict.fromkeys(("recall", "fnr"), true[1]) | dict.fromkeys(
                ("specificity", "fpr"), true[0]
            )
            known |= dict.fromkeys(("precision", "fdr"), said[1]) | dict.fromkeys(("npv", "for_"), said[0])
            known["f1"] = either[1]
        for at, name in enumerate(classes):
            known |= {f"recall.{name}": true[at], f"precision.{name}": said[at], f"f1.{name}": either[at]}
        self._by_name = known
        self._least = min(rows, *true)

    def of(self, name: str) -> float:
        """The share; of what is no average over rows the least that it may be, which makes it wider."""
        return self._by_name.get(name, self._least)


_OF_ALL_ROWS = ("accuracy", "log_loss", "brier", "prevalence", "positive_rate", "mean_prediction")


def _true(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = counts.sum(axis=1)
    return found


def _said(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = counts.sum(axis=0)
    return found


def _ratio(part: float, whole: float) -> float:
    return min(1.0, float(part / whole)) if whole else 0.0
