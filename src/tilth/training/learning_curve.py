"""Learning curves by examples: what a model reaches when it learns from more and more of the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from tilth.errors import CheckFailed, TrainingError
from tilth.metrics import Answered, Estimate, paired_difference
from tilth.training.learning import Learned
from tilth.training.order import hash_rows
from tilth.training.rows import Rows
from tilth.types import JSONObject

__all__ = ["CurvePoint", "LearningCurve", "answered", "learning_curve", "nested_shares"]

Measure = Callable[[Answered], Mapping[str, Estimate]]
"""From answers to metrics by name."""

Positions = npt.NDArray[np.int64]

_MOST_SEEN = 500_000
"""Of more training rows the metrics are those of so many."""


@dataclass(frozen=True)
class CurvePoint:
    """What is reached when so many rows are learned from.

    Args:
        rows: how many.
        train: metrics on the rows that were learned from.
        dev: metrics on the dev rows.
        error: why it could not be learned from them; the metrics are empty then.
    """

    rows: int
    train: Mapping[str, Estimate]
    dev: Mapping[str, Estimate]
    error: str | None = None

    def to_json(self) -> JSONObject:
        """The point as JSON values."""
        return {
            "rows": self.rows,
            "train": {name: each.to_json() for name, each in self.train.items()},
            "dev": {name: each.to_json() for name, each in self.dev.items()},
            "error": self.error,
        }

    @classmethod
    def from_json(cls, data: JSONObject) -> CurvePoint:
        """The point that `to_json` wrote."""
        sides = (cast("dict[str, JSONObject]", data[part]) for part in ("train", "dev"))
        train, dev = ({name: Estimate.from_json(each) for name, each in side.items()} for side in sides)
        return cls(cast("int", data["rows"]), train, dev, cast("str | None", data["error"]))


@dataclass(frozen=True)
class LearningCurve:
    """Points with more and more rows, the last with all.

    Args:
        points: by number of rows, ascending.
        gains: metric on the dev rows -> that of the last point minus that of the point before that could be
            learned, with the interval of the difference on the same rows.
        gained_from: the rows of that point before; None where there is none.
    """

    points: tuple[CurvePoint, ...]
    gains: Mapping[str, Estimate]
    gained_from: int | None = None

    def to_json(self) -> JSONObject:
        """The curve as JSON values."""
        return {
            "points": [point.to_json() for point in self.points],
            "gains": {name: each.to_json() for name, each in self.gains.items()},
            "gained_from": self.gained_from,
        }

    @classmethod
    def from_json(cls, data: JSONObject) -> LearningCurve:
        """The curve that `to_json` wrote."""
        points = cast("list[JSONObject]", data["points"])
        gains = cast("dict[str, JSONObject]", data["gains"])
        return cls(
            tuple(CurvePoint.from_json(point) for point in points),
            {name: Estimate.from_json(each) for name, each in gains.items()},
            cast("int | None", data["gained_from"]),
        )


def nested_shares(rows: Rows, shares: Sequence[float], *, stratify: bool, seed: int = 0) -> list[Positions]:
    """Positions of random shares of rows, each inside the next, whatever order the rows came in.

    Rows that are ranked together stay together.

    Args:
        rows: n rows.
        shares: ascending, above 0 and below 1.
        stratify: take the share of each class, and at least one row of it.
        seed: for the draw.

    Example:
        >>> rows = Rows(np.arange(8, dtype=np.float32)[:, None], np.array([0, 0, 0, 0, 0, 0, 1, 1]))
        >>> half, = nested_shares(rows, [0.5], stratify=True)
        >>> np.bincount(rows.y[half]).tolist()
        [3, 1]
    """
    shuffled = _shuffled(rows, seed)
    if rows.groups is not None:
        place, groups = _places(rows.groups, shuffled)
        return [shuffled[place < math.ceil(share * groups)] for share in shares]
    if not stratify:
        return [shuffled[: math.ceil(share * len(rows))] for share in shares]
    labels = rows.y[shuffled]
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    rank, size = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(starts, counts)
    size[order] = np.repeat(counts, counts)
    return [shuffled[rank < np.ceil(share * size)] for share in shares]


def _shuffled(rows: Rows, seed: int) -> Positions:
    """All positions in an order that depends on the rows' contents and the seed alone."""
    order = rows.order()
    return order[np.random.default_rng(seed).permutation(len(rows))]


