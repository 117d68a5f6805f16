"""How a CSV file is written, found from its beginning: separator, header, spaces."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tilth.errors import DataError
from tilth.tables.csv_chunks import wide_fields
from tilth.tables.csv_encodings import LARGEST_ROW, TextFile
from tilth.tables.csv_guards import guarded
from tilth.tables.files import SourceFile

__all__ = ["Dialect", "find_dialect", "looks_like_number"]

_SAMPLE_BYTES = 256 * 1024
_SAMPLE_RECORDS = 200
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Args:
        separator: what is between cells.
        names: the columns, from the header line.
        start: the offset of the first data line, in bytes of UTF-8 without mark.
        header_lines: how many lines there are before it.
        spaced_quotes: cells are quoted after a space, as in `1, "a, b"`.
        decimal_commas: columns that seem to hold numbers such as 1,5, each with one of them.
        notes: what was assumed, as sentences for people.
    """

    separator: str
    names: tuple[str, ...]
    start: int
    header_lines: int
    spaced_quotes: bool
    decimal_commas: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def find_dialect(text: TextFile) -> Dialect:
    """Find out how a CSV file is written.

    Raises:
        DataError: no header, or two columns of one name.
    """
    file = text.file
    lines = _lines(_sample(text))
    blank = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    before, lines = lines[:blank], lines[blank:]
    if not lines:
        raise DataError("the file is empty", where=file.name, expected="at least a header line")
    separator = _separator(lines, file.suffix)
    header, used = _header(lines, separator, file)
    start = sum(len(line.encode()) for line in before + lines[:used])
    records = _records(_guarded(lines[used:], separator), separator)
    notes = []
    if separator != "," and len(header) > 1:
        notes.append(f"the cells are separated by {_SEPARATORS[separator]}s")
    if any(cell != cell.strip(" \t") for record in records for cell in record):
        notes.append("spaces around cells are left out")
    names, more = _names(header, file)
    spaced = any(
        cell.lstrip(" \t").startswith('"') for record in records for cell in record if cell[:1] in " \t"
    )
    commas = _decimal_commas(names, records)
    return Dialect(separator, names, start, blank + used, spaced, commas, (*notes, *more))


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends: a line feed, a carriage return, or both."""
    return list(io.StringIO(text, newline=""))


def _sample(text: TextFile) -> str:
    """The beginning of the file: whole lines, or all of it."""
    sample = b""
    with text.open() as stream:
        while not stream.at_end and len(sample) <= LARGEST_ROW:
            sample += stream.read(max(_SAMPLE_BYTES, len(sample)))
            end = max(sample.rfind(b"\n"), sample.rfind(b"\r", 0, -1)) + 1
            if end and not stream.at_end:
                return sample[:end].decode()
    if stream.at_end:
        return sample.decode()
    raise DataError(
        f"the first line has more than {LARGEST_ROW >> 20} MiB",
        where=f"{text.file.name}, line 1",
        expected="a header line",
        mend="the file is no table, or has no line ends",
    )


def _decimal_commas(names: Sequence[str], records: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    found = []
    for position, name in enumerate(names):
        cells = [record[position].strip() for record in records if len(record) == len(names)]
        cells = [cell for cell in cells if cell]
        commas = [cell for cell in cells if _DECIMAL_COMMA.fullmatch(cell)]
        if 2 * len(commas) >= len(cells) > 0 and all(
            _DECIMAL_COMMA.fullmatch(cell) or looks_like_number(cell) for cell in cells
        ):
            found.append((name, commas[0]))
    return tuple(found)


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
    data, _ = guarded("".join(lines).encode(), separator)
    return _lines(data.decode())


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


def _header(lines: Sequence[str], separator: str, file: SourceFile) -> tuple[list[str], int]:
    """The header's cells and how many lines it takes."""
    with wide_fields():
        # The last line is no part of the file: only a cell that is never closed goes on to it.
        reader = csv.reader([*lines, "\0"], delimiter=separator, skipinitialspace=True)
        header = [cell.strip() for cell in next(reader)]
    if reader.line_num > len(lines):
        raise DataError(
            "a quote is never closed in the header",
            where=f"{file.name}, line 1",
            expected='a second " at the end of the name',
        )
    return header, reader.line_num


def looks_like_number(text: str) -> bool:
    """Whether a cell of the header is a number, as in a file without a header.

    Example:
        >>> looks_like_number("39"), looks_like_number("age")
        (True, False)
    """
    return _NUMBER.fullmatch(text) is not None


_SHOWN_NAMES = 50


def _how_to_name(header: Sequence[str], file: SourceFile) -> str:
    """How to give a file the header line that it seems to lack."""
    names = ",".join(f"column_{position}" for position in range(1, min(len(header), _SHOWN_NAMES) + 1))
    more = ",..." if len(header) > _SHOWN_NAMES else ""
    unpacked = f"gunzip -c {file.path.name}" if file.compression == "gzip" else f"cat {file.path.name}"
    return (
        "the first line looks like data; if the file has no header line, give it one: "
        f"(echo {names}{more}; {unpacked}) > named.csv"
    )


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
                mend=_how_to_name(header, file) if numbers else "rename one of them",
            )
        if not cell:
            notes.append(f"column {position} has no name and is called 'unnamed_{position}'")
        names.append(cell or f"unnamed_{position}")
        seen.add(names[-1])
    if numbers:
        shown = ", ".join(numbers[:3]) + (", ..." if len(numbers) > 3 else "")
        notes.append(f"the first line is taken as the header, but it holds numbers ({shown}): {question}")
    return tuple(names), notes
