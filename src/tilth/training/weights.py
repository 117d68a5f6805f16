"""How much each row counts: by a column of weights, by its class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, TrainingError, closest
from tilth.metrics import LabelEncoding
from tilth.training.rows import Rows

__all__ = ["ClassWeights", "class_factors", "row_weights", "weighted"]

ClassWeights = Literal["balanced"] | Mapping[str, float]
"""As often as each other, whatever their shares; or class -> how much each of its rows counts."""

_WHERE = "[train] class_weights"
_MOST = 1e30
"""Estimators that add up in single precision can still do so."""


def row_weights(values: pa.Array | pa.ChunkedArray, name: str) -> npt.NDArray[np.float64]:
    """The weights (n,) of rows from a column.

    Args:
        values: numbers, 0 or more.
        name: the column's name, for messages.

    Raises:
        DataError: texts, a missing, infinite or negative weight, or none above 0.

    Example:
        >>> row_weights(pa.array([1, 2, 0]), "counts").tolist()
        [1.0, 2.0, 0.0]
    """
    where, expected = f"column '{name}' ([train] weight)", f"a number from 0 to {_MOST:g} in every row"
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        what = f"column '{name}' is {kind}, which cannot be a weight"
        raise DataError(what, where=where, expected=expected)
    if pa.types.is_boolean(kind):
        values = pc.cast(values, pa.int8())
    plain = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
    found: npt.NDArray[np.float64] = np.asarray(plain, np.float64)
    wrong = ~((found >= 0) & (found <= _MOST))
    if wrong.any():
        row = int(wrong.argmax())
        what = "missing" if np.isnan(found[row]) else f"{found[row]:g}"
        raise DataError(
            f"{int(wrong.sum())} of {len(found)} weights cannot be used: in row {row + 1} it is {what}",
            where=where,
            expected=expected,
            mend="correct the column, or leave these rows out",
        )
    if len(found) and not found.any():
        raise DataError("all weights are 0", where=where, expected="some rows that count")
    return found


def class_factors(
    class_weights: ClassWeights | None, rows: Rows, encoding: LabelEncoding
) -> npt.NDArray[np.float64] | None:
    """What the weights of each class's rows are multiplied with, (c,); None: all count alike.

    "balanced" gives the total weight / (number of classes x weight of the class), as scikit-learn does: the
    classes then have one weight in sum, and all rows together keep theirs.

    Args:
        class_weights: as tilth.toml says.
        rows: what is learned from, with the weights of the rows.
        encoding: the task and its classes.

    Raises:
        TrainingError: the task has no single class a row, an unknown class, or a weight out of range.

    Example:
        >>> rows = Rows(np.zeros((4, 1), np.float32), np.array([0, 0, 0, 1]))
        >>> class_factors("balanced", rows, LabelEncoding("binary", ("no", "yes"))).round(3).tolist()
        [0.667, 2.0]
    """
    if class_weights is None:
        return None
    if encoding.task not in ("binary", "multiclass"):
        raise TrainingError(
            f"class weights are for rows of one class each, which {encoding.task} has not",
            where=_WHERE,
            mend="give rows their own weights with weight = the name of a column",
        )
    if class_weights == "balanced":
        return _balanced(rows, len(encoding.classes))
    _check_classes(class_weights, encoding)
    return np.array([float(class_weights.get(name, 1.0)) for name in encoding.names])


def weighted(rows: Rows, factors: npt.NDArray[np.float64] | None) -> Rows:
    """The rows with their weights multiplied by what `class_factors` gave for their class.

    Raises:
        TrainingError: no row counts any more.

    Example:
        >>> rows = Rows(np.zeros((3, 1), np.float32), np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0]))
        >>> weighted(rows, np.array([1.0, 0.5])).weights.tolist()
        [1.0, 1.0, 1.5]
    """
    if factors is not None:
        own = factors[np.asarray(rows.y, np.int64)]
        rows = replace(rows, weights=own if rows.weights is None else rows.weights * own)
    if rows.weights is not None and len(rows) and not rows.weights.any():
        raise TrainingError(
            "the weights of all rows are 0", where="[train]", expected="some rows that count in each part"
        )
    return rows


def _balanced(rows: Rows, classes: int) -> npt.NDArray[np.float64]:
    sums = np.bincount(np.asarray(rows.y, np.int64), rows.weights, minlength=classes).astype(np.float64)
    met = sums > 0
    factors = np.ones(classes)
    factors[met] = sums.sum() / (np.count_nonzero(met) * sums[met])
    return factors


def _check_classes(given: Mapping[str, float], encoding: LabelEncoding) -> None:
    for name, weight in given.items():
        if name not in encoding.names:
            near = closest(name, encoding.names)
            raise TrainingError(
                f"'{name}' is not a class of the label",
                where=_WHERE,
                expected="one of " + ", ".join(encoding.names[:20]),
                mend=f"did you mean '{near}'?" if near else None,
            )
        if not 0 <= weight <= _MOST:
            what = f"the weight of '{name}' is {weight:g}"
            raise TrainingError(what, where=_WHERE, expected=f"a number from 0 to {_MOST:g}")
