"""Data sets get names and version numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of data set versions; data sets recorded before have none until they are read again."""
    op.create_table(
        "tilth_dataset_versions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("artifact", sa.Integer, sa.ForeignKey("tilth_artifacts.id"), nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("tilth_runs.number")),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
