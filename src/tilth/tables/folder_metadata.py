"""The table that describes the files of a folder: one row a file, found by its column `file_name`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.columnar_files import open_parquet
from tilth.tables.concatenation import concat_tables
from tilth.tables.csv_files import open_csv
from tilth.tables.files import SourceFile, source_file
from tilth.tables.folder_listing import FolderListing
from tilth.tables.json_lines import open_json_lines
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["FILE_NAME", "Metadata", "folder_metadata"]

FILE_NAME = "file_name"
_DRIVE = re.compile(r"[A-Za-z]:")
_READERS: dict[str, Callable[[SourceFile], Table]] = {
    ".csv": lambda file: open_csv(file, (), {}),
    ".jsonl": open_json_lines,
    ".parquet": open_parquet,
}


@dataclass(frozen=True)
class Metadata:
    """What is said of the files of a folder.

    Args:
        columns: the types of the columns.
        values: one row a file in the listing's order; missing where nothing is said.
        empty: columns without a value in any row.
        notes: what does not match, as sentences for people.
    """

    columns: dict[str, ColumnType]
    values: pa.Table
    empty: frozenset[str]
    notes: list[str]


def folder_metadata(listing: FolderListing, reserved: Sequence[str]) -> Metadata:
    """What the metadata of a folder says of each of its files; no columns where there is none.

    Args:
        listing: the folder.
        reserved: names of columns that the metadata may not have.

    Raises:
        DataError: metadata that cannot be read, has no column `file_name`, two rows about one file, a path
            that leaves the folder, or a column with a reserved name.
    """
    if not listing.metadata:
        return Metadata({}, pa.table({}), frozenset(), [])
    _check_one_each(listing)
    tables = [_opened(listing.root / path, reserved) for path in listing.metadata]
    names = [
        name
        for path, table in zip(listing.metadata, tables, strict=True)
        for name in _file_names(table, posixpath.dirname(path))
    ]
    whole = concat_tables(tables)
    rows, notes = _matched(listing, names)
    columns = {name: kind for name, kind in whole.columns.items() if name != FILE_NAME}
    values = whole.to_arrow().select(list(columns)).take(pa.array(rows, pa.int64()))
    return Metadata(columns, values, whole.empty & set(columns), [*whole.notes, *notes])


def _check_one_each(listing: FolderListing) -> None:
    folders = [posixpath.dirname(path) for path in listing.metadata]
    for folder, path in zip(folders, listing.metadata, strict=True):
        if folders.count(folder) > 1:
            raise DataError(
                "there are several files of metadata in one folder",
                where=str(listing.root / folder),
                expected="one of metadata.csv, metadata.jsonl and metadata.parquet",
                mend=f"keep '{path}' or the other",
            )


def _opened(path: Path, reserved: Sequence[str]) -> Table:
    table = _READERS[path.suffix](source_file(path))
    if table.columns.get(FILE_NAME) != "string":
        raise DataError(
            f"the metadata has no column '{FILE_NAME}' of texts",
            where=str(path),
            expected=f"the path of each file, relative to the folder, in the column '{FILE_NAME}'",
        )
    for name in reserved:
        if name in table.columns:
            raise DataError(
                f"the metadata has a column '{name}', which is also the name of a column that Tilth makes",
                where=str(path),
                mend=f"rename the column '{name}' of the metadata",
            )
    return table


def _file_names(table: Table, inside: str) -> Iterator[str]:
    """The paths relative to the root, those of the metadata being relative to where it lies."""
    column = table.select([FILE_NAME]).to_arrow().column(FILE_NAME)
    for number, name in enumerate(column.to_pylist(), start=1):
        where = f"{table.name}, row {number}"
        if not name:
            raise DataError(f"'{FILE_NAME}' is missing", where=where, expected="the path of a file")
        path = posixpath.normpath(posixpath.join(inside, name))
        if posixpath.isabs(name) or _DRIVE.match(name) or path.split("/")[0] == "..":
            raise DataError(
                f"the path {name!r} leaves the folder",
                where=where,
                expected="a path relative to the folder of the metadata, inside the folder that was named",
            )
        yield path


def _matched(listing: FolderListing, names: Sequence[str]) -> tuple[list[int | None], list[str]]:
    """For each file the row that is about it, and notes on what is left over."""
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in rows:
            raise DataError(
                f"two rows of the metadata are about '{name}'",
                where=f"{listing.root}, {' and '.join(listing.metadata)}",
                expected="one row for each file",
            )
        rows[name] = row
    files = set(listing.paths)
    without = [path for path in listing.paths if path not in rows]
    lacking = [name for name in names if name not in files]
    notes = []
    if without:
        notes.append(
            f"the metadata says nothing about {len(without)} of {len(files)} files, "
            f"such as '{without[0]}': its columns are missing there"
        )
    if lacking:
        notes.append(
            f"{len(lacking)} rows of the metadata are about files that are not there, "
            f"such as '{lacking[0]}': left out"
        )
    return [rows.get(path) for path in listing.paths], notes
