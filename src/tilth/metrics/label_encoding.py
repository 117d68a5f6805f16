"""LabelEncoding: what a label column means, as a task, its classes and the numbers that estimators learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError, closest
from tilth.metrics.label_lists import encode_lists, is_list, label_lists, list_counts
from tilth.metrics.label_values import LabelValue, find_class, guess_positive, label_counts, label_text
from tilth.tables import Table
from tilth.types import NUMBER_TASKS, JSONObject, JSONValue, Task

__all__ = ["LabelEncoding"]

MOST_INTEGER_CLASSES = 20
MOST_TEXT_CLASSES = 1000


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
        if task == "multilabel" or (task is None and is_list(values)):
            return cls._multilabel(values, also, separator)
        if is_list(values):
            raise UsageError(f"the label is a list, which is not {task}", mend='set task = "multilabel"')
        if task == "ranking":
            return cls._ranking(values, group)
        counts = label_counts(values)
        if not counts:
            raise DataError("the label column is empty", expected="at least two rows that have a label")
        others = {} if also is None else label_counts(also)
        chosen = task or _infer_task(counts, values.type)
        if chosen == "regression" or (task is None and not all(map(_is_whole, others))):
            return cls._regression(counts, given=task is not None)
        counts |= {value: 0 for value in others if find_class(value, counts) is None}
        if task is None and len(counts) > 2:
            chosen = "multiclass"
        return cls._binary(counts, positive) if chosen == "binary" else cls._multiclass(counts, task)

    @classmethod
    def _multilabel(
        cls,
        values: pa.Array | pa.ChunkedArray,
        also: pa.Array | pa.ChunkedArray | None,
        separator: str | None,
    ) -> LabelEncoding:
        lists = label_lists(values, separator)
        if lists.null_count == len(lists):
            raise DataError("the label column is empty", expected="at least two rows that have a label")
        counts = list_counts(lists) | ({} if also is None else list_counts(label_lists(also, separator)))
        if not counts:
            raise DataError("no row has any label", expected="lists with at least one text in some row")
        if len(counts) > MOST_TEXT_CLASSES:
            raise _too_many(len(counts))
        return cls("multilabel", tuple(sorted(counts)), separator=separator)

    @classmethod
    def _ranking(cls, values: pa.Array | pa.ChunkedArray, group: str | None) -> LabelEncoding:
        if group is None:
            raise UsageError(
                "nothing says which rows are ranked together",
                expected="the column whose rows are",
                mend='name it: group = "query" under [project], or --group',
            )
        if values.null_count == len(values):
            raise DataError("the label column is empty", expected="at least two rows that have a label")
        encoding = cls("ranking", group=group)
        encoding.encode(values.drop_null())
        return encoding

    @classmethod
    def _regression(cls, counts: Mapping[LabelValue | float, int], given: bool) -> LabelEncoding:
        if any(isinstance(value, str) for value in counts):
            raise UsageError(
                "the label is text, which regression cannot predict",
                expected="a column of numbers",
                mend='set task = "multiclass" or "binary"',
            )
        note = f"the label has {len(counts)} distinct numbers: taken as a quantity (regression)"
        return cls("regression", (), () if given else (note,))

    @classmethod
    def _binary(cls, counts: dict[LabelValue | float, int], positive: LabelValue | None) -> LabelEncoding:
        known = _with_usual_partner(_whole(counts), positive)
        if len(known) == 1:
            raise _only_one(known)
        if len(known) != 2:
            shown = ", ".join(sorted(label_text(value) for value in known)[:10])
            raise UsageError(
                f"the label has {len(known)} distinct values where two are needed: {shown}",
                expected="two classes",
                mend='set task = "multiclass"',
            )
        chosen, reason = guess_positive(known)
        if positive is not None:
            found = find_class(positive, known)
            if found is None:
                raise _unknown_class(positive, tuple(known))
            chosen, reason = found, ""
        (negative,) = (value for value in known if value != chosen)
        note = f"'{label_text(chosen)}' is taken as the positive class: {reason}"
        return cls("binary", (negative, chosen), (note,) if reason else ())

    @classmethod
    def _multiclass(cls, counts: dict[LabelValue | float, int], task: Task | None) -> LabelEncoding:
        known = _whole(counts)
        if len(known) > MOST_TEXT_CLASSES:
            raise _too_many(len(known))
        if len(known) < 2:
            raise _only_one(known)
        classes = tuple(sorted(known, key=lambda value: (isinstance(value, str), value)))
        integers = not isinstance(classes[0], str)
        note = f"the label has {len(classes)} distinct whole numbers: taken as classes (multiclass)"
        return cls("multiclass", classes, (note,) if integers and task is None else ())

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
            raise _unknown_class(value, self.classes)
        return self.classes.index(found)


def _infer_task(counts: Mapping[LabelValue | float, int], type_: pa.DataType) -> Task:
    if len(counts) <= 2 and all(map(_is_whole, counts)):
        return "binary"
    if pa.types.is_floating(type_) or (pa.types.is_integer(type_) and len(counts) > MOST_INTEGER_CLASSES):
        return "regression"
    return "multiclass"


def _is_whole(value: LabelValue | float) -> bool:
    return not isinstance(value, float) or value.is_integer()


def _whole(counts: Mapping[LabelValue | float, int]) -> dict[LabelValue, int]:
    """The counts with whole floats as integers, since classes are never floats."""
    known: dict[LabelValue, int] = {}
    for value, count in counts.items():
        if isinstance(value, float):
            if not _is_whole(value):
                raise UsageError(
                    f"the label {value!r} is not a class", expected="texts, whole numbers or booleans"
                )
            value = int(value)  # noqa: PLW2901 - the same class under its plain name
        known[value] = known.get(value, 0) + count
    return known


def _with_usual_partner(known: dict[LabelValue, int], positive: LabelValue | None) -> dict[LabelValue, int]:
    """A lone class of a usual pair gets its partner: rows of one class only are still binary."""
    if len(known) != 1:
        return known
    (value,) = known
    pair: tuple[LabelValue, LabelValue] = (False, True) if isinstance(value, bool) else (0, 1)
    if value in pair:
        return {partner: known.get(partner, 0) for partner in pair}
    if positive is not None and find_class(positive, known) is None:
        return {**known, positive: 0}
    return known


def _too_many(classes: int) -> DataError:
    return DataError(
        f"the label has {classes} distinct values, too many to be classes",
        expected=f"at most {MOST_TEXT_CLASSES} classes",
        mend="is the label an identifier or free text? choose another column",
    )


def _only_one(known: Mapping[LabelValue, int]) -> DataError:
    return DataError(
        f"the label has only one value, '{label_text(next(iter(known)))}'",
        expected="at least two classes",
        mend="choose another label, or data in which every class occurs",
    )


def _unknown_class(value: object, classes: Sequence[LabelValue]) -> DataError:
    text = label_text(value)
    names = [label_text(known) for known in classes]
    near = closest(text, names)
    return DataError(
        f"'{text}' is not a class of the label",
        expected="one of " + ", ".join(names[:20]),
        mend=f"did you mean '{near}'?" if near else None,
    )
