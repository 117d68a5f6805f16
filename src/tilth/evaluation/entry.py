"""`evaluate`: metrics of a table that holds labels and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError
from tilth.evaluation.evaluator import Evaluator
from tilth.evaluation.result import Evaluation
from tilth.metrics import LabelEncoding, LabelValue
from tilth.tables import Table, open_table, row_hashes
from tilth.types import Task

__all__ = ["evaluate", "group_codes"]

_BATCH_ROWS = 262_144


def evaluate(
    data: object,
    *,
    label: str,
    prediction: str | None = None,
    score: str | None = None,
    slices: Sequence[Sequence[str]] = (),
    positive: LabelValue | None = None,
    task: Task | None = None,
    threshold: float = 0.5,
    group: str | None = None,
    separator: str | None = None,
    encoding: LabelEncoding | None = None,
) -> Evaluation:
    """Measure predictions, over all rows and on slices, with 95 % confidence intervals.

    Rows without a label are left out and counted. The result does not depend on the order of rows.

    Args:
        data: anything that `tilth.tables.open_table` takes.
        label: the column of true labels.
        prediction: the column of predicted labels or numbers; may be left out for two classes when there is
            a score.
        score: for two classes the column of the positive class's score, a probability for log loss and
            calibration to be defined.
        slices: groups of columns whose crossed values make slices, such as [["sex"], ["sex", "race"]].
        positive: the positive class of two; default: 1, true, yes, ">...", or else the rarer one.
        task: what is predicted; default: told from the labels, and "ranking" where there is a group.
        threshold: what a score must exceed to count as positive where no prediction is given.
        group: for ranking, the column whose rows are ranked together, the greatest prediction first.
        separator: what separates several labels in one text; not needed for lists of texts.
        encoding: the task and its classes where they are known, so that rows of one class only, or without
            some class, are measured on the same terms; `positive`, `task`, `group` and `separator` are not
            needed then.

    Raises:
        UsageError: neither prediction nor score, or a score where there are not two classes.
        DataError: labels or predictions that cannot be used.
        ColumnNotFoundError: a column that the table does not have.

    Example:
        >>> found = evaluate({"bought": [1, 0, 0, 1], "p": [0.8, 0.3, 0.6, 0.4]}, label="bought", score="p")
        >>> print(found.slices[0].metrics["auroc"])
        0.75 [0.06932, 0.9918]
    """
    if prediction is None and score is None:
        raise UsageError("nothing to evaluate", expected="a prediction column, a score column, or both")
    task = task or ("ranking" if group else "multilabel" if separator else None)
    group = encoding.group if encoding else group
    _refuse_unused(task, group, separator, encoding)
    roles = [name for name in (label, prediction, score, group) if name is not None]
    names = dict.fromkeys([*roles, *(name for group in slices for name in group)])
    table = open_table(data).select(list(names))
    if encoding is None:
        own = {"positive": positive, "task": task, "group": group, "separator": separator}
        encoding = _encoding(table, label, prediction, own)
    if encoding.task != "binary" and (score is not None or prediction is None):
        raise UsageError(
            f"a score needs two classes, and the label '{label}' makes this {encoding.task}",
            expected="a prediction column and no score",
        )
    evaluator = Evaluator(encoding, slices, threshold=threshold)
    unlabeled = 0
    for batch in table.batches(_BATCH_ROWS):
        labeled = batch.filter(_known(batch.column(label)))
        unlabeled += batch.num_rows - labeled.num_rows
        evaluator.update(
            encoding.encode(labeled.column(label)),
            predictions=None if prediction is None else _predictions(encoding, labeled, prediction),
            scores=None if score is None else _scores(labeled, score),
            columns=dict(zip(labeled.schema.names, labeled.columns, strict=True)),
            groups=None if encoding.group is None else group_codes(labeled, encoding.group),
        )
    return evaluator.result(unlabeled=unlabeled, notes=encoding.notes)


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
    known = table.select([label] if prediction is None else [label, prediction]).to_arrow()
    labels = known.column(label)
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
    if encoding.task == "ranking":  # a score may be negative, other than a label
        return LabelEncoding("regression").encode(values)
    return encoding.encode(values)


def _scores(batch: pa.RecordBatch, column: str) -> npt.NDArray[np.float64]:
    values = _require(batch, column)
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise DataError(f"the score '{column}' is {values.type}", expected="a column of numbers")
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
