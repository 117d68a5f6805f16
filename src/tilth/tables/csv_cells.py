"""The cells of a piece of a CSV file as text: what types are found from, and the reference for all else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from tilth.errors import counted
from tilth.tables.csv_bad_rows import BadRow
from tilth.tables.csv_chunks import Chunk, record_lines
from tilth.tables.csv_dialect import Dialect
from tilth.tables.csv_guards import GUARD, guarded
from tilth.tables.text_types import clean_cells

__all__ = ["TextCells", "malformed_rows", "read_options", "text_cells"]


@dataclass(frozen=True)
class TextCells:
    """Cells without white space at their ends, null where missing.

    Args:
        batch: the cells of the rows that have as many as the header.
        malformed: how many rows have more or fewer, which are left out.
    """

    batch: pa.RecordBatch
    malformed: int


def text_cells(chunk: Chunk, dialect: Dialect, names: Sequence[str], missing: pa.Array) -> TextCells:
    """The cells of these columns.

    Args:
        chunk: whole records.
        dialect: how the file is written.
        names: at least one.
        missing: the texts that mean missing.
    """
    if dialect.spaced_quotes:
        return _read_slowly(chunk, dialect, names, missing)
    data, has_guards = (
        guarded(bytes(chunk.data), dialect.separator) if chunk.has_padding else (chunk.data, False)
    )
    skipped = 0

    def skip(_: pacsv.InvalidRow) -> str:
        nonlocal skipped
        skipped += 1
        return "skip"

    try:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=read_options(dialect, len(data)),
            parse_options=pacsv.ParseOptions(
                delimiter=dialect.separator, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                include_columns=list(names),
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise
        table = pa.table({name: pa.array([], pa.string()) for name in names})
    guard = GUARD if has_guards else ""
    cells = [clean_cells(_whole(table, position), missing, guard) for position in range(len(names))]
    return TextCells(pa.RecordBatch.from_arrays(cells, list(names)), skipped)


def _whole(table: pa.Table, position: int) -> pa.Array:
    column = table.column(position)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def read_options(dialect: Dialect, size: int) -> pacsv.ReadOptions:
    """How to parse a whole chunk at once."""
    return pacsv.ReadOptions(use_threads=False, block_size=size + 16, column_names=list(dialect.names))


def _read_slowly(chunk: Chunk, dialect: Dialect, names: Sequence[str], missing: pa.Array) -> TextCells:
    """Parse with the csv module, which knows quotes after a space."""
    width = len(dialect.names)
    read = [cells for _, _, cells in record_lines(bytes(chunk.data), dialect.separator, True)]
    rows = [cells for cells in read if len(cells) == width]
    arrays = []
    for position in (dialect.names.index(name) for name in names):
        texts = [row[position].encode("latin-1") for row in rows]
        arrays.append(clean_cells(pa.array(texts, pa.binary()).cast(pa.string()), missing, ""))
    return TextCells(pa.RecordBatch.from_arrays(arrays, list(names)), len(read) - len(rows))


def malformed_rows(chunk: Chunk, dialect: Dialect) -> list[BadRow]:
    """The rows with more or fewer cells than the header; lines count from 0 at the chunk's beginning."""
    data, width = bytes(chunk.data), len(dialect.names)
    lines = data.splitlines(keepends=True)
    return [
        BadRow(
            first,
            f"a row has {counted(len(cells), 'cell')} where the header has {width}",
            b"".join(lines[first : last + 1]).rstrip(b"\r\n"),
        )
        for first, last, cells in record_lines(data, dialect.separator, dialect.spaced_quotes)
        if len(cells) != width
    ]
