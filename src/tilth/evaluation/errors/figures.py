"""The figures of a tag: how much of the errors, of the data and of what can be gained it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.metrics import UNDEFINED, Estimate
from tilth.metrics.intervals import wilson
from tilth.types import JSONObject

__all__ = ["TagFigures", "Tagged", "tag_figures"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tagged:
    """Which of n rows have a tag, and of which rows that is known.

    Args:
        rows: (n,), those that have it.
        looked: (n,), those that were looked at for it, if not all mistakes and nothing else: for a rule all
            rows; among right rows at best a random sample.
        rules: the SQL expressions that give it.
    """

    rows: Mask
    looked: Mask
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class TagFigures:
    """The four figures of a tag.

    Args:
        tag: its name.
        rows: how many rows are known to have it.
        errors: how many of them the model gets wrong.
        share_of_errors: the share of all errors that have the tag.
        error_rate: the share of errors among the rows with the tag.
        share_of_data: the share of all rows that have the tag.
        room: the errors with the tag as a share of all rows: by how much accuracy could rise at most.
        looked: how many right rows were looked at for the tag; where 0, `error_rate` and `share_of_data` are
            undefined.
        rules: the SQL expressions that give the tag.
    """

    tag: str
    rows: int
    errors: int
    share_of_errors: Estimate
    error_rate: Estimate
    share_of_data: Estimate
    room: Estimate
    looked: int
    rules: tuple[str, ...] = ()

    def to_json(self) -> JSONObject:
        """The figures as JSON values."""
        estimates = ("share_of_errors", "error_rate", "share_of_data", "room")
        return {
            "tag": self.tag,
            "rows": self.rows,
            "errors": self.errors,
            **{name: getattr(self, name).to_json() for name in estimates},
            "looked": self.looked,
            "rules": list(self.rules),
        }


def tag_figures(
    wrong: Mask, tags: Mapping[str, Tagged], weights: npt.NDArray[np.float64] | None = None
) -> tuple[TagFigures, ...]:
    """The four figures of each tag, the one with the most errors first.

    A tag that people gave to mistakes says nothing of the right rows. If some of these were looked at too,
    the share q of them that has the tag stands for all: with e errors that have the tag and r right rows, its
    error rate is e / (e + q r) and its share of the data (e + q r) / n. The intervals of shares are Wilson's;
    those of the two estimated quantities follow from that of q alone.

    Args:
        wrong: (n,), the rows that the model gets wrong.
        tags: which rows have each tag.
        weights: (n,), how much each row counts; None: all alike.

    Example:
        >>> wrong = np.array([True, True, False, False])
        >>> everything = np.ones(4, bool)
        >>> [found] = tag_figures(wrong, {"dog": Tagged(np.array([True, False, True, False]), everything)})
        >>> found.share_of_errors.value, found.error_rate.value, found.share_of_data.value, found.room.value
        (0.5, 0.5, 0.5, 0.25)
    """
    counts = np.ones(len(wrong)) if weights is None else weights
    found = [_figures(name, wrong, tagged, counts) for name, tagged in tags.items()]
    return tuple(sorted(found, key=lambda each: (-each.errors, each.tag)))


def _figures(name: str, wrong: Mask, tagged: Tagged, weights: npt.NDArray[np.float64]) -> TagFigures:
    rate, of_data = _with_right_rows(wrong, tagged, weights)
    return TagFigures(
        name,
        int(tagged.rows.sum()),
        int((tagged.rows & wrong).sum()),
        _share(tagged.rows, wrong, weights),
        rate,
        of_data,
        _share(tagged.rows & wrong, np.ones(len(wrong), bool), weights),
        int((tagged.looked & ~wrong).sum()),
        tagged.rules,
    )


def _with_right_rows(
    wrong: Mask, tagged: Tagged, weights: npt.NDArray[np.float64]
) -> tuple[Estimate, Estimate]:
    """The error rate within the tag and its share of the data."""
    right = ~wrong
    if bool((tagged.looked | wrong).all()):
        everything = np.ones(len(wrong), bool)
        return _share(wrong, tagged.rows, weights), _share(tagged.rows, everything, weights)
    sample = tagged.looked & right
    if not sample.any():
        return UNDEFINED, UNDEFINED
    errors, others = math.fsum(weights[tagged.rows & wrong]), math.fsum(weights[right])
    total = math.fsum(weights)
    of_right = _share(tagged.rows, sample, weights)

    def rate(share: float) -> float | None:
        rows = errors + share * others
        return errors / rows if rows else None

    def of_data(share: float) -> float | None:
        return (errors + share * others) / total

    ends = (of_right.value or 0.0, of_right.low or 0.0, 1.0 if of_right.high is None else of_right.high)
    rates, shares = [rate(end) for end in ends], [of_data(end) for end in ends]
    return Estimate(rates[0], rates[2], rates[1]), Estimate(*shares)


def _share(part: Mask, whole: Mask, weights: npt.NDArray[np.float64]) -> Estimate:
    """What share of `whole` is in `part`; undefined where there is nothing."""
    of_whole = weights[whole]
    total = math.fsum(of_whole)
    if total <= 0:
        return UNDEFINED
    size = total**2 / math.fsum(of_whole**2)
    return wilson(min(1.0, math.fsum(weights[whole & part]) / total), size)
