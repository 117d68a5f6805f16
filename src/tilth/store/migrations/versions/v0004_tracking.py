"""Metrics keep their intervals; curves, the use of resources and what surrounded a run are recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Add columns and tables; of what was recorded before, nothing is known of these."""
    op.add_column("tilth_metrics", sa.Column("low", sa.Float(53)))
    op.add_column("tilth_metrics", sa.Column("high", sa.Float(53)))
    op.create_table(
        "tilth_curves",
        sa.Column("execution", sa.Integer, sa.ForeignKey("tilth_executions.id"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("points", _json, nullable=False),
    )
    op.create_table(
        "tilth_usage",
        sa.Column("execution", sa.Integer, sa.ForeignKey("tilth_executions.id"), primary_key=True),
        sa.Column("wall_s", sa.Float(53), nullable=False),
        sa.Column("cpu_s", sa.Float(53), nullable=False),
        sa.Column("peak_memory_mb", sa.Float(53), nullable=False),
        sa.Column("gpu_share", sa.Float(53)),
        sa.Column("peak_gpu_memory_mb", sa.Float(53)),
        sa.Column("samples", _json, nullable=False),
    )
    op.create_table(
        "tilth_surroundings",
        sa.Column("run", sa.Integer, sa.ForeignKey("tilth_runs.number"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("artifact", sa.Integer, sa.ForeignKey("tilth_artifacts.id"), nullable=False),
    )
