"""Ask: a model as a function of rows, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import UsageError
from tilth.metrics import LabelEncoding, find_class

__all__ = ["Ask", "Said", "chosen_output", "output_names", "outputs_of", "with_values"]

Floats = npt.NDArray[np.float64]


class Said(Protocol):
    """What a model says of n rows."""

    @property
    def predictions(self) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
        """(n,), codes of classes, or numbers; for several labels (n, c), 1 or 0."""

    @property
    def scores(self) -> npt.NDArray[np.floating] | None:
        """(n, c), the probability of each class; None for numbers."""


Ask: TypeAlias = Callable[[pa.Table], Said]
"""Answers for the rows of a table that has all columns of the model; a row's answer depends on it alone."""


def with_values(rows: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The rows with other values in one column, which stays what it is, such as images.

    Example:
        >>> with_values(pa.table({"x": [1, 2]}), "x", pa.array([3, 4]))["x"].to_pylist()
        [3, 4]
    """
    place = rows.schema.get_field_index(column)
    return rows.set_column(place, rows.schema.field(place), values)


def outputs_of(said: Said, encoding: LabelEncoding) -> Floats:
    """The numbers that are explained, (n, outputs): probabilities, of two classes the positive one's.

    Of a number it is that itself.

    Raises:
        UsageError: classes without probabilities.
    """
    if encoding.is_number:
        return np.asarray(said.predictions, np.float64).reshape(-1, 1)
    if said.scores is None:
        raise UsageError("there are no probabilities to explain", expected="a model that gives them")
    scores = np.asarray(said.scores, np.float64)
    return scores[:, 1:] if encoding.task == "binary" else scores


def output_names(encoding: LabelEncoding) -> tuple[str, ...]:
    """What the outputs are: classes as text; of a number "prediction"."""
    if encoding.is_number:
        return ("prediction",)
    return encoding.names[1:] if encoding.task == "binary" else encoding.names


def chosen_output(said: Said, encoding: LabelEncoding, of: str | None = None) -> npt.NDArray[np.int64]:
    """Which output is explained of each row, (n,).

    Args:
        said: of n rows.
        encoding: the task and its classes.
        of: a class; default: of two the positive one, of several that which is said, of several labels the
            likeliest.

    Raises:
        UsageError: no such class, or a class where there are numbers.
    """
    rows = len(said.predictions)
    if of is None:
        if encoding.task == "multiclass":
            return np.asarray(said.predictions, np.int64)
        if encoding.task == "multilabel":
            return np.asarray(np.argmax(outputs_of(said, encoding), axis=1), np.int64)
        return np.zeros(rows, np.int64)
    value = None if encoding.is_number else find_class(of, encoding.classes)
    if value is None:
        there = ", ".join(encoding.names) or "none: the model gives a number"
        raise UsageError(f"there is no class '{of}'", expected=f"one of the classes: {there}")
    code = encoding.classes.index(value)
    if encoding.task == "binary":
        if code == 0:
            raise UsageError(
                f"what speaks for '{of}' is what speaks against '{encoding.names[1]}'",
                expected=f"'{encoding.names[1]}', whose contributions change their sign for the other class",
            )
        code = 0
    return np.full(rows, code, np.int64)
