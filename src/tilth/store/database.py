"""One database, SQLite or PostgreSQL: connections, transactions, and what can go wrong in words.

Write transactions take turns on both databases: SQLite by BEGIN IMMEDIATE, PostgreSQL by an advisory lock at
the start. So numbers are allotted without gaps, nothing can deadlock, and a check followed by a write needs
no further care. Reads never wait for writes (SQLite's write-ahead log, PostgreSQL's snapshots).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, select, table, text
from sqlalchemy import column as sql_column
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.pool import StaticPool

from tilth.errors import NotFoundError, StoreError, UsageError
from tilth.store.encoding import to_json_text
from tilth.store.layout import REVISION, REVISION_TABLE

__all__ = ["Database"]

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for the writers before it."""

_TURN = 0x7117_2026
"""The advisory lock of PostgreSQL that writers take in turn."""

_WORDS = (
    ("locked", "the record store is busy", "another process has been writing for 30 seconds: let it finish"),
    ("lock timeout", "the record store is busy", "another client has been writing for 30 seconds"),
    ("disk is full", "the disk of the record store is full", "make room, then run the command again"),
    ("No space left", "the disk of the record store is full", "make room, then run the command again"),
    ("readonly", "the record store may not be written", "check the permissions of the file and its folder"),
    ("read-only", "the record store may not be written", "check the permissions of the database's user"),
    ("not a database", "this file is not a record store", "check the path, or TILTH_STORE"),
    ("malformed", "the record store is damaged", "bring it back from a backup"),
    ("unable to open", "the record store cannot be opened", "check the path and its permissions"),
    ("connection", "the database cannot be reached", "check that it runs, and TILTH_STORE"),
    ("password", "the database refuses the user", "check user and password in TILTH_STORE"),
)


def _parse(url: str | Path) -> URL:
    """The URL of a store; a path, or ":memory:", means SQLite."""
    shown = str(url)
    if isinstance(url, Path) or "://" not in shown:
        where = shown if shown == ":memory:" else str(Path(shown).expanduser())
        return URL.create("sqlite", database=where)
    if shown.startswith("postgres://"):  # what some hosting services hand out
        shown = "postgresql" + shown.removeprefix("postgres")
    try:
        parsed = make_url(shown)
    except ArgumentError as error:
        raise _bad_url("this is not a database URL") from error
    if parsed.drivername == "postgresql":  # which driver that means differs between versions of SQLAlchemy
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise _bad_url(f"'{parsed.drivername}' is not a database that can hold the record store")
    return parsed


def _bad_url(what: str) -> UsageError:
    return UsageError(
        what, where="TILTH_STORE", expected="a path, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    )


class Database:
    """The connections to one database.

    Args:
        url: a path (SQLite), `sqlite:///FILE`, `sqlite://` (in memory, for trying things out), or
            `postgresql://USER:PASSWORD@HOST/NAME`.

    Raises:
        UsageError: not such a URL.
        StoreError: the driver is not installed.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.path = self._file()
        self._engine = self._make_engine()
        self._thread = threading.local()
        # All threads share the one connection of a database in memory, so they take turns.
        self._one_at_a_time = threading.RLock() if self._in_memory else contextlib.nullcontext()

    def _file(self) -> Path | None:
        name = self.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @property
    def _in_memory(self) -> bool:
        return self.is_sqlite and self.path is None

    @property
    def where(self) -> str:
        """The path or URL for messages, without the password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def open(self, *, create: bool) -> None:
        """Make sure that the tables are there and current.

        Raises:
            NotFoundError: there is no store, and `create` is false.
            StoreError: it cannot be opened, or a newer Tilth wrote it.
        """
        missing = NotFoundError(
            "there is no record store yet", where=self.where, mend="`tilth run` makes one"
        )
        if self.path and not self.path.exists():
            if not create:
                raise missing
            self._make_folder(self.path.parent)
        with self.reading() as connection:
            stored = self._revision(connection)
        if stored == REVISION:
            return
        if stored is None and not create:
            raise missing
        self._upgrade()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with; inside `writing()` the same one, which sees what was written."""
        ambient: Connection | None = getattr(self._thread, "connection", None)
        if ambient is not None:
            yield ambient
            return
        with self._in_words(), self._one_at_a_time, self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction: all of it or nothing; nested ones join the outermost."""
        ambient: Connection | None = getattr(self._thread, "connection", None)
        if ambient is not None:
            try:
                yield ambient
            except BaseException:
                self._thread.failed = True
                raise
            return
        with self._in_words(), self._one_at_a_time, self._engine.connect() as plain:
            connection = plain.execution_options(tilth_writes=True)
            with connection.begin():
                self._take_turn(connection)
                self._thread.connection, self._thread.failed = connection, False
                try:
                    yield connection
                finally:
                    self._thread.connection = None
                self._refuse_half()

    def _refuse_half(self) -> None:
        if self._thread.failed:
            raise StoreError(
                "a write inside this transaction failed, so all of it was undone",
                where=self.where,
                mend="let the error leave the transaction",
            )

    def _take_turn(self, connection: Connection) -> None:
        if not self.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_S * 1_000:.0f}"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_TURN})"))

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                "the folder of the record store cannot be made",
                where=str(folder),
                mend=error.strerror,
            ) from error

    def _make_engine(self) -> Engine:
        options: dict[str, Any] = {"json_serializer": to_json_text}
        if self.is_sqlite:
            options["connect_args"] = {
                "isolation_level": None,  # the driver would begin transactions by itself, and too late
                "timeout": BUSY_TIMEOUT_S,
                "check_same_thread": False,
            }
            if self._in_memory:
                options["poolclass"] = StaticPool
        else:
            options["pool_pre_ping"] = True
        try:
            engine = create_engine(self.url, **options)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"the database driver '{error.name}' is not installed",
                where=self.url.render_as_string(hide_password=True),
                mend="pip install 'psycopg[binary]'",
            ) from error
        if self.is_sqlite:
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _revision(self, connection: Connection) -> str | None:
        if not inspect(connection).has_table(REVISION_TABLE):
            return None
        stored: str | None = connection.scalar(
            select(sql_column("version_num")).select_from(table(REVISION_TABLE))
        )
        return stored

    def _upgrade(self) -> None:
        from tilth.store.migrations import upgrade

        if self.path:
            with self._in_words():
                _use_write_ahead_log(self._engine)
        with self.writing() as connection:
            stored = self._revision(connection)
            if stored != REVISION:  # else another process was first
                upgrade(connection, stored, self.where)

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._explain(error) from error

    def _explain(self, error: SQLAlchemyError) -> StoreError | UsageError:
        cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
            return UsageError(f"a value cannot be recorded: {cause}", where=self.where)
        for fragment, what, mend in _WORDS:
            if fragment in cause:
                return StoreError(what, where=f"{self.where} ({cause})", mend=mend)
        return StoreError(f"the record store failed: {cause}", where=self.where)


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged outlives a power cut


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer can fail at once; an immediate one waits its turn.
    writes = connection.get_execution_options().get("tilth_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_write_ahead_log(engine: Engine) -> None:
    """Switch a SQLite file to write-ahead logging; it stays so.

    The switch needs the file for itself and SQLite does not wait for that, so this waits.
    """
    give_up = time.monotonic() + BUSY_TIMEOUT_S
    connection: Any = engine.raw_connection()
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise DBAPIError.instance(None, None, error, sqlite3.Error) from error
                time.sleep(0.01)
            else:
                return
    finally:
        connection.close()
