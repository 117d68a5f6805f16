"""Sample: the labeled rows that columns are chosen by, in an order that depends on their contents only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, DataError, UsageError, counted
from tilth.metrics import LabelEncoding, LabelValue
from tilth.sketches.hashing import Words, mix
from tilth.tables import Table, open_table
from tilth.tables.row_hashes import number_copies, row_hashes, rows_repeat
from tilth.types import SCALAR_TYPES, Task

__all__ = ["LEAST_ROWS", "Sample", "label_values", "read_sample"]

LEAST_ROWS = 10
"""With fewer rows no fold says anything."""

_STRATA = 10
_LARGEST = 1e100


@dataclass(frozen=True)
class Sample:
    """Rows that have a label.

    Args:
        name: of the table that they come from.
        table: n rows, sorted by their hashes.
        hashes: (n,), one a row; equal rows have equal ones, unless rows repeat by nature.
        encoding: the task and its classes.
        labels: (n,), codes of classes or numbers.
        rows: how many labeled rows there are in all.
        unlabeled: how many rows were left out because they have no label.
    """

    name: str
    table: pa.Table
    hashes: Words
    encoding: LabelEncoding
    labels: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    rows: int
    unlabeled: int

    @property
    def strata(self) -> npt.NDArray[np.int64]:
        """What folds are balanced by, (n,): the class, or the tenth of the numbers."""
        if self.encoding.task != "regression":
            return self.labels.astype(np.int64)
        bounds = np.quantile(self.labels, np.arange(1, _STRATA) / _STRATA)
        return np.searchsorted(np.unique(bounds), self.labels, side="right").astype(np.int64)

    def first(self, rows: int) -> Sample:
        """The first so many rows: those with the least hashes, a random sample."""
        if rows >= len(self.labels):
            return self
        return Sample(
            self.name,
            self.table.slice(0, rows),
            self.hashes[:rows],
            self.encoding,
            self.labels[:rows],
            self.rows,
            self.unlabeled,
        )


def read_sample(
    data: object,
    label: str,
    *,
    rows: int,
    seed: int = 0,
    task: Task | None = None,
    positive: LabelValue | None = None,
    columns: Sequence[str] | None = None,
) -> Sample:
    """Read the labeled rows of a table, or those of them with the least hashes.

    Args:
        data: anything that `tilth.tables.open_table` takes.
        label: the column of labels.
        rows: the most rows to keep.
        seed: another seed keeps others.
        task: what is predicted; default: told from the labels.
        positive: the positive class of two.
        columns: which columns to keep beside the label; default: those that hold one value a row.

    Raises:
        ColumnNotFoundError: no column `label`.
        DataError: labels that cannot be predicted, or too few rows.
        UsageError: several labels, or a ranking.
    """
    table = open_table(data)
    if label not in table.columns:
        raise ColumnNotFoundError(label, table.columns, where=table.name)
    _refuse_task("multilabel" if table.columns[label].startswith("list[") else task)
    names = _wanted(table, label, columns)
    labels = table.select([label]).to_arrow().column(0).combine_chunks()
    known = _is_known(labels)
    if known.sum() < LEAST_ROWS:
        raise DataError(
            f"{counted(int(known.sum()), 'row')} with a label: too few to choose columns by",
            where=table.name,
            expected=f"{LEAST_ROWS} rows at least, and a hundred for figures that say something",
        )
    encoding = _encoding(labels.filter(pa.array(known)), label, task, positive)
    narrow = table.select(names)
    hashes = np.concatenate([row_hashes(batch, seed=seed) for batch in narrow.batches()])
    kept, hashes = _least(hashes, known, rows)
    found = narrow.filter(kept).to_arrow()
    order = np.argsort(hashes, kind="stable")
    found = found.take(pa.array(order)).combine_chunks()
    codes = encoding.encode(found.column(label))
    _check_classes(codes, encoding, label)
    total = int(known.sum())
    return Sample(
        table.name, found.drop_columns([label]), hashes[order], encoding, codes, total, len(known) - total
    )


def label_values(labels: npt.NDArray[np.number], encoding: LabelEncoding) -> npt.NDArray[np.generic]:
    """Codes of classes as the names of these, numbers as they are; what features may learn from."""
    if encoding.task == "regression":
        return labels.astype(np.float64)
    return np.array(encoding.names, object)[labels.astype(np.int64)]


def _refuse_task(task: Task | None) -> None:
    if task == "ranking":
        raise UsageError(
            "columns are not chosen for a ranking",
            expected="one of the tasks binary, multiclass, regression",
            mend="choose them by the label as a number: --task regression",
        )
    if task == "multilabel":
        raise UsageError(
            "columns are not chosen for several labels at once",
            expected="a label with one value a row",
            mend="make a column that says whether a row has the label that you care for, and choose by it",
        )


def _wanted(table: Table, label: str, columns: Sequence[str] | None) -> list[str]:
    if columns is not None:
        return [name for name in table.columns if name in {*columns, label}]
    scalars = (name for name, kind in table.columns.items() if kind in SCALAR_TYPES)
    return [name for name in scalars if name == label or not name.startswith("tilth.")] or [label]


def _is_known(labels: pa.Array) -> npt.NDArray[np.bool_]:
    missing = pc.is_null(labels, nan_is_null=pa.types.is_floating(labels.type))
    known: npt.NDArray[np.bool_] = ~missing.to_numpy(zero_copy_only=False)
    return known


def _encoding(labels: pa.Array, label: str, task: Task | None, positive: LabelValue | None) -> LabelEncoding:
    try:
        return LabelEncoding.from_column(labels, task=task, positive=positive)
    except (DataError, UsageError) as error:
        raise type(error)(
            error.what, where=f"column '{label}'", expected=error.expected, mend=error.mend
        ) from error


def _least(hashes: Words, known: npt.NDArray[np.bool_], rows: int) -> tuple[npt.NDArray[np.bool_], Words]:
    """Which rows to keep, and their hashes."""
    if rows_repeat(hashes[known]):
        # Each copy is an example of its own, and is drawn and dealt by itself.
        hashes = hashes.copy()
        hashes[known] = number_copies(hashes[known])
    kept = known.copy()
    if known.sum() > rows:
        drawn = mix(hashes)
        bound = np.partition(drawn[known], rows - 1)[rows - 1]
        kept &= drawn <= bound
    return kept, hashes[kept]


def _check_classes(codes: npt.NDArray[np.number], encoding: LabelEncoding, label: str) -> None:
    found = np.unique(codes)
    if encoding.task == "regression" and np.abs(found).max() > _LARGEST:
        raise DataError(
            f"the label has numbers as large as {np.abs(found).max():.3g}",
            where=f"column '{label}'",
            expected=f"numbers up to {_LARGEST:.0e}, whose squares can be added up",
            mend="give it in a larger unit, or its logarithm",
        )
    if len(found) > 1:
        return
    what = "class" if encoding.task != "regression" else "value"
    raise DataError(
        f"all rows have the same {what} of the label",
        where=f"column '{label}'",
        expected="two at least",
        mend="choose another label, or more data",
    )
