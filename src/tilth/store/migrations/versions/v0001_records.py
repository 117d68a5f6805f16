"""The first form of the record store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make all tables."""
    _make_runs()
    _make_executions()
    _make_artifacts()
    _make_events()
    _make_measurements()
    _make_models()


def _make_runs() -> None:
    op.create_table(
        "tilth_runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("parameters", _json, nullable=False),
        sa.Column("tags", _json, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("started", _moment, nullable=False),
        sa.Column("finished", _moment),
        sa.Column("error", sa.Text),
    )
    op.create_index("tilth_runs_by_state", "tilth_runs", ["state"])


def _make_executions() -> None:
    op.create_table(
        "tilth_executions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("tilth_runs.number"), nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("parameters", _json, nullable=False),
        sa.Column("code_version", sa.Text),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("started", _moment, nullable=False),
        sa.Column("finished", _moment),
        sa.Column("error", sa.Text),
        sa.Column("reused", sa.Integer, sa.ForeignKey("tilth_executions.id")),
        sqlite_autoincrement=True,
    )
    op.create_index("tilth_executions_by_key", "tilth_executions", ["step", "key"])
    op.create_index("tilth_executions_by_run", "tilth_executions", ["run"])
    op.create_index("tilth_executions_by_state", "tilth_executions", ["state"])


def _make_artifacts() -> None:
    op.create_table(
        "tilth_artifacts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(128)),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("properties", _json, nullable=False),
        sa.Column("created", _moment, nullable=False),
        sa.UniqueConstraint("digest", "kind", "name", name="tilth_artifacts_are_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("tilth_artifacts_by_name", "tilth_artifacts", ["name"])
    op.create_index("tilth_artifacts_by_kind", "tilth_artifacts", ["kind"])


def _make_events() -> None:
    source = sa.Computed("CASE role WHEN 'input' THEN artifact ELSE -execution END", persisted=True)
    target = sa.Computed("CASE role WHEN 'input' THEN -execution ELSE artifact END", persisted=True)
    op.create_table(
        "tilth_events",
        sa.Column("execution", sa.Integer, sa.ForeignKey("tilth_executions.id"), primary_key=True),
        sa.Column("role", sa.String(6), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("artifact", sa.Integer, sa.ForeignKey("tilth_artifacts.id"), nullable=False),
        sa.Column("source", sa.Integer, source),
        sa.Column("target", sa.Integer, target),
    )
    op.create_index("tilth_events_by_source", "tilth_events", ["source"])
    op.create_index("tilth_events_by_target", "tilth_events", ["target"])


def _make_measurements() -> None:
    op.create_table(
        "tilth_metrics",
        sa.Column("run", sa.Integer, sa.ForeignKey("tilth_runs.number"), primary_key=True),
        sa.Column("slice", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Float(53)),
    )
    op.create_table(
        "tilth_verdicts",
        sa.Column("run", sa.Integer, sa.ForeignKey("tilth_runs.number"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("moment", sa.String(16), nullable=False),
        sa.Column("low", sa.Float(53)),
        sa.Column("high", sa.Float(53)),
        sa.Column("slice", _json, nullable=False),
        sa.Column("baseline", sa.Text),
        sa.Column("optional_baseline", sa.Boolean, nullable=False),
        sa.Column("value", sa.Float(53)),
        sa.Column("baseline_value", sa.Float(53)),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _make_models() -> None:
    op.create_table(
        "tilth_model_versions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("artifact", sa.Integer, sa.ForeignKey("tilth_artifacts.id"), nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("tilth_runs.number")),
        sa.Column("properties", _json, nullable=False),
        sa.Column("created", _moment, nullable=False),
        sa.UniqueConstraint("name", "digest", name="tilth_model_versions_are_unique"),
    )
    op.create_index("tilth_model_versions_by_digest", "tilth_model_versions", ["digest"])
    op.create_table(
        "tilth_aliases",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["model", "version"], ["tilth_model_versions.name", "tilth_model_versions.version"]
        ),
    )
    op.create_table(
        "tilth_alias_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("previous", sa.Integer),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("time", _moment, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("tilth_alias_changes_by_alias", "tilth_alias_changes", ["model", "alias"])
