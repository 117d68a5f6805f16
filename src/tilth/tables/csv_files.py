"""CSV files: typed by what every cell of a column holds, parsed straight into values where possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from tilth.engines import local_engine
from tilth.errors import ColumnNotFoundError, UsageError
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.csv_bad_rows import BadRow, BadRows, BadRowsFile
from tilth.tables.csv_cells import malformed_rows, text_cells
from tilth.tables.csv_chunks import Chunk, read_chunks
from tilth.tables.csv_columns import Columns
from tilth.tables.csv_dialect import Dialect, find_dialect
from tilth.tables.csv_encodings import TextFile
from tilth.tables.csv_kept import KeptBatches
from tilth.tables.csv_typed import DirectCells, Plan, parse_directly
from tilth.tables.files import SourceFile
from tilth.tables.table import Reader, Table
from tilth.tables.text_types import converted
from tilth.types import SCALAR_TYPES, ColumnType

__all__ = ["CSVFile", "open_csv"]

_EARLY = 4  # chunks after which it is no loss to begin again
_EARLY_ATTEMPTS = 4
_MEND = "put cells that hold a separator or a line break between double quotes"


class CSVFile:
    """The cells of a CSV file as cleaned text.

    Args:
        file: the file.
        missing: the texts that mean missing, beside the empty cell.
        encoding: how it is encoded, None to find out.
    """

    def __init__(self, file: SourceFile, missing: Sequence[str] = (), encoding: str | None = None) -> None:
        self.file = file
        self.text = TextFile(file, encoding)
        self.dialect: Dialect = find_dialect(self.text)
        self.missing = ("", *missing)

    @property
    def expected(self) -> str:
        """What a row is to be."""
        separator = "\\t" if self.dialect.separator == "\t" else self.dialect.separator
        return f"{len(self.dialect.names)} cells, separated by '{separator}'"

    def chunks(self) -> Iterator[Chunk]:
        """The file in pieces of whole rows."""
        found = self.dialect
        return read_chunks(self.text, found.start, found.separator, found.spaced_quotes, len(found.names))

    def cells(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The cells of these columns, from the first row on; a missing one is null.

        Raises:
            DataError: rows with more or fewer cells than the header, a damaged file.
        """
        absent = pa.array(self.missing, pa.string())
        bad, rows = Malformed(self, BadRows(self.file)), 0
        for chunk in self.chunks():
            read = text_cells(chunk, self.dialect, names, absent)
            bad.look(chunk, read.malformed)
            rows += read.batch.num_rows
            chunk.release()
            if read.batch.num_rows and not bad.rows.count:
                yield read.batch
        bad.check(rows)


class Malformed:
    """The rows of a CSV file with more or fewer cells than the header.

    Args:
        source: the file.
        rows: where they are noted.
    """

    def __init__(self, source: CSVFile, rows: BadRows) -> None:
        self.rows = rows
        self._source = source
        self._line: int | None = None

    def look(self, chunk: Chunk, malformed: int) -> None:
        """Note those of a chunk, which has so many; chunks come in the file's order."""
        if self._line is None and not malformed:
            return
        dialect = self._source.dialect
        if self._line is None:
            before = self._source.text.line_at(chunk.offset, dialect.start)
            self._line = 1 + dialect.header_lines + before
        if malformed:
            found = malformed_rows(chunk, dialect)
            self.rows.add(BadRow(self._line + row.line, row.reason, row.row) for row in found)
        self._line += len(bytes(chunk.data).splitlines())

    def check(self, good: int) -> list[str]:
        """The notes on them; see `BadRows.check`."""
        mend = _MEND
        if self._source.dialect.names[0].startswith("#"):
            mend = "the first line looks like a comment: leave it out"
        return self.rows.check(good, self._source.expected, mend)


def open_csv(
    file: SourceFile,
    missing: Sequence[str] = (),
    types: Mapping[str, ColumnType] | None = None,
    *,
    encoding: str | None = None,
    bad_rows: str | Path | BadRowsFile | None = None,
) -> Table:
    """A table over a CSV file.

    The whole file is read to find the types, and what is read is kept: in memory while it is little, else in
    a temporary file.

    Args:
        file: the file.
        missing: the texts that mean missing, beside the empty cell.
        types: the types of columns that shall not be found out.
        encoding: how the file is encoded, as Python names it; None to find out.
        bad_rows: a file for the rows with more or fewer cells than the header, which are left out then.

    Raises:
        ColumnNotFoundError: a type for a column that is not there.
        DataError: the file cannot be read as CSV.
    """
    source = CSVFile(file, missing, encoding)
    forced = _checked(types or {}, source)
    aside = BadRowsFile(bad_rows) if isinstance(bad_rows, (str, Path)) else bad_rows
    columns = Columns(source.dialect, source.missing, forced)
    for attempt in range(_EARLY_ATTEMPTS + 2):
        bad = Malformed(source, BadRows(file, aside))
        kept, rows = _read_all(source, columns, bad, give_up_early=attempt < _EARLY_ATTEMPTS)
        if columns.is_sound or columns.has_misfits or bad.rows.is_hopeless(rows):
            break
    notes = bad.check(rows)
    if aside is not None and isinstance(bad_rows, (str, Path)):
        aside.finish()
    notes = [*source.text.notes, *source.dialect.notes, *columns.notes(rows), *notes]
    read = _reader(source, columns, kept)
    return Table(file.name, columns.types, read, rows=rows, notes=notes, empty=columns.empty, is_untyped=True)


