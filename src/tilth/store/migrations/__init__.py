"""The steps by which a record store was changed from version to version of Tilth, oldest first."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from tilth.errors import StoreError
from tilth.store.layout import REVISION_TABLE

__all__ = ["upgrade"]


def upgrade(connection: Connection, stored: str | None, where: str) -> None:
    """Bring a store to the newest form, inside the caller's transaction.

    Args:
        connection: in a write transaction.
        stored: the revision that the store carries; None for an empty database.
        where: path or URL, for messages.

    Raises:
        StoreError: the store was written by a newer Tilth.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent))
    steps = {step.revision: step for step in reversed(list(scripts.walk_revisions()))}
    if stored is not None and stored not in steps:
        raise StoreError(
            f"the record store was written by a newer Tilth (its form is {stored})",
            where=where,
            expected=f"one of {', '.join(steps)}",
            mend="pip install --upgrade tilth",
        )
    context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
    done = list(steps).index(stored) + 1 if stored else 0
    for step in list(steps.values())[done:]:
        with Operations.context(context):
            step.module.upgrade()
        context.stamp(scripts, step.revision)
