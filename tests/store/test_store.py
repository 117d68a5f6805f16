from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tilth.errors import ConflictError, NotFoundError, StoreError, UsageError
from tilth.store import Store, layout
from tilth.store.database import Database

ENGINE_OF_CASES = "postgresql+psycopg://"


def test_a_store_is_made_where_there_is_none_and_opened_where_there_is(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "store.db"
    with Store.open(path) as store:
        assert store.begin_run("first").number == 1
    with Store.open(str(path)) as store:
        assert [run.command for run in store.runs()] == ["first"]
        assert store.begin_run("second").number == 2


def test_a_store_that_shall_not_be_made_is_missed(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no record store yet") as caught:
        Store.open(tmp_path / "store.db", create=False)
    assert "tilth run" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_all_of_this_is_tested_on_postgresql_too(postgresql_url: str) -> None:
    with Store.open(postgresql_url) as store:
        assert store.where.startswith("postgresql+psycopg://")


def test_sqlite_is_set_up_to_outlive_crashes(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db") as store, store._database.reading() as connection:
        pragma = {name: connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")}
        assert pragma == {"journal_mode": "wal", "synchronous": 2}
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_the_migrations_make_what_the_layout_says(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with Store.open(url) as store, store._database.reading() as connection:
        options = {"version_table": layout.REVISION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, layout.metadata) == []


def test_the_newest_migration_is_the_one_that_is_looked_for() -> None:
    from alembic.script import ScriptDirectory

    import tilth.store.migrations

    (folder,) = tilth.store.migrations.__path__
    assert ScriptDirectory(folder).get_heads() == [layout.REVISION]


def test_alembic_is_loaded_only_to_change_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.open(path).close()
    code = (
        "import sys, tilth.store\n"
        "with tilth.store.Store.open(sys.argv[1]) as store: store.begin_run('run')\n"
        "print([name for name in sys.modules if name.startswith(('alembic', 'tilth.store.migrations'))])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_store_of_a_newer_tilth_is_left_alone(url: str) -> None:
    with Store.open(url) as store, store.transaction(), store._database.writing() as connection:
        connection.execute(text(f"UPDATE {layout.REVISION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer Tilth") as caught:
        Store.open(url)
    assert "pip install --upgrade tilth" in str(caught.value)


def test_other_tables_in_the_database_do_no_harm(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", ENGINE_OF_CASES))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of another tool')"))
        connection.execute(text("CREATE TABLE runs (run_uuid VARCHAR(32))"))
    engine.dispose()
    with Store.open(url) as store:
        assert store.begin_run("run").number == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no database at all, but long enough to be looked at" * 40, "not a record store"), (b"", None)],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes, words: str | None) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    if words is None:  # an empty file is an empty database
        Store.open(path).close()
        return
    with pytest.raises(StoreError, match=words) as caught:
        Store.open(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder of the record store cannot be made"):
        Store.open(tmp_path / "file" / "store.db")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "'mysql' is not a database that can hold the record store"),
        ("postgresql+asyncpg://h/d", r"'postgresql\+asyncpg' is not a database"),
        ("://", "not a database URL"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Store.open(url)


@pytest.mark.parametrize("url", ["postgres://u:secret@h/d", "postgresql://u:secret@h/d"])
def test_a_missing_driver_is_named_and_the_password_is_not(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="driver 'psycopg' is not installed") as caught:
        Database(url)
    assert "pip install 'psycopg[binary]'" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.begin_run("one")
            store.begin_run("two")
            assert len(store.runs()) == 2, "what was written is seen inside"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.runs() == ()
    with store.transaction():
        store.begin_run("three")
    assert [run.number for run in store.runs()] == [1]


def test_a_failed_write_undoes_its_transaction_even_when_caught(store: Store) -> None:
    def swallow() -> None:
        with store.transaction():
            run = store.begin_run("one")
            store.end_run(run, "complete")
            with pytest.raises(ConflictError):
                store.end_run(run, "complete")

    with pytest.raises(StoreError, match="all of it was undone"):
        swallow()
    assert store.runs() == ()


def test_what_is_not_json_is_refused_in_words(store: Store) -> None:
    for value in (float("nan"), float("inf"), {1, 2}):
        with pytest.raises(UsageError, match="a value cannot be recorded"):
            store.begin_run("run", {"x": value})  # type: ignore[dict-item]
    assert store.runs() == ()


def test_a_writer_that_waits_too_long_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.store.database.BUSY_TIMEOUT_S", 0.05)
    with Store.open(url) as store, Store.open(url) as other:
        with other.transaction():
            with pytest.raises(StoreError, match="the record store is busy"):
                store.begin_run("run")
            assert store.runs() == (), "reading does not wait"
        assert store.begin_run("run").number == 1


def test_the_overview_tells_where_things_stand(store: Store) -> None:
    assert store.overview().runs == 0
    first, second = store.begin_run("run"), store.begin_run("run")
    watch = store.begin_run("monitor")
    store.end_run(first, "complete")
    store.end_run(watch, "failed", "drift")
    one = store.record_artifact("model", "cats", "a" * 64, 10)
    two = store.record_artifact("model", "cats", "b" * 64, 20)
    store.register_model("cats", one)
    newest = store.register_model("cats", two)
    store.set_alias("cats", "champion", 1, "me")
    seen = store.overview()
    assert seen.runs == 3
    assert {command: run.number for command, run in seen.last.items()} == {"run": 2, "monitor": 3}
    assert seen.running == (second,)
    assert seen.artifacts == {"model": (2, 30)}
    (model,) = seen.models
    assert (model.name, model.versions, model.latest, model.aliases) == ("cats", 2, newest, {"champion": 1})
