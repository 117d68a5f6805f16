"""The tables of the record store, as they are after the newest migration.

Names carry the prefix `tilth_`, since a team's PostgreSQL database may hold other tools' tables too. Every
event has two computed columns, `source` and `target`: data flows along it from one to the other, artifacts
being positive numbers and executions negative ones. So lineage in either direction is one indexed join.
Artifacts are known by their content, so that several executions may have made the same one: `made_by` of an
input is the execution of the same run that had made it, where there is one.
"""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

from tilth.store.encoding import to_json_text

__all__ = [
    "REVISION",
    "REVISION_TABLE",
    "alias_changes",
    "aliases",
    "artifacts",
    "curves",
    "dataset_versions",
    "events",
    "executions",
    "metadata",
    "metrics",
    "model_versions",
    "remarks",
    "runs",
    "surroundings",
    "trials",
    "usage",
    "verdicts",
]

REVISION = "0006"
"""The newest migration; a store that carries it is opened without loading Alembic."""

REVISION_TABLE = "tilth_revision"


class Moment(TypeDecorator[datetime.datetime]):
    """A point in time, kept in UTC and given back with its time zone (SQLite would lose it)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        """Into the database: UTC, without the zone where the database knows none."""
        if value is None:
            return None
        value = value.astimezone(datetime.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime.datetime | None:  # noqa: ARG002
        """Out of the database: UTC."""
        if value is None:
            return None
        found: datetime.datetime = value
        return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)


class Document(TypeDecorator[Any]):
    """JSON values; a number that is not finite is refused, whichever driver would notice it first."""

    impl = JSON().with_variant(JSONB(), "postgresql")
    cache_ok = True

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """What a part of a document is compared with: as JSON itself does it."""
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Into the database, after a look whether it will go."""
        if dialect.name != "sqlite":  # where the engine's own serializer looks
            to_json_text(value)
        return value


metadata = MetaData()

runs = Table(
    "tilth_runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("command", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("parameters", Document, nullable=False),
    Column("tags", Document, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("error", Text),
    Index("tilth_runs_by_state", "state"),
)

executions = Table(
    "tilth_executions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("tilth_runs.number"), nullable=False),
    Column("step", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("key", Text, nullable=False),
    Column("parameters", Document, nullable=False),
    Column("code_version", Text),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("error", Text),
    Column("reused", ForeignKey("tilth_executions.id")),
    Index("tilth_executions_by_key", "step", "key"),
    Index("tilth_executions_by_run", "run"),
    Index("tilth_executions_by_state", "state"),
    sqlite_autoincrement=True,
)

artifacts = Table(
    "tilth_artifacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("fingerprint", String(128)),
    Column("size", BigInteger, nullable=False),
    Column("properties", Document, nullable=False),
    Column("created", Moment, nullable=False),
    UniqueConstraint("digest", "kind", "name", name="tilth_artifacts_are_unique"),
    Index("tilth_artifacts_by_name", "name"),
    Index("tilth_artifacts_by_kind", "kind"),
    sqlite_autoincrement=True,
)

events = Table(
    "tilth_events",
    metadata,
    Column("execution", ForeignKey("tilth_executions.id"), primary_key=True),
    Column("role", String(6), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("artifact", ForeignKey("tilth_artifacts.id"), nullable=False),
    Column(
        "source",
        Integer,
        Computed("CASE role WHEN 'input' THEN artifact ELSE -execution END", persisted=True),
    ),
    Column(
        "target",
        Integer,
        Computed("CASE role WHEN 'input' THEN -execution ELSE artifact END", persisted=True),
    ),
    Column("made_by", ForeignKey("tilth_executions.id")),
    Index("tilth_events_by_source", "source"),
    Index("tilth_events_by_target", "target"),
)

metrics = Table(
    "tilth_metrics",
    metadata,
    Column("run", ForeignKey("tilth_runs.number"), primary_key=True),
    Column("slice", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Float(53)),
    Column("low", Float(53)),
    Column("high", Float(53)),
    Column("execution", ForeignKey("tilth_executions.id")),
    Index("tilth_metrics_by_execution", "execution"),
)

curves = Table(
    "tilth_curves",
    metadata,
    Column("execution", ForeignKey("tilth_executions.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("points", Document, nullable=False),
)

usage = Table(
    "tilth_usage",
    metadata,
    Column("execution", ForeignKey("tilth_executions.id"), primary_key=True),
    Column("wall_s", Float(53), nullable=False),
    Column("cpu_s", Float(53), nullable=False),
    Column("peak_memory_mb", Float(53), nullable=False),
    Column("gpu_share", Float(53)),
    Column("peak_gpu_memory_mb", Float(53)),
    Column("samples", Document, nullable=False),
)

surroundings = Table(
    "tilth_surroundings",
    metadata,
    Column("run", ForeignKey("tilth_runs.number"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("artifact", ForeignKey("tilth_artifacts.id"), nullable=False),
)

trials = Table(
    "tilth_trials",
    metadata,
    Column("search", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("execution", ForeignKey("tilth_executions.id"), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("proposal", Document, nullable=False),
    Column("outcome", Document),
    Index("tilth_trials_by_execution", "execution"),
)

verdicts = Table(
    "tilth_verdicts",
    metadata,
    Column("run", ForeignKey("tilth_runs.number"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("metric", Text, nullable=False),
    Column("moment", String(16), nullable=False),
    Column("low", Float(53)),
    Column("high", Float(53)),
    Column("slice", Document, nullable=False),
    Column("baseline", Text),
    Column("optional_baseline", Boolean, nullable=False),
    Column("value", Float(53)),
    Column("baseline_value", Float(53)),
    Column("passed", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("execution", ForeignKey("tilth_executions.id")),
    Index("tilth_verdicts_by_execution", "execution"),
)

model_versions = Table(
    "tilth_model_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("artifact", ForeignKey("tilth_artifacts.id"), nullable=False),
    Column("run", ForeignKey("tilth_runs.number")),
    Column("properties", Document, nullable=False),
    Column("created", Moment, nullable=False),
    Index("tilth_model_versions_by_digest", "digest"),
)

dataset_versions = Table(
    "tilth_dataset_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("artifact", ForeignKey("tilth_artifacts.id"), nullable=False),
    Column("run", ForeignKey("tilth_runs.number")),
    Column("note", Text, nullable=False),
    Column("created", Moment, nullable=False),
)

aliases = Table(
    "tilth_aliases",
    metadata,
    Column("model", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["tilth_model_versions.name", "tilth_model_versions.version"]),
)

alias_changes = Table(
    "tilth_alias_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("version", Integer),
    Column("previous", Integer),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("time", Moment, nullable=False),
    Column("kind", String(16), nullable=False, server_default="set"),
    Index("tilth_alias_changes_by_alias", "model", "alias"),
    sqlite_autoincrement=True,
)

remarks = Table(
    "tilth_remarks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Document),
    Column("who", Text, nullable=False),
    Column("made", Moment, nullable=False),
    Index("tilth_remarks_by_topic", "topic", "kind", "subject"),
    sqlite_autoincrement=True,
)
