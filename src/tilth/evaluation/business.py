"""What a model's answers are worth: the business metric, from the value of one row by truth and answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tilth.errors import ProjectError, closest
from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import UNDEFINED, Estimate, LabelEncoding
from tilth.metrics.intervals import mean

__all__ = ["value_matrix", "value_per_row"]


def value_matrix(
    values: Mapping[str, Mapping[str, float]], encoding: LabelEncoding
) -> npt.NDArray[np.float64] | None:
    """Values by true and said class as a matrix (c, c), in the order of the classes; None without values.

    Args:
        values: true class -> said class -> the value of one such row.
        encoding: the task and its classes.

    Raises:
        ProjectError: the task has no classes, a class that there is not, or a pair without a value.

    Example:
        >>> encoding = LabelEncoding("binary", ("bad", "good"))
        >>> value_matrix({"good": {"good": 1, "bad": 0}, "bad": {"good": -5, "bad": 0}}, encoding).tolist()
        [[0.0, -5.0], [0.0, 1.0]]
    """
    if not values:
        return None
    names = encoding.names
    if encoding.task not in ("binary", "multiclass"):
        raise ProjectError(f"values are by classes, which {encoding.task} has not", where="[business] values")
    for name in dict.fromkeys([*values, *(said for row in values.values() for said in row)]):
        if name not in names:
            near = closest(name, names)
            raise ProjectError(
                f"'{name}' is not a class of the label",
                where="[business] values",
                expected="one of " + ", ".join(names[:20]),
                mend=f"did you mean '{near}'?" if near else None,
            )
    for true in names:
        for said in names:
            if said not in values.get(true, {}):
                raise ProjectError(
                    f"a row of '{true}' that is called '{said}' has no value",
                    where="[business] values",
                    expected="a number for every true and every said class",
                )
    return np.array([[values[true][said] for said in names] for true in names], np.float64)


def value_per_row(result: SliceResult, values: npt.NDArray[np.float64]) -> Estimate:
    """The mean value of a row with its 95 % interval, normal; of the test part, what production may expect.

    Args:
        result: of a slice or of all rows, with its confusion matrix.
        values: (c, c), the value of a row by its true and its said class.

    Example:
        >>> counts = [[50, 10], [20, 220]]
        >>> print(value_per_row(SliceResult({}, 300, {}, counts), np.array([[0.0, -5.0], [0.0, 1.0]])))
        0.5667 [0.4402, 0.6932]
    """
    if result.confusion is None:
        return UNDEFINED
    counts = np.asarray(result.confusion, np.float64)
    size = float(counts.sum())
    if not size:
        return UNDEFINED
    value = float((counts * values).sum()) / size
    variance = float((counts * (values - value) ** 2).sum()) / size
    return mean(value, variance, size)
