"""Goals: the rule by which probabilities become an answer, chosen on rows that were not learned from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from tilth.errors import CheckFailed, TrainingError, counted
from tilth.metrics import ConfusionMatrix, Estimate
from tilth.metrics.intervals import mean
from tilth.training.cuts import Cuts
from tilth.training.decision import Decision
from tilth.training.order import canonical_order
from tilth.training.rows import Labels

__all__ = ["Goal", "decide"]

Floats = npt.NDArray[np.float64]
Kind = Literal["f1", "recall", "precision", "value"]

_WHERE = "[train] threshold"
_ROUNDING = 1e-12
_PATTERN = re.compile(r"(?P<plain>f1|value)|(?P<kept>recall|precision) *>= *(?P<bound>\d*\.?\d+)")


@dataclass(frozen=True)
class Goal:
    """What a threshold is chosen for.

    Args:
        text: as tilth.toml says it.
        kind: "f1": the greatest F1; "recall": the greatest precision where the recall is high enough;
            "precision": the greatest recall where the precision is; "value": the greatest value.
        bound: of recall or precision.

    Example:
        >>> Goal.parse("recall >= 0.9")
        Goal(text='recall >= 0.9', kind='recall', bound=0.9)
    """

    text: str
    kind: Kind
    bound: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Goal:
        """The goal that a text says.

        Raises:
            TrainingError: it says none.
        """
        found = _PATTERN.fullmatch(text.strip())
        bound = float(found["bound"] or 0) if found else 2.0
        if found is None or bound > 1:
            raise TrainingError(
                f"no goal '{text}'",
                where=_WHERE,
                expected='"f1", "recall >= 0.9", "precision >= 0.9" or "value"',
            )
        kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
        return cls(text.strip(), kinds[found["plain"] or found["kept"]], bound)


def decide(
    goal: str, scores: Floats, y: Labels, weights: Floats | None = None, *, values: Floats | None = None
) -> Decision:
    """The rule that serves a goal best on some rows, the same for rows in any order.

    Of two classes every threshold that makes a difference is tried; where several do equally well, the one
    with most room to the probabilities on both sides is taken, in the middle of that room. Of several classes
    "f1" says the most probable one and "value" the one of greatest expected value; of several labels each
    gets a threshold of its own.

    Args:
        goal: see `Goal`.
        scores: (n, classes), probabilities.
        y: codes (n,), or for several labels (n, classes), 0 or 1.
        weights: (n,), how much each row counts.
        values: (classes, classes), the value of a row by its true and its said class; for "value".

    Raises:
        TrainingError: no such goal, one that does not fit the task, or rows that cannot tell.
        CheckFailed: no threshold reaches the goal on these rows.

    Example:
        >>> p = np.array([0.1, 0.2, 0.6, 0.7, 0.9])
        >>> decision = decide("recall >= 1", np.column_stack([1 - p, p]), np.array([0, 0, 1, 0, 1]))
        >>> round(decision.threshold, 6), decision.figures["precision"].value
        (0.4, 0.6666666666666666)
    """
    wanted = Goal.parse(goal)
    if wanted.kind == "value" and values is None:
        raise TrainingError(
            'threshold = "value" needs the value of each answer',
            where=_WHERE,
            expected="[business] values: true class -> predicted class -> value of one row",
        )
    own = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    counts = own > 0
    scores, y, own = scores[counts], y[counts], own[counts]
    if not len(y):
        raise TrainingError(f'threshold = "{goal}" needs dev rows that count', where=_WHERE)
    order = canonical_order(scores, y, own)
    shown = scores[order].astype(np.float32).astype(np.float64)
    y, own = y[order], own[order]
    if y.ndim > 1:
        return _of_labels(wanted, shown, y, own)
    codes = np.asarray(y, np.int64)
    if shown.shape[1] > 2:
        return _of_classes(wanted, shown, codes, own, values)
    return _of_two(wanted, Cuts.of(shown[:, 1], codes, own), values)


def _of_two(goal: Goal, cuts: Cuts, values: Floats | None) -> Decision:
    if goal.kind != "value" or values is None:
        threshold, matrix = _best(goal, cuts)
        figures = matrix.metrics()
        return Decision(
            threshold, goal=goal.text, figures={name: figures[name] for name in ("precision", "recall", "f1")}
        )
    worth = cuts.worth(values)
    at = cuts.roomiest(worth >= worth.max() - _ROUNDING * max(1.0, float(np.abs(worth).max())))
    matrix = cuts.matrix(at)
    tn, fp, fn, tp = matrix.weights
    return Decision(
        cuts.threshold(at),
        goal=goal.text,
        figures={"value": _worth(np.array([[tn, fp], [fn, tp]]), values, cuts.size)},
    )


def _best(goal: Goal, cuts: Cuts) -> tuple[float, ConfusionMatrix]:
    """The threshold for a goal on recall and precision."""
    if not cuts.positive or not cuts.negative:
        raise TrainingError(
            f'threshold = "{goal.text}" cannot be chosen: all dev rows are of one class',
            where=_WHERE,
            expected="dev rows of both classes",
            mend="give the dev part more rows under [split], or give the threshold as a number",
        )
    precision, recall, f1 = cuts.precision(), cuts.recall(), cuts.f1()
    met = np.isfinite(precision)
    if goal.kind == "f1":
        chief = second = f1
    elif goal.kind == "recall":
        met, chief, second = met & (recall >= goal.bound - _ROUNDING), precision, recall
    else:
        met, chief, second = met & (precision >= goal.bound - _ROUNDING), recall, precision
    if not met.any():
        raise _unreachable(goal, cuts)
    for figure in (chief, second):
        met &= figure >= figure[met].max() - _ROUNDING
    at = cuts.roomiest(met)
    return cuts.threshold(at), cuts.matrix(at)


def _unreachable(goal: Goal, cuts: Cuts) -> CheckFailed:
    precision, recall = cuts.precision(), cuts.recall()
    known = np.where(np.isfinite(precision), precision, -1.0)
    best = known >= known.max() - _ROUNDING
    at = int(np.flatnonzero(best)[np.argmax(recall[best])])
    return CheckFailed(
        f"no threshold reaches {goal.text} on the {counted(cuts.rows, 'dev row')}",
        where=_WHERE,
        expected=f"at most precision {precision[at]:.4g}, which threshold {cuts.threshold(at):.4g} reaches "
        f"(recall {recall[at]:.4g})",
        mend="ask for less, or improve data, features or estimator",
    )


def _of_classes(
    goal: Goal, shown: Floats, codes: npt.NDArray[np.int64], weights: Floats, values: Floats | None
) -> Decision:
    classes = shown.shape[1]
    if goal.kind in ("recall", "precision"):
        raise TrainingError(
            f'threshold = "{goal.text}" is for two classes, and there are {classes}',
            where=_WHERE,
            expected='"value" with [business] values, or nothing: the most probable class is said',
        )
    if goal.kind == "f1" or values is None:
        return Decision()  # nothing to choose
    rule = Decision(values=tuple(tuple(row) for row in values.tolist()), goal=goal.text)
    said = rule.codes(shown, "multiclass")
    counts = np.bincount(codes * classes + said, weights, minlength=classes**2).reshape(classes, classes)
    size = float(weights.sum() ** 2 / (weights**2).sum())
    return replace(rule, figures={"value": _worth(counts.astype(np.float64), values, size)})


def _of_labels(goal: Goal, shown: Floats, y: Labels, weights: Floats) -> Decision:
    """A threshold for each label; one that no dev row tells anything about keeps 0.5."""
    if goal.kind == "value":
        raise TrainingError(
            'threshold = "value" is for one class a row, and several labels have none', where=_WHERE
        )
    thresholds = []
    for at in range(shown.shape[1]):
        cuts = Cuts.of(shown[:, at], np.asarray(y[:, at], np.int64), weights)
        told = cuts.positive > 0 and cuts.negative > 0
        thresholds.append(_best(goal, cuts)[0] if told else 0.5)
    return Decision(thresholds=tuple(thresholds), goal=goal.text)


def _worth(counts: Floats, values: Floats, size: float) -> Estimate:
    """The mean value of a row with its interval."""
    total = float(counts.sum())
    value = float((counts * values).sum()) / total
    return mean(value, float((counts * (values - value) ** 2).sum()) / total, size)
