"""Partial dependence: what a model says on average as one column takes other values, and how rows differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.evaluation.explanation.asking import Ask, output_names, outputs_of, with_values
from tilth.metrics import LabelEncoding
from tilth.tables.slicing import slice_text
from tilth.types import JSONObject

__all__ = ["Dependence", "DependencePoint", "partial_dependence"]

_POINTS = 12
_LEAST_SHARE = 0.5
"""Of a column of texts whose most frequent values are fewer rows than this, a few values say little."""


@dataclass(frozen=True)
class DependencePoint:
    """What the model says where all rows have one value.

    Args:
        value: of the column; None for missing.
        rows: how many rows have it; of numbers those up to halfway to the neighbors.
        mean: (outputs,), what the model says on average: the partial dependence.
        low: (outputs,), which a tenth of the rows is below.
        high: (outputs,), which a tenth of the rows is above.
    """

    value: str | float | int | bool | None
    rows: int
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def text(self) -> str:
        """The value in words."""
        return f"{self.value:.6g}" if isinstance(self.value, float) else slice_text(self.value)


@dataclass(frozen=True)
class Dependence:
    """How the answers follow one column.

    Args:
        column: its name.
        outputs: what is said: classes, or "prediction".
        points: numbers ascending, other values the most frequent first; missing last, if that occurs.
        spread: (outputs,), how differently rows follow the column: the standard deviation of their curves,
            each moved to mean 0, around their mean curve; 0 where the column acts alike on all rows.
    """

    column: str
    outputs: tuple[str, ...]
    points: tuple[DependencePoint, ...]
    spread: tuple[float, ...]

    @property
    def reach(self) -> tuple[float, ...]:
        """(outputs,), the greatest mean minus the least."""
        means = np.array([point.mean for point in self.points])
        return tuple(float(each) for each in means.max(axis=0) - means.min(axis=0))

    def to_json(self) -> JSONObject:
        """The dependence as JSON values."""
        return {
            "column": self.column,
            "outputs": list(self.outputs),
            "spread": list(self.spread),
            "points": [
                {
                    "value": point.value,
                    "rows": point.rows,
                    "mean": list(point.mean),
                    "low": list(point.low),
                    "high": list(point.high),
                }
                for point in self.points
            ],
        }


def partial_dependence(
    ask: Ask,
    rows: pa.Table,
    column: str,
    encoding: LabelEncoding,
    *,
    values: pa.Array | pa.ChunkedArray | None = None,
    points: int = _POINTS,
) -> Dependence | None:
    """Give all rows one value of a column after the other, and see what the model says (Friedman 2001).

    The lines of single rows are individual conditional expectations (Goldstein et al. 2015). Where columns
    depend on each other, some of the rows so made do not exist; `DependencePoint.rows` tells where data are.

    Args:
        ask: the model.
        rows: n rows with all columns that it needs.
        column: whose values are set: numbers at their quantiles, other values where they are frequent.
        encoding: the task and its classes.
        values: of the column in more rows than those that follow it: what is set, and how often it occurs.
        points: so many values at most.

    Returns:
        None where the column has no values to set: one value only, free texts, lists, images, sounds.

    Example:
        >>> from tilth.metrics import Answered
        >>> rows = pa.table({"x": [1.0, 2.0, 3.0], "y": [0.0, 5.0, 10.0]})
        >>> def double(given):
        ...     return Answered(np.zeros(3), given["x"].to_numpy() * 2 + given["y"].to_numpy())
        >>> found = partial_dependence(double, rows, "x", LabelEncoding("regression"))
        >>> [(point.value, point.mean) for point in found.points], found.spread
        ([(1.0, (7.0,)), (2.0, (9.0,)), (3.0, (11.0,))], (0.0,))
    """
    known = rows.column(column) if values is None else values
    known = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    grid = _grid(known, points)
    if grid is None or len(grid) < 2:
        return None
    said = [
        outputs_of(ask(with_values(rows, column, _repeated(value, known, rows.num_rows))), encoding)
        for value, _ in grid
    ]
    lines = np.stack(said)  # (points, n, outputs)
    centered = lines - lines.mean(axis=0)
    around = centered - centered.mean(axis=1, keepdims=True)
    return Dependence(
        column,
        output_names(encoding),
        tuple(
            DependencePoint(value, count, *(_tuple(each) for each in _summary(line)))
            for (value, count), line in zip(grid, lines, strict=True)
        ),
        _tuple(np.sqrt(np.mean(around**2, axis=(0, 1)))),
    )


def _summary(line: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Mean and tenths of (n, outputs); sorted first, so that the order of rows changes nothing."""
    ordered = np.sort(line, axis=0)
    low, high = np.quantile(ordered, [0.1, 0.9], axis=0)
    return ordered.mean(axis=0), low, high


def _tuple(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.12g}") for value in values)


Grid = list[tuple[str | float | int | bool | None, int]]


def _grid(values: pa.Array, points: int) -> Grid | None:
    """Values with how many rows have them."""
    kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        numbers = np.asarray(pc.cast(values.drop_null(), pa.float64(), safe=False).to_numpy())
        numbers = numbers[np.isfinite(numbers)]
        missing = len(values) - len(numbers)
        found = _numbers(numbers, points, whole=pa.types.is_integer(kind)) if len(numbers) else []
        return found + ([(None, missing)] if missing and found else [])
    if not (pa.types.is_string(kind) or pa.types.is_boolean(kind)):
        return None
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(values).to_pylist()}
    missing = counts.pop(None, 0)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:points]
    if sum(count for _, count in frequent) < _LEAST_SHARE * (len(values) - missing):
        return None
    return [*frequent, *([(None, missing)] if missing else [])]


def _numbers(numbers: npt.NDArray[np.float64], points: int, *, whole: bool) -> Grid:
    """All values where there are few, else quantiles; the count of each up to halfway to its neighbors."""
    distinct = np.unique(numbers)
    if len(distinct) > points:
        shares = np.linspace(0.01, 0.99, points)
        found = np.unique(np.quantile(np.sort(numbers), shares, method="nearest"))
        if len(found) < points / 2:  # most rows have one value: the others are told apart all the same
            others = np.linspace(0.01, 0.99, points - len(found))
            found = np.unique(np.append(found, np.quantile(distinct, others, method="nearest")))
        distinct = found
    halfway = (distinct[1:] + distinct[:-1]) / 2
    counts = np.bincount(np.searchsorted(halfway, numbers), minlength=len(distinct))
    values: Sequence[float | int] = distinct.astype(np.int64).tolist() if whole else distinct.tolist()
    return list(zip(values, counts.tolist(), strict=True))


def _repeated(value: object, like: pa.Array, rows: int) -> pa.Array:
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    return pa.nulls(rows, like.type) if is_missing else pa.repeat(pa.scalar(value, like.type), rows)