def _places(groups: npt.NDArray[np.int64], shuffled: Positions) -> tuple[Positions, int]:
    """For each shuffled row the place of its group in a random order of groups, and how many there are.

    The order is that of a hash of the places of a group's rows, so that large groups do not come first.
    """
    names, codes = np.unique(groups[shuffled], return_inverse=True)
    keys = np.zeros(len(names), np.uint64)
    np.add.at(keys, codes, np.arange(1, len(codes) + 1, dtype=np.uint64))
    order = np.argsort(hash_rows([keys], len(keys)), kind="stable")
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return place[codes], len(names)


def answered(learned: Learned, rows: Rows) -> Answered:
    """What a model says of rows, beside the truth."""
    scores = learned.scores(rows.X)
    given = scores if learned.encoding.classes else None
    return Answered(rows.y, learned.codes(scores), given, rows.groups)


def learning_curve(
    learn: Callable[[Rows], Learned],
    whole: Learned,
    train: Rows,
    dev: Rows,
    measure: Measure,
    *,
    shares: Sequence[float],
    seed: int = 0,
) -> LearningCurve:
    """Learn from shares of the training rows and measure each model on its own rows and on the dev rows.

    The shares are nested and random; features and dev rows are the same for all. A share from which nothing
    can be learned (too few rows for the estimator, a goal out of reach) is a point that says why.

    Args:
        learn: from some training rows to a model; always in the same way.
        whole: the model of all rows.
        train: all rows.
        dev: rows that are not learned from.
        measure: the metrics of answers.
        shares: of the training rows, above 0 and below 1.
        seed: for the draw of the shares.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> from tilth.metrics import LabelEncoding, RegressionStatistics
        >>> X = np.linspace(0, 1, 40, dtype=np.float32)[:, None]
        >>> rows = Rows(X, X[:, 0].astype(np.float64) ** 2)
        >>> def learn(rows):
        ...     return Learned(Ridge(1e-6).fit(rows.X, rows.y), LabelEncoding("regression"))
        >>> def measure(answers):
        ...     statistics = RegressionStatistics()
        ...     statistics.update(answers.truth, answers.predictions)
        ...     return statistics.metrics()
        >>> curve = learning_curve(learn, learn(rows), rows, rows, measure, shares=[0.25, 0.5])
        >>> [point.rows for point in curve.points], curve.gained_from
        ([10, 20, 40], 20)
    """
    stratify = bool(whole.encoding.classes) and np.ndim(train.y) == 1
    points: list[CurvePoint] = []
    before: tuple[int, Answered] | None = None
    for positions in nested_shares(train, sorted(shares), stratify=stratify, seed=seed):
        some = train.take(positions)
        if len(some) >= len(train) or (points and len(some) <= points[-1].rows):
            continue
        try:
            learned = learn(some)
        except (TrainingError, CheckFailed) as error:
            points.append(CurvePoint(len(some), {}, {}, error.what))
            continue
        before = len(some), answered(learned, dev)
        seen = answered(learned, some.some(_MOST_SEEN))
        points.append(CurvePoint(len(some), measure(seen), measure(before[1])))
    on_dev = answered(whole, dev)
    last = CurvePoint(len(train), measure(answered(whole, train.some(_MOST_SEEN))), measure(on_dev))
    gains = {} if before is None else {n: paired_difference(n, before[1], on_dev) for n in last.dev}
    known = {name: each for name, each in gains.items() if each.value is not None}
    return LearningCurve((*points, last), known, before[0] if before else None)
