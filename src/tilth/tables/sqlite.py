"""Tables and queries of SQLite databases, with the standard library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES, column_types
from tilth.tables.files import source_file
from tilth.tables.read_options import ReadOptions
from tilth.tables.sql import DatabaseAddress, count_checked, names_apart, no_such_table, quoted, to_arrays
from tilth.tables.table import Table
from tilth.tables.text_types import TypeGuess, convert_cells
from tilth.types import ColumnType

__all__ = ["open_sqlite"]

_ROWS_AT_ONCE = 8192
_MEDIA_AT_ONCE = 64
_COLUMNS_AT_ONCE = 50
_DATES = ("DATE", "TIMESTAMP")
_CASTS = {"int": "INTEGER", "bool": "INTEGER", "float": "REAL", "string": "TEXT", "datetime": "TEXT"}


@dataclass(frozen=True)
class _Source:
    """What is read from: a table, a view or a query.

    Args:
        address: of it.
        path: the database's file.
        text: it, as it stands behind FROM.
        whole: whether every pass must read all columns, since the order of rows may depend on them.
        missing: the texts that mean missing.
    """

    address: DatabaseAddress
    path: Path
    text: str
    whole: bool
    missing: tuple[str, ...]

    def value(self, name: str) -> str:
        """An expression for a column's value, null where a text means missing."""
        if not self.missing:
            return quoted(name)
        marks = ", ".join(f"?{n}" for n in range(1, len(self.missing) + 1))
        column = quoted(name)
        return f"CASE WHEN typeof({column}) = 'text' AND {column} IN ({marks}) THEN NULL ELSE {column} END"

    def select(self, expressions: Sequence[str], rest: str = "") -> str:
        """A query for expressions over its columns."""
        return f"SELECT {', '.join(expressions)} FROM {self.text} {rest}"  # noqa: S608 - names are quoted


def open_sqlite(address: DatabaseAddress, options: ReadOptions) -> Table:
    """A table over a table, a view or a query of a SQLite database, which is opened for reading only.

    Types are those of the values: SQLite lets a column hold values of several types. Whole numbers and
    numbers together are numbers; numbers and texts together are texts, with a note. A column declared as
    BOOLEAN that holds only 0 and 1 is true and false; one declared as DATE, DATETIME or TIMESTAMP whose texts
    are all ISO 8601 is dates.

    Raises:
        DataError: no such file or table, not a database, or a column of bytes that are no media.
    """
    path = _path(address)
    source_file(path)
    with _connected(address, path) as connection:
        source, declared = _source(connection, address, path, options.missing)
        cursor = connection.execute(source.select(["*"], "LIMIT 0"), _values(source))
        names = [item[0] for item in cursor.description]
        if address.query is not None:
            # Inside of another query, the second of two columns of one name is called something else.
            names_apart([item[0] for item in connection.execute(address.query).description], address)
        names = options.kept(names, address.name)
        fields, notes = _fields(connection, source, {name: declared.get(name, "") for name in names})
        rows = connection.execute(source.select(["count(*)"])).fetchone()[0]

        def peek(name: str) -> Iterator[pa.Array]:
            rest = f"WHERE {quoted(name)} IS NOT NULL LIMIT 100"
            begun = source.select([f"substr({quoted(name)}, 1, 64)"], rest)
            yield pa.array([row[0] for row in connection.execute(begun)], pa.binary())

        columns, empty = column_types(fields, address.name, peek=peek, chosen=options.types)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        yield from count_checked(_batches(source, columns, names, size), rows, address)

    return Table(address.name, columns, read, rows=rows, notes=notes, empty=empty)


def _path(address: DatabaseAddress) -> Path:
    text = address.url.partition("://")[2].partition("?")[0]
    if not text.startswith("/") or len(text) < 2:
        raise DataError(
            "this is not the address of a SQLite database",
            where=address.name,
            expected="sqlite:///file.db?table=NAME, or sqlite:////folder/file.db?table=NAME from the root",
        )
    return Path(unquote(text[1:]))


@contextmanager
def _connected(address: DatabaseAddress, path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        # Rows are read in one thread and may be read on in another, never in two at once.
        with closing(sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)) as connection:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA trusted_schema = 0")
            yield connection
    except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeDecodeError) as error:
        raise DataError(
            f"the database cannot be read: {error}", where=address.name, expected="a SQLite database"
        ) from error


def _source(
    connection: sqlite3.Connection, address: DatabaseAddress, path: Path, missing: tuple[str, ...]
) -> tuple[_Source, dict[str, str]]:
    """What to read from, and the types that its columns are declared with."""
    if address.query is not None:
        # The line feed ends a comment that the query may end with.
        return _Source(address, path, f"({address.query}\n)", True, missing), {}
    listed = "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    tables = {
        name: (kind, sql or "") for name, kind, sql in connection.execute(listed) if name[:7] != "sqlite_"
    }
    found = next((name for name in tables if name == address.table), None) or next(
        (name for name in tables if name.lower() == (address.table or "").lower()), None
    )
    if found is None:
        raise no_such_table(address, sorted(tables))
    declared = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_xinfo({quoted(found)})")}
    kind, sql = tables[found]
    if kind == "table" and "WITHOUT" not in sql.upper() and "VIRTUAL" not in sql.upper():
        # An index that holds all the columns that are asked for would give the rows in its own order.
        return _Source(address, path, f"{quoted(found)} NOT INDEXED", False, missing), declared
    return _Source(address, path, quoted(found), True, missing), declared


