"""Looking at a workbook before it is unpacked, so that a small file cannot take all memory."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree

from tilth.errors import DataError
from tilth.tables.files import SourceFile

__all__ = ["SheetFacts", "check_workbook"]

_LARGEST_FILE = 1 << 30
_LARGEST_UNPACKED = 4 << 30
_LARGEST_TEXTS = 1 << 30
_LARGEST_LIST = 1 << 24
_MOST_CELLS = 40_000_000  # about 1 GB while they are read
_BLOCK = 1 << 22
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br=[\"'](\d{1,10})[\"']")
_CELL = re.compile(rb"\br=[\"']([A-Z]{2,4})(\d{1,10})[\"']")
_ERROR = re.compile(rb"\bt=[\"']e[\"']")
_ODS = re.compile(rb"<table:(table-row|table-cell|covered-table-cell|table)\b([^<>]*)>")
_REPEATED = re.compile(rb"number-(?:rows|columns)-repeated=\"(\d{1,10})\"")
_LETTERS = 26
# What reading a damaged archive ends in; OSError where it names a place before its own beginning.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class SheetFacts:
    """What a sheet's XML tells without unpacking the sheet: how many cells hold an error."""

    errors: int = 0


def check_workbook(file: SourceFile, sheet: str | None) -> SheetFacts:
    """Refuse what would take more memory than a sheet may, and count the cells that hold an error.

    Args:
        file: the workbook.
        sheet: the sheet to look into; None to look at the file as a whole only.

    Raises:
        DataError: it is too large, damaged, or protected by a password.
    """
    if file.size > _LARGEST_FILE:
        raise _too_large(file, f"{file.size / 1e9:.1f} GB", "1 GB")
    if file.suffix == ".xls":
        return SheetFacts()
    with file.path.open("rb") as raw:
        if raw.read(8) == _COMPOUND:
            raise DataError(
                "the workbook is protected by a password, or is an old .xls file under a new name",
                where=file.name,
                mend="open it in a spreadsheet program and save it as .xlsx without the password",
            )
    try:
        with zipfile.ZipFile(file.path) as parts:
            return _look(parts, file, sheet)
    except DataError:
        raise
    except _DAMAGES as error:
        raise _damaged(file, error) from error


def _look(parts: zipfile.ZipFile, file: SourceFile, sheet: str | None) -> SheetFacts:
    unpacked = sum(part.file_size for part in parts.infolist())
    if unpacked > _LARGEST_UNPACKED:
        raise _too_large(file, f"{unpacked / 1e9:.1f} GB unpacked", "4 GB")
    texts = sum(part.file_size for part in parts.infolist() if part.filename.endswith("sharedStrings.xml"))
    if texts > _LARGEST_TEXTS:
        raise _too_large(file, f"{texts / 1e9:.1f} GB of texts", "1 GB")
    if sheet is None:
        # The sizes are only what the file says; unpacking once shows that they are true.
        for part in parts.infolist():
            with parts.open(part) as stream:
                while stream.read(_BLOCK):
                    pass
        if file.suffix == ".ods":
            with parts.open("content.xml") as stream:
                _check_repeats(stream, file)
    if sheet is None or file.suffix == ".ods":
        return SheetFacts()
    with parts.open(_part_of(parts, sheet, file)) as stream:
        return _measure(stream, file)


def _part_of(parts: zipfile.ZipFile, sheet: str, file: SourceFile) -> str:
    """The name of the part that holds a sheet."""
    relations = {
        item.get("Id"): item.get("Target") or "" for item in _xml(parts, "xl/_rels/workbook.xml.rels", file)
    }
    for item in _xml(parts, "xl/workbook.xml", file).iter():
        if item.tag.endswith("}sheet") and item.get("name") == sheet:
            identity = next((value for key, value in item.items() if key.endswith("}id")), None)
            target = relations.get(identity, "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise _damaged(file, f"nothing says where sheet '{sheet}' is")


def _xml(parts: zipfile.ZipFile, name: str, file: SourceFile) -> ElementTree.Element:
    if parts.getinfo(name).file_size > _LARGEST_LIST:
        raise _too_large(file, f"{parts.getinfo(name).file_size / 1e6:.0f} MB of names", "16 MB")
    try:
        return ElementTree.fromstring(parts.read(name))  # noqa: S314 - expat refuses entities that multiply
    except ElementTree.ParseError as error:
        raise _damaged(file, error) from error


def _measure(stream: IO[bytes], file: SourceFile) -> SheetFacts:
    """Check the area that the cells of a sheet span."""
    first, last, width, errors = 1 << 40, 0, _LETTERS, 0
    for block in _blocks(stream):
        rows = [int(number) for number in _ROW.findall(block)]
        for letters, number in _CELL.findall(block):
            width = max(width, _column(letters))
            if len(letters) > 2:
                rows.append(int(number))
        if rows:
            first, last = min(first, *rows), max(last, *rows)
        errors += len(_ERROR.findall(block))
    cells = (last - min(first, last) + 1) * width
    if cells > _MOST_CELLS:
        raise _too_large(file, f"an area of {cells:,} cells", f"{_MOST_CELLS:,} cells")
    return SheetFacts(errors)


def _column(letters: bytes) -> int:
    """The number of a column, from 1: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Blocks that end with a whole mark, so that no pattern is cut in two."""
    rest = b""
    while block := stream.read(_BLOCK):
        block = rest + block
        end = block.rfind(b">") + 1
        rest = block[end:]
        if len(rest) > _BLOCK:
            rest = b""  # a text, and never a mark, is as long as that
        yield block[:end]


def _check_repeats(stream: IO[bytes], file: SourceFile) -> None:
    """Check how many cells a spreadsheet holds after its repetitions, of which each is written once."""
    total = rows = width = filled = 0
    for block in _blocks(stream):
        for mark, attributes in _ODS.findall(block):
            repeated = _REPEATED.search(attributes)
            times = int(repeated[1]) if repeated else 1
            if mark in (b"table", b"table-row"):
                total += rows * filled
                rows, width, filled = (times if mark == b"table-row" else 0), 0, 0
            else:
                width += times
                filled = width if b"value-type" in attributes else filled
    total += rows * filled
    if total > _MOST_CELLS:
        raise _too_large(file, f"{total:,} cells", f"{_MOST_CELLS:,} cells")


def _too_large(file: SourceFile, found: str, limit: str) -> DataError:
    return DataError(
        f"the workbook is too large: {found}",
        where=file.name,
        expected=f"at most {limit}",
        mend="write the data as CSV or Parquet; or delete cells far outside the table",
    )


def _damaged(file: SourceFile, error: object) -> DataError:
    return DataError(
        f"the file cannot be read as a workbook: {error}",
        where=file.name,
        expected="a complete .xlsx or .ods file",
        mend="open it in a spreadsheet program and save it again",
    )
