"""LabelEncoding: what a label column means, as a task, its classes and the numbers that estimators learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError
from tilth.metrics.label_classes import meaning_of, unknown_class
from tilth.metrics.label_lists import encode_lists, label_lists
from tilth.metrics.label_values import LabelValue, find_class, label_text
from tilth.tables import Table
from tilth.types import NUMBER_TASKS, JSONObject, JSONValue, Task

__all__ = ["LabelEncoding"]


@dataclass(frozen=True)
class LabelEncoding:
    """A task and its classes.

    Args:
        task: what is predicted.
        classes: the label values in the order of their codes 0, 1, ...; (negative, positive) for two; for
            several labels all of them; empty where the label is a number.
        notes: what was assumed, in sentences for people.
        group: for ranking, the column whose rows are ranked together.
        separator: for several labels in one text, what stands between them.

    Example:
        >>> encoding = LabelEncoding.from_column(pa.array(["no", "yes", "no"]))
        >>> encoding.task, encoding.classes, encoding.positive
        ('binary', ('no', 'yes'), 'yes')
        >>> encoding.encode(pa.array(["yes", "no"]))
        array([1, 0])
    """

    task: Task
    classes: tuple[LabelValue, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    group: str | None = None
    separator: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether the label is a number, for regression and ranking, and not made of classes."""
        return self.task in NUMBER_TASKS

    @property
    def positive(self) -> LabelValue | None:
        """The positive class of two; None for the other tasks."""
        return self.classes[1] if self.task == "binary" else None

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as text."""
        return tuple(label_text(value) for value in self.classes)

    @classmethod
    def from_column(
        cls,
        values: pa.Array | pa.ChunkedArray,
        *,
        task: Task | None = None,
        positive: LabelValue | None = None,
        also: pa.Array | pa.ChunkedArray | None = None,
        group: str | None = None,
        separator: str | None = None,
    ) -> LabelEncoding:
        """Infer the task and the classes from a label column; missing values are left out.

        Two distinct values are binary; several texts or up to 20 whole numbers multiclass; other numbers
        regression; lists of texts multilabel.

        Args:
            values: the labels.
            task: the task, if it is known.
            positive: the positive class of two; default: 1, true, yes, ">...", or else the rarer one.
            also: another column whose values are classes too, such as predictions.
            group: for ranking, the column whose rows are ranked together.
            separator: for several labels in one text, what stands between them.

        Raises:
            DataError: no label at all, only one class, too many classes, or a column type that cannot be
                predicted.
            UsageError: a task that the labels do not fit, or a positive class that does not occur.
        """
        meaning = meaning_of(values, task, positive, also, group=group, separator=separator)
        encoding = cls(*meaning, group=group, separator=separator)
        if encoding.task == "ranking":
            encoding.encode(values.drop_null())
        return encoding

    def encode(self, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
        """Codes (n,) of the classes; numbers as float64; for several labels (n, classes), 1 or 0.

        Values of another type than the classes are matched as text: "1", 1 and 1.0 are the same class.

        Raises:
            DataError: a missing value, or one that is none of the classes; for ranking a negative number.
        """
        if self.task == "multilabel":
            return encode_lists(label_lists(values, self.separator), self.names)
        column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        if column.null_count:
            raise DataError(
                f"{column.null_count} labels are missing", mend="leave the rows without a label out first"
            )
        if self.is_number:
            return self._numbers(column)
        encoded = column.dictionary_encode()
        codes = [self._code(value) for value in encoded.dictionary.to_pylist()]
        return np.array(codes, np.int64)[encoded.indices.to_numpy()] if codes else np.empty(0, np.int64)

    def decode(self, codes: npt.NDArray[np.integer]) -> list[LabelValue]:
        """The label values of codes (n,)."""
        return [self.classes[code] for code in codes.tolist()]

    def labels_of(self, codes: npt.NDArray[np.generic]) -> list[tuple[str, ...]]:
        """The labels of each row, from which it has: (n, classes), true or 1.

        Example:
            >>> LabelEncoding("multilabel", ("sea", "sky")).labels_of(np.array([[1, 1], [0, 0]]))
            [('sea', 'sky'), ()]
        """
        rows: list[list[str]] = [[] for _ in codes]
        for row, at in np.argwhere(codes).tolist():
            rows[row].append(self.names[at])
        return [tuple(row) for row in rows]

    def answers(
        self,
        table: Table,
        predicted: npt.NDArray[np.generic],
        probabilities: npt.NDArray[np.floating] | None = None,
    ) -> Table:
        """The rows with a model's answers beside them.

        Args:
            table: n rows.
            predicted: (n,), label values or numbers; for several labels (n, classes), true or 1.
            probabilities: (n, classes), in the order of the classes.

        Returns:
            The table with `tilth.label`, what was predicted; given probabilities also `tilth.score`,
            that of the predicted class, and for two classes `tilth.positive`, that of the positive one; for
            several labels `tilth.score.NAME`, that of each.

        Example:
            >>> from tilth.tables import open_table
            >>> encoding = LabelEncoding("binary", ("no", "yes"))
            >>> shares = np.array([[0.9, 0.1], [0.25, 0.75]])
            >>> table = encoding.answers(open_table({"x": [1, 2]}), np.array(["no", "yes"], object), shares)
            >>> table.to_arrow().to_pylist()[1]
            {'x': 2, 'tilth.label': 'yes', 'tilth.score': 0.75, 'tilth.positive': 0.75}
        """
        if self.task == "multilabel":
            return self._with_labels(table, predicted, probabilities)
        labels = pa.array(predicted.tolist(), self._label_type())
        answered = table.with_column("tilth.label", labels)
        if probabilities is None or self.is_number:
            return answered
        shares = np.asarray(probabilities, np.float64)
        of_predicted = shares[np.arange(len(shares)), self.encode(labels)]
        answered = answered.with_column("tilth.score", pa.array(of_predicted))
        if self.task == "multiclass":
            return answered
        return answered.with_column("tilth.positive", pa.array(shares[:, 1].copy()))

    def _with_labels(
        self,
        table: Table,
        predicted: npt.NDArray[np.generic],
        probabilities: npt.NDArray[np.floating] | None,
    ) -> Table:
        answered = table.with_column("tilth.label", self.label_column(predicted))
        if probabilities is not None:
            for at, name in enumerate(self.names):
                answered = answered.with_column(
                    f"tilth.score.{name}", pa.array(probabilities[:, at].astype(np.float64))
                )
        return answered

    def label_column(self, codes: npt.NDArray[np.generic]) -> pa.Array:
        """The labels of rows (n, classes) as the data have them: lists, or texts with the separator.

        Example:
            >>> encoding = LabelEncoding("multilabel", ("sea", "sky"), separator="|")
            >>> encoding.label_column(np.array([[1, 1], [0, 0]])).to_pylist()
            ['sea|sky', '|']
        """
        labels = self.labels_of(codes)
        if self.separator is None:
            return pa.array(labels, pa.list_(pa.string()))
        return pa.array([self.separator.join(row) or self.separator for row in labels], pa.string())

    def _label_type(self) -> pa.DataType:
        if self.is_number:
            return pa.float64()
        return {str: pa.string(), bool: pa.bool_()}.get(type(self.classes[0]), pa.int64())

    def to_json(self) -> JSONObject:
        """Task, classes and positive class; group and separator where there are."""
        own = {"group": self.group, "separator": self.separator}
        return {
            "task": self.task,
            "classes": list(self.classes),
            "positive": self.positive,
            **{name: value for name, value in own.items() if value is not None},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> LabelEncoding:
        """The encoding that `to_json` wrote."""
        task = next((name for name in get_args(Task) if name == data.get("task")), None)
        classes = data.get("classes")
        if task is None or not isinstance(classes, list):
            raise UsageError("not a label encoding", expected='"task" and "classes"')
        group, separator = (
            value if isinstance(value, str) else None for value in (data.get("group"), data.get("separator"))
        )
        known = tuple(value for value in classes if isinstance(value, (str, int)))
        return cls(task, known, group=group, separator=separator)

    def without_notes(self) -> LabelEncoding:
        """The same encoding, its notes dropped."""
        return replace(self, notes=())

    def _numbers(self, column: pa.Array) -> npt.NDArray[np.float64]:
        if pa.types.is_string(column.type) or pa.types.is_temporal(column.type):
            raise DataError(f"the label is {column.type}, not a number", expected="a column of numbers")
        numbers = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))
        if not np.all(np.isfinite(numbers)):
            raise DataError("a label is NaN or infinite", mend="leave such rows out first")
        if self.task == "ranking" and len(numbers) and numbers.min() < 0:
            raise DataError(
                f"the label {numbers.min():g} is negative",
                expected="how relevant a row is, from 0",
                mend="move the labels up, so that what is not relevant has 0",
            )
        return numbers

    def _code(self, value: LabelValue | float) -> int:
        found = find_class(value, self.classes)
        if found is None:
            raise unknown_class(value, self.classes)
        return self.classes.index(found)
