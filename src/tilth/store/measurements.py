"""Records of what was measured in a run: metrics on slices, and the verdicts of checks."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from tilth.checks import Check, Verdict
from tilth.store.encoding import to_json_text
from tilth.store.layout import metrics, verdicts
from tilth.store.records import Execution, Measured, Metric, Run
from tilth.store.rows import Records, identifier, load_run

__all__ = ["MeasurementRecords", "copy_measurements"]


class MeasurementRecords(Records):
    """The part of the store that knows metrics and verdicts."""

    def log_metrics(
        self,
        run: Run | int,
        values: Mapping[str, float | Measured | None],
        slice: Mapping[str, str] | None = None,  # noqa: A002 - the field's word
        *,
        execution: Execution | int | None = None,
    ) -> None:
        """Record metrics of a run on a slice; one of the same name is replaced.

        Args:
            run: the run, or its number.
            values: metric to value, with its interval where it is known; None, or NaN, for an undefined one.
            slice: column values that select the rows; empty for all.
            execution: which step measured them; a run that skips it then has them too.
        """
        where = to_json_text(dict(slice or {}))
        with self._database.writing() as connection:
            common = {
                "run": load_run(connection, identifier(run)).number,
                "slice": where,
                "execution": None if execution is None else identifier(execution),
            }
            rows = [{**common, "name": name, **_numbers(value)} for name, value in values.items()]
            _replace_metrics(connection, rows)

    def metrics(
        self,
        run: Run | int,
        slice: Mapping[str, str] | None = None,  # noqa: A002 - the field's word
    ) -> dict[str, float | None]:
        """The metrics of a run on one slice (default: all rows), by name."""
        wanted = dict(slice or {})
        return {metric.name: metric.value for metric in self.all_metrics(run) if metric.slice == wanted}

    def all_metrics(self, run: Run | int) -> tuple[Metric, ...]:
        """The metrics of a run on all slices, ordered by slice and name."""
        statement = (
            select(metrics.c.name, metrics.c.value, metrics.c.slice, metrics.c.low, metrics.c.high)
            .where(metrics.c.run == identifier(run))
            .order_by(metrics.c.slice, metrics.c.name)
        )
        with self._database.reading() as connection:
            found = connection.execute(statement)
            return tuple(
                Metric(row.name, row.value, json.loads(row.slice), row.low, row.high) for row in found
            )

    def log_verdicts(
        self, run: Run | int, found: Sequence[Verdict], *, execution: Execution | int | None = None
    ) -> None:
        """Record the verdicts of checks that were looked at in a run, after those recorded before.

        Args:
            run: the run, or its number.
            found: the verdicts.
            execution: which step judged; a run that skips it then has them too.
        """
        with self._database.writing() as connection:
            number = load_run(connection, identifier(run)).number
            rows = [
                {
                    "run": number,
                    "execution": None if execution is None else identifier(execution),
                    "metric": verdict.check.metric,
                    "moment": verdict.check.moment,
                    "low": verdict.check.low,
                    "high": verdict.check.high,
                    "slice": dict(verdict.check.slice),
                    "baseline": verdict.check.baseline,
                    "optional_baseline": verdict.check.optional_baseline,
                    "value": _defined(verdict.value),
                    "baseline_value": _defined(verdict.baseline_value),
                    "passed": verdict.passed,
                    "reason": verdict.reason,
                }
                for verdict in found
            ]
            _append_verdicts(connection, rows)

    def verdicts(self, run: Run | int) -> tuple[Verdict, ...]:
        """The verdicts of a run, in the order in which they were recorded."""
        of_run = verdicts.c.run == identifier(run)
        with self._database.reading() as connection:
            rows = connection.execute(select(verdicts).where(of_run).order_by(verdicts.c.position))
            return tuple(
                Verdict(
                    Check(
                        row.metric,
                        row.moment,
                        low=row.low,
                        high=row.high,
                        slice=row.slice,
                        baseline=row.baseline,
                        optional_baseline=row.optional_baseline,
                    ),
                    row.value,
                    row.baseline_value,
                    row.passed,
                    row.reason,
                )
                for row in rows
            )


def copy_measurements(connection: Connection, source: Execution, skipped: Execution) -> None:
    """Give the run of a skipped execution the metrics and verdicts of the execution that it reuses."""
    if source.run == skipped.run:
        return
    own = {"run": skipped.run, "execution": skipped.id}
    measured = connection.execute(select(metrics).where(metrics.c.execution == source.id)).mappings().all()
    _replace_metrics(connection, [{**row, **own} for row in measured])
    judged = select(verdicts).where(verdicts.c.execution == source.id).order_by(verdicts.c.position)
    found = connection.execute(judged).mappings().all()
    _append_verdicts(connection, [{**row, **own} for row in found])


def _replace_metrics(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    for slice_, group in itertools.groupby(rows, key=lambda row: row["slice"]):
        names = [row["name"] for row in group]
        same = (metrics.c.run == rows[0]["run"], metrics.c.slice == slice_, metrics.c.name.in_(names))
        connection.execute(delete(metrics).where(*same))
    if rows:
        connection.execute(insert(metrics), list(rows))


def _append_verdicts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    before = select(func.max(verdicts.c.position)).where(verdicts.c.run == rows[0]["run"])
    first = (connection.scalar(before) or 0) + 1
    numbered = [{**row, "position": position} for position, row in enumerate(rows, start=first)]
    connection.execute(insert(verdicts), numbered)


def _numbers(given: float | Measured | None) -> dict[str, float | None]:
    """The value and its interval; an undefined value has none."""
    if not isinstance(given, Measured):
        return {"value": _defined(given), "low": None, "high": None}
    value = _defined(given.value)
    low, high = (None, None) if value is None else (_defined(given.low), _defined(given.high))
    return {"value": value, "low": low, "high": high}


def _defined(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
