"""Tables and queries of PostgreSQL databases; psycopg is the extra tilth[postgresql]."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES, column_types
from tilth.tables.read_options import ReadOptions
from tilth.tables.sql import DatabaseAddress, count_checked, names_apart, no_such_table, quoted, to_arrays
from tilth.tables.table import Table
from tilth.types import SCALAR_TYPES, ColumnType

if TYPE_CHECKING:
    import psycopg

__all__ = ["open_postgresql"]

_ROWS_AT_ONCE = 8192
_MEDIA_AT_ONCE = 64
_NAME = re.compile(r'"(?:[^"]|"")+"|[^".]+')

# What each type of the database is read as; all others as the text that the database makes of them.
_KINDS: dict[str, ColumnType] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "int"),
    **dict.fromkeys(("float4", "float8", "numeric", "money", "interval"), "float"),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "datetime"),
    "bool": "bool",
}
_CASTS: dict[ColumnType, str] = {
    "int": "int8",
    "float": "float8",
    "datetime": "timestamp",
    "bool": "bool",
    "string": "text",
}
# These are numbers only by a detour.
_DETOURS = {"interval": "extract(epoch FROM {})", "money": "{}::numeric"}
_LISTED = """SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
AND n.nspname NOT LIKE 'pg_toast%%' ORDER BY 1 LIMIT 1000"""
_TYPES = """SELECT t.oid, t.typname, e.typname FROM pg_type t
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' WHERE t.oid = ANY(%s)"""
# Rows come as they lie in the table, whatever columns are asked for and whoever else reads.
_SETTINGS = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    "SET LOCAL enable_indexonlyscan = off",
    "SET LOCAL extra_float_digits = 1",
)


@dataclass(frozen=True)
class _Source:
    """What is read from.

    Args:
        address: of it.
        text: it, as it stands behind FROM.
        whole: whether every pass must read all columns, since the order of rows may depend on them.
    """

    address: DatabaseAddress
    text: str
    whole: bool


def open_postgresql(address: DatabaseAddress, options: ReadOptions) -> Table:
    """A table over a table, a view or a query of a PostgreSQL database, read in a read-only transaction.

    Each pass sees one snapshot. Types are those of the columns: numeric is float, an interval its seconds,
    times with a zone are told in UTC, arrays are lists, bytea is an image or a recording, and what has no
    other reading (json, uuid, enumerations, addresses) is text.

    Raises:
        DataError: the database cannot be reached, no such table, or a column that cannot be used.
    """
    with _reading(address) as connection:
        source = _source(connection, address)
        # In binary form the server takes one statement only, so that no query can end and another begin.
        cursor = connection.execute(_bytes(f"SELECT * FROM {source.text} LIMIT 0"), binary=True)  # noqa: S608 - names are quoted
        found = {item.name: item.type_code for item in cursor.description or ()}
        names_apart([item.name for item in cursor.description or ()], address)
        kept = options.kept(found, address.name)
        fields, casts = _fields(connection, {name: found[name] for name in kept})
        row = connection.execute(_bytes(f"SELECT count(*) FROM {source.text}")).fetchone()  # noqa: S608 - as above
        rows = int(row[0]) if row else 0

        def peek(name: str) -> Iterator[pa.Array]:
            column = quoted(name)
            query = f"SELECT substr({column}, 1, 64) FROM {source.text} WHERE {column} IS NOT NULL LIMIT 100"  # noqa: S608 - as above
            yield pa.array([value for (value,) in connection.execute(_bytes(query))], pa.binary())

        columns, empty = column_types(fields, address.name, peek=peek, chosen=options.types)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        yield from count_checked(_batches(source, columns, casts, names, size), rows, address)

    return Table(address.name, columns, read, rows=rows, empty=empty)


def _source(connection: psycopg.Connection, address: DatabaseAddress) -> _Source:
    if address.query is not None:
        # The line feed ends a comment that the query may end with.
        return _Source(address, f"({address.query}\n) AS asked", True)
    name = _identifier(address.table) if address.table else None
    row = (
        name
        and connection.execute(
            "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)", [name]
        ).fetchone()
    )
    if not name or not row:
        raise no_such_table(address, [text for (text,) in connection.execute(_LISTED)])
    return _Source(address, name, row[0] not in ("r", "p", "m"))


