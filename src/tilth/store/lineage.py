"""What made an artifact, and what was made from it: one recursive query over the events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, union_all

from tilth.errors import UsageError
from tilth.store import layout
from tilth.store.records import (
    Artifact,
    DatasetVersion,
    Direction,
    Event,
    Execution,
    LineageGraph,
    ModelVersion,
    Record,
    Run,
)
from tilth.store.rows import (
    Records,
    chunks,
    columns_of,
    load_artifact,
    load_model_version,
    select_model_versions,
)

__all__ = ["LineageRecords"]

_RECORDS = Artifact | Execution | Run | ModelVersion | DatasetVersion

artifacts, executions, events = layout.artifacts, layout.executions, layout.events


class LineageRecords(Records):
    """The part of the store that answers where things come from and where they went."""

    def lineage(
        self, start: Record | int | Iterable[Record | int], direction: Direction, hops: int | None = None
    ) -> LineageGraph:
        """The artifacts and executions that lie upstream or downstream of a start.

        Args:
            start: an artifact (or its id), execution, run (its executions), version of a model or data
                set (its artifact), or several of these.
            direction: "upstream": what it was made from; "downstream": what was made from it.
            hops: how many events to follow at most, each leading from an artifact to an execution or back;
                None for all.

        Raises:
            UsageError: neither direction.
            NotFoundError: no such artifact.
        """
        if direction not in ("upstream", "downstream"):
            raise UsageError(f"'{direction}' is not a direction", expected="upstream or downstream")
        given = (
            [start]
            if isinstance(start, Artifact | Execution | Run | ModelVersion | DatasetVersion | int)
            else list(start)
        )
        with self._database.reading() as connection:
            records = [load_artifact(connection, each) if isinstance(each, int) else each for each in given]
            starts = _Starts(connection, records)
            found = starts.follow(direction, hops)
            things = starts.artifacts.union(event.artifact for event in found)
            acts = starts.executions.union(event.execution for event in found)
            return LineageGraph(
                direction=direction,
                start=tuple(records),
                artifacts=tuple(
                    Artifact(**row._mapping) for row in _load(connection, things, Artifact, artifacts)
                ),
                executions=tuple(
                    Execution(**row._mapping) for row in _load(connection, acts, Execution, executions)
                ),
                events=tuple(found),
                models=_models_of(connection, things),
            )


class _Starts:
    """Where a walk begins, as ids of artifacts and executions."""

    def __init__(self, connection: Connection, records: Iterable[Record]) -> None:
        self._connection = connection
        self.artifacts: set[int] = set()
        self.executions: set[int] = set()
        for record in records:
            if isinstance(record, Artifact):
                self.artifacts.add(record.id)
            elif isinstance(record, ModelVersion | DatasetVersion):
                self.artifacts.add(record.artifact.id)
            elif isinstance(record, Execution):
                self.executions.add(record.reused or record.id)
            else:
                self.executions.update(self._executions_of(record.number))

    def _executions_of(self, run: int) -> Iterable[int]:
        statement = select(executions.c.id, executions.c.reused).where(executions.c.run == run)
        return (reused or number for number, reused in self._connection.execute(statement))

    def follow(self, direction: Direction, hops: int | None) -> list[Event]:
        """The events that lead away from here."""
        if hops is not None and hops < 1:
            return []
        found: set[Event] = set()
        # More starts than a statement may hold are followed piece by piece.
        for piece in chunks([*self.artifacts, *(-number for number in self.executions)]):
            found.update(Event(*row) for row in self._connection.execute(_walk(piece, direction, hops)))
        return sorted(found, key=lambda event: (event.execution, event.role, event.name))


def _walk(nodes: Iterable[int], direction: Direction, hops: int | None) -> Select[Any]:
    """The recursive query; its nodes are artifacts (positive) and executions (negative).

    An artifact is reached as made by one execution (`maker`; 0: by any, or from outside), and only the
    executions that read it as such follow. So two runs that happen to make equal by-products have no more in
    common than that. Without a limit only nodes are kept, so that a circle (a step that gives back its own
    input) ends; with one, how far each is away is kept too, and the limit ends it.
    """
    things = select(artifacts.c.id.label("node")).where(artifacts.c.id.in_([n for n in nodes if n > 0]))
    acts = select((-executions.c.id).label("node")).where(executions.c.id.in_([-n for n in nodes if n < 0]))
    start = union_all(things, acts).subquery("start")
    first: list[Any] = [start.c.node, (start.c.node * 0).label("maker")]
    if hops is not None:
        first.append((start.c.node * 0).label("hop"))
    reached: Any = select(*first).cte("reached", recursive=True)
    to, maker, follows = _edge(reached, direction)
    step = select(to, maker, *([reached.c.hop + 1] if hops is not None else [])).join(reached, follows)
    if hops is not None:
        step = step.where(reached.c.hop < hops - 1)
    reached = reached.union(step)
    columns = (events.c.execution, events.c.artifact, events.c.role, events.c.name)
    return select(*columns).distinct().join(reached, _edge(reached, direction)[2])


def _edge(reached: Any, direction: Direction) -> tuple[Any, Any, Any]:
    """Where an event leads, by whom what it leads to was made, and when it follows from a node."""
    output, unknown = events.c.role == "output", reached.c.maker == 0
    if direction == "downstream":
        read = events.c.made_by.is_(None) | (events.c.made_by == reached.c.maker)
        follows = (events.c.source == reached.c.node) & (unknown | output | read)
        return events.c.target, case((output, events.c.execution), else_=0), follows
    follows = (events.c.target == reached.c.node) & (
        unknown | ~output | (events.c.execution == reached.c.maker)
    )
    return events.c.source, case((output, 0), else_=func.coalesce(events.c.made_by, 0)), follows


def _load(connection: Connection, numbers: Iterable[int], kind: Any, table: Any) -> Iterable[Any]:
    for piece in chunks(numbers):
        yield from connection.execute(
            select(*columns_of(kind, table)).where(table.c.id.in_(piece)).order_by(table.c.id)
        )


def _models_of(connection: Connection, things: Iterable[int]) -> tuple[ModelVersion, ...]:
    found: dict[str, ModelVersion] = {}
    for piece in chunks(things):
        digests = select(artifacts.c.digest).where(artifacts.c.id.in_(piece))
        statement = select_model_versions().where(layout.model_versions.c.digest.in_(digests))
        for row in connection.execute(statement):
            model = load_model_version(row)
            found[model.reference] = model
    return tuple(sorted(found.values(), key=lambda model: (model.name, model.version)))
