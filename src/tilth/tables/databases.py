"""Databases by their addresses: SQLite and PostgreSQL."""

from __future__ import annotations

from tilth.errors import DataError
from tilth.tables.read_options import ReadOptions
from tilth.tables.sql import DatabaseAddress
from tilth.tables.table import Table

__all__ = ["is_database", "open_database"]

_SCHEMES = ("sqlite", "postgresql", "postgres")
_FILES = (".db", ".sqlite", ".sqlite3")


def is_database(place: str) -> bool:
    """Whether this is the address of a database, or the file of one.

    Example:
        >>> is_database("sqlite:///a.db?table=t"), is_database("a.csv")
        (True, False)
    """
    scheme, mark, _ = place.partition("://")
    return bool(mark and scheme in _SCHEMES) or place.lower().endswith(_FILES)


def open_database(place: str, options: ReadOptions) -> Table:
    """A table over a table or a query of a database.

    Raises:
        DataError: no such database or table, or a column that cannot be used.
    """
    if "://" not in place:
        raise DataError(
            "a database holds many tables",
            where=place,
            mend=f"name one: 'sqlite:///{place}?table=NAME'",
        )
    address = DatabaseAddress.parse(place)
    if address.table and address.query:
        raise DataError("a table and a query are named", where=address.name, expected="one of the two")
    if address.scheme == "sqlite":
        from tilth.tables.sqlite import open_sqlite

        return open_sqlite(address, options)
    from tilth.tables.postgresql import open_postgresql

    return open_postgresql(address, options)