def _identifier(table: str) -> str:
    """`schema.table` quoted part by part; a part that holds a dot stands between double quotes.

    Example:
        >>> _identifier('sales."odd.name"')
        '"sales"."odd.name"'
    """
    parts = _NAME.findall(table)
    if ".".join(parts) != table:
        return quoted(table)
    return ".".join(part if part.startswith('"') else quoted(part) for part in parts)


def _fields(connection: psycopg.Connection, found: dict[str, int]) -> tuple[pa.Schema, dict[str, str]]:
    """The columns in Arrow types, and the expression that gives each column's values in that type."""
    known = {oid: (name, item) for oid, name, item in connection.execute(_TYPES, [list(found.values())])}
    fields, casts = [], {}
    for name, oid in found.items():
        kind, item = known.get(oid, ("text", None))
        if kind == "bytea":
            fields.append((name, pa.large_binary()))
            casts[name] = quoted(name)
            continue
        one = "string" if item in _DETOURS else _KINDS.get(item or kind, "string")
        fields.append((name, ARROW_TYPES[cast(ColumnType, f"list[{one}]") if item else one]))
        value = _DETOURS.get(kind, "{}").replace("{}", quoted(name))
        casts[name] = f"{value}::{_CASTS[one]}" + ("[]" if item else "")
    return pa.schema(fields), casts


def _batches(
    source: _Source,
    columns: dict[str, ColumnType],
    casts: dict[str, str],
    names: Sequence[str],
    size: int,
) -> Iterator[pa.RecordBatch]:
    wanted = list(columns) if source.whole else list(names)
    types = {name: ARROW_TYPES[columns[name]] for name in wanted}
    query = f"SELECT {', '.join(casts[name] for name in wanted)} FROM {source.text}"  # noqa: S608 - names are quoted
    plain = all(columns[name] in SCALAR_TYPES for name in wanted)
    at_once = min(size, _ROWS_AT_ONCE if plain else _MEDIA_AT_ONCE)
    with _reading(source.address) as connection, connection.cursor(name="tilth") as cursor:
        cursor.execute(_bytes(query))
        while rows := cursor.fetchmany(at_once):
            arrays = dict(zip(wanted, to_arrays(rows, types, source.address), strict=True))
            yield pa.RecordBatch.from_arrays([arrays[name] for name in names], list(names))


@contextmanager
def _reading(address: DatabaseAddress) -> Iterator[psycopg.Connection]:
    """A connection inside a transaction that can change nothing and sees one moment."""
    _check_driver(address)
    import psycopg

    try:
        information = psycopg.conninfo.conninfo_to_dict(address.url)
    except psycopg.Error:
        # What the driver says of a wrong address may repeat the password.
        raise DataError(
            "this is not the address of a PostgreSQL database",
            where=address.name,
            expected="postgresql://user:password@host:5432/database?table=NAME",
            mend="write signs such as @ : / in a password as %40 %3A %2F",
        ) from None
    waited = information.get("connect_timeout", 10)
    try:
        with psycopg.connect(address.url, connect_timeout=waited) as connection:
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            connection.commit()
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            for setting in _SETTINGS:
                connection.execute(_bytes(setting))
            yield connection
    except psycopg.Error as error:
        raise _in_our_words(error, address, str(information.get("password") or "")) from error


def _check_driver(address: DatabaseAddress) -> None:
    try:
        import psycopg  # noqa: F401 - to see whether it is there
    except ImportError as error:
        raise DataError(
            "reading PostgreSQL needs psycopg, which is not installed",
            where=address.name,
            mend="pip install 'tilth[postgresql]'",
        ) from error


def _in_our_words(error: psycopg.Error, address: DatabaseAddress, password: str) -> DataError:
    said = " ".join(str(error).split())[:500]
    if password:
        said = said.replace(password, "***")
    late = "timestamp too" in said or "date too" in said
    return DataError(
        f"the database cannot be read: {said}",
        where=address.name,
        expected="dates of the years 1 to 9999, none of them infinite" if late else None,
    )


def _bytes(query: str) -> bytes:
    """Made from quoted names, the driver's own strings being only for literals."""
    return query.encode()
