"""CSV files: parsed as text from end to end, then typed by what every cell of a column holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.csv as pacsv

from tilth.errors import ColumnNotFoundError, DataError
from tilth.tables.csv_bytes import GUARD, GuardedStream, not_utf8, open_bytes
from tilth.tables.csv_dialect import Dialect, find_dialect, wide_fields
from tilth.tables.files import SourceFile
from tilth.tables.table import Table
from tilth.tables.text_types import TypeGuess, clean_cells, convert_cells, first_misfit
from tilth.types import ColumnType

__all__ = ["CSVFile", "open_csv"]

_BLOCK = 1 << 20
_LARGEST_BLOCK = 1 << 30
_RECORDS_AT_ONCE = 16_384
_KEPT_BYTES = 1 << 24


class CSVFile:
    """The cells of a CSV file as cleaned text.

    Args:
        file: the file.
        missing: the texts that mean missing, beside the empty cell.
    """

    def __init__(self, file: SourceFile, missing: Sequence[str] = ()) -> None:
        self.file = file
        self.dialect: Dialect = find_dialect(file)
        self._missing = pa.array(["", *missing], pa.string())
        self._block = _BLOCK

    def cells(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The cells of these columns, from the first row on; a missing one is null.

        Raises:
            DataError: a row with more or fewer cells than the header, not UTF-8, a damaged file.
        """
        parse = self._parse_slowly if self.dialect.spaced_quotes else self._parse
        for batch, guard in parse(names):
            cleaned = [clean_cells(column, self._missing, guard) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(cleaned, list(names))

    def _parse(self, names: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, str]]:
        """Parse with Arrow, in larger blocks when one row does not fit."""
        done = 0
        while True:
            try:
                seen = 0
                for batch, guard in self._parse_blocks(names):
                    seen += batch.num_rows
                    if seen > done:
                        yield batch.slice(max(0, batch.num_rows - (seen - done))), guard
                        done = seen
            except pa.ArrowInvalid as error:
                if not str(error).startswith("straddling") or self._block >= _LARGEST_BLOCK:
                    raise self._in_our_words(error) from error
                self._block *= 8
            else:
                return

    def _parse_blocks(self, names: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, str]]:
        known = self.dialect.names
        with open_bytes(self.file) as raw:
            raw.seek(self.dialect.start)
            stream = GuardedStream(raw, self.dialect.separator)
            try:
                reader = pacsv.open_csv(
                    pa.PythonFile(stream, mode="r"),
                    read_options=pacsv.ReadOptions(column_names=list(known), block_size=self._block),
                    parse_options=pacsv.ParseOptions(
                        delimiter=self.dialect.separator,
                        newlines_in_values=True,
                        ignore_empty_lines=True,
                    ),
                    convert_options=pacsv.ConvertOptions(
                        column_types=dict.fromkeys(known, pa.string()),
                        strings_can_be_null=False,
                        include_columns=list(names),
                    ),
                )
            except pa.ArrowInvalid as error:
                if "Empty CSV file" in str(error):
                    return
                raise
            for batch in reader:
                yield batch, GUARD if stream.guarded else ""
        if stream.quotes % 2:
            self._check_closed()

    def _check_closed(self) -> None:
        """Refuse a quote that is never closed: a parser takes the rest of the file for one cell.

        Quotes come in pairs, except in cells such as 5" that are not quoted; so this is looked at closely
        only when their number is odd.
        """
        line = self.dialect.header_lines
        with open_bytes(self.file) as raw, wide_fields():
            raw.seek(self.dialect.start)
            text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            reader = csv.reader(text, delimiter=self.dialect.separator, strict=True)
            try:
                for _ in reader:
                    line = self.dialect.header_lines + reader.line_num
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise DataError(
                        "a quote is never closed",
                        where=f"{self.file.name}, line {line + 1}",
                        expected='a second " at the end of the cell',
                    ) from error
            finally:
                text.detach()

    def _parse_slowly(self, names: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, str]]:
        """Parse with the csv module, which knows quotes after a space."""
        width = len(self.dialect.names)
        positions = [self.dialect.names.index(name) for name in names]
        for records in self._records():
            ragged = next((line for line, record in records if len(record) != width), None)
            if ragged is not None:
                raise self._ragged() or DataError("the rows differ in width", where=self.file.name)
            arrays = [pa.array([record[p] for _, record in records], pa.string()) for p in positions]
            yield pa.RecordBatch.from_arrays(arrays, list(names)), ""

    def _records(self) -> Iterator[list[tuple[int, list[str]]]]:
        """Records with the number of the line where each begins; blank lines are left out."""
        with open_bytes(self.file) as raw, wide_fields():
            raw.seek(self.dialect.start)
            text = io.TextIOWrapper(raw, encoding="utf-8", errors="strict", newline="")
            reader = csv.reader(
                text, delimiter=self.dialect.separator, skipinitialspace=self.dialect.spaced_quotes
            )
            try:
                while records := list(islice(_numbered(reader, self.dialect.header_lines), _RECORDS_AT_ONCE)):
                    yield records
            except (UnicodeDecodeError, csv.Error) as error:
                raise self._in_our_words(error) from error
            finally:
                text.detach()

    def _in_our_words(self, error: Exception) -> DataError:
        """What went wrong, with its place; the file is read again to find it."""
        found = not_utf8(self.file)
        if found is None and not isinstance(error, csv.Error):
            found = self._ragged()
        return found or DataError(f"the file cannot be read as CSV: {error}", where=self.file.name)

    def _ragged(self) -> DataError | None:
        width = len(self.dialect.names)
        for records in self._records():
            for line, record in records:
                if len(record) != width:
                    return DataError(
                        f"a row has {len(record)} cells where the header has {width}",
                        where=f"{self.file.name}, line {line}",
                        expected=f"{width} cells, separated by '{_visible(self.dialect.separator)}'",
                        mend="put cells that hold a separator or a line break between double quotes",
                    )
        return None


