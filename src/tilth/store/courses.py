"""Records of how executions went: the curves of their numbers, and what they used over time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, FromClause, Row, delete, func, insert, select

from tilth.store.layout import curves, executions, usage
from tilth.store.records import Execution, Run, Sample, Usage
from tilth.store.rows import Records, identifier, load_execution

__all__ = ["CourseRecords"]


class CourseRecords(Records):
    """The part of the store that knows the course of executions: curves and the use of resources.

    They stay with the execution that did the work; a run that skips it is told the same.
    """

    def log_curves(self, execution: Execution | int, found: Mapping[str, Sequence[float | None]]) -> None:
        """Record curves: a number for each iteration; one of the same name is replaced.

        Args:
            execution: which execution.
            found: name, such as "dev.auc", to its values; None, NaN or infinity for an undefined one.
        """
        with self._database.writing() as connection:
            number = load_execution(connection, identifier(execution)).id
            rows = [
                {"execution": number, "name": name, "points": [_finite(value) for value in values]}
                for name, values in found.items()
            ]
            if rows:
                same = (curves.c.execution == number, curves.c.name.in_(list(found)))
                connection.execute(delete(curves).where(*same))
                connection.execute(insert(curves), rows)

    def curves(self, run: Run | int) -> dict[str, tuple[float | None, ...]]:
        """The curves of a run's executions by name; of several of one name the last."""
        with self._database.reading() as connection:
            rows = _of_run(connection, curves, identifier(run))
            return {row.name: tuple(row.points) for row in rows}

    def log_usage(self, execution: Execution | int, used: Usage) -> None:
        """Record what an execution used; what was recorded before is replaced."""
        with self._database.writing() as connection:
            number = load_execution(connection, identifier(execution)).id
            values = {**asdict(used), "samples": [list(sample) for sample in used.samples]}
            connection.execute(delete(usage).where(usage.c.execution == number))
            connection.execute(insert(usage).values(execution=number, **values))

    def usage(self, run: Run | int) -> dict[str, Usage]:
        """What the steps of a run used, by step; of a skipped one, what was used when it was done."""
        with self._database.reading() as connection:
            return {row.step: _usage(row) for row in _of_run(connection, usage, identifier(run))}


def _of_run(connection: Connection, table: FromClause, run: int) -> Iterator[Row[Any]]:
    """The rows of what did the work of a run's executions, in the order in which they began."""
    did = func.coalesce(executions.c.reused, executions.c.id)
    statement = (
        select(executions.c.step, *table.c)
        .join(table, table.c.execution == did)
        .where(executions.c.run == run)
        .order_by(executions.c.id)
    )
    if "name" in table.c:
        statement = statement.order_by(table.c.name)
    yield from connection.execute(statement)


def _usage(row: Row[Any]) -> Usage:
    return Usage(
        wall_s=row.wall_s,
        cpu_s=row.cpu_s,
        peak_memory_mb=row.peak_memory_mb,
        gpu_share=row.gpu_share,
        peak_gpu_memory_mb=row.peak_gpu_memory_mb,
        samples=tuple(Sample(*sample) for sample in row.samples),
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
