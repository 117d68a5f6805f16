"""Where looked-up rows are read while requests wait: the contract, a SQLite file, and memory."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import msgspec

from tilth.errors import DataError, NotFoundError
from tilth.tables.lookup_rows import LookupRow
from tilth.tables.lookups import LookupInfo

__all__ = ["LookupStore", "MemoryLookups", "SqliteLookups", "StoredLookups", "stored_info", "write_lookups"]

_FORMAT = 1
_decode_info = msgspec.json.Decoder(LookupInfo).decode
_decode_row = msgspec.msgpack.Decoder(list[object]).decode
_encode_row = msgspec.msgpack.Encoder().encode


class LookupStore(Protocol):
    """Rows by key; safe to use from several threads."""

    is_remote: bool
    """Whether an answer may take so long that others should not wait for it."""

    @property
    def info(self) -> LookupInfo:
        """What is stored at present."""

    def get(self, keys: Sequence[bytes]) -> list[LookupRow | None]:
        """The row of each key, None for a key that has none.

        Raises:
            DataError: the store cannot be asked.
            NotFoundError: it has lost what was there.
        """

    def refresh(self) -> None:
        """Take over what was stored since; not for the event loop.

        Raises:
            DataError: it cannot be read; what was there before stays.
        """

    def close(self) -> None:
        """Let the store go."""


class StoredLookups(Protocol):
    """Where rows are put: `write_lookups`, or Redis."""

    def __call__(self, rows: Iterable[tuple[bytes, LookupRow]], info: LookupInfo) -> LookupInfo:
        """Store rows, and say what is stored in the end."""


def write_lookups(
    path: Path, rows: Iterable[tuple[bytes, LookupRow]], info: LookupInfo, *, keep: bool = False
) -> LookupInfo:
    """Write the rows of a look-up to a SQLite file, whole: readers see the file before or the file after.

    Args:
        path: the file; its folder is made.
        rows: keys and their rows.
        info: what is stored; its `rows` and `newest_us` are counted here.
        keep: keep the rows of other keys that the file has.

    Returns:
        What is stored now.

    Raises:
        DataError: it cannot be written.

    Example:
        >>> import tempfile
        >>> info = LookupInfo(
        ...     format=1, keys=[("who", "int")], time="at", created=None, columns=[("sum", "int")],
        ...     rows=0, at_us=9, newest_us=None, next_us=None, source="",
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = write_lookups(Path(folder, "sums.db"), [(b"1", [7, 50])], info)
        ...     store = MemoryLookups(Path(folder, "sums.db"))
        >>> written.rows, written.newest_us, store.get([b"1", b"2"])
        (1, 7, [[7, 50], None])
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if keep:
            draft.write_bytes(path.read_bytes())
        try:
            with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as file:
                written = _fill(file, rows, info)
            _settle(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise DataError(f"the look-up cannot be written: {error}", where=str(path)) from error
    return written


def _fill(file: sqlite3.Connection, rows: Iterable[tuple[bytes, LookupRow]], info: LookupInfo) -> LookupInfo:
    # The draft is thrown away if anything fails, so that it needs no journal.
    file.execute("PRAGMA journal_mode = OFF")
    file.execute("PRAGMA synchronous = OFF")
    file.execute("BEGIN")
    file.execute(
        "CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, time INTEGER, row BLOB) WITHOUT ROWID"
    )
    file.execute("CREATE TABLE IF NOT EXISTS info (text BLOB)")
    file.executemany(
        "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", ((key, row[0], _encode_row(row)) for key, row in rows)
    )
    count, newest = file.execute("SELECT count(*), max(time) FROM rows").fetchone()
    info = msgspec.structs.replace(info, rows=count, newest_us=newest)
    file.execute("DELETE FROM info")
    file.execute("INSERT INTO info VALUES (?)", (msgspec.json.encode(info),))
    file.execute("COMMIT")
    return info


def _settle(draft: Path, path: Path) -> None:
    """Put a finished file into its place, such that it is whole after a power failure too."""
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def stored_info(path: Path) -> LookupInfo | None:
    """What a file of `write_lookups` holds; None where there is no file, or one that cannot be read."""
    try:
        with contextlib.closing(_opened(path)) as file:
            return _info(file, path)
    except (DataError, NotFoundError):
        return None


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise NotFoundError(
            f"the look-up '{path.stem}' was never materialized",
            where=str(path),
            mend=f"write it with: tilth materialize {path.stem}",
        )
    try:
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        return sqlite3.connect(address, uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error


def _info(file: sqlite3.Connection, path: Path) -> LookupInfo:
    try:
        (text,) = file.execute("SELECT text FROM info").fetchone()
        info = _decode_info(text)
    except (sqlite3.Error, msgspec.MsgspecError, TypeError) as error:
        raise _unreadable(path, error) from error
    if info.format != _FORMAT:
        raise _unreadable(path, f"its format is {info.format}, not {_FORMAT}")
    return info


def _unreadable(path: Path, why: object) -> DataError:
    return DataError(
        f"the look-up '{path.stem}' cannot be read: {why}",
        where=str(path),
        mend=f"write it again: tilth materialize {path.stem}",
    )


def _mark(path: Path) -> tuple[int, int, int] | None:
    """By what a file is known that was put in the place of another."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class SqliteLookups:
    """The rows of a SQLite file, read when they are asked for.

    Args:
        path: what `write_lookups` wrote.

    Raises:
        NotFoundError: there is no such file.
        DataError: it cannot be read.
    """

    is_remote = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._mark = _mark(path)
        self._file = _opened(path)
        self._info = _info(self._file, path)

    @property
    def info(self) -> LookupInfo:
        """What is stored at present."""
        return self._info

    def get(self, keys: Sequence[bytes]) -> list[LookupRow | None]:
        """The row of each key, None for a key that has none."""
        found: list[LookupRow | None] = []
        try:
            with self._lock:
                ask = self._file.execute
                for key in keys:
                    row = ask("SELECT row FROM rows WHERE key = ?", (key,)).fetchone()
                    found.append(None if row is None else _decode_row(row[0]))
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise _unreadable(self._path, error) from error
        return found

    def refresh(self) -> None:
        """Open the file again if another one is in its place."""
        mark = _mark(self._path)
        if mark is None or mark == self._mark:
            return
        file = _opened(self._path)
        info = _info(file, self._path)
        with self._lock:
            before, self._file = self._file, file
            self._info, self._mark = info, mark
        before.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


class MemoryLookups:
    """The rows of a SQLite file, all of them in memory: some 300 bytes and the values for each.

    Args:
        path: what `write_lookups` wrote.

    Raises:
        NotFoundError: there is no such file.
        DataError: it cannot be read.
    """

    is_remote = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark: tuple[int, int, int] | None = None
        self._rows: Mapping[bytes, LookupRow] = {}
        self._load()

    @property
    def info(self) -> LookupInfo:
        """What is stored at present."""
        return self._info

    def get(self, keys: Sequence[bytes]) -> list[LookupRow | None]:
        """The row of each key, None for a key that has none."""
        return [*map(self._rows.get, keys)]

    def refresh(self) -> None:
        """Read the file again if another one is in its place."""
        mark = _mark(self._path)
        if mark is not None and mark != self._mark:
            self._load()

    def close(self) -> None:
        """Forget the rows."""
        self._rows = {}

    def _load(self) -> None:
        mark = _mark(self._path)
        with contextlib.closing(_opened(self._path)) as file:
            info = _info(file, self._path)
            try:
                rows = {key: _decode_row(row) for key, row in file.execute("SELECT key, row FROM rows")}
            except (sqlite3.Error, msgspec.MsgspecError) as error:
                raise _unreadable(self._path, error) from error
        # Readers look at `info` again after they have read: then they notice rows that came between.
        self._info = info
        self._rows, self._mark = rows, mark
