"""Rows of the database to records; what the parts of the store share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, FromClause, Row, Select, select

from tilth.errors import NotFoundError
from tilth.store import layout
from tilth.store.database import Database
from tilth.store.records import Artifact, Execution, ModelVersion, Run
from tilth.types import Clock

__all__ = [
    "Records",
    "chunks",
    "columns_of",
    "identifier",
    "is_number",
    "load_artifact",
    "load_execution",
    "load_model_version",
    "load_run",
    "select_model_versions",
]

T = TypeVar("T", Run, Execution, Artifact)


class Records:
    """What the parts of the store have in common."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock


def columns_of(kind: type[T], table: FromClause) -> list[Any]:
    """The columns that a record of this kind is made of."""
    return [table.c[field.name] for field in fields(kind)]


def is_number(number: int) -> bool:
    """Whether a number may be that of a record: PostgreSQL refuses others instead of not finding them."""
    return 0 < number < 2**31


def identifier(record: Run | Execution | Artifact | int) -> int:
    """The id or number of a record."""
    if isinstance(record, Run):
        return record.number
    return record if isinstance(record, int) else record.id


def load_run(connection: Connection, number: int) -> Run:
    """The run of that number.

    Raises:
        NotFoundError: no such run.
    """
    return _load(connection, Run, layout.runs, layout.runs.c.number, number)


def load_execution(connection: Connection, number: int) -> Execution:
    """The execution of that id.

    Raises:
        NotFoundError: no such execution.
    """
    return _load(connection, Execution, layout.executions, layout.executions.c.id, number)


def load_artifact(connection: Connection, number: int) -> Artifact:
    """The artifact of that id.

    Raises:
        NotFoundError: no such artifact.
    """
    return _load(connection, Artifact, layout.artifacts, layout.artifacts.c.id, number)


def _load(connection: Connection, kind: type[T], table: FromClause, key: Any, number: int) -> T:
    row = None
    if is_number(number):
        row = connection.execute(select(*columns_of(kind, table)).where(key == number)).first()
    if row is None:
        raise NotFoundError(f"there is no {kind.__name__.lower()} {number}")
    return kind(**row._mapping)


def select_model_versions() -> Select[Any]:
    """The statement whose rows `load_model_version` understands."""
    versions, artifacts = layout.model_versions, layout.artifacts
    own = [versions.c[name] for name in ("name", "version", "run", "created", "properties")]
    return select(*own, *artifacts.c).join(artifacts, versions.c.artifact == artifacts.c.id)


def load_model_version(row: Row[Any]) -> ModelVersion:
    """The model version of a row of `select_model_versions`."""
    values, versions = row._mapping, layout.model_versions
    return ModelVersion(
        name=values[versions.c.name],
        version=values[versions.c.version],
        artifact=Artifact(**{column.name: values[column] for column in layout.artifacts.c}),
        run=values[versions.c.run],
        created=values[versions.c.created],
        properties=values[versions.c.properties],
    )


def chunks(values: Iterable[int], size: int = 5_000) -> Iterator[Sequence[int]]:
    """The distinct values in ascending pieces, for statements that may hold only so many.

    Example:
        >>> list(chunks([3, 1, 2, 3], size=2))
        [[1, 2], [3]]
    """
    rest = iter(sorted(set(values)))
    while piece := list(islice(rest, size)):
        yield piece
