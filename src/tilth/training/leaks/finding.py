"""`find_leaks`: all the ways in which columns may tell the label, looked at on one sample of rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import counted
from tilth.training.findings import Finding
from tilth.training.leaks.columns import RawColumn, raw_columns
from tilth.training.leaks.exact import exact_functions
from tilth.training.leaks.presence import late_columns, presence
from tilth.training.leaks.single import single_columns, single_features
from tilth.training.leaks.target import Target

__all__ = ["FeatureSample", "find_leaks"]


@dataclass(frozen=True)
class FeatureSample:
    """Features of some rows, with their labels.

    Args:
        X: (n, f).
        target: the labels of these rows.
        names: (f,), what the features are called.
        sources: feature -> the raw columns that it is made of, where that is known.
    """

    X: npt.NDArray[np.floating]
    target: Target
    names: Sequence[str]
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)


def find_leaks(
    table: pa.Table,
    target: Target,
    *,
    label: str,
    time: str | None = None,
    allow: Collection[str] = (),
    features: FeatureSample | None = None,
) -> list[Finding]:
    """Columns that tell the label, or that lie after it.

    Certain, and a failure: one column alone, or whether it is filled in, tells the label of rows it was not
    fitted on (AUROC or R squared of 0.999); the label is an exact function of columns; a column lies after
    the row's own time and tells the label. Notes: what comes near to it.

    Args:
        table: n rows: the raw columns that features are made of, and the column of times.
        target: their labels, in the same order.
        label: the name of the label.
        time: the column that says when each row was made.
        allow: columns that are declared to be fine.
        features: what is made of the columns, for the same or other rows.

    Returns:
        One finding that passed where there is nothing to say.

    Example:
        >>> table = pa.table({"a": [float(i % 7) for i in range(100)], "b": [i % 2 for i in range(100)]})
        >>> target = Target("binary", np.arange(100) % 2)
        >>> [(found.outcome, found.columns) for found in find_leaks(table, target, label="y")]
        [('failed', ('b',))]
    """
    if not target.says_enough:
        what = f"{counted(len(target.y), 'row')} with so few of the rarer label are too few to tell"
        return [Finding("leak", "skipped", what)]
    columns = raw_columns(table)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers too large to be squared tell nothing
        found = _of_columns(target, columns, _column(columns, time), label)
    looked = [counted(table.num_columns, "column")] if table.num_columns else []
    if features is not None and features.target.says_enough:
        hit = {name for finding in found for name in finding.columns}
        found += single_features(features.target, features.X, features.names, features.sources, hit)
        looked.append(counted(len(features.names), "feature"))
    if found:
        return [_allowed(finding, allow) for finding in found]
    words = f"no leak among {' and '.join(looked)}, on {counted(len(target.y), 'row')}"
    return [Finding("leak", "passed" if looked else "skipped", words if looked else "there are no columns")]


def _of_columns(
    target: Target, columns: Sequence[RawColumn], time: RawColumn | None, label: str
) -> list[Finding]:
    """The findings on raw columns; one column is spoken of once, by the first that finds it."""
    found: list[Finding] = []

    def left() -> list[RawColumn]:
        certain = {name for finding in found if finding.outcome == "failed" for name in finding.columns}
        return [column for column in columns if column.name not in certain]

    if time is not None:
        found += late_columns(target, left(), time)
    found += presence(target, left())
    found += single_columns(target, left(), label)
    found += exact_functions(target, left(), label)
    return found


def _column(columns: Sequence[RawColumn], name: str | None) -> RawColumn | None:
    return next((column for column in columns if column.name == name), None)


def _allowed(finding: Finding, allow: Collection[str]) -> Finding:
    """The finding, as allowed where all its columns are declared to be fine."""
    if finding.columns and set(finding.columns) <= set(allow):
        return replace(finding, outcome="allowed", mend=None)
    return finding
