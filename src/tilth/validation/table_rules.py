"""What the number of rows and the names of the columns say about the schema's expectations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tilth.errors import counted
from tilth.validation.anomaly import Anomaly
from tilth.validation.words import between

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile, Profile
    from tilth.schemas import AnomalyKind, Schema

__all__ = ["judge_rows", "judge_size", "new_column"]


def judge_rows(schema: Schema, rows: int) -> Iterator[Anomaly]:
    """Too few rows, or too many."""
    observed = counted(rows, "row")
    if rows < schema.min_rows:
        yield _of_table(schema, "too_few_rows", observed, f"at least {counted(schema.min_rows, 'row')}")
    if schema.max_rows is not None and rows > schema.max_rows:
        yield _of_table(schema, "too_many_rows", observed, f"at most {counted(schema.max_rows, 'row')}")


def judge_size(schema: Schema, rows: int, previous: Profile | None) -> Iterator[Anomaly]:
    """A number of rows too far from that of the previous data set."""
    low, high = schema.min_rows_ratio, schema.max_rows_ratio
    if previous is None or (low is None and high is None):
        return
    if previous.rows:
        ratio = rows / previous.rows
        words = f"{ratio:.4g} times the previous {previous.rows}"
        wrong = (low is not None and ratio < low) or (high is not None and ratio > high)
    else:
        # Any row is infinitely more than none, and no row is no change.
        words, wrong = "after 0 before", rows > 0 and high is not None
    if wrong:
        expected = f"{between(low, high)} times the previous rows"
        yield _of_table(schema, "size_changed", f"{counted(rows, 'row')}, {words}", expected)


def new_column(schema: Schema, found: ColumnProfile) -> Anomaly:
    """The anomaly of a column that the schema does not know."""
    message = f"column '{found.name}' ({found.type}) is not in the schema"
    severity = schema.severity_for("new_column")
    return Anomaly(
        found.name, "new_column", (), f"type {found.type}", "no such column", None, severity, message
    )


def _of_table(schema: Schema, kind: AnomalyKind, observed: str, expected: str) -> Anomaly:
    message = f"the table has {observed}; expected {expected}"
    return Anomaly(None, kind, (), observed, expected, None, schema.severity_for(kind), message)
