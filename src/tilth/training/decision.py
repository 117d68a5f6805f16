"""Decision: the rule by which probabilities become an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tilth.metrics import Estimate
from tilth.types import JSONObject, JSONValue, Task

__all__ = ["Decision"]

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.floating]

PROBABILITY_STEPS = 2.0**24
_VALUE_BITS = 28


@dataclass(frozen=True)
class Decision:
    """How probabilities become a class.

    Of two classes the positive one is said where its probability is greater than the threshold; of several
    the most probable one, the first of those that tie; of several labels each whose probability is greater
    than its threshold. Given values, the class is said whose expected value is greatest.

    Probabilities are compared as a graph gives them, in single precision, with thresholds in double. Expected
    values are exact sums of probabilities rounded to 2**-24 times values rounded to 28 bits, so that they are
    alike on every machine, and classes of one expected value tie.

    Args:
        threshold: of two classes, or of each label.
        thresholds: (labels,), where each label has one of its own.
        values: (classes, classes), the value of a row by its true and its said class; None: not by value.
        goal: what the rule was chosen by; None: it was given.
        figures: what the rule reached on the rows on which it was chosen, by name.

    Example:
        >>> Decision(0.7).codes(np.array([[0.4, 0.6], [0.2, 0.8]]), "binary").tolist()
        [0, 1]
        >>> values = ((0.0, -1.0, -1.0), (-1.0, 0.0, -1.0), (-9.0, -9.0, 0.0))
        >>> Decision(values=values).codes(np.array([[0.8, 0.05, 0.15]]), "multiclass").tolist()
        [2]
    """

    threshold: float = 0.5
    thresholds: tuple[float, ...] | None = None
    values: tuple[tuple[float, ...], ...] | None = None
    goal: str | None = None
    figures: Mapping[str, Estimate] = field(default_factory=dict)

    def codes(self, scores: Scores, task: Task) -> npt.NDArray[np.int64]:
        """What is said for probabilities (n, classes): codes (n,); for several labels 0 or 1 (n, classes)."""
        shown = np.asarray(scores, np.float32).astype(np.float64)
        if task == "multilabel":
            return np.asarray(shown > self.bounds(shown.shape[1]), np.int64)
        if self.values is not None:
            return np.asarray((np.rint(shown * PROBABILITY_STEPS) @ self.whole_values()).argmax(1), np.int64)
        if task == "binary":
            return np.asarray(shown[:, 1] > self.threshold, np.int64)
        return np.asarray(shown.argmax(axis=1), np.int64)

    def bounds(self, labels: int) -> Floats:
        """The threshold of each label, (labels,)."""
        return np.array(self.thresholds or [self.threshold] * labels, np.float64)

    def whole_values(self) -> Floats:
        """The values as whole numbers of at most 2**28, so that sums of products are exact in double."""
        values = np.array(self.values, np.float64)
        exponent = int(np.frexp(np.abs(values).max())[1])
        return np.rint(np.ldexp(values, _VALUE_BITS - exponent))

    def is_wrong(
        self, said: npt.NDArray[np.int64], scores: Floats, slack: Floats, task: Task
    ) -> npt.NDArray[np.bool_]:
        """Where something else should have been said, even if probabilities are off by some slack.

        Args:
            said: as `codes` gives it; -1: nothing that there is.
            scores: (n, classes), probabilities.
            slack: (n, classes), how far each may be off.
            task: what is predicted.

        Returns:
            (n,), for several labels (n, classes).

        Example:
            >>> scores = np.array([[0.5, 0.5], [0.1, 0.9]])
            >>> Decision().is_wrong(np.array([1, 0]), scores, np.full((2, 2), 1e-5), "binary").tolist()
            [False, True]
        """
        if task == "multilabel":
            clear = np.abs(scores - self.bounds(scores.shape[1])) > slack
            return np.asarray(clear & (said != self.codes(scores, task)))
        if task == "binary" and self.values is None:
            clear = np.abs(scores[:, 1] - self.threshold) > slack[:, 1]
            return np.asarray(clear & (said != self.codes(scores, task)))
        worth, leeway = scores, slack
        if self.values is not None:
            values = np.array(self.values, np.float64)
            worth, leeway = scores @ values, (slack + 1 / PROBABILITY_STEPS) @ np.abs(values) * (1 + 1e-6)
        rows = np.arange(len(said))
        of_said = np.maximum(said, 0)
        lost = worth.max(axis=1) - worth[rows, of_said]
        most = leeway[rows, of_said] + leeway[rows, worth.argmax(axis=1)]
        return np.asarray((said < 0) | (lost > most))

    def metadata(self, task: Task) -> dict[str, str]:
        """What a graph says about the rule."""
        rule: dict[str, JSONValue] = {"tilth.threshold": self.threshold}
        if task == "multilabel":
            rule = {"tilth.thresholds": _listed(self.thresholds or ())} if self.thresholds else rule
        elif self.values is not None:
            rule = {"tilth.values": [_listed(row) for row in self.values]}
        return {name: json.dumps(value) for name, value in rule.items()}

    def to_json(self) -> JSONObject:
        """The rule as JSON values."""
        return {
            "threshold": None if self.values or self.thresholds else self.threshold,
            "thresholds": None if self.thresholds is None else _listed(self.thresholds),
            "values": None if self.values is None else [_listed(row) for row in self.values],
            "goal": self.goal,
            "figures": {name: each.to_json() for name, each in self.figures.items()},
        }

    def __str__(self) -> str:
        """The rule in words, with what it reached.

        Example:
            >>> print(Decision(0.25, goal="recall >= 0.9", figures={"recall": Estimate(0.92)}))
            threshold 0.25 for recall >= 0.9 (recall 0.92)
        """
        rule = f"threshold {self.threshold:.6g}"
        if self.values is not None:
            rule = "greatest expected value"
        elif self.thresholds is not None:
            rule = f"thresholds from {min(self.thresholds):.4g} to {max(self.thresholds):.4g}"
        aim = f" for {self.goal}" if self.goal and self.values is None else ""
        reached = ", ".join(f"{name} {each}" for name, each in self.figures.items())
        return rule + aim + (f" ({reached})" if reached else "")


def _listed(values: Sequence[float]) -> list[JSONValue]:
    return [*values]
