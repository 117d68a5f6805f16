"""What the label of new data means: found out, or as it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.metrics import LabelEncoding, guess_separator
from tilth.schemas import Column, Schema
from tilth.tables import Table
from tilth.training.ranking import MOST_GRADE
from tilth.types import SCALAR_TYPES, Task

__all__ = ["NO_GRADES", "are_grades", "check_label", "first_label", "with_label", "with_several_labels"]

NO_GRADES = (
    f"the label is no grade from 0 to {MOST_GRADE}, whose order could be learned: rows are ranked by its "
    'predicted value (objective = "regression")'
)


def check_label(table: Table, label: str, task: Task | None, group: str | None) -> None:
    """Refuse a column that cannot be the label, or the group, before all of it is read.

    Raises:
        DataError: the label has no value that can be predicted.
        ColumnNotFoundError: no such group.
        UsageError: a group for another task than ranking.
    """
    kind = table.columns[label]
    if kind not in (*SCALAR_TYPES, "list[string]"):
        raise DataError(
            f"column '{label}' is of type {kind}: it cannot be the label",
            where=table.name,
            expected="one value a row, or a list of texts",
        )
    if group is None:
        return
    if task not in (None, "ranking"):
        raise UsageError(f"a group is for ranking, and the task is {task}", mend="leave --group out")
    if group not in table.columns:
        raise ColumnNotFoundError(group, table.columns, where=table.name)
    if group == label or table.columns[group] not in SCALAR_TYPES:
        raise UsageError(
            f"column '{group}' cannot say which rows are ranked together",
            expected="another column than the label, with one value a row",
        )


def first_label(
    table: Table,
    label: str,
    *,
    task: Task | None = None,
    group: str | None = None,
    separator: str | None = None,
) -> LabelEncoding:
    """The task and its classes, with what was assumed.

    Args:
        table: the data.
        label: the column to predict.
        task: what is predicted; default: found out.
        group: for ranking, the column whose rows are ranked together.
        separator: for several labels in one text; default: found out.

    Raises:
        DataError: labels that cannot be learned.
        UsageError: a task that the labels do not fit.

    Example:
        >>> from tilth.tables import open_table
        >>> found = first_label(open_table({"tags": ["sea;sky", "sky"]}), "tags", task="multilabel")
        >>> found.classes, found.notes
        (('sea', 'sky'), ("labels are taken to be separated by ';'",))
    """
    values = table.select([label]).to_arrow().column(0)
    task = task or ("ranking" if group else "multilabel" if separator else None)
    if separator is not None and task != "multilabel":
        raise UsageError(
            f"a separator is for several labels, and the task is {task}", mend="leave --separator out"
        )
    notes: list[str] = []
    if task == "multilabel" and separator is None and pa.types.is_string(values.type):
        separator = guess_separator(values)
        if separator is None:
            raise UsageError(
                f"no text of '{label}' has a sign between labels that is known",
                expected='several labels in one text, such as "sea|sky"',
                mend="name it with --separator",
            )
        notes.append(f"labels are taken to be separated by {separator!r}")
    encoding = LabelEncoding.from_column(values, task=task, group=group, separator=separator)
    if encoding.task == "multilabel":
        notes += _of_lists(encoding, values, label)
    if encoding.task == "ranking":
        notes.append(f"the rows of one {group} are ranked together; it is left out of the features")
    return replace(encoding, notes=(*encoding.notes, *notes))


def are_grades(table: Table, label: str) -> bool:
    """Whether the labels of a ranking are grades: whole numbers from 0 to 30.

    Example:
        >>> from tilth.tables import open_table
        >>> are_grades(open_table({"clicks": [0, 2]}), "clicks"), are_grades(open_table({"n": [0.5]}), "n")
        (True, False)
    """
    values = pc.drop_null(table.select([label]).to_arrow().column(0).cast(pa.float64())).to_numpy()
    return bool(np.all((values >= 0) & (values <= MOST_GRADE) & (values == np.rint(values))))


def _of_lists(encoding: LabelEncoding, values: pa.ChunkedArray, label: str) -> list[str]:
    """What people may want to know of labels of which a row has any number."""
    told = (
        []
        if encoding.separator
        else [f"'{label}' is a list: a row has any number of its labels (multilabel)"]
    )
    if values.null_count:
        none = f"the text {encoding.separator!r}" if encoding.separator else "an empty list"
        told.append(
            f"{values.null_count:,} rows without '{label}' are left out: a row that has none of the labels "
            f"says so by {none}"
        )
    return told


def with_label(schema: Schema, label: str, encoding: LabelEncoding) -> Schema:
    """The schema of data with that label: an outcome that is a number need not be whole, though all are."""
    if encoding.separator:
        return with_several_labels(schema, label)
    if not encoding.is_number:
        return schema
    return replace(schema, columns=tuple(replace(c, type="float") if c.name == label else c for c in schema))


def with_several_labels(schema: Schema, label: str) -> Schema:
    """The schema of data whose label is several in one text, which need not be one of those so far.

    Example:
        >>> from tilth.schemas import Column
        >>> schema = Schema((Column("tags", "string", domain=("sea", "sea|sky")),))
        >>> print(with_several_labels(schema, "tags")["tags"].domain)
        None
    """

    def freed(column: Column) -> Column:
        return replace(column, domain=None, pattern=None, kind="text") if column.name == label else column

    return replace(schema, columns=tuple(map(freed, schema)))
