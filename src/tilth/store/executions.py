"""Records of executions, their inputs and outputs, and the cache that they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from tilth.errors import ConflictError
from tilth.store import layout
from tilth.store.measurements import copy_measurements
from tilth.store.processes import this_process
from tilth.store.records import Artifact, Event, Execution, Role, Run, State
from tilth.store.rows import Records, columns_of, identifier, load_artifact, load_execution, load_run
from tilth.store.runs import check_end
from tilth.types import JSONValue

__all__ = ["ExecutionRecords"]

executions, events, artifacts = layout.executions, layout.events, layout.artifacts


class ExecutionRecords(Records):
    """The part of the store that knows executions."""

    def begin_execution(
        self,
        run: Run | int,
        step: str,
        key: str,
        *,
        parameters: Mapping[str, JSONValue] | None = None,
        code_version: str | None = None,
        inputs: Mapping[str, Artifact] | None = None,
    ) -> Execution:
        """Record that a step has begun.

        Args:
            run: the run that it belongs to, or its number.
            step: the step's name.
            key: what its outcome depends on, as one text: equal keys, equal outputs.
            parameters: the step's settings, as JSON values.
            code_version: a commit or a hash of the code.
            inputs: name to artifact.

        Raises:
            NotFoundError: no such run.
            UsageError: parameters that are not JSON.
        """
        with self._database.writing() as connection:
            execution = self._insert(
                connection,
                run,
                step=step,
                state="running",
                key=key,
                parameters=dict(parameters or {}),
                code_version=code_version,
            )
            _add_events(connection, execution.id, "input", inputs or {})
            return execution

    def add_input(self, execution: Execution | int, name: str, artifact: Artifact | int) -> None:
        """Record one more input of an execution.

        Raises:
            ConflictError: it already has another input of that name.
            NotFoundError: no such execution or artifact.
        """
        with self._database.writing() as connection:
            known = load_execution(connection, identifier(execution))
            found = load_artifact(connection, identifier(artifact))
            _add_events(connection, known.id, "input", {name: found})

    def end_execution(
        self,
        execution: Execution | int,
        state: State,
        outputs: Mapping[str, Artifact] | None = None,
        error: str | None = None,
    ) -> Execution:
        """Record how a step ended and what it made, in one transaction.

        Args:
            execution: the execution, or its id.
            state: "complete", "failed" or "interrupted".
            outputs: name to artifact; also of a step that failed, when it made something.
            error: what went wrong.

        Raises:
            ConflictError: it has ended before. (One that was only thought to be interrupted may end.)
        """
        check_end(state)
        with self._database.writing() as connection:
            known = load_execution(connection, identifier(execution))
            if known.state not in ("running", "interrupted"):
                raise ConflictError(f"execution {known.id} has already ended: it is {known.state}")
            _add_events(connection, known.id, "output", outputs or {})
            ended: dict[str, Any] = {"state": state, "error": error, "finished": self._clock()}
            connection.execute(update(executions).where(executions.c.id == known.id).values(ended))
            return replace(known, state=state, error=error, finished=ended["finished"])

    def find_cached(self, step: str, key: str) -> Execution | None:
        """The newest complete execution of that step with that key, or None."""
        same = (executions.c.step == step, executions.c.key == key, executions.c.state == "complete")
        statement = select(*columns_of(Execution, executions)).where(*same)
        with self._database.reading() as connection:
            row = connection.execute(statement.order_by(executions.c.id.desc()).limit(1)).first()
            return None if row is None else Execution(**row._mapping)

    def skip_execution(self, run: Run | int, cached: Execution | int) -> Execution:
        """Record that a run did not do again what `cached` had done; its inputs and outputs stand for both.

        What `cached` measured and judged is recorded for this run too.

        Raises:
            ConflictError: `cached` is not complete.
        """
        with self._database.writing() as connection:
            known = load_execution(connection, identifier(cached))
            if known.state != "complete":
                raise ConflictError(f"execution {known.id} cannot be reused: it is {known.state}")
            skipped = self._insert(
                connection,
                run,
                step=known.step,
                state="skipped",
                key=known.key,
                parameters=known.parameters,
                code_version=known.code_version,
                reused=known.id,
            )
            copy_measurements(connection, known, skipped)
            return skipped

    def execution(self, number: int) -> Execution:
        """The execution of that id.

        Raises:
            NotFoundError: no such execution.
        """
        with self._database.reading() as connection:
            return load_execution(connection, number)

    def executions(
        self,
        run: Run | int | None = None,
        *,
        step: str | None = None,
        state: State | None = None,
        limit: int | None = None,
    ) -> tuple[Execution, ...]:
        """Executions in the order in which they began; with a limit, the last so many."""
        statement = select(*columns_of(Execution, executions)).order_by(executions.c.id.desc()).limit(limit)
        number = None if run is None else identifier(run)
        wanted = ((executions.c.run, number), (executions.c.step, step), (executions.c.state, state))
        for column, value in wanted:
            if value is not None:
                statement = statement.where(column == value)
        with self._database.reading() as connection:
            found = [Execution(**row._mapping) for row in connection.execute(statement)]
        return tuple(reversed(found))

    def inputs(self, execution: Execution | int) -> dict[str, Artifact]:
        """The inputs of an execution by name; of a skipped one, those of the one that it reuses."""
        return self._artifacts_of(execution, "input")

    def outputs(self, execution: Execution | int) -> dict[str, Artifact]:
        """The outputs of an execution by name; of a skipped one, those of the one that it reuses."""
        return self._artifacts_of(execution, "output")

    def events(
        self, *, artifact: Artifact | int | None = None, execution: Execution | int | None = None
    ) -> tuple[Event, ...]:
        """What an artifact was to executions, or what artifacts were to an execution."""
        statement = select(events.c.execution, events.c.artifact, events.c.role, events.c.name)
        if artifact is not None:
            statement = statement.where(events.c.artifact == identifier(artifact))
        if execution is not None:
            statement = statement.where(events.c.execution == identifier(execution))
        statement = statement.order_by(events.c.execution, events.c.role, events.c.name)
        with self._database.reading() as connection:
            return tuple(Event(*row) for row in connection.execute(statement))

    def _insert(self, connection: Connection, run: Run | int, **values: Any) -> Execution:
        process, now = this_process(), self._clock()
        values |= {
            "run": load_run(connection, identifier(run)).number,
            "host": process.host,
            "pid": process.pid,
            "started": now,
            "finished": now if values["state"] == "skipped" else None,
            "error": None,
            "reused": values.get("reused"),
        }
        made = connection.execute(insert(executions).values(process=process.token, **values))
        return Execution(id=made.inserted_primary_key[0], **values)  # type: ignore[index]

    def _artifacts_of(self, execution: Execution | int, role: Role) -> dict[str, Artifact]:
        with self._database.reading() as connection:
            known = load_execution(connection, identifier(execution))
            of_it = events.c.execution == (known.reused or known.id)
            statement = (
                select(events.c.name.label("event_name"), *artifacts.c)
                .join(artifacts, events.c.artifact == artifacts.c.id)
                .where(of_it, events.c.role == role)
                .order_by(events.c.name)
            )
            found = {}
            for row in connection.execute(statement):
                values = {column.name: row._mapping[column] for column in artifacts.c}
                found[row.event_name] = Artifact(**values)
            return found


def _add_events(connection: Connection, execution: int, role: Role, given: Mapping[str, Artifact]) -> None:
    if not given:
        return
    of_it = (events.c.execution == execution, events.c.role == role)
    before = connection.execute(select(events.c.name, events.c.artifact).where(*of_it))
    known = {str(name): int(artifact) for name, artifact in before}
    rows = []
    for name, artifact in given.items():
        if known.get(name, artifact.id) != artifact.id:
            raise ConflictError(f"execution {execution} already has another {role} named '{name}'")
        if name not in known:
            row = {"execution": execution, "role": role, "name": name, "artifact": artifact.id}
            rows.append(
                {**row, "made_by": _maker(connection, execution, artifact.id) if role == "input" else None}
            )
    if rows:
        connection.execute(insert(events), rows)


def _maker(connection: Connection, execution: int, artifact: int) -> int | None:
    """The execution that had made an artifact for the run of another; None if it came from elsewhere."""
    reader = executions.alias("reader")
    of_run = select(func.coalesce(executions.c.reused, executions.c.id)).join(
        reader, (executions.c.run == reader.c.run) & (reader.c.id == execution)
    )
    made = (events.c.target == artifact, events.c.role == "output", events.c.execution.in_(of_run))
    found: int | None = connection.scalar(select(func.max(events.c.execution)).where(*made))
    return found
