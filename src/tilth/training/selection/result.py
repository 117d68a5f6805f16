"""Selection: what every method chose, how well that does, and what to make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tilth.metrics import CHIEF_METRIC, LabelEncoding
from tilth.training.selection.figures import Figure
from tilth.training.selection.leaks import Leak
from tilth.training.selection.report import selection_report
from tilth.types import JSONObject, JSONValue

__all__ = ["MethodResult", "Recommendation", "Selection"]


@dataclass(frozen=True)
class MethodResult:
    """One line of the table.

    Args:
        method: its name; "all" for all columns.
        family: "filter", "wrapper" or "embedded"; None for all columns.
        columns: what it chooses on all rows, the best first.
        counts: how many columns it chose in each fold.
        metrics: the estimator with the columns chosen in each fold, on that fold's test rows.
        differences: the same minus the same with all columns, fold by fold.
        chosen: for each column the share of folds in which it was chosen.
        scores: what the method orders columns by, on all rows; empty where it has no such number.
    """

    method: str
    family: str | None
    columns: tuple[str, ...]
    counts: tuple[int, ...]
    metrics: Mapping[str, Figure]
    differences: Mapping[str, Figure]
    chosen: Mapping[str, float]
    scores: Mapping[str, float | None]

    def to_json(self) -> JSONObject:
        """The line as JSON values."""
        return {
            "method": self.method,
            "family": self.family,
            "count": len(self.columns),
            "columns": list(self.columns),
            "counts": list(self.counts),
            "metrics": {name: figure.to_json() for name, figure in self.metrics.items()},
            "differences": {name: figure.to_json() for name, figure in self.differences.items()},
            "chosen": dict(self.chosen),
            "scores": dict(self.scores),
        }


@dataclass(frozen=True)
class Recommendation:
    """What to do.

    Args:
        method: whose columns; "all" for all.
        columns: which to keep.
        drop: which to leave out.
        sentence: the same in words, with the figures that it follows from.
    """

    method: str
    columns: tuple[str, ...]
    drop: tuple[str, ...]
    sentence: str

    def to_json(self) -> JSONObject:
        """The recommendation as JSON values."""
        return {
            "method": self.method,
            "count": len(self.columns),
            "columns": list(self.columns),
            "drop": list(self.drop),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Selection:
    """What `select` found.

    Args:
        name: of the data.
        encoding: the task and its classes.
        rows: how many labeled rows the data have.
        used_rows: how many of them were looked at.
        columns: what could be chosen, in the order of the table.
        estimator: what the columns were tried with.
        folds: how many parts rows were dealt to.
        repeats: how often.
        methods: the lines of the table; the first is that of all columns.
        recommendation: what to do.
        leaks: columns that alone tell the label.
        left_out: columns that could not be chosen, each with the reason.
        notes: what was assumed, in sentences.
    """

    name: str
    encoding: LabelEncoding
    rows: int
    used_rows: int
    columns: tuple[str, ...]
    estimator: str
    folds: int
    repeats: int
    methods: tuple[MethodResult, ...]
    recommendation: Recommendation
    leaks: tuple[Leak, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return CHIEF_METRIC[self.encoding.task]

    def __getitem__(self, method: str) -> MethodResult:
        """The line of a method.

        Raises:
            KeyError: it was not asked for.
        """
        for each in self.methods:
            if each.method == method:
                return each
        raise KeyError(method)

    def to_json(self) -> JSONObject:
        """All that was found as JSON values; undefined numbers are null."""
        return {
            **self.encoding.to_json(),
            "rows": self.rows,
            "used_rows": self.used_rows,
            "columns": list(self.columns),
            "estimator": self.estimator,
            "folds": self.folds,
            "repeats": self.repeats,
            "metric": self.metric,
            "methods": [each.to_json() for each in self.methods],
            "recommendation": self.recommendation.to_json(),
            "leaks": [leak.to_json() for leak in self.leaks],
            "left_out": cast("dict[str, JSONValue]", dict(self.left_out)),
            "notes": list(self.notes),
        }

    def report(self) -> str:
        """Plain text for people: the table, the recommendation, and what was chosen how often."""
        return selection_report(self.to_json(), self.name)
