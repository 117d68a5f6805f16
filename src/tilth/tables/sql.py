"""Addresses of tables in databases, and what reading PostgreSQL and SQLite have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

import pyarrow as pa

from tilth.errors import DataError, closest
from tilth.tables.remote import shown

__all__ = [
    "DatabaseAddress",
    "count_checked",
    "names_apart",
    "no_such_table",
    "quoted",
    "to_arrays",
]

_MOST_SHOWN = 20


@dataclass(frozen=True)
class DatabaseAddress:
    """Which table, or the answer to which query, of which database.

    Args:
        scheme: sqlite or postgresql.
        url: the database, with the password if there is one and without table and query.
        table: the table, or None.
        query: the query, or None.
        name: the address for people, without the password.
    """

    scheme: str
    url: str = field(repr=False)
    table: str | None
    query: str | None
    name: str

    @staticmethod
    def parse(place: str) -> DatabaseAddress:
        """An address as people write it.

        Example:
            >>> DatabaseAddress.parse("postgres://me:secret@host/db?sslmode=require&table=sales.orders")
            DatabaseAddress(scheme='postgresql', table='sales.orders', query=None,
                name='postgres://me@host/db?table=sales.orders')
        """
        scheme, _, rest = place.partition("://")
        database, _, text = rest.partition("?")
        # A query may hold any sign, so it is all that follows.
        front, mark, query = (f"&{text}").partition("&query=")
        kept, table = [], None
        for item in filter(None, front.split("&")):
            key, _, value = item.partition("=")
            if key == "table":
                table = unquote(value)
            else:
                kept.append(item)
        query = unquote(query).strip().rstrip(";").strip()
        url = f"{scheme}://{database}" + (f"?{'&'.join(kept)}" if kept else "")
        asked = f"?table={table}" if table else f"?query={query}" if query else ""
        name = shown(f"{scheme}://{database}") + asked
        known = "postgresql" if scheme == "postgres" else scheme
        return DatabaseAddress(known, url, table or None, query if mark and query else None, name)


def no_such_table(address: DatabaseAddress, tables: Sequence[str]) -> DataError:
    """The error for an address without a table, or with one that is not there."""
    listed = ", ".join(tables[:_MOST_SHOWN]) + (", ..." if len(tables) > _MOST_SHOWN else "")
    near = closest(address.table, tables) if address.table else None
    base = address.name.partition("?")[0]
    return DataError(
        f"no table '{address.table}'" if address.table else "the address names no table",
        where=address.name,
        expected=f"one of {listed}" if listed else "a database that holds tables",
        mend=f"did you mean '{base}?table={near}'?" if near else f"write {base}?table=NAME, or ?query=SELECT",
    )


def quoted(name: str) -> str:
    """A name as an SQL identifier.

    Example:
        >>> print(quoted('a "b" c'))
        "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def names_apart(names: Sequence[str], address: DatabaseAddress) -> None:
    """Refuse two columns of one name, which a query may give.

    Raises:
        DataError: there are two.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"two columns are called '{twice}'", where=address.name, mend=f"rename one: ... AS {twice}_2"
        )


def count_checked(
    batches: Iterable[pa.RecordBatch], rows: int, address: DatabaseAddress
) -> Iterator[pa.RecordBatch]:
    """The batches, unless they have other rows in number than when the table was opened.

    Raises:
        DataError: rows came or went in between.
    """
    read = 0
    for batch in batches:
        read += batch.num_rows
        yield batch
    if read != rows:
        raise DataError(
            f"the table changed while it was being used: it had {rows} rows and now has {read}",
            where=address.name,
            mend="copy it first, for example to Parquet, or read it while nobody writes",
        )


def to_arrays(
    rows: Sequence[Sequence[object]], types: Mapping[str, pa.DataType], address: DatabaseAddress
) -> list[pa.Array]:
    """Rows from a driver as one array a column.

    Raises:
        DataError: a value that does not fit its column.
    """
    arrays = []
    for (name, arrow), values in zip(types.items(), zip(*rows, strict=True), strict=True):
        try:
            arrays.append(pa.array(values, arrow))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise DataError(
                f"column '{name}' holds a value that does not fit {arrow}: {error}",
                where=address.name,
                mend=f"leave it out: exclude=['{name}']",
            ) from error
    return arrays
