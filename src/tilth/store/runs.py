"""Records of runs: their states, parameters and tags, and those that a dead process left running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from tilth.errors import ConflictError, UsageError
from tilth.store.layout import artifacts, executions, runs, surroundings
from tilth.store.processes import Process, this_process
from tilth.store.records import Artifact, Run, State
from tilth.store.rows import Records, columns_of, identifier, load_run
from tilth.types import JSONValue

__all__ = ["ENDS", "RunRecords", "check_end"]

ENDS: tuple[State, ...] = ("complete", "failed", "interrupted")
"""The states in which a run or an execution ends by itself."""


class RunRecords(Records):
    """The part of the store that knows runs."""

    def begin_run(
        self,
        command: str,
        parameters: Mapping[str, JSONValue] | None = None,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> Run:
        """Record that a command has begun; it gets the next number: 1, 2, 3, without gaps.

        Raises:
            UsageError: parameters that are not JSON.
        """
        process = this_process()
        with self._database.writing() as connection:
            values: dict[str, Any] = {
                "number": (connection.scalar(select(func.max(runs.c.number))) or 0) + 1,
                "command": command,
                "state": "running",
                "parameters": dict(parameters or {}),
                "tags": dict(tags or {}),
                "host": process.host,
                "pid": process.pid,
                "started": self._clock(),
            }
            connection.execute(insert(runs).values(process=process.token, **values))
            return Run(finished=None, error=None, **values)

    def end_run(self, run: Run | int, state: State, error: str | None = None) -> Run:
        """Record how a run ended; executions of it that are still running become "interrupted".

        Args:
            run: the run, or its number.
            state: "complete", "failed" or "interrupted".
            error: what went wrong.

        Raises:
            ConflictError: it has ended before. (A run that was only thought to be interrupted may end.)
        """
        check_end(state)
        with self._database.writing() as connection:
            known = load_run(connection, identifier(run))
            if known.state not in ("running", "interrupted"):
                raise ConflictError(f"run {known.number} has already ended: it is {known.state}")
            now = self._clock()
            _interrupt(connection, executions, executions.c.run == known.number, now)
            ended = {"state": state, "error": error, "finished": now}
            connection.execute(update(runs).where(runs.c.number == known.number).values(ended))
            return load_run(connection, known.number)

    def run(self, number: int) -> Run:
        """The run of that number.

        Raises:
            NotFoundError: no such run.
        """
        with self._database.reading() as connection:
            return load_run(connection, number)

    def runs(
        self, *, command: str | None = None, state: State | None = None, limit: int | None = None
    ) -> tuple[Run, ...]:
        """Runs of that command and state (None: any), the newest first, at most `limit`."""
        statement = select(*columns_of(Run, runs)).order_by(runs.c.number.desc()).limit(limit)
        for column, wanted in ((runs.c.command, command), (runs.c.state, state)):
            if wanted is not None:
                statement = statement.where(column == wanted)
        with self._database.reading() as connection:
            return tuple(Run(**row._mapping) for row in connection.execute(statement))

    def log_parameters(self, run: Run | int, parameters: Mapping[str, JSONValue]) -> Run:
        """Add parameters to a run; one of the same name is replaced."""
        return self._add(run, "parameters", dict(parameters))

    def tag_run(self, run: Run | int, tags: Mapping[str, str]) -> Run:
        """Add tags to a run; one of the same name is replaced."""
        return self._add(run, "tags", dict(tags))

    def _add(self, run: Run | int, column: str, values: dict[str, Any]) -> Run:
        with self._database.writing() as connection:
            known = load_run(connection, identifier(run))
            merged = {**getattr(known, column), **values}
            connection.execute(update(runs).where(runs.c.number == known.number).values({column: merged}))
            return load_run(connection, known.number)

    def surround(self, run: Run | int, given: Mapping[str, Artifact]) -> None:
        """Record what surrounded a run: "environment", "code", ...; one of the same name is replaced.

        Unlike an input, it is not what a step's outcome is known by: a run that skips a step may have other
        surroundings than the run that did it.
        """
        with self._database.writing() as connection:
            number = load_run(connection, identifier(run)).number
            rows = [{"run": number, "name": name, "artifact": known.id} for name, known in given.items()]
            if rows:
                same = (surroundings.c.run == number, surroundings.c.name.in_(list(given)))
                connection.execute(delete(surroundings).where(*same))
                connection.execute(insert(surroundings), rows)

    def surroundings(self, run: Run | int) -> dict[str, Artifact]:
        """What surrounded a run, by name."""
        statement = (
            select(surroundings.c.name.label("known_as"), *artifacts.c)
            .join(artifacts, surroundings.c.artifact == artifacts.c.id)
            .where(surroundings.c.run == identifier(run))
            .order_by(surroundings.c.name)
        )
        with self._database.reading() as connection:
            found = {}
            for row in connection.execute(statement):
                values = {column.name: row._mapping[column] for column in artifacts.c}
                found[row.known_as] = Artifact(**values)
            return found

    def interrupt_stale(self) -> tuple[Run, ...]:
        """Mark as "interrupted" what is "running" by a process of this host that is gone.

        Returns:
            the runs that were marked, the oldest first. What runs on other hosts is left alone.
        """
        with self._database.reading() as connection:
            gone = {process for process in _at_work(connection) if process.is_gone()}
        if not gone:
            return ()
        numbers: list[int] = []
        with self._database.writing() as connection:
            now = self._clock()
            for process in gone:
                numbers += _interrupt_process(connection, process, now)
            return tuple(load_run(connection, number) for number in sorted(numbers))


def check_end(state: State) -> None:
    """Accept only states in which something ends.

    Raises:
        UsageError: another state.
    """
    if state not in ENDS:
        raise UsageError(f"nothing can end as '{state}'", expected=f"one of {', '.join(ENDS)}")


def _at_work(connection: Connection) -> set[Process]:
    found: set[Process] = set()
    for table in (runs, executions):
        working = select(table.c.host, table.c.pid, table.c.process).where(table.c.state == "running")
        found.update(Process(*row) for row in connection.execute(working.distinct()))
    return found


def _interrupt_process(connection: Connection, process: Process, now: object) -> list[int]:
    def mine(table: Table) -> Any:
        return (
            (table.c.host == process.host) & (table.c.pid == process.pid) & (table.c.process == process.token)
        )

    running = select(runs.c.number).where(mine(runs), runs.c.state == "running")
    numbers = list(connection.scalars(running))
    _interrupt(connection, executions, mine(executions), now)
    _interrupt(connection, runs, mine(runs), now)
    return numbers


def _interrupt(connection: Connection, table: Table, which: Any, now: object) -> None:
    ended = {"state": "interrupted", "finished": now}
    connection.execute(update(table).where(which, table.c.state == "running").values(ended))
