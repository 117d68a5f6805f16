"""Evaluation: the metrics of one model's predictions, over all rows and on slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from tilth.errors import UsageError, closest
from tilth.evaluation.report import report
from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import LabelEncoding, LabelValue
from tilth.types import JSONObject, Task

__all__ = ["Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one model's predictions.

    Args:
        encoding: the task and its classes.
        slices: the results; the first is that of all rows, the others are sorted within each slicing.
        unlabeled: rows that were left out because they have no label.

    Example:
        >>> import tilth.evaluation
        >>> data = {"y": ["no", "yes", "yes", "no"], "said": ["no", "yes", "no", "no"], "sex": list("ffmm")}
        >>> found = tilth.evaluation.evaluate(data, label="y", prediction="said", slices=[["sex"]])
        >>> found.metric("recall"), found.metric("recall", {"sex": "f"}), found.slices[0].confusion
        (0.5, 1.0, [[2, 0], [1, 1]])
    """

    encoding: LabelEncoding
    slices: tuple[SliceResult, ...]
    unlabeled: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.encoding.task

    @property
    def classes(self) -> tuple[LabelValue, ...]:
        """The classes in the order of the confusion matrix; empty for numbers."""
        return self.encoding.classes

    @property
    def positive(self) -> LabelValue | None:
        """The positive class of two."""
        return self.encoding.positive

    @property
    def rows(self) -> int:
        """How many rows were evaluated."""
        return self.slices[0].rows

    def find(self, slice: Mapping[str, str] | None = None) -> SliceResult | None:  # noqa: A002
        """The result on a slice, all rows by default; None if there is no such slice."""
        wanted = dict(slice or {})
        return next((result for result in self.slices if dict(result.slice) == wanted), None)

    def metric(self, name: str, slice: Mapping[str, str] | None = None) -> float | None:  # noqa: A002
        """The value of a metric, None where it is undefined.

        Args:
            name: the metric, such as "auroc" or "recall.cat".
            slice: the column values that select the rows; all rows by default.

        Raises:
            UsageError: a metric or slice that does not exist.
        """
        result = self.find(slice)
        if result is None:
            raise UsageError(self.lacks_slice(slice or {}))
        if name not in result.metrics:
            raise UsageError(self.lacks_metric(name))
        return result.metrics[name].value

    def marked(self, minimum_rows: int) -> Evaluation:
        """The same, with slices of fewer rows than this marked as small."""
        return replace(
            self, slices=tuple(replace(each, small=each.rows < minimum_rows) for each in self.slices)
        )

    def lacks_metric(self, name: str) -> str:
        """In words: no such metric, and which there are."""
        available = list(self.slices[0].metrics)
        near = closest(name, available)
        hint = f"; did you mean '{near}'?" if near else ""
        return f"no metric '{name}'{hint} There are {', '.join(available)}"

    def lacks_slice(self, slice: Mapping[str, str]) -> str:  # noqa: A002
        """In words: no such slice, and which there are."""
        wanted = SliceResult(slice, 0, {}).name
        available = [result.name for result in self.slices]
        shown = ", ".join(available[:20]) + (", ..." if len(available) > 20 else "")
        return f"no slice '{wanted}'. There are: {shown}"

    def to_json(self) -> JSONObject:
        """The evaluation as JSON values; undefined numbers are null."""
        return {
            **self.encoding.to_json(),
            "rows": self.rows,
            "unlabeled": self.unlabeled,
            "notes": list(self.notes),
            "slices": [result.to_json() for result in self.slices],
        }

    @classmethod
    def from_json(cls, data: JSONObject) -> Evaluation:
        """The evaluation that `to_json` wrote."""
        slices = cast("list[JSONObject]", data["slices"])
        return cls(
            LabelEncoding.from_json(data),
            tuple(SliceResult.from_json(result) for result in slices),
            cast("int", data.get("unlabeled", 0)),
            tuple(cast("list[str]", data.get("notes", []))),
        )

    def report(self) -> str:
        """Plain text for people: all metrics of all rows with intervals, the chief ones of each slice."""
        return report(self.encoding, self.slices, self.unlabeled, self.notes)
