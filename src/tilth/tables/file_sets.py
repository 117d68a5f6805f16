"""Files one below the other: opened each by its ending, typed as one, with what their folders say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from tilth.errors import DataError, UsageError
from tilth.tables.adjusting import adjusted
from tilth.tables.concatenation import concat_tables
from tilth.tables.csv_bad_rows import BadRowsFile
from tilth.tables.files import EXCEL_SUFFIXES, SourceFile
from tilth.tables.globs import FoundFile
from tilth.tables.read_options import ReadOptions
from tilth.tables.remote import RemoteFile
from tilth.tables.table import Table
from tilth.tables.text_types import TypeGuess, convert_cells
from tilth.types import ColumnType

__all__ = ["CSV_SUFFIXES", "TABLE_SUFFIXES", "check_columns", "open_file", "open_files", "refused_workbook"]

CSV_SUFFIXES = (".csv", ".tsv", ".txt", ".data")
_JSON_SUFFIXES = (".jsonl", ".ndjson")
_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar")
_EXPECTED = (
    ".csv, .tsv, .txt, .data, .jsonl, .ndjson (each also .gz, .zst, .bz2, .xz), .parquet, .arrow, .feather, "
    ".xlsx, .xlsm, .xls or .ods"
)

Opener = Callable[[SourceFile, ReadOptions], Table]


def _open_csv(file: SourceFile, options: ReadOptions) -> Table:
    from tilth.tables.csv_files import open_csv

    table = open_csv(
        file, options.missing, options.types, encoding=options.encoding, bad_rows=options.bad_rows_file
    )
    return adjusted(table, replace(options, missing=()))


def _open_json_lines(file: SourceFile, options: ReadOptions) -> Table:
    from tilth.tables.json_lines import open_json_lines

    table = open_json_lines(file, encoding=options.encoding, bad_rows=options.bad_rows_file)
    return adjusted(table, options)


def _open_columns(file: SourceFile, options: ReadOptions) -> Table:
    from tilth.tables.columnar_files import open_arrow, open_parquet

    reader = open_parquet if file.suffix == ".parquet" else open_arrow
    # What is left out is left out by the reader, since it may be of a type that cannot be read at all.
    return adjusted(reader(file, options), replace(options, exclude=()))


def _open_excel(file: SourceFile, options: ReadOptions) -> Table:
    from tilth.tables.excel import open_excel

    if isinstance(file, RemoteFile):
        raise refused_workbook(file.name)
    return adjusted(open_excel(file, options), replace(options, exclude=()))


def refused_workbook(name: str) -> DataError:
    """The error for a workbook in an object store."""
    return DataError(
        "a workbook is opened from this machine only",
        where=name,
        mend="copy it here, or write it as CSV or Parquet",
    )


_OPENERS: dict[str, Opener] = {
    **dict.fromkeys(CSV_SUFFIXES, _open_csv),
    **dict.fromkeys(_JSON_SUFFIXES, _open_json_lines),
    **dict.fromkeys((".parquet", ".arrow", ".feather"), _open_columns),
    **dict.fromkeys(EXCEL_SUFFIXES, _open_excel),
}
TABLE_SUFFIXES = tuple(_OPENERS)


def open_file(file: SourceFile, options: ReadOptions) -> Table:
    """A table over one file, by its ending.

    Raises:
        DataError: an ending that is not known, or what its reader raises.
        UsageError: an encoding for a file that is no text.
    """
    opener = _OPENERS.get(file.suffix)
    packed = file.compression is not None
    if opener is None or (packed and file.suffix not in (*CSV_SUFFIXES, *_JSON_SUFFIXES)):
        shown = "".join(file.path.suffixes[-2:] if packed else file.path.suffixes[-1:])
        raise DataError(
            f"files ending in '{shown}' are not known" if shown else "the file's name has no ending",
            where=file.name,
            expected=_EXPECTED,
            mend=_mend(file.suffix),
        )
    if file.suffix not in (*CSV_SUFFIXES, *_JSON_SUFFIXES) and (options.encoding or options.bad_rows):
        what = "an encoding" if options.encoding else "a file for bad rows"
        raise UsageError(f"{what} is only for files of text", where=file.name, expected="CSV or JSON lines")
    return opener(file, options)


def _mend(suffix: str) -> str:
    from tilth.tables.folder_listing import MEDIA_SUFFIXES

    if suffix in MEDIA_SUFFIXES:
        return "images and recordings are read from a folder of them on this machine: name the folder"
    if suffix in _ARCHIVES:
        return "unpack the archive first"
    return "rename the file by what is in it"


def open_files(found: Sequence[FoundFile], options: ReadOptions, name: str | None = None) -> Table:
    """One table over files with the same columns.

    Args:
        found: at least one.
        options: how to read them.
        name: what to call the table; None for the names of the files.

    Raises:
        DataError: a file that cannot be read, or files with different columns.
    """
    keys = _keys(found)
    aside = None if options.bad_rows is None else BadRowsFile(options.bad_rows)
    here = replace(
        options,
        bad_rows_file=aside,
        types={column: kind for column, kind in options.types.items() if column not in keys},
        exclude=tuple(column for column in options.exclude if column not in keys),
    )
    try:
        tables = _typed_as_one([item.file for item in found], here)
        if aside is not None:
            aside.finish()
    finally:
        if aside is not None:
            aside.close()
    return concat_tables(_with_keys(tables, found, keys, options), name=name)


def _typed_as_one(files: Sequence[SourceFile], options: ReadOptions) -> list[Table]:
    """The tables of all files, with the types that their columns would have in one file."""
    tables = [open_file(file, options) for file in files]
    check_columns(tables)
    found = {column: _text_type(column, tables, files) for column in tables[0].columns}
    widened = {column: kind for column, kind in found.items() if kind is not None}
    if not widened:
        return tables
    again = replace(options, types={**options.types, **widened})
    return [
        open_file(file, again)
        if any(table.columns[column] != kind for column, kind in widened.items())
        else table
        for file, table in zip(files, tables, strict=True)
    ]


def check_columns(tables: Sequence[Table]) -> None:
    """Refuse tables with different columns.

    Raises:
        DataError: there are such.
    """
    first = tables[0]
    for other in tables[1:]:
        lacking = [name for name in first.columns if name not in other.columns]
        extra = [name for name in other.columns if name not in first.columns]
        if lacking or extra:
            words = [f"lacks {', '.join(lacking[:20])}"] if lacking else []
            words += [f"has {', '.join(extra[:20])} more"] if extra else []
            raise DataError(
                f"the files have different columns: the second {' and '.join(words)}",
                where=f"{first.name} and {other.name}",
                expected="the same columns in each file",
            )


def _text_type(name: str, tables: Sequence[Table], files: Sequence[SourceFile]) -> ColumnType | None:
    """string, where CSV files of one delivery disagree on a column so that only text holds all."""
    kinds = {table.columns[name] for table in tables if name not in table.empty}
    if len(kinds) < 2 or any(file.suffix not in CSV_SUFFIXES for file in files):
        return None
    return None if kinds == {"int", "float"} else "string"


def _keys(found: Sequence[FoundFile]) -> list[str]:
    """The names that the folders of every file give a value to."""
    return [name for name in found[0].values if all(name in item.values for item in found)]


def _with_keys(
    tables: Sequence[Table], found: Sequence[FoundFile], keys: Sequence[str], options: ReadOptions
) -> list[Table]:
    """The tables with a column for each value that folders give and that the files do not hold."""
    result = list(tables)
    for key in keys:
        if any(key in table.columns for table in tables):
            asked = ReadOptions(
                types={key: options.types[key]} if key in options.types else {},
                exclude=(key,) if key in options.exclude else (),
            )
            result = [adjusted(table, asked) for table in result]
        elif key not in options.exclude:
            cells = pa.array([item.values[key] for item in found], pa.string())
            values = _typed(cells, key, options.types)
            result = [_with(table, key, values, position) for position, table in enumerate(result)]
    return result


def _typed(cells: pa.Array, key: str, types: Mapping[str, ColumnType]) -> pa.Array:
    guess = TypeGuess()
    guess.update(cells)
    try:
        return convert_cells(cells, types.get(key, guess.type))
    except (pa.ArrowInvalid, KeyError) as error:
        raise DataError(
            f"the folders' values of '{key}' are not of type {types[key]}: {error}", where=f"column '{key}'"
        ) from error


def _with(table: Table, key: str, values: pa.Array, position: int) -> Table:
    value = values[position].as_py()
    return table.with_column(key, pa.nulls(table.rows, values.type) if value is None else value)
