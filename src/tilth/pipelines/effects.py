"""What rows that were added to the training part do to every slice: the same recipe with them and without."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.metrics import Answered, Estimate, direction, measured, paired_difference
from tilth.tables.slicing import groups
from tilth.types import JSONObject, Task

__all__ = ["ADDED", "EFFECT_METRICS", "Columns", "Compared", "Effect", "effects", "slice_name"]

ADDED = "tilth.added"
"""The column that says whether a row was added, to slice by; its values are words for people."""

EFFECT_METRICS: Mapping[Task, tuple[str, ...]] = {
    "binary": ("auroc", "accuracy"),
    "multiclass": ("accuracy", "log_loss"),
    "regression": ("r2", "mae"),
    "multilabel": ("micro_f1", "hamming_loss"),
    "ranking": ("ndcg_at_10", "mrr"),
}
"""What effects are told in: the chief metric, and one that nearly every slice defines."""

_SIGNIFICANCE = 0.05
_LEAST_ROWS = 30
"""On fewer test rows a slice is told of, but no verdict is based on it."""

_Z = 1.959963984540054

Columns = Mapping[str, "pa.Array | pa.ChunkedArray"]
Slice = tuple[tuple[str, str], ...]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """The same rows as the model without the added rows answers for them, and the model with them.

    Args:
        without: its answers.
        with_: the other's.
        columns: the rows' columns to slice by.
    """

    without: Answered
    with_: Answered
    columns: Columns


@dataclass(frozen=True)
class Effect:
    """What added rows do to one slice.

    Args:
        slice: the column values that select its rows; empty for all rows.
        rows: test rows of the slice.
        added: rows of the slice among the added ones.
        without: metric -> its value on the test rows when the added rows are left out of training.
        with_: metric -> its value when they are learned from too.
        change: metric -> the difference, with its interval on the same rows.
        trained: metric -> the same difference on the slice's training rows of before.
        harm: the metrics that are worse beyond chance, all slices and metrics taken together.
    """

    slice: Mapping[str, str]
    rows: int
    added: int
    without: Mapping[str, float | None]
    with_: Mapping[str, float | None]
    change: Mapping[str, Estimate]
    trained: Mapping[str, Estimate]
    harm: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The slice in words."""
        return slice_name(self.slice)

    def told(self, metric: str) -> str:
        """A metric before and after, in words."""
        values = (self.without[metric], self.with_[metric])
        return f"{metric} {' to '.join('undefined' if v is None else f'{v:.4g}' for v in values)}"

    @property
    def lacks_capacity(self) -> bool:
        """Whether what it harms is lost on the training rows of before too: half as much or more.

        A little is always lost there, as each of more rows is fitted less closely; but not so much of what
        test rows lose, unless the model has no room for both.
        """
        for name in self.harm:
            trained, tested = self.trained[name], self.change[name]
            sign = direction(name)
            if trained.value is None or tested.value is None or _p_value(trained) >= _SIGNIFICANCE:
                continue
            if sign * trained.value <= sign * tested.value / 2:
                return True
        return False

    def to_json(self) -> JSONObject:
        """The effect as JSON values."""
        return {
            "slice": dict(self.slice),
            "rows": self.rows,
            "added": self.added,
            "without": dict(self.without),
            "with": dict(self.with_),
            "change": {name: each.to_json() for name, each in self.change.items()},
            "trained": {name: each.to_json() for name, each in self.trained.items()},
            "harm": list(self.harm),
            "lacks_capacity": self.lacks_capacity,
        }


def slice_name(values: Mapping[str, str]) -> str:
    """A slice in words.

    Example:
        >>> slice_name({"sex": "Female", ADDED: "rows of before"})
        'sex=Female, rows of before'
    """
    parts = (value if column == ADDED else f"{column}={value}" for column, value in values.items())
    return ", ".join(parts) or "all rows"


def effects(
    test: Compared,
    before: Compared,
    added: tuple[int, Columns],
    slices: Sequence[Sequence[str]],
    metrics: Sequence[str],
) -> list[Effect]:
    """The effect on all rows and on each slice of the test rows.

    Args:
        test: the test rows.
        before: the training rows that both models learned from.
        added: how many rows only one of them learned from, and their columns.
        slices: groups of columns whose crossed values make slices.
        metrics: see `EFFECT_METRICS`.

    Example:
        >>> truth, sex = np.array([0, 1] * 40), pa.array(["f"] * 40 + ["m"] * 40)
        >>> wrong = np.where(np.arange(80) < 40, truth, 1 - truth)
        >>> compared = Compared(Answered(truth, truth), Answered(truth, wrong), {"sex": sex})
        >>> found = effects(compared, compared, (9, {"sex": sex[:9]}), [["sex"]], ["accuracy"])
        >>> [(each.name, each.added, each.harm) for each in found]
        [('all rows', 9, ('accuracy',)), ('sex=f', 9, ()), ('sex=m', 0, ('accuracy',))]
    """
    counts = {name: len(rows) for name, rows in _groups(added[1], slices, added[0])}
    known = dict(_groups(before.columns, slices, len(before.with_)))
    nothing = np.empty(0, np.int64)
    return _judged(
        [
            Effect(
                slice=dict(name),
                rows=len(rows),
                added=counts.get(name, 0),
                without={metric: measured(metric, test.without.take(rows)) for metric in metrics},
                with_={metric: measured(metric, test.with_.take(rows)) for metric in metrics},
                change=_changes(test, rows, metrics),
                trained=_changes(before, known.get(name, nothing), metrics),
            )
            for name, rows in _groups(test.columns, slices, len(test.with_))
        ]
    )


def _groups(
    columns: Columns, slices: Sequence[Sequence[str]], rows: int
) -> Iterator[tuple[Slice, Positions]]:
    """The positions of each slice's rows: those of all rows first, then by the values of each slicing."""
    yield (), np.arange(rows)
    for names in slices:
        found = dict(groups(columns, names)) if rows else {}
        for values in sorted(found):
            yield tuple(zip(names, values, strict=True)), found[values]


def _changes(compared: Compared, rows: Positions, metrics: Sequence[str]) -> dict[str, Estimate]:
    without, with_ = compared.without.take(rows), compared.with_.take(rows)
    return {metric: paired_difference(metric, without, with_) for metric in metrics}


def _judged(found: Sequence[Effect]) -> list[Effect]:
    """The effects with what they harm beyond chance, by the rule of Holm (1979) over all of them."""
    values = {
        (at, metric): _p_value(change)
        for at, effect in enumerate(found)
        for metric, change in effect.change.items()
        if effect.rows >= _LEAST_ROWS and change.low is not None
    }
    beyond: set[tuple[int, str]] = set()
    for rank, key in enumerate(sorted(values, key=lambda each: (values[each], each))):
        if values[key] > _SIGNIFICANCE / (len(values) - rank):
            break
        beyond.add(key)
    return [replace(effect, harm=_harm(effect, at, beyond)) for at, effect in enumerate(found)]


def _harm(effect: Effect, at: int, beyond: set[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(
        metric
        for metric, change in effect.change.items()
        if (at, metric) in beyond and (change.value or 0.0) * direction(metric) < 0
    )


def _p_value(change: Estimate) -> float:
    """How likely so large a difference is by chance, from its normal interval; 1 without an interval."""
    if change.low is None or change.high is None or change.low == change.high:
        return 1.0
    deviation = (change.high - change.low) / (2 * _Z)
    return math.erfc(abs(change.high + change.low) / 2 / deviation / math.sqrt(2))
