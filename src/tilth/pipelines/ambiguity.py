"""Whether added rows contradict those of before: the same features with another label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.metrics import Answered, Estimate
from tilth.metrics.intervals import wilson
from tilth.training.order import hash_rows
from tilth.training.repeats import repeats
from tilth.training.rows import Rows
from tilth.types import JSONObject

__all__ = ["Ambiguity", "ambiguity"]

_LEAST = 20
_TIMES = 1.5
"""So much more often than usual is a contradiction."""

_UNKNOWN = 0.5
"""How often rows alike differ where none of before are alike: as a coin."""

Columns = Sequence[npt.NDArray[np.number]]


@dataclass(frozen=True)
class Ambiguity:
    """How added rows and those of before contradict each other.

    Args:
        added: how many were added.
        met: those of them whose features a row of before has too.
        contradicted: how often two such rows have different labels.
        usual: how often two rows of before with the same features have.
        wrong: how often the model of the rows of before says another class than an added row's label.
        usually_wrong: the same on the dev rows of before.
    """

    added: int
    met: int
    contradicted: Estimate
    usual: float | None
    wrong: Estimate
    usually_wrong: Estimate

    @property
    def is_striking(self) -> bool:
        """Whether the added rows contradict those of before beyond chance and clearly more than usual."""
        return self._same_features or self._against_the_model

    @property
    def _same_features(self) -> bool:
        low, usual = self.contradicted.low, _UNKNOWN if self.usual is None else self.usual
        is_sure = self.met >= _LEAST and low is not None and low > usual
        return is_sure and (self.contradicted.value or 0.0) > _TIMES * usual

    @property
    def _against_the_model(self) -> bool:
        low, usual = self.wrong.low, self.usually_wrong.high
        if self.added < _LEAST or low is None or usual is None:
            return False
        return low > usual and (self.wrong.value or 0.0) > _TIMES * (self.usually_wrong.value or 0.0)

    def __str__(self) -> str:
        parts = []
        if self._same_features:
            before = "" if self.usual is None else f" (of rows of before {self.usual:.0%})"
            parts.append(
                f"{self.met:,} of them have the features of a row of before, and another label in "
                f"{self.contradicted.value:.0%}{before}"
            )
        if self._against_the_model:
            parts.append(
                f"the model of the rows of before is wrong about {self.wrong.value:.0%} of them (of dev rows "
                f"{self.usually_wrong.value:.0%})"
            )
        return "; ".join(parts)

    def to_json(self) -> JSONObject:
        """The figures as JSON values."""
        return {
            "added": self.added,
            "met": self.met,
            "contradicted": self.contradicted.to_json(),
            "usual": self.usual,
            "wrong": self.wrong.to_json(),
            "usually_wrong": self.usually_wrong.to_json(),
            "striking": self.is_striking,
        }


def ambiguity(
    before: Rows, added: Rows, on_added: Answered, on_dev: Answered, classes: int
) -> Ambiguity | None:
    """Compare the labels of added rows with those of the rows of before; None where labels are no classes.

    Args:
        before: the training rows of before.
        added: the training rows that were added.
        on_added: what the model of the rows of before says of the added ones.
        on_dev: what it says of the dev rows.
        classes: how many there are.

    Example:
        >>> X = np.arange(30, dtype=np.float32)[:, None]
        >>> before, added = Rows(X, np.zeros(30, np.int64)), Rows(X, np.ones(30, np.int64))
        >>> answers = Answered(before.y, before.y, np.tile([0.9, 0.1], (30, 1)))
        >>> found = ambiguity(before, added, answers, answers, 2)
        >>> found.met, found.contradicted.value, found.is_striking
        (30, 1.0, True)
    """
    if not classes or np.ndim(before.y) > 1 or before.groups is not None:
        return None
    met = _times(list(before.X.T), list(added.X.T))
    alike = _times((*before.X.T, before.y), (*added.X.T, added.y))
    many = int((met > 0).sum())
    differ = float(np.sort(1 - alike[met > 0] / met[met > 0]).sum())
    usual = repeats(before, classes).disagreement
    return Ambiguity(
        len(added),
        many,
        wilson(differ / many if many else 0.0, many),
        None if usual is None else 2 * usual,
        _wrong(on_added),
        _wrong(on_dev),
    )


def _wrong(answers: Answered) -> Estimate:
    """The share of rows whose label is not what is said, with its interval."""
    errors = int((answers.predictions != answers.truth).sum())
    return wilson(errors / max(len(answers), 1), len(answers))


def _times(known: Columns, wanted: Columns) -> npt.NDArray[np.int64]:
    """How often each wanted row is among the known ones, by its columns."""
    theirs, mine = (hash_rows(columns, len(columns[0])) for columns in (known, wanted))
    values, counts = np.unique(theirs, return_counts=True)
    at = np.minimum(np.searchsorted(values, mine), len(values) - 1)
    return np.where(values[at] == mine, counts[at], 0)
