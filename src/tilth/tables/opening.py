"""open_table: a table from whatever the data is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from tilth.errors import DataError, UsageError
from tilth.tables.adjusting import adjusted
from tilth.tables.concatenation import concat_tables
from tilth.tables.databases import is_database, open_database
from tilth.tables.file_sets import CSV_SUFFIXES, TABLE_SUFFIXES, check_columns, open_files, refused_workbook
from tilth.tables.files import EXCEL_SUFFIXES, source_file
from tilth.tables.globs import FoundFile, files_below, find_pattern, holds_any, is_pattern, one_kind
from tilth.tables.read_options import ReadOptions
from tilth.tables.remote import find_remote, has_folder, is_remote, shown
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["CSV_SUFFIXES", "find_files", "open_table"]

_QUESTIONS = ("sheet", "version")


def open_table(
    data: object,
    *,
    missing: Sequence[str] = (),
    types: Mapping[str, ColumnType] | None = None,
    exclude: Sequence[str] = (),
    encoding: str | None = None,
    bad_rows: str | Path | None = None,
) -> Table:
    """A table over data of any kind.

    Args:
        data: a path or an address, or a list of them (the same columns, one below the other); an Arrow table
            or reader; a data frame of Polars, pandas, DuckDB or any library with the Arrow C interface;
            columns ({name: values}); rows ([{name: value}]); a Table. A path is a file (CSV, Parquet, JSON
            lines, Arrow, Excel with `?sheet=NAME`), a pattern such as `data/**/*.csv`, a folder of such files
            of one kind or of images or recordings, or a Delta table (`?version=3` or `@3` for an old one). An
            address is `s3://`, `gs://` or `az://` for files, or `sqlite:///file.db?table=NAME` or
            `postgresql://user:password@host/database?table=NAME` (also `?query=SELECT ...`).
        missing: texts that mean missing, beside the empty cell.
        types: types of columns that shall not be found out, such as {"zip": "string"}.
        exclude: columns to leave out, among them such as are of a type that cannot be read.
        encoding: how CSV files are encoded; None to find out.
        bad_rows: where rows of a CSV file go that cannot be read; None to refuse them.

    Raises:
        DataError: it cannot be read as asked; the message says file, line and column.
        ColumnNotFoundError: a type for a column, or a column to leave out, that is not there.
        UsageError: a type that is not known.

    Example:
        >>> open_table({"age": [39, None], "job": ["cook", "?"]}, missing=["?"]).to_arrow().to_pylist()
        [{'age': 39, 'job': 'cook'}, {'age': None, 'job': None}]
    """
    options = ReadOptions.checked(missing, types, exclude, encoding, bad_rows)
    places = _places(data)
    if "" in places:
        raise DataError("the name of the data is empty", expected="a path or an address")
    if not places:
        return _from_memory(data, options)
    found = [find_files(place) for place in places]
    if all(item is not None for item in found):
        files = [file for item in found for file in item or ()]
        return open_files(files, options, places[0] if len(places) == 1 and len(files) > 1 else None)
    tables = [_open_place(place, options) for place in places]
    check_columns(tables)
    return concat_tables(tables)


def _places(data: object) -> list[str]:
    """The paths and addresses that data is given as; none where it is something else."""
    if isinstance(data, (str, Path)):
        return [str(data)]
    if isinstance(data, (list, tuple)) and data and all(isinstance(item, (str, Path)) for item in data):
        return [str(item) for item in data]
    return []


def _from_memory(data: object, options: ReadOptions) -> Table:
    from tilth.tables.memory import is_rows, table_from_columns, table_from_frame, table_from_rows

    if isinstance(data, Table):
        return adjusted(data, options)
    if isinstance(data, Mapping):
        table: Table | None = table_from_columns(data, options)
    elif is_rows(data):
        table = table_from_rows(data, options)  # type: ignore[arg-type]
    else:
        table = table_from_frame(data, options)
    if table is None:
        raise DataError(
            f"a {type(data).__name__} is not a table",
            expected="a path, a data frame, an Arrow table, {name: values} or [{name: value}]",
        )
    return adjusted(table, replace(options, exclude=()))


def find_files(place: str) -> list[FoundFile] | None:
    """The files of tables that a path or an address names, or None where it names something else.

    Raises:
        DataError: there is nothing of that name.
    """
    return None if _special(place) else _files_at(place)


def _open_place(place: str, options: ReadOptions) -> Table:
    special = _special(place)
    if special is not None:
        return special(place, options)
    files = _files_at(place)
    return open_files(files, options, place if len(files) > 1 else None)


def _files_at(place: str) -> list[FoundFile]:
    if is_remote(place):
        found = find_remote(place, TABLE_SUFFIXES)
        return found if len(found) == 1 else one_kind(found, TABLE_SUFFIXES, place)
    path = Path(place)
    if path.is_dir():
        return one_kind(files_below(path, TABLE_SUFFIXES), TABLE_SUFFIXES, place)
    if is_pattern(place) and not path.exists():
        return find_pattern(place)
    return [FoundFile(source_file(path))]


Special = Callable[[str, ReadOptions], Table]


def _special(place: str) -> Special | None:
    """What opens a place that is more than files of tables; the first rule that applies counts."""
    rules: tuple[tuple[Callable[[str], bool], Special], ...] = (
        (is_database, _open_database),
        (_is_web, _refuse_web),
        (_is_unknown_address, _refuse_address),
        (_names_sheet, _open_sheet),
        (_is_delta, _open_delta),
        (_is_media_folder, _open_media),
    )
    return next((opener for applies, opener in rules if applies(place)), None)


def _asked(place: str) -> tuple[str, str, str]:
    """A path and what is asked of it behind a question mark or an @: path, key, value."""
    if not os.path.exists(place):  # noqa: PTH110 - also where a folder may not be looked into
        path, _, question = place.rpartition("?")
        key, mark, value = question.partition("=")
        if path and mark and key in _QUESTIONS:
            return path, key, unquote(value)
        path, mark, version = place.rpartition("@")
        if path and version.isdigit():
            return path, "version", version
    return place, "", ""


def _open_database(place: str, options: ReadOptions) -> Table:
    return adjusted(open_database(place, options), replace(options, exclude=()))


def _is_web(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _refuse_web(place: str, _: ReadOptions) -> Table:
    raise DataError(
        "web addresses are not opened", where=place, mend=f"fetch the file first: curl -LO '{place}'"
    )


def _is_unknown_address(place: str) -> bool:
    scheme, mark, _ = place.partition("://")
    return bool(mark) and scheme.isalnum() and not is_remote(place) and not Path(place).exists()


def _refuse_address(place: str, _: ReadOptions) -> Table:
    scheme, rest = place.split("://", 1)
    raise DataError(
        f"addresses that begin with '{scheme}://' are not known",
        where=shown(place),
        expected="a path, s3://, gs://, az://, postgresql:// or sqlite:///",
        mend=f"write it as a path: {rest}" if scheme == "file" else None,
    )


def _is_delta(place: str) -> bool:
    path, key, _ = _asked(place)
    if key == "version":
        return True
    return has_folder(path, "_delta_log") if is_remote(path) else _is_folder(f"{path}/_delta_log")


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - also where a folder may not be looked into


def _open_delta(place: str, options: ReadOptions) -> Table:
    from tilth.tables.delta import open_delta

    path, _, version = _asked(place)
    if version and not version.isdigit():
        raise UsageError(f"version {version!r} is not a number", where=place, expected="0 or more")
    if not is_remote(path) and not Path(path).exists():
        source_file(Path(path))
    table = open_delta(path, options, int(version) if version else None)
    return adjusted(table, replace(options, exclude=()))


def _names_sheet(place: str) -> bool:
    return _asked(place)[1] == "sheet"


def _open_sheet(place: str, options: ReadOptions) -> Table:
    from tilth.tables.excel import open_excel

    path, _, sheet = _asked(place)
    if is_remote(path):
        raise refused_workbook(shown(path))
    file = source_file(Path(path))
    if file.suffix not in EXCEL_SUFFIXES:
        raise DataError("only workbooks have sheets", where=path, expected=", ".join(EXCEL_SUFFIXES))
    return adjusted(open_excel(file, options, sheet), replace(options, exclude=()))


def _is_media_folder(place: str) -> bool:
    path = Path(place)
    if not path.is_dir():
        return False
    from tilth.tables.folder_listing import MEDIA_SUFFIXES

    return holds_any(path, MEDIA_SUFFIXES)


def _open_media(place: str, options: ReadOptions) -> Table:
    from tilth.tables.folders import open_media_folder

    return adjusted(open_media_folder(Path(place)), options)
