"""Permutation importance: what a metric loses when the values of a column are dealt to other rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import UsageError
from tilth.evaluation.explanation.asking import Ask, with_values
from tilth.metrics import PAIRED_METRICS, Answered, Estimate, direction, measured, paired_difference
from tilth.types import JSONObject, Progress

__all__ = ["Importance", "SliceImportance", "permutation_importance"]

_Z = 1.959963984540054
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's t for 95 % with 1 to 9 degrees of freedom."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SliceImportance:
    """What a metric loses on one slice.

    Args:
        slice: the column values that select its rows; empty for all rows.
        rows: how many rows were looked at.
        value: the metric as it is; None where it is undefined.
        lost: by column how much worse it becomes; negative where it becomes better.
    """

    slice: Mapping[str, str]
    rows: int
    value: float | None
    lost: Mapping[str, Estimate]

    def to_json(self) -> JSONObject:
        """The slice as JSON values."""
        return {
            "slice": dict(self.slice),
            "rows": self.rows,
            "value": self.value,
            "lost": {column: estimate.to_json() for column, estimate in self.lost.items()},
        }


@dataclass(frozen=True)
class Importance:
    """What a metric loses without each column, over all rows and on slices.

    Args:
        metric: its name.
        repeats: how often each column was dealt anew.
        slices: that of all rows first.
    """

    metric: str
    repeats: int
    slices: tuple[SliceImportance, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The columns, the most important first; those that are alike by name."""
        lost = self.slices[0].lost
        return tuple(sorted(lost, key=lambda column: (-(lost[column].value or 0.0), column)))

    def to_json(self) -> JSONObject:
        """The importance as JSON values; undefined numbers are null."""
        slices = [found.to_json() for found in self.slices]
        return {"metric": self.metric, "repeats": self.repeats, "slices": [*slices]}


def permutation_importance(
    ask: Ask,
    rows: pa.Table,
    answered: Answered,
    metric: str,
    *,
    columns: Sequence[str],
    slices: Sequence[tuple[Mapping[str, str], Positions]] = (),
    repeats: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Importance:
    """Shuffle each column among the rows and measure again (Breiman 2001; Fisher, Rudin and Dominici 2019).

    The value is the mean over the repeats. Its 95 % interval has both what would be otherwise with other rows
    (the paired interval of the difference) and with other shuffles (Student's t over the repeats). Columns
    that say the same stand in for each other: each of them alone may lose nothing.

    Args:
        ask: the model.
        rows: n rows with all columns that it needs.
        answered: their truth and what it says of them.
        metric: one of `tilth.metrics.PAIRED_METRICS` that has a best value.
        columns: which to shuffle.
        slices: on which the same shuffles are measured too: what selects them, and their rows' positions.
        repeats: how often each column is shuffled, 2 or more.
        seed: of the shuffles.
        progress: told after each column.

    Raises:
        UsageError: another metric, or fewer repeats.

    Example:
        >>> rows = pa.table({"x": [0.0, 1.0] * 50, "noise": [0.0, 0.0, 1.0, 1.0] * 25})
        >>> answered = Answered(np.array([0, 1] * 50), np.array([0, 1] * 50))
        >>> model = lambda given: Answered(answered.truth, given["x"].to_numpy().astype(int))
        >>> found = permutation_importance(model, rows, answered, "accuracy", columns=["x", "noise"])
        >>> found.order, 0.4 < found.slices[0].lost["x"].value < 0.6, found.slices[0].lost["noise"].value
        (('x', 'noise'), True, 0.0)
    """
    if metric not in PAIRED_METRICS:
        raise UsageError(f"no importance for the metric '{metric}'", expected=", ".join(PAIRED_METRICS))
    if repeats < 2:
        raise UsageError(f"{repeats} repeats tell nothing of chance", expected="2 or more")
    every: list[tuple[Mapping[str, str], Positions]] = [({}, np.arange(len(answered))), *slices]
    before = [answered.take(positions) for _, positions in every]
    lost: list[dict[str, Estimate]] = [{} for _ in every]
    for at, column in enumerate(columns):
        shuffled = [
            _answers(ask, rows, column, answered, np.random.default_rng([seed, at, repeat]))
            for repeat in range(repeats)
        ]
        for found, (_, positions), mine in zip(lost, every, before, strict=True):
            found[column] = _lost(metric, mine, [each.take(positions) for each in shuffled])
        if progress is not None:
            progress(at + 1, len(columns))
    return Importance(
        metric,
        repeats,
        tuple(
            SliceImportance(slice_, len(positions), measured(metric, mine), found)
            for (slice_, positions), mine, found in zip(every, before, lost, strict=True)
        ),
    )


def _answers(
    ask: Ask, rows: pa.Table, column: str, answered: Answered, random: np.random.Generator
) -> Answered:
    """The answers with one column dealt anew."""
    dealt = rows.column(column).take(pa.array(random.permutation(rows.num_rows)))
    said = ask(with_values(rows, column, dealt))
    return Answered(answered.truth, said.predictions, said.scores, answered.groups)


def _lost(metric: str, before: Answered, after: Sequence[Answered]) -> Estimate:
    """The mean of the differences, with the spread over rows and that over repeats together."""
    found = [paired_difference(metric, each, before).scaled(direction(metric)) for each in after]
    values = [each.value for each in found if each.value is not None]
    if len(values) < len(found):
        return Estimate(None)
    value = math.fsum(values) / len(values)
    halves = [(each.high - each.low) / 2 for each in found if each.low is not None and each.high is not None]
    if len(halves) < len(found):
        return Estimate(value)
    freedom = len(values) - 1
    spread = math.sqrt(math.fsum((each - value) ** 2 for each in values) / freedom / len(values))
    student = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _Z * (1 + 1.25 / freedom)
    half = math.hypot(math.fsum(halves) / len(halves), student * spread)
    return Estimate(value, value - half, value + half)
