"""Scored: a table whose rows have a true label, and what some model said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError
from tilth.metrics import Answered, LabelEncoding, LabelValue
from tilth.tables import Table, open_table, row_hashes
from tilth.types import Task

__all__ = ["Scored", "ScoredBatch", "ScoredRows", "group_codes"]

BATCH_ROWS = 262_144

_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScoredBatch:
    """n rows that have a label.

    Args:
        labels: (n,), codes of the true classes, or numbers; for several labels (n, c), 1 or 0.
        predictions: the same of what was said; None where there is only a score.
        scores: (n,), the positive class's.
        weights: (n,), how much each row counts; None: all alike.
        groups: (n,), for ranking: rows of one number are ranked together.
        columns: the columns that were asked for, by name.
        unlabeled: how many rows beside these have no label.
    """

    labels: Numbers
    predictions: Numbers | None
    scores: npt.NDArray[np.float64] | None
    weights: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.int64] | None
    columns: Mapping[str, pa.Array]
    unlabeled: int


@dataclass(frozen=True)
class Scored:
    """A table with labels and a model's answers, to be read batch by batch.

    Args:
        table: anyone's rows.
        label: the column of true labels; rows without one are left out.
        prediction: the column of predicted labels or numbers, if there is one.
        score: for two classes the column of the positive class's score, if there is one.
        encoding: the task and its classes.
        weight: the column that says how much each row counts, if there is one.
        threshold: what a score must exceed to count as positive where there is no prediction.
    """

    table: Table
    label: str
    prediction: str | None
    score: str | None
    encoding: LabelEncoding
    weight: str | None = None
    threshold: float = 0.5

    @classmethod
    def of(
        cls,
        data: object,
        *,
        label: str,
        prediction: str | None = None,
        score: str | None = None,
        weight: str | None = None,
        positive: LabelValue | None = None,
        task: Task | None = None,
        threshold: float = 0.5,
        group: str | None = None,
        separator: str | None = None,
        encoding: LabelEncoding | None = None,
    ) -> Self:
        """The same from anything that `tilth.tables.open_table` takes; see `evaluate` for the arguments.

        Raises:
            UsageError: neither prediction nor score, or a score where there are not two classes.
            DataError: labels that cannot be used.
            ColumnNotFoundError: a column that the table does not have.
        """
        if prediction is None and score is None:
            raise UsageError("nothing to evaluate", expected="a prediction column, a score column, or both")
        task = task or ("ranking" if group else "multilabel" if separator else None)
        group = encoding.group if encoding else group
        _refuse_unused(task, group, separator, encoding)
        table = open_table(data)
        roles = [name for name in (label, prediction, score, group, weight) if name is not None]
        table.select(list(dict.fromkeys(roles)))
        if encoding is None:
            own = {"positive": positive, "task": task, "group": group, "separator": separator}
            encoding = _encoding(table, label, prediction, own)
        if encoding.task != "binary" and (score is not None or prediction is None):
            raise UsageError(
                f"a score needs two classes, and the label '{label}' makes this {encoding.task}",
                expected="a prediction column and no score",
            )
        if encoding.task == "ranking" and weight is not None:
            raise UsageError("rankings take no weights", mend=f"leave out the weight '{weight}'")
        return cls(table, label, prediction, score, encoding, weight, threshold)

    def batches(self, columns: Sequence[str] = ()) -> Iterator[ScoredBatch]:
        """The rows that have a label, in order.

        Args:
            columns: others that are wanted beside.

        Raises:
            DataError: labels, predictions, scores or weights that cannot be used.
            ColumnNotFoundError: a column that the table does not have.
        """
        roles = (self.label, self.prediction, self.score, self.weight, self.encoding.group)
        names = dict.fromkeys([*(name for name in roles if name is not None), *columns])
        for batch in self.table.select(list(names)).batches(BATCH_ROWS):
            yield self._read(batch, columns)

    def rows(self) -> ScoredRows:
        """All rows that have a label, in memory."""
        known = [_known(batch.column(0)) for batch in self.table.select([self.label]).batches(BATCH_ROWS)]
        kept = np.concatenate([np.asarray(each.to_numpy(zero_copy_only=False), bool) for each in known])
        found = list(self.batches())
        scores = _joined([batch.scores for batch in found])
        predictions = _joined([batch.predictions for batch in found])
        labels = np.concatenate([batch.labels for batch in found])
        if predictions is None:
            assert scores is not None
            predictions = (scores > self.threshold).astype(np.int64)
        shares = None if scores is None else np.column_stack((1 - scores, scores))
        answered = Answered(labels, predictions, shares, _joined([batch.groups for batch in found]))
        weights = _joined([batch.weights for batch in found])
        roles = tuple(name for name in (self.prediction, self.score, self.weight) if name is not None)
        return ScoredRows(self.table.filter(kept), self.label, self.encoding, answered, weights, roles)

    def _read(self, batch: pa.RecordBatch, columns: Sequence[str]) -> ScoredBatch:
        labeled = batch.filter(_known(batch.column(self.label)))
        said, score, weight, group = self.prediction, self.score, self.weight, self.encoding.group
        return ScoredBatch(
            self.encoding.encode(labeled.column(self.label)),
            None if said is None else _predictions(self.encoding, labeled, said),
            None if score is None else _probabilities(labeled, score),
            None if weight is None else _weights(labeled, weight),
            None if group is None else group_codes(labeled, group),
            {name: labeled.column(name) for name in columns},
            batch.num_rows - labeled.num_rows,
        )


@dataclass(frozen=True)
class ScoredRows:
    """n rows in memory with their labels and a model's answers: what errors and explanations are told by.

    Args:
        table: n rows, all columns; read when they are needed.
        label: its column of true labels.
        encoding: the task and its classes.
        answered: the truth and what the model says, as codes or numbers; its scores are (n, c), the
            probability of each class.
        weights: (n,), how much each row counts; None: all alike.
        roles: the columns of the table that hold answers, scores or weights, and so are no data.

    Example:
        >>> data = {"y": ["no", "yes", "yes"], "said": ["no", "no", "yes"], "city": ["x", "x", "z"]}
        >>> rows = Scored.of(data, label="y", prediction="said").rows()
        >>> rows.wrong.tolist(), rows.losses.tolist()
        ([False, True, False], [0.0, 1.0, 0.0])
    """

    table: Table
    label: str
    encoding: LabelEncoding
    answered: Answered
    weights: npt.NDArray[np.float64] | None = None
    roles: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.answered)

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """Which rows the model got wrong, (n,).

        Another class, or not exactly these labels; of numbers, those whose absolute error is greater than
        that of 90 % of the rows.

        Raises:
            UsageError: for a ranking, where no row alone is wrong.
        """
        truth, said = self.answered.truth, self.answered.predictions
        if self.encoding.task == "ranking":
            raise UsageError(
                "a ranking has no wrong rows",
                expected="classes, labels or numbers to look at the mistakes of",
            )
        if self.encoding.is_number:
            losses = self.losses
            return np.asarray(losses > np.quantile(losses, 0.9, method="lower"), bool)
        different = truth != said
        return different if different.ndim == 1 else np.asarray(different.any(axis=1), bool)

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """How wrong the model is on each row, (n,).

        Minus the logarithm of the true class's probability; without probabilities 0 or 1,
        or the share of labels that are wrong; of numbers the absolute error.
        """
        truth, said, scores = self.answered.truth, self.answered.predictions, self.answered.scores
        if self.encoding.is_number:
            return np.asarray(np.abs(said.astype(np.float64) - truth), np.float64)
        if truth.ndim > 1:
            return np.asarray((truth != said).mean(axis=1), np.float64)
        if scores is None or scores.min() < 0 or scores.max() > 1:
            return np.asarray(truth != said, np.float64)
        of_truth = np.asarray(scores, np.float64)[np.arange(len(truth)), truth.astype(np.int64)]
        return np.asarray(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)), np.float64)

    def take(self, rows: npt.NDArray[np.bool_]) -> ScoredRows:
        """Those rows for which `rows` (n,) is true."""
        weights = None if self.weights is None else self.weights[rows]
        return ScoredRows(
            self.table.filter(rows), self.label, self.encoding, self.answered.take(rows), weights, self.roles
        )


def _joined(parts: Sequence[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    found = [part for part in parts if part is not None]
    return np.concatenate(found) if found else None


def group_codes(batch: pa.RecordBatch, group: str) -> npt.NDArray[np.int64]:
    """A number for each row, the same for rows of one group, in whatever batch they come.

    Args:
        batch: n rows.
        group: the column whose rows are ranked together.

    Returns:
        (n,), 64-bit hashes of the column's values.

    Raises:
        DataError: a row has no group.

    Example:
        >>> batch = pa.RecordBatch.from_pydict({"query": ["a", "b", "a"]})
        >>> one, other, again = group_codes(batch, "query").tolist()
        >>> one == again, one == other
        (True, False)
    """
    _require(batch, group)
    return row_hashes(batch, columns=[group]).view(np.int64)


def _refuse_unused(
    task: Task | None, group: str | None, separator: str | None, encoding: LabelEncoding | None
) -> None:
    """What would do nothing is a mistake."""
    known = encoding.task if encoding else task
    if group is not None and known != "ranking":
        raise UsageError(f"a group is for ranking, and the task is {known}", mend="leave it out")
    if separator is not None and known != "multilabel":
        raise UsageError(f"a separator is for several labels, and the task is {known}", mend="leave it out")


def _encoding(table: Table, label: str, prediction: str | None, own: Mapping[str, Any]) -> LabelEncoding:
    roles = [label] if prediction is None else [label, prediction]
    known = table.select(list(dict.fromkeys(roles))).to_arrow()
    labels = known.column(label)
    is_nested = pa.types.is_nested(labels.type)
    may_be_classes = own["task"] in (None, "binary", "multiclass") and not is_nested
    if may_be_classes and pc.count_distinct(labels).as_py() == 1:
        raise DataError(
            f"the label has one class only, {pc.drop_null(labels)[0].as_py()!r}",
            where=f"column '{label}'",
            expected="rows of two classes or more: nothing else can be told apart",
            mend="name the column of true labels, or add rows of the other class",
        )
    if own["task"] == "regression":
        return LabelEncoding("regression")
    also = None if prediction is None or own["task"] == "ranking" else known.column(prediction)
    return LabelEncoding.from_column(labels, also=also, **own)


def _known(column: pa.Array) -> pa.Array:
    """Which rows have a value; NaN is none."""
    valid = pc.is_valid(column)
    if pa.types.is_floating(column.type):
        valid = pc.and_(valid, pc.invert(pc.fill_null(pc.is_nan(column), fill_value=True)))
    return valid


def _require(batch: pa.RecordBatch, column: str) -> pa.Array:
    """The column, all of whose values must be there."""
    values = batch.column(column)
    missing = batch.num_rows - (pc.sum(_known(values)).as_py() or 0)
    if missing:
        raise DataError(
            f"{missing} rows have a label but nothing in '{column}'",
            where=f"column '{column}'",
            expected="a value in every row that has a label",
            mend="leave these rows out, or count them as errors by filling them in",
        )
    return values


def _predictions(
    encoding: LabelEncoding, batch: pa.RecordBatch, column: str
) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
    values = _require(batch, column)
    if encoding.is_number and not _is_number(values):
        raise DataError(
            f"the prediction '{column}' is {values.type}{_such_as(values)}",
            where=f"column '{column}'",
            expected="a column of numbers, as the label is one",
        )
    if encoding.is_number and pc.any(pc.is_inf(values)).as_py():
        raise DataError(
            "a prediction is infinite",
            where=f"column '{column}'",
            expected="a finite number in every row that has a label",
        )
    if encoding.task == "ranking":  # a score may be negative, other than a label
        return LabelEncoding("regression").encode(values)
    return encoding.encode(values)


def _probabilities(batch: pa.RecordBatch, column: str) -> npt.NDArray[np.float64]:
    found = _numbers(batch, column, "score")
    outside = np.flatnonzero((found < 0) | (found > 1))
    if len(outside):
        raise DataError(
            f"{len(outside)} scores are outside 0 to 1, such as {found[outside[0]]:g}",
            where=f"column '{column}'",
            expected="the probability of the positive class",
            mend="turn scores into probabilities first, such as 1 / (1 + exp(-score)), or name a prediction",
        )
    return found


def _weights(batch: pa.RecordBatch, column: str) -> npt.NDArray[np.float64]:
    found = _numbers(batch, column, "weight")
    unusable = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if len(unusable):
        raise DataError(
            f"the weight of a row is {found[unusable[0]]:g}",
            where=f"column '{column}'",
            expected="how much a row counts: a finite number of at least 0",
        )
    return found


def _is_number(values: pa.Array) -> bool:
    return bool(pa.types.is_floating(values.type) or pa.types.is_integer(values.type))


def _such_as(values: pa.Array) -> str:
    """The first text of a column that is no number, for an error; nothing where all could be read as one."""
    if not pa.types.is_string(values.type):
        return ""
    found = next((text for text in values.to_pylist() if text and not _reads_as_number(text)), None)
    return "" if found is None else f", such as {found[:40]!r}"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(batch: pa.RecordBatch, column: str, role: str) -> npt.NDArray[np.float64]:
    values = _require(batch, column)
    if not _is_number(values):
        raise DataError(
            f"the {role} '{column}' is {values.type}{_such_as(values)}",
            where=f"column '{column}'",
            expected="a column of numbers",
        )
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
