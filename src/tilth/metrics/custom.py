"""CustomStatistics: metrics of one's own as functions of mergeable counts, with bootstrap intervals."""

from __future__ import annotations

import contextlib
import math
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError
from tilth.metrics.custom_counts import (
    BinaryCounts,
    ClassCounts,
    Counts,
    GroupCounts,
    LabelCounts,
    NumberCounts,
    RankedRows,
)
from tilth.metrics.estimate import UNDEFINED, Estimate
from tilth.metrics.ranked_groups import group_keys
from tilth.metrics.resampling import Resampling
from tilth.metrics.tally import Tally
from tilth.metrics.weights import as_weights
from tilth.types import Task

__all__ = ["PREFIX", "CustomMetric", "CustomStatistics"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]

CustomMetric = Callable[[Any], float | None]
"""A function from the `Counts` of a task to a number; None where it is undefined."""

PREFIX = "custom."
"""What the name of a metric of one's own begins with, so that it is never taken for another."""

_BITS = 32


class CustomStatistics:
    """The distinct rows of one task, and what functions make of them; two of them merge.

    Args:
        task: what is predicted.
        names: the classes or labels; empty for numbers.

    Example:
        >>> statistics = CustomStatistics("binary", ("no", "yes"))
        >>> truth, said = np.array([0, 1, 1, 1]), np.array([0, 0, 0, 1])
        >>> statistics.update(truth, predictions=said)
        >>> statistics.metrics({"cost": lambda counts: 5 * counts.fn + counts.fp})["custom.cost"].value
        10.0
    """

    __slots__ = ("_tally", "names", "rows", "scored_rows", "task")

    def __init__(self, task: Task, names: Sequence[str] = ()) -> None:
        self.task: Task = task
        self.names = tuple(names)
        self.rows = 0
        self.scored_rows = 0
        self._tally = _tally(task, len(self.names))

    def update(
        self,
        labels: Numbers,
        *,
        predictions: Numbers | None = None,
        scores: Floats | None = None,
        weights: Floats | None = None,
        groups: Integers | None = None,
        threshold: float = 0.5,
    ) -> None:
        """Count rows.

        Args:
            labels: (n,), codes of classes, or numbers; for several labels (n, c), 1 or 0.
            predictions: the same of what was said; for two classes default: score above the threshold.
            scores: (n,), for two classes that of the positive one.
            weights: (n,), at least 0; default: 1 each.
            groups: (n,), for ranking: rows of one number are ranked together.
            threshold: what a score must exceed to count as positive.
        """
        weighed = as_weights(weights, len(labels))
        if predictions is None:
            if scores is None:
                raise UsageError("nothing was predicted", expected="predictions, scores or both")
            predictions = (scores > threshold).astype(np.int64)
        self.rows += len(labels)
        self.scored_rows += 0 if scores is None else len(labels)
        nothing = np.zeros(len(labels), np.int64)
        if self.task == "binary":
            ranked = np.zeros(len(labels)) if scores is None else scores
            cells = 2 * (labels == 1).astype(np.int64) + (predictions == 1)
            self._tally.add(np.column_stack((ranked, weighed)), cells)
        elif self.task == "multiclass":
            cells = labels.astype(np.int64) * len(self.names) + predictions.astype(np.int64)
            self._tally.add(weighed[:, None], cells)
        elif self.task == "multilabel":
            self._tally.add(np.column_stack((_packed(labels), _packed(predictions), weighed)), nothing)
        elif self.task == "ranking":
            if groups is None:
                raise UsageError("ranking needs the groups of rows")
            self._tally.add(np.column_stack((group_keys(groups), predictions, labels)), nothing)
        else:
            self._tally.add(np.column_stack((labels, predictions, weighed)), nothing)

    def merge(self, other: CustomStatistics) -> None:
        """Add the rows that another one of the same task has counted.

        Raises:
            UsageError: it counted another task or other classes.
        """
        if (self.task, self.names) != (other.task, other.names):
            raise UsageError("counts of different tasks or classes cannot be merged")
        self.rows += other.rows
        self.scored_rows += other.scored_rows
        self._tally.merge(other._tally)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CustomStatistics):
            return NotImplemented
        known = ("task", "names", "rows", "scored_rows", "_tally")
        return all(getattr(self, name) == getattr(other, name) for name in known)

    __hash__ = None  # type: ignore[assignment]

    def counts(self) -> Counts:
        """What a function gets."""
        if self.task == "ranking":
            groups = self._groups()
            return GroupCounts(groups, _fixed(np.ones(len(groups))))
        return self._built(self._tally.keys, self._tally.counts)

    def metrics(self, functions: Mapping[str, CustomMetric]) -> dict[str, Estimate]:
        """Each function's value, as "custom.NAME", with an interval by the bootstrap.

        Rows, of rankings groups, are drawn anew by a fixed seed; see `Resampling`. Without rows all are
        undefined; so are those that divide by zero.

        Args:
            functions: by name.

        Raises:
            UsageError: a function raises, or gives something that is no number and not None.
        """
        if not functions:
            return {}
        if not self.rows:
            return {PREFIX + name: UNDEFINED for name in functions}
        with contextlib.redirect_stdout(sys.stderr):  # what a function prints is no part of the result
            whole = self.counts()
            values = {name: _value(name, function, whole) for name, function in functions.items()}
            resampling, samples = self._resampling()
            drawn: dict[str, list[float | None]] = {name: [] for name in functions}
            for sample in samples:
                for name, function in functions.items():
                    drawn[name].append(_value(name, function, sample))
        return {PREFIX + name: resampling.estimate(value, drawn[name]) for name, value in values.items()}

    def _resampling(self) -> tuple[Resampling, Iterator[Counts]]:
        """Rows, or groups, drawn with replacement again and again, and the counts of each draw."""
        if self.task == "ranking":
            groups = self._groups()
            resampling = Resampling(np.ones(len(groups), np.int64))
            return resampling, (_drawn_groups(groups, draw, resampling.scale) for draw in resampling.draws())
        keys, counts = self._tally.keys, self._tally.counts
        at = np.flatnonzero(counts.ravel())
        resampling = Resampling(counts.ravel()[at])

        def counted(draw: Integers) -> Counts:
            hit = np.flatnonzero(draw)
            key, cell = np.divmod(at[hit], counts.shape[1])
            new = np.diff(key, prepend=-1) > 0
            drawn = np.zeros((np.count_nonzero(new), counts.shape[1]))
            drawn[np.cumsum(new) - 1, cell] = draw[hit] * resampling.scale
            return self._built(keys[key[new]], drawn)

        return resampling, map(counted, resampling.draws())

    def _built(self, keys: Floats, counts: Integers | Floats) -> Counts:
        if self.task == "binary":
            return self._binary(keys, counts)
        if self.task == "multiclass":
            size = len(self.names)
            return ClassCounts(self.names, _fixed((keys * counts).sum(axis=0).reshape(size, size)))
        weights = keys[:, -1] * counts[:, 0]
        kept = weights > 0
        keys, weights = keys[kept], _fixed(weights[kept])
        if self.task == "multilabel":
            words = (keys.shape[1] - 1) // 2
            truth, said = (_unpacked(keys[:, at : at + words], len(self.names)) for at in (0, words))
            return LabelCounts(self.names, truth, said, weights)
        return NumberCounts(_fixed(keys[:, 0].copy()), _fixed(keys[:, 1].copy()), weights)

    def _binary(self, keys: Floats, counts: Integers | Floats) -> BinaryCounts:
        cells = [keys[:, 1] * counts[:, cell] for cell in range(4)]
        tn, fp, fn, tp = (float(cell.sum()) for cell in cells)
        if self.scored_rows < self.rows:
            return BinaryCounts(tn, fp, fn, tp, *(_fixed(np.empty(0)) for _ in range(3)))
        starts = np.flatnonzero(np.concatenate(([True], keys[1:, 0] != keys[:-1, 0])))
        sides = [np.add.reduceat(cells[at] + cells[at + 1], starts) for at in (0, 2)]
        kept = sides[0] + sides[1] > 0
        scores, negatives, positives = (_fixed(each[kept]) for each in (keys[starts, 0], *sides))
        return BinaryCounts(tn, fp, fn, tp, scores, negatives, positives)

    def _groups(self) -> tuple[RankedRows, ...]:
        keys = np.repeat(self._tally.keys, self._tally.counts[:, 0], axis=0)
        keys = keys[np.lexsort((keys[:, 3], -keys[:, 2], keys[:, 1], keys[:, 0]))]
        starts = np.flatnonzero((keys[1:, :2] != keys[:-1, :2]).any(axis=1)) + 1
        return tuple(RankedRows(_fixed(g[:, 3]), _fixed(g[:, 2])) for g in np.split(keys, starts))


