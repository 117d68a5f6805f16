"""Records of the trials of searches, which several processes may share and any of them may go on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from tilth.store import layout
from tilth.store.executions import ExecutionRecords
from tilth.store.records import Artifact, Execution, Run, State
from tilth.store.rows import columns_of
from tilth.types import JSONObject, JSONValue

__all__ = ["TrialRecord", "TrialRecords"]

executions, trials = layout.executions, layout.trials

STEP = "trial"
"""The step of the executions that trials are."""


@dataclass(frozen=True)
class TrialRecord:
    """One trial of a search.

    Args:
        search: what the trials have in common, as one digest.
        number: 0, 1, 2 in a search.
        attempts: how often it was begun; more than once where its process ended early.
        proposal: what is tried.
        outcome: what came of it; None until it ends.
        execution: the last attempt; its state is the trial's.
    """

    search: str
    number: int
    attempts: int
    proposal: JSONObject = field(hash=False)
    outcome: JSONObject | None = field(hash=False)
    execution: Execution


class TrialRecords(ExecutionRecords):
    """The part of the store that knows trials."""

    def trials(self, search: str) -> tuple[TrialRecord, ...]:
        """The trials of a search by number."""
        with self._database.reading() as connection:
            statement = _select(search).order_by(trials.c.number)
            return tuple(_load(row) for row in connection.execute(statement))

    def begin_trial(
        self,
        run: Run | int,
        search: str,
        number: int,
        proposal: Mapping[str, JSONValue],
        *,
        code_version: str | None = None,
    ) -> TrialRecord | None:
        """Record that a trial has begun, unless another process has begun the one of this number.

        Args:
            run: the run that it is done in.
            search: a digest.
            number: of the trial.
            proposal: what is tried, as JSON values.
            code_version: a commit or a hash of the code.

        Returns:
            None if the number is taken.
        """
        with self._database.writing() as connection:
            if _find(connection, search, number) is not None:
                return None
            begun = self._begin(run, search, proposal, code_version)
            values = {"search": search, "number": number, "attempts": 1, "proposal": dict(proposal)}
            connection.execute(insert(trials).values(execution=begun.id, **values))
            return TrialRecord(outcome=None, execution=begun, **values)  # type: ignore[arg-type] # one by one

    def retry_trial(
        self, run: Run | int, record: TrialRecord, *, code_version: str | None = None
    ) -> TrialRecord | None:
        """Begin an interrupted trial again, unless another process has.

        Returns:
            None if it is not interrupted any more.
        """
        with self._database.writing() as connection:
            known = _find(connection, record.search, record.number)
            if known is None or known.execution.state != "interrupted":
                return None
            begun = self._begin(run, record.search, known.proposal, code_version)
            again = replace(known, attempts=known.attempts + 1, execution=begun)
            connection.execute(
                _update(record).values(execution=begun.id, attempts=again.attempts, outcome=None)
            )
            return again

    def end_trial(
        self,
        record: TrialRecord,
        state: State,
        outcome: Mapping[str, JSONValue] | None = None,
        *,
        outputs: Mapping[str, Artifact] | None = None,
        error: str | None = None,
    ) -> TrialRecord:
        """Record how a trial ended, in one transaction.

        Args:
            record: the trial.
            state: "complete", "failed" or "interrupted".
            outcome: what came of it, as JSON values.
            outputs: what it made, by name.
            error: why it failed.

        Raises:
            ConflictError: it has ended before.
        """
        with self._database.writing() as connection:
            ended = self.end_execution(record.execution, state, outputs, error)
            found = None if outcome is None else dict(outcome)
            connection.execute(_update(record).values(outcome=found))
            return replace(record, outcome=found, execution=ended)

    def amend_trial(self, record: TrialRecord, outcome: Mapping[str, JSONValue]) -> TrialRecord:
        """Record more of what came of a trial that has ended.

        Args:
            record: the trial, as `end_trial` gave it.
            outcome: what came of it in all, as JSON values.
        """
        with self._database.writing() as connection:
            connection.execute(_update(record).values(outcome=dict(outcome)))
            return replace(record, outcome=dict(outcome))

    def _begin(
        self, run: Run | int, search: str, proposal: Mapping[str, JSONValue], code_version: str | None
    ) -> Execution:
        return self.begin_execution(run, STEP, search, parameters=proposal, code_version=code_version)


def _select(search: str) -> Select[Any]:
    own = [trials.c[name] for name in ("search", "number", "attempts", "proposal", "outcome")]
    of_execution = [column.label(f"execution_{column.name}") for column in columns_of(Execution, executions)]
    joined = executions.c.id == trials.c.execution
    return select(*own, *of_execution).join(executions, joined).where(trials.c.search == search)


def _find(connection: Connection, search: str, number: int) -> TrialRecord | None:
    row = connection.execute(_select(search).where(trials.c.number == number)).first()
    return None if row is None else _load(row)


def _load(row: Row[Any]) -> TrialRecord:
    known = row._mapping
    execution = Execution(**{each.name: known[f"execution_{each.name}"] for each in fields(Execution)})
    own = {name: known[name] for name in ("search", "number", "attempts", "proposal", "outcome")}
    return TrialRecord(execution=execution, **own)


def _update(record: TrialRecord) -> Any:
    same = (trials.c.search == record.search, trials.c.number == record.number)
    return update(trials).where(*same)
