"""Store: everything that is recorded, behind one door."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, func, select

from tilth.store import layout
from tilth.store.artifacts import ArtifactRecords
from tilth.store.courses import CourseRecords
from tilth.store.database import Database
from tilth.store.datasets import DatasetRecords
from tilth.store.lineage import LineageRecords
from tilth.store.measurements import MeasurementRecords
from tilth.store.models import ModelRecords, load_aliases
from tilth.store.records import ModelSummary, Overview, Run
from tilth.store.references import ReferenceRecords
from tilth.store.remarks import RemarkRecords
from tilth.store.rows import columns_of, load_model_version, select_model_versions
from tilth.store.runs import RunRecords
from tilth.store.trials import TrialRecords
from tilth.types import Clock, utc_now

__all__ = ["Store"]


class Store(
    RunRecords,
    MeasurementRecords,
    CourseRecords,
    TrialRecords,
    ArtifactRecords,
    ModelRecords,
    DatasetRecords,
    LineageRecords,
    ReferenceRecords,
    RemarkRecords,
):
    """The record store: runs, executions, artifacts, lineage, model versions and aliases, in one database.

    Every write is on disk when its method returns. Processes and threads may share a store: writers take
    turns, readers never wait. A store does not survive a fork: open it anew in the child.

    Example:
        >>> with Store.open(":memory:") as store:
        ...     run = store.begin_run("tilth run")
        ...     train = store.begin_execution(run, "train", key="rows + settings")
        ...     model = store.record_artifact("model", "cats", digest="ab" * 32, size=1024)
        ...     _ = store.end_execution(train, "complete", {"model": model})
        ...     version = store.register_model("cats", model, run)
        ...     _ = store.set_alias("cats", "champion", version.version, who="me", why="the first")
        ...     cached = store.find_cached("train", "rows + settings")
        ...     print(cached.reference, store.find("cats@champion")[0].version)
        execution:1 1
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        super().__init__(database, clock)

    @classmethod
    def open(cls, url: str | Path, *, create: bool = True, clock: Clock = utc_now) -> Self:
        """Open a store; make it, or bring it to the newest form, where needed.

        Args:
            url: a path (SQLite), `sqlite:///FILE`, ":memory:" (to try things out), or
                `postgresql://USER:PASSWORD@HOST/NAME`, which needs the driver psycopg.
            create: whether to make a store where there is none.
            clock: where the time of records comes from.

        Raises:
            UsageError: not such a URL.
            NotFoundError: there is no store, and `create` is false.
            StoreError: it cannot be reached or opened, a newer Tilth wrote it, or the driver is missing.
        """
        database = Database(url)
        try:
            database.open(create=create)
        except BaseException:
            database.close()
            raise
        return cls(database, clock)

    @property
    def where(self) -> str:
        """The path or URL, without the password."""
        return self._database.where

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes of this thread inside the block are one transaction: all or none, and much faster.

        Others wait with their writes meanwhile, so it is for writing down, not for working. An error that
        leaves the block undoes it; one that a write raised undoes it even if caught inside.

        Example:
            >>> with Store.open(":memory:") as store:
            ...     with store.transaction():
            ...         run = store.begin_run("tilth run")
            ...         store.log_metrics(run, {"auroc": 0.93, "precision": None})
            ...     print(store.metrics(1))
            {'auroc': 0.93, 'precision': None}
        """
        with self._database.writing():
            yield

    def overview(self) -> Overview:
        """Where the store stands: the newest run of each command, what runs, models, amounts."""
        runs, artifacts = layout.runs, layout.artifacts
        with self._database.reading() as connection:
            newest = select(func.max(runs.c.number)).group_by(runs.c.command)
            statement = select(*columns_of(Run, runs)).order_by(runs.c.number)
            last = connection.execute(statement.where(runs.c.number.in_(newest)))
            running = connection.execute(statement.where(runs.c.state == "running"))
            amounts = select(artifacts.c.kind, func.count(), func.sum(artifacts.c.size))
            of_kinds = connection.execute(amounts.group_by(artifacts.c.kind).order_by(artifacts.c.kind))
            return Overview(
                runs=connection.scalar(select(func.count()).select_from(runs)) or 0,
                last={row.command: Run(**row._mapping) for row in last},
                running=tuple(Run(**row._mapping) for row in running),
                models=_summaries(connection),
                artifacts={kind: (count, int(size)) for kind, count, size in of_kinds},
            )


def _summaries(connection: Connection) -> tuple[ModelSummary, ...]:
    versions = layout.model_versions
    newest = (
        select(versions.c.name, func.max(versions.c.version).label("version"), func.count().label("built"))
        .group_by(versions.c.name)
        .subquery()
    )
    same = (newest.c.name == versions.c.name) & (newest.c.version == versions.c.version)
    statement = select_model_versions().add_columns(newest.c.built).join(newest, same)
    found = []
    for row in connection.execute(statement.order_by(versions.c.name)).all():
        latest, built = load_model_version(row), row._mapping[newest.c.built]
        found.append(ModelSummary(latest.name, built, latest, load_aliases(connection, latest.name)))
    return tuple(found)
