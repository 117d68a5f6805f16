"""Rows whose label a model is sure to be wrong about: mistakes in the labels look like this."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from tilth.metrics import Answered
from tilth.types import JSONObject, JSONValue

__all__ = ["SURE", "SureErrors", "sure_errors"]

SURE = 0.95
"""From this probability on a model is sure of a class."""


@dataclass(frozen=True)
class SureErrors:
    """How often a model is sure of another class than the label, on rows that it did not learn from.

    Args:
        rows: that were looked at.
        sure: rows that it is sure of.
        wrong: those of them whose label is another.
        expected: how many of them would be, were its probabilities right.
    """

    rows: int
    sure: int
    wrong: int
    expected: float

    @property
    def is_striking(self) -> bool:
        """Whether there are more than twice as many as its probabilities allow for, beyond chance.

        Beyond chance: more than three deviations of a Poisson number above the expected.
        """
        return self.wrong > max(2 * self.expected, self.expected + 3 * math.sqrt(self.expected + 1))

    def to_json(self) -> JSONObject:
        """The figures as JSON values."""
        return {**vars(self), "striking": self.is_striking}

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> SureErrors:
        """What `to_json` wrote."""
        rows, sure, wrong = (cast("int", data[name]) for name in ("rows", "sure", "wrong"))
        return cls(rows, sure, wrong, cast("float", data["expected"]))


def sure_errors(answers: Answered) -> SureErrors | None:
    """Count the rows that a model is sure of and whose label is another class; None without probabilities.

    They are the first to look at: where classes hardly overlap, they are mistakes in the labels (Northcutt,
    Jiang and Chuang 2021); a model that is surer than it should be has them too.

    Args:
        answers: on rows that were not learned from, with one label each.

    Example:
        >>> scores = np.array([[0.99, 0.01]] * 50 + [[0.4, 0.6]])
        >>> found = sure_errors(Answered(np.array([0] * 40 + [1] * 11), np.zeros(51), scores))
        >>> found.sure, found.wrong, found.expected, found.is_striking
        (50, 10, 0.5, True)
    """
    if answers.scores is None or answers.truth.ndim > 1 or answers.scores.ndim != 2:
        return None
    greatest = answers.scores.max(axis=1).astype(np.float64)
    sure = greatest >= SURE
    of_others = answers.scores.argmax(axis=1) != answers.truth
    expected = float(np.sort(1 - greatest[sure]).sum())
    return SureErrors(len(answers), int(sure.sum()), int((sure & of_others).sum()), round(expected, 6))