def _tally(task: Task, classes: int) -> Tally:
    if task == "binary":
        return Tally(2, 4, rounded=(0, 1))
    if task == "multiclass":
        return Tally(1, classes**2, rounded=(0,))
    if task == "multilabel":
        return Tally(2 * math.ceil(classes / _BITS) + 1, 1)
    return Tally(4 if task == "ranking" else 3, 1)


def _packed(labels: Numbers) -> Floats:
    """Flags (n, c) as numbers (n, c / 32) that hold 32 of them each."""
    flags = np.asarray(labels, np.bool_)
    words = [flags[:, at : at + _BITS] for at in range(0, flags.shape[1], _BITS)]
    return np.column_stack([word @ 2.0 ** np.arange(word.shape[1]) for word in words])


def _unpacked(words: Floats, classes: int) -> npt.NDArray[np.bool_]:
    """The flags (k, classes) again."""
    bits = np.arange(_BITS, dtype=np.int64)
    flags = (words.astype(np.int64)[:, :, None] >> bits) & 1
    found: npt.NDArray[np.bool_] = flags.reshape(len(words), -1)[:, :classes].astype(np.bool_)
    found.flags.writeable = False
    return found


def _fixed(values: Floats) -> Floats:
    """The same, not to be changed by a function whose neighbor gets it too."""
    values.flags.writeable = False
    return values


def _drawn_groups(groups: Sequence[RankedRows], draw: Integers, scale: float) -> GroupCounts:
    at = np.flatnonzero(draw)
    return GroupCounts(
        tuple(groups[index] for index in at.tolist()), _fixed(draw[at].astype(np.float64) * scale)
    )


def _value(name: str, function: CustomMetric, counts: Counts) -> float | None:
    try:
        with np.errstate(all="ignore"):
            found: object = function(counts)
    except ZeroDivisionError:
        return None
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise UsageError(
            f"the metric '{name}' failed: {type(error).__name__}: {str(error)[:300]}",
            where=f"{frame.filename}, line {frame.lineno}, in {frame.name}",
            expected=f"a function of {type(counts).__name__} that returns a number, or None where undefined",
        ) from error
    if found is None:
        return None
    if isinstance(found, bool | np.bool_) or not isinstance(found, int | float | np.integer | np.floating):
        raise UsageError(
            f"the metric '{name}' gave {type(found).__name__}", expected="a number, or None where undefined"
        )
    return float(found) if math.isfinite(found) else None
