"""Records of what was measured in a run: metrics on slices, and the verdicts of checks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, insert, select

from tilth.checks import Check, Verdict
from tilth.store.encoding import to_json_text
from tilth.store.layout import metrics, verdicts
from tilth.store.records import Metric, Run
from tilth.store.rows import Records, identifier, load_run

__all__ = ["MeasurementRecords"]


class MeasurementRecords(Records):
    """The part of the store that knows metrics and verdicts."""

    def log_metrics(
        self,
        run: Run | int,
        values: Mapping[str, float | None],
        slice: Mapping[str, str] | None = None,  # noqa: A002 - the field's word
    ) -> None:
        """Record metrics of a run on a slice; one of the same name is replaced.

        Args:
            run: the run, or its number.
            values: metric to value; None, or NaN, for an undefined one.
            slice: column values that select the rows; empty for all.
        """
        where = to_json_text(dict(slice or {}))
        with self._database.writing() as connection:
            number = load_run(connection, identifier(run)).number
            same = (metrics.c.run == number, metrics.c.slice == where, metrics.c.name.in_(list(values)))
            connection.execute(delete(metrics).where(*same))
            rows = [
                {"run": number, "slice": where, "name": name, "value": _defined(value)}
                for name, value in values.items()
            ]
            if rows:
                connection.execute(insert(metrics), rows)

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
            select(metrics.c.name, metrics.c.value, metrics.c.slice)
            .where(metrics.c.run == identifier(run))
            .order_by(metrics.c.slice, metrics.c.name)
        )
        with self._database.reading() as connection:
            found = connection.execute(statement)
            return tuple(Metric(name, value, json.loads(where)) for name, value, where in found)

    def log_verdicts(self, run: Run | int, found: Sequence[Verdict]) -> None:
        """Record the verdicts of checks that were looked at in a run, after those recorded before."""
        with self._database.writing() as connection:
            number = load_run(connection, identifier(run)).number
            before = select(func.max(verdicts.c.position)).where(verdicts.c.run == number)
            first = (connection.scalar(before) or 0) + 1
            rows = [
                {
                    "run": number,
                    "position": position,
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
                for position, verdict in enumerate(found, start=first)
            ]
            if rows:
                connection.execute(insert(verdicts), rows)

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


def _defined(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
