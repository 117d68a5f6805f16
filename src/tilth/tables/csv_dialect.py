"""How a CSV file is written, found from its beginning: separator, header, spaces."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tilth.errors import DataError
from tilth.tables.csv_bytes import GuardedStream, not_utf8, open_bytes
from tilth.tables.files import SourceFile

__all__ = ["Dialect", "find_dialect", "looks_like_number", "wide_fields"]

_SAMPLE_BYTES = 256 * 1024
_SAMPLE_RECORDS = 200
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Args:
        separator: what is between cells.
        names: the columns, from the header line.
        start: the offset in bytes of the first data line.
        header_lines: how many lines there are before it.
        spaced_quotes: cells are quoted after a space, as in `1, "a, b"`.
        notes: what was assumed, as sentences for people.
    """

    separator: str
    names: tuple[str, ...]
    start: int
    header_lines: int
    spaced_quotes: bool
    notes: tuple[str, ...]


def find_dialect(file: SourceFile) -> Dialect:
    """Find out how a CSV file is written.

    Raises:
        DataError: no header, two columns of one name, or not UTF-8.
    """
    raw, complete = _sample(file)
    if raw.startswith(_WIDE_BOMS):
        raise DataError(
            "the file is UTF-16",
            where=file.name,
            expected="text in UTF-8",
            mend=f"convert it, for example: iconv -f UTF-16 -t UTF-8 {file.path.name} > converted.csv",
        )
    marked = raw.startswith(codecs.BOM_UTF8)
    text = _decode(raw[3:] if marked else raw, file, complete)
    lines = _lines(text)
    blank = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    lines = lines[blank:]
    if not lines:
        raise DataError("the file is empty", where=file.name, expected="at least a header line")
    separator = _separator(lines, file.suffix)
    header, used = _header(lines, separator)
    start = sum(len(line.encode()) for line in _lines(text)[: blank + used]) + 3 * marked
    records = _records(_guarded(lines[used:], separator), separator)
    notes = ["a byte order mark at the beginning is left out"] if marked else []
    if separator != "," and len(header) > 1:
        notes.append(f"the cells are separated by {_SEPARATORS[separator]}s")
    if any(cell != cell.strip(" \t") for record in records for cell in record):
        notes.append("spaces around cells are left out")
    names, more = _names(header, file)
    spaced = any(
        cell.lstrip(" \t").startswith('"') for record in records for cell in record if cell[:1] in " \t"
    )
    return Dialect(separator, names, start, blank + used, spaced, (*notes, *more))


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text) if "\n" in text else text.splitlines(keepends=True)


def _sample(file: SourceFile) -> tuple[bytes, bool]:
    """The beginning of the file up to the end of a line, and whether that is all of it."""
    with open_bytes(file) as stream:
        raw = stream.read(_SAMPLE_BYTES)
        if len(raw) < _SAMPLE_BYTES:
            return raw, True
        raw += stream.readline()
        return raw, not stream.read(1)


def _decode(raw: bytes, file: SourceFile, complete: bool) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if not complete and error.reason == "unexpected end of data":
            return raw[: error.start].decode("utf-8")
        raise not_utf8(file) or DataError("the file is not UTF-8", where=file.name) from error


@contextlib.contextmanager
def wide_fields() -> Iterator[None]:
    """Let the csv module take fields of any length."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The first records, as far as they can be read; blank lines are left out."""
    records: list[list[str]] = []
    with wide_fields(), contextlib.suppress(csv.Error):
        records.extend(
            record for record in islice(csv.reader(lines, delimiter=separator), _SAMPLE_RECORDS) if record
        )
    return records


def _guarded(lines: Sequence[str], separator: str) -> list[str]:
    """The lines with white space inside quotes protected, so that what is left is around cells."""
    stream = GuardedStream(io.BytesIO("".join(lines).encode()), separator)
    return _lines(stream.read().decode())


def _separator(lines: Sequence[str], suffix: str) -> str:
    """The separator by which most records have as many cells as the header."""
    order = ["\t", *_SEPARATORS] if suffix == ".tsv" else list(_SEPARATORS)
    best, best_score = order[0], (0.0, 0)
    for separator in dict.fromkeys(order):
        records = _records(lines, separator)
        width = len(records[0]) if records else 0
        if width < 2:
            continue
        agreeing = sum(len(record) == width for record in records[:-1] or records) / len(
            records[:-1] or records
        )
        if (agreeing, width) > best_score and (best_score[0] == 0 or agreeing > best_score[0] + 0.1):
            best, best_score = separator, (agreeing, width)
    return best


def _header(lines: Sequence[str], separator: str) -> tuple[list[str], int]:
    """The header's cells and how many lines it takes."""
    with wide_fields():
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        return [cell.strip() for cell in next(reader)], reader.line_num


def looks_like_number(text: str) -> bool:
    """Whether a cell of the header is a number, as in a file without a header.

    Example:
        >>> looks_like_number("39"), looks_like_number("age")
        (True, False)
    """
    return _NUMBER.fullmatch(text) is not None


def _names(header: Sequence[str], file: SourceFile) -> tuple[tuple[str, ...], list[str]]:
    numbers = [cell for cell in header if looks_like_number(cell)]
    question = "does the file have a header line?"
    seen: set[str] = set()
    names, notes = [], []
    for position, cell in enumerate(header, start=1):
        if cell in seen:
            raise DataError(
                f"two columns are called '{cell}'",
                where=f"{file.name}, line 1",
                expected="a header line with a name of its own for each column",
                mend=f"the first line looks like data: {question}" if numbers else "rename one of them",
            )
        if not cell:
            notes.append(f"column {position} has no name and is called 'unnamed_{position}'")
        names.append(cell or f"unnamed_{position}")
        seen.add(names[-1])
    if numbers:
        shown = ", ".join(numbers[:3]) + (", ..." if len(numbers) > 3 else "")
        notes.append(f"the first line is taken as the header, but it holds numbers ({shown}): {question}")
    return tuple(names), notes
