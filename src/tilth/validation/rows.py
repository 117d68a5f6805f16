"""The rows that break a schema's expectations, for a person to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tilth.tables import ARROW_TYPES, Table
from tilth.validation import column_rules, row_checks
from tilth.validation.misfits import is_unreadable
from tilth.validation.observing import Observation, Watch, opened
from tilth.validation.repeats import is_repeated, repeated_values
from tilth.validation.rules import row_text, rule_name
from tilth.validation.validate import is_rule_broken
from tilth.validation.words import shortened

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.schemas import AnomalyKind, Column, Schema
    from tilth.types import ColumnType
    from tilth.validation.anomaly import Anomaly
    from tilth.validation.row_checks import Broken
    from tilth.validation.rules import BoundRule

__all__ = ["broken_rows"]

_Find = Callable[[pa.RecordBatch, pa.RecordBatch], "Broken"]
_ROW, _ANOMALIES = "tilth.row", "tilth.anomalies"


@dataclass(frozen=True)
class _Check:
    """One broken expectation, to be found in the rows.

    Args:
        kind: which.
        about: the column or rule, as the rows are told.
        columns: the columns whose values are told.
        find: from a batch as it came, and in the schema's types, to the rows that break it.
    """

    kind: AnomalyKind
    about: str
    columns: tuple[str, ...]
    find: _Find


def broken_rows(
    data: object, schema: Schema, environment: str | None = None, *, missing: Sequence[str] = ()
) -> Table:
    """The rows that break the schema, with their number and what is wrong with them in front.

    Listed are the rows of each anomaly that `validate` finds in the data and that lies in single rows. What
    the schema tolerates (by min_present, min_domain_mass, min_share) is not listed while the tolerance holds.
    Of a column that must be unique, all rows with a value that comes again are listed. Of a column of another
    type those rows are listed whose own value cannot be read as the type; where all can, as with whole
    numbers stored as texts, no row is at fault. Anomalies of the whole (missing and new columns, numbers of
    rows and of different values) have no rows.

    The data are read once to find out what is broken, once more for each column with repeated values, and
    again whenever the result is read; memory is bounded throughout.

    Args:
        data: whatever `open_table` reads.
        schema: what the table must be.
        environment: where the data comes from, such as "serving".
        missing: texts that stand for a missing value.

    Returns:
        A table with `tilth.row` (the row's number, from 1), `tilth.anomalies` (what is wrong, in words), and
        the table's columns as they came.

    Raises:
        DataError: the data cannot be read.
        SchemaError: a rule that makes no sense.

    Example:
        >>> from tilth.schemas import Column, Schema
        >>> schema = Schema((Column("age", "int", low=0, high=120), Column("sex", "string")))
        >>> broken = broken_rows({"age": [39, 390, -1], "sex": ["F", None, "M"]}, schema)
        >>> for row in broken.to_arrow().to_pylist():
        ...     print(row["tilth.row"], row["tilth.anomalies"])
        2 age: out_of_range (390); sex: too_many_missing (missing)
        3 age: out_of_range (-1)
    """
    table, is_untyped = opened(data, schema, missing)
    watch = Watch(table, schema, is_untyped=is_untyped)
    seen = watch.observe()
    checks = [
        check
        for column in schema.in_environment(environment)
        if column.name in seen.profile.columns
        for check in _checks(column, seen, watch.table)
    ]
    checks += [
        _Check(
            "rule_broken", rule_name(count.bound.rule), count.bound.columns, partial(_by_rule, count.bound)
        )
        for count in seen.rules
        if is_rule_broken(count)
    ]
    return _listed(table, watch, checks)


def _checks(column: Column, seen: Observation, table: Table) -> Iterator[_Check]:
    """What the rows of a column have to be searched for."""
    found, misfits = seen.profile.columns[column.name], seen.misfits.get(column.name)
    check = partial(_Check, about=column.name, columns=(column.name,))
    name = column.name
    if any(column_rules.missing_rule(column, found, misfits)):
        yield check("too_many_missing", find=partial(_missing, column))
    if any(column_rules.type_rule(column, found, misfits)):
        yield check("type_mismatch", find=lambda raw, _: _of_other_type(column, raw.column(name)))
    if not found.count or not column_rules.type_fits(column, found):
        return
    if misfits is not None and any(column_rules.pattern_rule(column, found, misfits)):
        yield check("unexpected_values", find=partial(_by_cells, row_checks.is_unlike_pattern, column))
    for kind, rule, find in _CELL_CHECKS:
        if any(rule(column, found)):
            yield check(kind, find=partial(_by_cells, find, column))
    if any(column_rules.unique_rule(column, found, seen.repeats.get(name))):
        repeated = repeated_values(table, name, found.rows)
        yield check("not_unique", find=lambda _, fitted: is_repeated(fitted, name, repeated))


_CELL_CHECKS: tuple[
    tuple[
        AnomalyKind,
        Callable[[Column, ColumnProfile], Iterator[Anomaly]],
        Callable[[Column, pa.Array], Broken],
    ],
    ...,
] = (
    ("unexpected_values", column_rules.domain_rule, row_checks.is_out_of_domain),
    ("out_of_range", column_rules.range_rule, row_checks.is_out_of_range),
    ("out_of_range", column_rules.finite_rule, row_checks.is_not_finite),
    ("wrong_shape", column_rules.length_rule, row_checks.is_wrong_length),
)


def _by_cells(
    find: Callable[[Column, pa.Array], Broken], column: Column, _: pa.RecordBatch, fitted: pa.RecordBatch
) -> Broken:
    return find(column, fitted.column(column.name))


def _missing(column: Column, raw: pa.RecordBatch, fitted: pa.RecordBatch) -> Broken:
    """A text such as "nan" is missing too; one that cannot be read is not missing but wrong."""
    missing = row_checks.is_missing(fitted.column(column.name))
    return missing & ~_of_other_type(column, raw.column(column.name))


def _by_rule(bound: BoundRule, _: pa.RecordBatch, fitted: pa.RecordBatch) -> Broken:
    return bound.broken(fitted)


def _of_other_type(column: Column, cells: pa.Array) -> Broken:
    if pa.types.is_string(cells.type) and column.item_type is not None and not column.is_list:
        return is_unreadable(cells, column.type)
    if pa.types.is_floating(cells.type) and column.type == "int":
        return row_checks.has_fraction(cells)
    return np.zeros(len(cells), np.bool_)


def _listed(table: Table, watch: Watch, checks: Sequence[_Check]) -> Table:
    columns: dict[str, ColumnType] = {
        _ROW: "int",
        _ANOMALIES: "string",
        **{name: kind for name, kind in table.columns.items() if name not in (_ROW, _ANOMALIES)},
    }

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        before = 0
        for raw in table.batches(size) if checks else ():
            yield from _broken(raw, watch.fit(raw), checks, before, names)
            before += raw.num_rows

    return Table(table.name, columns, read, notes=table.notes)


def _broken(
    raw: pa.RecordBatch, fitted: pa.RecordBatch, checks: Sequence[_Check], before: int, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The broken rows of a batch, if it has any."""
    broken = np.array([check.find(raw, fitted) for check in checks])
    positions = np.flatnonzero(broken.any(axis=0))
    if not len(positions):
        return
    told = [_told(raw, checks, broken[:, position], int(position)) for position in positions]
    kept = raw.take(pa.array(positions))
    added = {
        _ROW: pa.array(positions + before + 1, ARROW_TYPES["int"]),
        _ANOMALIES: pa.array(told, pa.string()),
    }
    arrays = [added[name] if name in added else kept.column(name) for name in names]
    yield pa.RecordBatch.from_arrays(arrays, list(names))


def _told(raw: pa.RecordBatch, checks: Sequence[_Check], broken: np.ndarray, position: int) -> str:
    found = [check for check, is_broken in zip(checks, broken, strict=True) if is_broken]
    words = (f"{check.about}: {check.kind} ({_values(raw, check, position)})" for check in found)
    return "; ".join(dict.fromkeys(words))


def _values(raw: pa.RecordBatch, check: _Check, position: int) -> str:
    if check.kind == "rule_broken":
        return row_text(raw, position, check.columns)
    cell = raw.column(check.columns[0])[position].as_py()
    if isinstance(cell, bytes):
        return f"{len(cell)} bytes"
    return "missing" if check.kind == "too_many_missing" else shortened(cell)
