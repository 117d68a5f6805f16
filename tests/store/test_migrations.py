"""Stores that an earlier Tilth wrote are brought to the newest form, with what they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from tilth.store import Metric, Store, Usage, layout
from tilth.store.database import Database
from tilth.store.migrations.versions import v0001_records

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MOVES = [
    ("champion", 1, None, "run 1"),
    ("challenger", 2, None, "run 2"),
    ("champion", 2, 1, "rollback: of yesterday's change is not needed"),
    ("champion", 3, 2, "better"),
    ("champion", 2, 3, "rollback: by hand"),
    ("champion", 1, 2, "rollback: again"),
    ("challenger", None, 2, "it is the champion now"),
]


def first_form(database: Database) -> None:
    """A store as the first Tilth made it."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    with database.writing() as connection:
        options = {"version_table": layout.REVISION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        with Operations.context(context):
            v0001_records.upgrade()
        context._ensure_version_table()
        connection.execute(text(f"INSERT INTO {layout.REVISION_TABLE} VALUES ('0001')"))
        _fill(connection)


def _fill(connection: Connection) -> None:
    def insert(table: str, **values: Any) -> None:
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO tilth_{table} ({names}) VALUES ({places})"), values)

    mine = {"host": "h", "pid": 1, "process": "p", "started": NOW, "state": "complete", "parameters": "{}"}
    insert("runs", number=1, command="run", tags="{}", **mine)
    for step in ("train", "evaluate"):
        insert("executions", run=1, step=step, key="k", **mine)
    insert("metrics", run=1, slice="{}", name="auroc", value=0.9)
    for number in (1, 2, 3):
        digest = str(number) * 64
        common = {"digest": digest, "properties": "{}", "created": NOW}
        insert("artifacts", kind="model", name="m", size=1, **common)
        insert("model_versions", name="cats", version=number, artifact=number, run=1, **common)
    for alias, version, previous, why in MOVES:
        values = {"version": version, "previous": previous, "why": why, "who": "me", "time": NOW}
        insert("alias_changes", model="cats", alias=alias, **values)
    insert("events", execution=1, role="output", name="model", artifact=1)
    insert("events", execution=2, role="input", name="model", artifact=1)
    insert("events", execution=2, role="input", name="champion", artifact=2)
    insert("aliases", model="cats", alias="champion", version=1)


def test_a_store_of_the_first_tilth_is_brought_to_the_newest_form(url: str) -> None:
    database = Database(url)
    first_form(database)
    database.close()
    with Store.open(url) as store:
        moves = store.alias_history("cats")
        assert [(m.version, m.why) for m in moves] == [(version, why) for _, version, _, why in MOVES]
        kinds = ["register", "register", "promote", "promote", "rollback", "rollback", "remove"]
        assert [move.kind for move in moves] == kinds
        assert store.aliases("cats") == {"champion": 1}
        assert [v.version for v in store.model_versions("cats")] == [3, 2, 1]
        one = store.model_version("cats", "champion").artifact
        assert store.register_model("cats", one, properties={"schema": "new"}).version == 4
        store.set_alias("cats", "champion", 4, "me", expected=1)
        with store._database.reading() as connection:
            makers = connection.execute(text("SELECT name, made_by FROM tilth_events WHERE role = 'input'"))
            assert {row.name: row.made_by for row in makers} == {"model": 1, "champion": None}
        again = store.begin_run("run")
        store.skip_execution(again, 2)
        assert store.metrics(again) == {"auroc": 0.9}
        assert store.all_metrics(1) == (Metric("auroc", 0.9, {}),)
        assert (store.curves(1), store.usage(1), store.surroundings(1)) == ({}, {}, {})
        store.log_usage(1, Usage(1.0, 0.5, 10.0))
        assert store.usage(1) == {"train": Usage(1.0, 0.5, 10.0)}
    with Store.open(url) as store:
        assert store.aliases("cats") == {"champion": 4}
