"""The trials of searches: what was proposed, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "tilth_trials",
        sa.Column("search", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("execution", sa.Integer, sa.ForeignKey("tilth_executions.id"), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("proposal", _json, nullable=False),
        sa.Column("outcome", _json),
    )
    op.create_index("tilth_trials_by_execution", "tilth_trials", ["execution"])