def _numbered(reader: Iterator[list[str]], lines_before: int) -> Iterator[tuple[int, list[str]]]:
    line = lines_before
    for record in reader:
        first, line = line + 1, lines_before + reader.line_num  # type: ignore[attr-defined]
        if record:
            yield first, record


def _visible(separator: str) -> str:
    return "\\t" if separator == "\t" else separator


def open_csv(
    file: SourceFile, missing: Sequence[str] = (), types: Mapping[str, ColumnType] | None = None
) -> Table:
    """A table over a CSV file.

    The whole file is read once to find the types; later passes read it again and convert.

    Args:
        file: the file.
        missing: the texts that mean missing, beside the empty cell.
        types: the types of columns that shall not be found out.

    Raises:
        ColumnNotFoundError: a type for a column that is not there.
        DataError: the file cannot be read as CSV.
    """
    forced = dict(types or {})
    source = CSVFile(file, missing)
    for name in forced:
        if name not in source.dialect.names:
            raise ColumnNotFoundError(name, source.dialect.names, where=file.name)
    guesses, rows, kept = _look(source)
    columns = {name: forced.get(name, guess.type) for name, guess in guesses.items()}

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - as the parser gives them
        before = 0
        for batch in source.cells(names) if kept is None else (b.select(list(names)) for b in kept):
            arrays = [
                _convert(batch.column(position), columns[name], name, before, file)
                for position, name in enumerate(names)
            ]
            before += batch.num_rows
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    notes = [*source.dialect.notes, *_type_notes(guesses, rows)]
    empty = frozenset(name for name, guess in guesses.items() if not guess.seen and name not in forced)
    return Table(file.name, columns, read, rows=rows, notes=notes, empty=empty)


def _look(source: CSVFile) -> tuple[dict[str, TypeGuess], int, list[pa.RecordBatch] | None]:
    """Read all cells: the types, the number of rows, and the cells themselves if they are few."""
    names = source.dialect.names
    guesses = {name: TypeGuess() for name in names}
    rows, size = 0, 0
    kept: list[pa.RecordBatch] | None = []
    for batch in source.cells(names):
        rows += batch.num_rows
        for name, guess in guesses.items():
            guess.update(batch.column(name))
        size += batch.nbytes
        if kept is not None:
            kept.append(batch)
        if size > _KEPT_BYTES:
            kept = None
    return guesses, rows, kept


def _convert(cells: pa.Array, kind: ColumnType, name: str, before: int, file: SourceFile) -> pa.Array:
    try:
        return convert_cells(cells, kind)
    except pa.ArrowInvalid as error:
        position = first_misfit(cells, kind)
        raise DataError(
            f"column '{name}' has the cell {cells[position].as_py()!r}",
            where=f"{file.name}, row {before + position + 1}",
            expected=f"a value of type {kind}",
            mend="correct the cell, declare it as missing, or choose another type",
        ) from error


def _type_notes(guesses: Mapping[str, TypeGuess], rows: int) -> list[str]:
    notes = []
    for name, guess in guesses.items():
        if rows and not guess.seen:
            notes.append(f"column '{name}' has no values")
        elif guess.is_overlong:
            notes.append(f"column '{name}' holds whole numbers of more than 64 bits and is kept as text")
    return notes