def _read_all(
    source: CSVFile, columns: Columns, bad: Malformed, give_up_early: bool
) -> tuple[KeptBatches, int]:
    """Read it all: the values, as long as no type is disproved, and how many rows there are."""
    kept, rows = KeptBatches(), 0
    columns.begin()
    for number, (chunk, batch, malformed) in enumerate(_parsed(source, columns)):
        bad.look(chunk, malformed)
        rows += batch.num_rows
        if bad.rows.is_hopeless(rows):
            break
        if not columns.is_sound:
            kept.drop()
            if give_up_early and number < _EARLY and not columns.has_misfits:
                break
        elif batch.num_rows:
            kept.add(batch)
    return kept, rows


def _parsed(source: CSVFile, columns: Columns) -> Iterator[tuple[Chunk, pa.RecordBatch, int]]:
    """Each chunk with its values and the number of its malformed rows; parsed on several threads."""
    chunks = source.chunks()

    def parse(item: tuple[Chunk, Plan]) -> tuple[Chunk, Plan, DirectCells | None]:
        chunk, plan = item
        return chunk, plan, parse_directly(chunk, plan) if plan.direct else None

    for chunk in islice(chunks, 1):  # by itself: the types are found from it
        _, _, found = parse((chunk, columns.plan))
        yield chunk, *columns.take(chunk, found)
        chunk.release()

    planned = ((chunk, columns.plan) for chunk in chunks)
    for chunk, plan, found in local_engine().map(parse, planned):
        if plan is not columns.plan:
            found = parse_directly(chunk, columns.plan)  # noqa: PLW2901 - by what is known by now
        yield chunk, *columns.take(chunk, found)
        chunk.release()


def _reader(source: CSVFile, columns: Columns, kept: KeptBatches) -> Reader:
    types, file = columns.types, source.file

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - as they are kept
        if not kept.is_complete:
            yield from _converted(source, columns, names)
            return
        if not kept.is_small:
            file.check_unchanged()
        for batch in (kept_batch.select(list(names)) for kept_batch in kept.batches()):
            # A batch from before the first value of a column has it as text.
            arrays = [
                array
                if array.type == ARROW_TYPES[types[name]]
                else pa.nulls(len(array), ARROW_TYPES[types[name]])
                for name, array in zip(names, batch.columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    return read


def _converted(source: CSVFile, columns: Columns, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Parse the file again, all types being known."""
    plan, types, rows = columns.plan_for(names), columns.types, 0
    absent = pa.array(source.missing, pa.string())

    def parse(chunk: Chunk) -> tuple[dict[str, pa.Array], frozenset[str]]:
        direct, texts = parse_directly(chunk, plan), frozenset(plan.texts)
        if direct is None:
            batch = text_cells(chunk, source.dialect, names, absent).batch
            direct = DirectCells(dict(zip(names, batch.columns, strict=True)), 0)
            texts = frozenset(names)
        chunk.release()
        return direct.columns, texts

    for cells, texts in local_engine().map(parse, source.chunks()):
        arrays = [
            converted(cells[name], types[name], column=name, where=source.file.name, before=rows)
            if name in texts
            else cells[name]
            for name in names
        ]
        batch = pa.RecordBatch.from_arrays(arrays, list(names))
        rows += batch.num_rows
        if batch.num_rows:
            yield batch


def _checked(types: Mapping[str, ColumnType], source: CSVFile) -> dict[str, ColumnType]:
    for name, kind in types.items():
        if name not in source.dialect.names:
            raise ColumnNotFoundError(name, source.dialect.names, where=source.file.name)
        if kind not in SCALAR_TYPES:
            raise UsageError(
                f"a CSV file holds no {kind}",
                where=f"column '{name}'",
                expected=f"one of {', '.join(SCALAR_TYPES)}",
            )
    return dict(types)