def _values(source: _Source) -> dict[str, str]:
    return {str(n): text for n, text in enumerate(source.missing, start=1)}


def _fields(
    connection: sqlite3.Connection, source: _Source, declared: dict[str, str]
) -> tuple[pa.Schema, list[str]]:
    """The columns in Arrow types, by what all their values are, and notes on mixtures."""
    fields, notes = [], []
    for name, held in _held(connection, source, list(declared)).items():
        if "blob" in held and len(held - {"other"}) > 1:
            raise DataError(
                f"column '{name}' holds bytes beside other values",
                where=source.address.name,
                mend=f"leave it out: exclude=['{name}']",
            )
        if held >= {"text", "number"}:
            notes.append(_mixture(connection, source, name))
        fields.append((name, _arrow(connection, source, name, held, declared[name].upper())))
    return pa.schema(fields), notes


def _held(connection: sqlite3.Connection, source: _Source, names: Sequence[str]) -> dict[str, set[str]]:
    """What the values of each column are: text, number, real, blob, and "other" where not all are 0 or 1."""
    found: dict[str, set[str]] = {}
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        some = names[start : start + _COLUMNS_AT_ONCE]
        expressions = []
        for value in (f"({source.value(name)})" for name in some):
            expressions += [
                f"max(typeof({value}) = 'text')",
                f"max(typeof({value}) IN ('integer', 'real'))",
                f"max(typeof({value}) = 'real')",
                f"max(typeof({value}) = 'blob')",
                f"max({value} NOT IN (0, 1))",
            ]
        flags = connection.execute(source.select(expressions), _values(source)).fetchone()
        for position, name in enumerate(some):
            here = flags[5 * position : 5 * position + 5]
            kinds = ("text", "number", "real", "blob", "other")
            found[name] = {kind for kind, flag in zip(kinds, here, strict=True) if flag}
    return found


def _mixture(connection: sqlite3.Connection, source: _Source, name: str) -> str:
    value = source.value(name)
    query = source.select([value], f"WHERE typeof({value}) = 'text' LIMIT 1")
    text = connection.execute(query, _values(source)).fetchone()[0]
    return f"column '{name}' holds texts ({text[:40]!r}) beside numbers and is read as text"


def _arrow(
    connection: sqlite3.Connection, source: _Source, name: str, held: set[str], declared: str
) -> pa.DataType:
    if not held & {"text", "number", "blob"}:
        return pa.null()
    if "blob" in held:
        return pa.large_binary()
    if "text" in held:
        dates = any(word in declared for word in _DATES) and "number" not in held
        return ARROW_TYPES["datetime" if dates and _all_dates(connection, source, name) else "string"]
    if "real" in held:
        return pa.float64()
    return pa.bool_() if "BOOL" in declared and "other" not in held else pa.int64()


def _all_dates(connection: sqlite3.Connection, source: _Source, name: str) -> bool:
    guess = TypeGuess(could_be_int=False, could_be_float=False, could_be_bool=False)
    cursor = connection.execute(source.select([source.value(name)]), _values(source))
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        guess.update(pa.array([row[0] for row in rows], pa.string()))
    return guess.type == "datetime"


def _batches(
    source: _Source, columns: dict[str, ColumnType], names: Sequence[str], size: int
) -> Iterator[pa.RecordBatch]:
    wanted = list(columns) if source.whole else list(names)
    types = {name: _raw(columns[name]) for name in wanted}
    expressions = [
        source.value(name)
        if columns[name] in MEDIA_TYPES
        else f"CAST({source.value(name)} AS {_CASTS[columns[name]]})"
        for name in wanted
    ]
    media = any(columns[name] in MEDIA_TYPES for name in wanted)
    at_once = min(size, _MEDIA_AT_ONCE if media else _ROWS_AT_ONCE)
    with _connected(source.address, source.path) as connection:
        cursor = connection.execute(source.select(expressions), _values(source))
        while rows := cursor.fetchmany(at_once):
            arrays = dict(zip(wanted, to_arrays(rows, types, source.address), strict=True))
            yield pa.RecordBatch.from_arrays(
                [_typed(arrays[name], columns[name], name, source) for name in names], list(names)
            )


def _raw(kind: ColumnType) -> pa.DataType:
    """The type of what SQLite gives for a column."""
    return {"bool": pa.int64(), "datetime": pa.string()}.get(kind, ARROW_TYPES[kind])


def _typed(array: pa.Array, kind: ColumnType, name: str, source: _Source) -> pa.Array:
    try:
        return convert_cells(array, kind) if kind == "datetime" else array.cast(ARROW_TYPES[kind])
    except pa.ArrowInvalid as error:
        raise DataError(
            f"column '{name}' changed while it was being used: {error}", where=source.address.name
        ) from error
