"""`compare`: one model against another on the same rows, over all of them and on slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import UsageError, counted
from tilth.evaluation.chance import mcnemar
from tilth.evaluation.differences import MINIMUM_ROWS, change_text
from tilth.evaluation.scored import ScoredRows
from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import Answered, Estimate, measured, paired_difference
from tilth.tables import Table
from tilth.tables.slicing import groups, slice_order
from tilth.tables.slicings import Slicing, slicing_of
from tilth.types import JSONObject, JSONValue, Task
from tilth.wording import aligned, number_text

__all__ = ["FLIP", "ComparedSlice", "Comparison", "Flips", "compare"]

FLIP = "tilth.flip"
"""The column that says which way a row has flipped."""

_LOST, _WON = "right to wrong", "wrong to right"
_METRICS: Mapping[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "auroc", "log_loss", "f1", "precision", "recall", "specificity", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "log_loss", "macro_f1"),
    "regression": ("mae", "rmse", "mse", "r2"),
    "multilabel": (
        *("subset_accuracy", "hamming_loss", "log_loss", "macro_f1"),
        *("micro_f1", "micro_precision", "micro_recall"),
    ),
    "ranking": ("ndcg", "ndcg_at_10", "mrr", "mean_average_precision"),
}
_SHOWN: Mapping[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "f1", "auroc"),
    "multiclass": ("accuracy", "macro_f1"),
    "regression": ("mae", "r2"),
    "multilabel": ("subset_accuracy", "micro_f1"),
    "ranking": ("ndcg_at_10", "mrr"),
}

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Flips:
    """Rows that only one of two models gets right.

    Args:
        right_to_wrong: those that the other model gets right and this one does not.
        wrong_to_right: those that this one gets right and the other does not.
        p: how likely the two numbers are so unlike by chance (McNemar's exact test); None without flips.
    """

    right_to_wrong: int
    wrong_to_right: int
    p: float | None

    def __str__(self) -> str:
        chance = "" if self.p is None else f" (p {self.p:.2g})"
        return f"{self.wrong_to_right:,} won, {self.right_to_wrong:,} lost{chance}"

    def to_json(self) -> JSONObject:
        """The flips as JSON values."""
        return {"right_to_wrong": self.right_to_wrong, "wrong_to_right": self.wrong_to_right, "p": self.p}


@dataclass(frozen=True)
class ComparedSlice:
    """Two models on one slice.

    Args:
        slice: the column values that select its rows; empty for all rows.
        rows: how many it has.
        small: they are so few that the figures say little.
        other: the metrics of the other model.
        this: those of this one.
        difference: those of this one minus those of the other, with intervals that know that the rows are the
            same.
        flips: None for numbers and rankings.
    """

    slice: Mapping[str, str]
    rows: int
    small: bool
    other: Mapping[str, float | None]
    this: Mapping[str, float | None]
    difference: Mapping[str, Estimate]
    flips: Flips | None = None

    @property
    def name(self) -> str:
        """The slice in words."""
        return SliceResult(self.slice, self.rows, {}).name

    def to_json(self) -> JSONObject:
        """The slice as JSON values."""
        return {
            "slice": dict(self.slice),
            "rows": self.rows,
            "small": self.small,
            "other": dict(self.other),
            "this": dict(self.this),
            "difference": {name: each.to_json() for name, each in self.difference.items()},
            "flips": None if self.flips is None else self.flips.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> ComparedSlice:
        """The slice that `to_json` wrote."""
        difference = cast("dict[str, JSONObject]", data["difference"])
        flips = cast("JSONObject | None", data["flips"])
        return cls(
            cast("dict[str, str]", data["slice"]),
            cast("int", data["rows"]),
            bool(data["small"]),
            cast("dict[str, float | None]", data["other"]),
            cast("dict[str, float | None]", data["this"]),
            {name: Estimate.from_json(each) for name, each in difference.items()},
            None if flips is None else Flips(**cast("dict[str, int]", flips)),
        )


@dataclass(frozen=True)
class Comparison:
    """One model against another on the same rows.

    Args:
        task: what they predict.
        slices: all rows first, then each slice.
        against: what the other model is called.
        lost: (n,), which rows flipped from right to wrong; None where no row is right or wrong.
        won: (n,), which flipped from wrong to right.
    """

    task: Task
    slices: tuple[ComparedSlice, ...]
    against: str = "the other"
    lost: Mask | None = field(default=None, compare=False, repr=False)
    won: Mask | None = field(default=None, compare=False, repr=False)

    def flips(self, table: Table) -> Table:
        """The rows that only one of the models gets right, with a column that says which way they flipped.

        Args:
            table: the rows that were compared: `ScoredRows.table`.

        Raises:
            UsageError: numbers or rankings, which are not right or wrong.
        """
        if self.lost is None or self.won is None:
            raise UsageError("no rows flip", where=f"task {self.task}", expected="classes or labels")
        flipped = self.lost | self.won
        names = np.where(self.won[flipped], _WON, _LOST)
        return table.filter(flipped).with_column(FLIP, pa.array(names.tolist(), pa.string()))

    def to_json(self) -> JSONObject:
        """The comparison as JSON values, without the rows."""
        return {
            "task": self.task,
            "against": self.against,
            "slices": [each.to_json() for each in self.slices],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> Comparison:
        """The comparison that `to_json` wrote; it does not know which rows flipped."""
        slices = cast("list[JSONObject]", data["slices"])
        found = tuple(ComparedSlice.from_json(each) for each in slices)
        return cls(cast("Task", data["task"]), found, str(data["against"]))

    def report(self) -> str:
        """Plain text for people: all metrics of all rows, the chief ones of each slice."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        whole = self.slices[0]
        yield f"against {self.against}, on the same {counted(whole.rows, 'row')}"
        rows = [
            [name, number_text(whole.this[name]), number_text(whole.other[name]), change_text(each)]
            for name, each in whole.difference.items()
        ]
        yield from aligned([["metric", "this", "the other", "difference (95 % interval)"], *rows])
        if whole.flips is not None:
            yield f"flips: {whole.flips}"
        if len(self.slices) > 1:
            yield ""
            yield from aligned(
                [["slice", "rows", *self._shown(), "won", "lost"], *map(self._row, self.slices)]
            )

    def _shown(self) -> list[str]:
        return [name for name in _SHOWN[self.task] if name in self.slices[0].difference]

    def _row(self, each: ComparedSlice) -> list[str]:
        flips = each.flips
        counts = ["", ""] if flips is None else [f"{flips.wrong_to_right:,}", f"{flips.right_to_wrong:,}"]
        name = f"{each.name} (small)" if each.small else each.name
        changes = (change_text(each.difference[metric]) for metric in self._shown())
        return [name, f"{each.rows:,}", *changes, *counts]


def compare(
    this: ScoredRows,
    other: ScoredRows | Answered,
    slices: Sequence[Sequence[str]] | Slicing = (),
    *,
    against: str = "the other",
    minimum_rows: int = MINIMUM_ROWS,
) -> Comparison:
    """Hold one model against another on the same rows.

    Each difference has an interval that knows that both models met the same rows, see
    `tilth.metrics.paired_difference`; weights are not used.

    Args:
        this: the rows with one model's answers.
        other: another model's answers on the same rows in the same order.
        slices: groups of columns whose crossed values make slices, as for `evaluate`; or a slicing, whose
            quantiles are perhaps those of more rows.
        against: what the other model is called.
        minimum_rows: slices with fewer rows are marked as small.

    Raises:
        UsageError: other rows, or another truth.

    Example:
        >>> from tilth.evaluation import Scored
        >>> data = {"y": [1, 0, 1, 0] * 9, "new": [1, 0, 1, 1] * 9, "old": [1, 1, 0, 0] * 9}
        >>> new, old = (Scored.of(data, label="y", prediction=name).rows() for name in ("new", "old"))
        >>> found = compare(new, old)
        >>> print(found.slices[0].difference["accuracy"], "|", found.slices[0].flips)
        0.25 [-0.03051, 0.5042] | 18 won, 9 lost (p 0.12)
        >>> found.flips(new.table).rows
        27
    """
    answered = other.answered if isinstance(other, ScoredRows) else other
    if len(answered) != len(this) or not np.array_equal(answered.truth, this.answered.truth):
        raise UsageError(
            "the two models were not asked about the same rows",
            where=f"{len(this):,} and {len(answered):,} rows",
            expected="the same rows with the same labels, in the same order",
        )
    lost = won = None
    if not this.encoding.is_number:
        wrong, theirs_wrong = _wrong(this.answered), _wrong(answered)
        lost, won = wrong & ~theirs_wrong, theirs_wrong & ~wrong
    metrics = [
        name
        for name in _METRICS[this.encoding.task]
        if measured(name, this.answered) is not None and measured(name, answered) is not None
    ]
    found = []
    for values, at in _parts(this, slices):
        mine, theirs = this.answered.take(at), answered.take(at)
        flips = None
        if lost is not None and won is not None:
            down, up = int(lost[at].sum()), int(won[at].sum())
            flips = Flips(down, up, mcnemar(down, up))
        found.append(
            ComparedSlice(
                values,
                len(at),
                len(at) < minimum_rows,
                {name: measured(name, theirs) for name in metrics},
                {name: measured(name, mine) for name in metrics},
                {name: paired_difference(name, theirs, mine) for name in metrics},
                flips,
            )
        )
    return Comparison(this.encoding.task, tuple(found), against, lost, won)


def _wrong(answered: Answered) -> Mask:
    different = answered.truth != answered.predictions
    return np.asarray(different if different.ndim == 1 else different.any(axis=1), bool)


def _parts(
    rows: ScoredRows, slices: Sequence[Sequence[str]] | Slicing
) -> Iterator[tuple[dict[str, str], Positions]]:
    """All rows, then those of each slice."""
    yield {}, np.arange(len(rows))
    slicing = slices if isinstance(slices, Slicing) else slicing_of(rows.table, slices)
    if not slicing.slices or not len(rows):
        return
    table = rows.table.select(list(slicing.sources)).to_arrow()
    columns = slicing.of({name: table.column(name) for name in slicing.sources})
    for names in slicing.slices:
        found = dict(groups(columns, names))
        for values in sorted(found, key=lambda values: [*map(slice_order, values)]):
            yield dict(zip(names, values, strict=True)), found[values]
