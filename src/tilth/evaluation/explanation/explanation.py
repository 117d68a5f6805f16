"""Explanation: what a model goes by, over all rows and on slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.explanation.attribution import (
    LEAST_ORDERS,
    MOST_ANSWERS,
    Attributions,
    ExplainedModel,
    Method,
    attribute,
    drawn_from,
)
from tilth.evaluation.explanation.dependence import Dependence, partial_dependence
from tilth.evaluation.explanation.importance import Importance, permutation_importance
from tilth.evaluation.explanation.influence import Influence, SliceOf, influences_of
from tilth.evaluation.explanation.told import how, told
from tilth.metrics import CHIEF_METRIC, Answered
from tilth.types import JSONObject, Progress

__all__ = ["Explanation", "Limits", "explain"]


@dataclass(frozen=True)
class Limits:
    """How much is asked of the model, so that the cost is bounded whatever the data.

    Args:
        answers: so many rows at most are answered for the importance of columns, and for contributions that
            are drawn, each.
        dependence_rows: so many rows follow a column.
        influence_rows: of so many rows contributions are averaged.
        slice_rows: of so many of each slice.
        leaves: so many leaves of trees are gone through at most, all rows together.
        columns: so many columns at most are followed.
        shuffled: so many columns at most are shuffled, those with the greatest influence.
    """

    answers: int = MOST_ANSWERS
    dependence_rows: int = 300
    influence_rows: int = 300
    slice_rows: int = 50
    leaves: int = 30_000_000
    columns: int = 6
    shuffled: int = 100


@dataclass(frozen=True)
class Explanation:
    """What a model goes by.

    Args:
        rows: how many rows there are; some of them were looked at.
        importance: what its chief metric loses without each column; None where rows have no labels.
        influences: how strongly columns move its answers, all rows first.
        scale: what they move, such as "log-odds of yes".
        method: how the contributions were found.
        background: how many rows the answers are held against.
        dependences: how its answers follow the most important columns.
        of: the class that was asked for; None: no one in particular.
        notes: what else must be known, in sentences.
    """

    rows: int
    importance: Importance | None
    influences: tuple[Influence, ...]
    scale: str
    method: Method
    background: int
    dependences: tuple[Dependence, ...]
    of: str | None = None
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> JSONObject:
        """The explanation as JSON values; undefined numbers are null."""
        return {
            "rows": self.rows,
            "importance": None if self.importance is None else self.importance.to_json(),
            "influence": {
                "method": self.method,
                "scale": self.scale,
                "background": self.background,
                "slices": [each.to_json() for each in self.influences],
            },
            "dependence": [each.to_json() for each in self.dependences],
            "notes": list(self.notes),
        }

    def report(self) -> str:
        """The explanation for people."""
        return told(
            self.importance,
            self.influences,
            self.dependences,
            how=how(self.scale, self.method, self.background),
            of=self.of,
            notes=self.notes,
        )


def explain(
    model: ExplainedModel,
    rows: pa.Table,
    background: pa.Table,
    answered: Answered | None = None,
    *,
    slices: Sequence[SliceOf] = (),
    columns: Sequence[str] = (),
    metric: str | None = None,
    of: str | None = None,
    method: Method | None = None,
    repeats: int = 5,
    seed: int = 0,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """What a model goes by: importance, influence and dependence of its columns.

    Args:
        model: the model.
        rows: n rows with its columns, in an order of their own: the first ones are looked at where there are
            too many.
        background: rows that answers are held against.
        answered: their truth and what the model says; None where there are no labels.
        slices: on which importance and influence are told too.
        columns: which columns are shuffled and followed; default: all are shuffled, the most important
            followed.
        metric: what importance is measured by; default: the chief metric of the task.
        of: which class's score is explained; see `attribute`.
        method: see `attribute`.
        repeats: how often each column is shuffled.
        seed: of all that is drawn.
        limits: how much is asked of the model.
        progress: told after each column.
    """
    bounds = _bounded(model, limits or Limits(), len(slices))
    picked = _picked(rows.num_rows, slices, bounds)
    found = attribute(
        model,
        rows.take(pa.array(picked)),
        background,
        of=of,
        method=method,
        seed=seed,
        answers=bounds.answers,
    )
    influences = influences_of(found, picked, slices, first=min(rows.num_rows, bounds.influence_rows))
    shuffled = tuple(columns) or _shuffled(model, influences[0], bounds)
    importance = None
    if answered is not None:
        importance = permutation_importance(
            model.ask,
            rows,
            answered,
            metric or CHIEF_METRIC[model.encoding.task],
            columns=shuffled,
            slices=slices,
            repeats=repeats,
            seed=seed,
            progress=progress,
        )
    followed = tuple(columns) or _strongest(importance, influences[0])[: bounds.columns]
    some = rows.slice(0, bounds.dependence_rows)
    lines = [
        (name, partial_dependence(model.ask, some, name, model.encoding, values=rows.column(name)))
        for name in followed
    ]
    flat = [name for name, line in lines if line is None]
    notes = [*found.notes]
    if importance is not None and not columns and len(shuffled) < len(model.columns):
        notes.append(f"importance is that of the {len(shuffled)} columns that move the answers most")
    if flat:
        notes.append(f"no dependence of columns without a few values to set: {', '.join(flat)}")
    return Explanation(
        rows.num_rows,
        importance,
        influences,
        _scale(found),
        found.method,
        found.background,
        tuple(line for _, line in lines if line is not None),
        of,
        tuple(notes),
    )


def _bounded(model: ExplainedModel, limits: Limits, slices: int) -> Limits:
    """Fewer rows where there are many leaves, or so many columns that drawing orders of them takes long."""
    wanted = limits.influence_rows + slices * limits.slice_rows
    share = drawn_from(limits.answers, len(model.columns), 1) / LEAST_ORDERS / wanted
    if model.trees is not None:
        share = min(share, limits.leaves / (wanted * model.trees.ensemble.leaves))
    rows, of_slice = (
        max(5, int(each * min(1.0, share))) for each in (limits.influence_rows, limits.slice_rows)
    )
    return replace(limits, influence_rows=rows, slice_rows=of_slice)


def _picked(rows: int, slices: Sequence[SliceOf], bounds: Limits) -> npt.NDArray[np.int64]:
    """The first rows, and the first of each slice; fewer of each where there are many."""
    each = max(5, min(bounds.slice_rows, 2000 // max(1, len(slices))))
    first = [positions[:each] for _, positions in slices]
    found = np.unique(np.concatenate([np.arange(min(rows, bounds.influence_rows)), *first]))
    return np.asarray(found, np.int64)


def _shuffled(model: ExplainedModel, influence: Influence, bounds: Limits) -> tuple[str, ...]:
    if len(model.columns) <= bounds.shuffled:
        return model.columns
    return tuple(dict.fromkeys(name for names in influence.order for name in names))[: bounds.shuffled]


def _strongest(importance: Importance | None, influence: Influence) -> tuple[str, ...]:
    if importance is not None:
        return importance.order
    return tuple(dict.fromkeys(column for columns in influence.order for column in columns))


def _scale(found: Attributions) -> str:
    outputs = np.unique(found.outputs)
    if len(outputs) > 1:
        return f"{found.scale} of what is said"
    return found.told(0) if len(outputs) else found.scale
