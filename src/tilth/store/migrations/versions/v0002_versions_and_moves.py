"""A model version is a graph with its properties; what moved, measured and made a thing is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Change the tables and fill in what the records of before can tell."""
    _allow_versions_of_one_graph()
    _tell_moves_apart()
    _tie_measurements_to_executions()
    _tell_makers_apart()


def _allow_versions_of_one_graph() -> None:
    # SQLite changes a table by making it anew, which the rows that refer to it would forbid.
    aliases = sa.table("tilth_aliases", sa.column("model"), sa.column("alias"), sa.column("version"))
    connection = op.get_bind()
    rows = [dict(row) for row in connection.execute(sa.select(aliases)).mappings()]
    connection.execute(sa.delete(aliases))
    with op.batch_alter_table("tilth_model_versions") as versions:
        versions.drop_constraint("tilth_model_versions_are_unique", type_="unique")
    if rows:
        connection.execute(sa.insert(aliases), rows)


def _tell_moves_apart() -> None:
    kind = sa.Column("kind", sa.String(16), nullable=False, server_default="set")
    op.add_column("tilth_alias_changes", kind)
    changes = sa.table(
        "tilth_alias_changes",
        *(sa.column(name) for name in ("id", "model", "alias", "version", "why", "kind")),
    )
    connection = op.get_bind()
    champions: dict[tuple[str, str], list[int]] = {}
    for row in connection.execute(sa.select(changes).order_by(changes.c.id)).all():
        found = _kind(row.version, row.why, champions.setdefault((row.model, row.alias), []))
        connection.execute(sa.update(changes).where(changes.c.id == row.id).values(kind=found))


def _kind(version: int | None, why: str, before: list[int]) -> str:
    """What a move was: a rollback named itself so, and went to the version before the present one."""
    if version is None:
        return "remove"
    if why.startswith("rollback: ") and before[-2:-1] == [version]:
        before.pop()
        return "rollback"
    before.append(version)
    return "register" if why.startswith("run ") and why[4:].isdecimal() else "promote"


def _tie_measurements_to_executions() -> None:
    for table in ("tilth_metrics", "tilth_verdicts"):
        # Both databases take the reference with the column; Alembic would make it apart, which SQLite cannot.
        op.execute(f"ALTER TABLE {table} ADD COLUMN execution INTEGER REFERENCES tilth_executions (id)")
        op.create_index(f"{table}_by_execution", table, ["execution"])
        _fill_executions(sa.table(table, sa.column("run"), sa.column("execution")))


def _fill_executions(table: sa.TableClause) -> None:
    # Until now only the step "evaluate" measured and judged in a run of several steps.
    done = sa.table("tilth_executions", *(sa.column(name) for name in ("id", "run", "step", "state")))
    judged = (done.c.run == table.c.run, done.c.step == "evaluate", done.c.state == "complete")
    found = sa.select(sa.func.max(done.c.id)).where(*judged).scalar_subquery()
    op.execute(sa.update(table).values(execution=found))


def _tell_makers_apart() -> None:
    op.execute("ALTER TABLE tilth_events ADD COLUMN made_by INTEGER REFERENCES tilth_executions (id)")
    read, made = _table("tilth_events", _EVENT), _table("tilth_events", _EVENT).alias("made")
    reader = _table("tilth_executions", _ACT).alias("reader")
    beside = _table("tilth_executions", _ACT).alias("beside")
    run = sa.select(reader.c.run).where(reader.c.id == read.c.execution).correlate(read).scalar_subquery()
    of_run = sa.select(sa.func.coalesce(beside.c.reused, beside.c.id)).where(beside.c.run == run)
    same = (made.c.role == "output", made.c.artifact == read.c.artifact, made.c.execution.in_(of_run))
    maker = sa.select(sa.func.max(made.c.execution)).where(*same).scalar_subquery()
    op.execute(sa.update(read).where(read.c.role == "input").values(made_by=maker))


_EVENT = ("execution", "role", "artifact", "made_by")
_ACT = ("id", "run", "reused")


def _table(name: str, columns: tuple[str, ...]) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns))
