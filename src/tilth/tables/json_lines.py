"""JSON lines: one object a line, columns found over the whole file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.csv_bad_rows import BadRow, BadRows, BadRowsFile
from tilth.tables.csv_encodings import LARGEST_ROW, TextFile
from tilth.tables.csv_kept import KeptBatches
from tilth.tables.files import SourceFile
from tilth.tables.json_columns import JSONColumns
from tilth.tables.json_rows import Row, Unreadable, decode_row
from tilth.tables.table import Reader, Table

__all__ = ["open_json_lines"]

_BLOCK = 1 << 20
_LINES_AT_ONCE = 16_384
_CELLS_AT_ONCE = 1 << 19
_BYTES_AT_ONCE = 1 << 24


def open_json_lines(
    file: SourceFile,
    *,
    encoding: str | None = None,
    bad_rows: str | Path | BadRowsFile | None = None,
) -> Table:
    """A table over a file of JSON lines (.jsonl, .ndjson).

    Columns keep the order of their first appearance; one that an object lacks is missing there. Texts that
    are all ISO 8601 dates or times become datetime. A list of single values becomes a list column; an object
    inside a row is spread over columns named `outer.inner`.

    Args:
        file: the file.
        encoding: how it is encoded, as Python names it; None for UTF-8, or what a byte order mark says.
        bad_rows: a file for the lines that are not JSON objects, which are left out then.

    Raises:
        DataError: a line that is not a JSON object, holds lists of lists or objects, or does not go with
            the others.
    """
    text = TextFile(file, encoding, may_guess=False)
    aside = BadRowsFile(bad_rows) if isinstance(bad_rows, (str, Path)) else bad_rows
    bad, columns = BadRows(file, aside), JSONColumns(file.name)
    kept, rows = _read_all(text, columns, bad)
    notes = bad.check(rows, 'one JSON object a line, such as {"x": 1}', _mend(text))
    if aside is not None and isinstance(bad_rows, (str, Path)):
        aside.finish()
    if not columns.types:
        raise DataError("there are no columns", where=file.name, expected="one JSON object a line")
    notes = [*text.notes, *columns.notes(), *notes]
    read = _reader(text, columns, kept)
    return Table(file.name, columns.types, read, rows=rows, notes=notes, empty=columns.empty)


def _read_all(text: TextFile, columns: JSONColumns, bad: BadRows) -> tuple[KeptBatches, int]:
    kept, rows = KeptBatches(), 0
    for chunk in _chunks(text, bad):
        if bad.is_hopeless(rows):
            break
        batch = columns.take(chunk)
        rows += len(chunk)
        if batch.num_columns:
            kept.add(batch)
        else:
            kept.drop()  # rows without any value are lost in a batch without columns
    return kept, rows


def _reader(text: TextFile, columns: JSONColumns, kept: KeptBatches) -> Reader:
    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - as they are kept
        if not kept.is_complete:
            for chunk in _chunks(text, BadRows(text.file)):
                yield columns.fitted(columns.batch(chunk, names), names)
            return
        if not kept.is_small:
            text.file.check_unchanged()
        for batch in kept.batches():
            yield columns.fitted(batch, names)

    return read


def _mend(text: TextFile) -> str:
    first = next(_lines(text), b"")
    if first.strip() in (b"[", b"[{") or first.startswith(b"[{"):
        return "the file seems to be one JSON array: write one object a line"
    return "if it is the last line, the file may be cut short"


def _chunks(text: TextFile, bad: BadRows) -> Iterator[list[Row]]:
    """The rows, fewer at once where they are long or have many columns."""
    chunk: list[Row] = []
    names: set[str] = set()
    size = 0
    for number, line in enumerate(_lines(text), start=1):
        if not line or line.isspace():
            continue
        try:
            chunk.append(decode_row(line, number))
        except Unreadable as error:
            bad.add([BadRow(number, str(error), line.rstrip(b"\r"))])
        else:
            names.update(chunk[-1].cells)
        size += len(line)
        if (
            len(chunk) >= _LINES_AT_ONCE
            or size >= _BYTES_AT_ONCE
            or len(chunk) * len(names) >= _CELLS_AT_ONCE
        ):
            yield chunk
            chunk, size = [], 0
            names.clear()
    if chunk:
        yield chunk


def _lines(text: TextFile) -> Iterator[bytes]:
    rest, number = b"", 0
    with text.open() as stream:
        while block := stream.read(_BLOCK):
            *lines, rest = (rest + block).split(b"\n")
            number += len(lines)
            yield from lines
            if len(rest) > LARGEST_ROW:
                raise DataError(
                    f"a line has more than {LARGEST_ROW >> 20} MiB",
                    where=f"{text.file.name}, line {number + 1}",
                    expected="one JSON object a line, of a size that fits memory",
                )
    if rest:
        yield rest
