"""Importance: rows that count more than others, such as the navigational queries of a search engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import Table
from tilth.tables.slicings import Arrays, Slicing, slicing_of

__all__ = ["Weighing", "weighing_of"]

_ORIGIN = "tilth.source"


@dataclass(frozen=True)
class Weighing:
    """How much each row counts: a column, times a factor for each condition that the row meets.

    Args:
        column: the column of weights; None: 1 each.
        factors: SQL condition -> by how much such rows count more.
        conditions: how the conditions are computed.
        origin: the column that says where rows come from; None: all from the same place.
    """

    column: str | None
    factors: Mapping[str, float]
    conditions: Slicing
    origin: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that are needed."""
        own = [name for name in (self.column, self.origin) if name is not None]
        return tuple(dict.fromkeys((*own, *self.conditions.sources)))

    @property
    def note(self) -> str:
        """In words, how rows are weighed."""
        said = [] if self.column is None else [f"by '{self.column}'"]
        said += [f"times {factor:g} where {condition}" for condition, factor in self.factors.items()]
        return f"rows are weighed {', '.join(said)}"

    def of(self, columns: Arrays) -> npt.NDArray[np.float64]:
        """The weight of each row (n,), from the `sources` of these rows.

        A condition that is neither true nor false of a row, since a value is missing, is not met. A row from
        feedback counts 1 where it lacks the column of weights, which nobody sends with a request.

        Raises:
            DataError: a weight that is missing, negative or infinite.
            UsageError: a condition that is neither true nor false by nature.
        """
        weights = np.ones(len(next(iter(columns.values()))))
        if self.column is not None:
            weights = _numbers(self._given(columns, self.column), self.column)
        met = self.conditions.of(columns)
        for condition, factor in self.factors.items():
            if not pa.types.is_boolean(met[condition].type):
                raise UsageError(
                    f"the condition {condition!r} is {met[condition].type}",
                    expected="something that is true or false of each row, such as kind = 'navigational'",
                )
            holds = np.asarray(pc.fill_null(met[condition], False).to_numpy(zero_copy_only=False), bool)
            weights = np.where(holds, weights * factor, weights)
        return weights

    def _given(self, columns: Arrays, column: str) -> pa.Array | pa.ChunkedArray:
        values = columns[column]
        if self.origin is None or not _is_number(values.type):
            return values
        is_feedback = pc.equal(columns[self.origin], "feedback")
        return pc.if_else(pc.and_(is_feedback, pc.is_null(values)), pa.scalar(1).cast(values.type), values)


def weighing_of(
    table: Table, column: str | None, factors: Mapping[str, float], *, where: str | None = None
) -> Weighing | None:
    """How the rows of a table are weighed; None where all count alike.

    Args:
        table: its columns are looked at.
        column: the column of weights, if there is one.
        factors: SQL condition -> by how much such rows count more, at least 0.
        where: what declares it, for errors.

    Raises:
        ColumnNotFoundError: a column that the table does not have.
        UsageError: a condition that cannot be understood.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"kind": ["shop", "go", None], "w": [1.0, 2.0, 3.0]})
        >>> found = weighing_of(table, "w", {"kind = 'go'": 10})
        >>> found.note, found.of(dict(zip(table.columns, table.to_arrow().columns))).tolist()
        ("rows are weighed by 'w', times 10 where kind = 'go'", [1.0, 20.0, 3.0])
    """
    if column is None and not factors:
        return None
    if column is not None and column not in table.columns:
        raise ColumnNotFoundError(column, list(table.columns), where=where or table.name)
    conditions = slicing_of(table, [[text] for text in factors], where=where)
    origin = _ORIGIN if column is not None and _ORIGIN in table.columns else None
    return Weighing(column, dict(factors), conditions, origin)


def _numbers(values: pa.Array | pa.ChunkedArray, column: str) -> npt.NDArray[np.float64]:
    if not _is_number(values.type):
        raise DataError(f"the weight '{column}' is {values.type}", expected="a column of numbers")
    found = np.asarray(pc.fill_null(pc.cast(values, pa.float64(), safe=False), np.nan), np.float64)
    wrong = int((~(np.isfinite(found) & (found >= 0))).sum())
    if wrong:
        raise DataError(
            f"{wrong:,} rows have a weight that is missing, negative or infinite",
            where=f"column '{column}'",
            expected="a number of at least 0 in each row",
        )
    return found


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
