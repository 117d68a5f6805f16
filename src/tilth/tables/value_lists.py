"""Files that hold a list of values, one a line."""

from __future__ import annotations

from pathlib import Path

from tilth.errors import DataError
from tilth.tables.files import source_file

__all__ = ["read_values"]

_MOST_BYTES = 1 << 26
_MARK = b"\xef\xbb\xbf"


def read_values(path: Path) -> tuple[str, ...]:
    """The lines of a text file (UTF-8), without their ends.

    Args:
        path: the file, of 64 MiB at most.

    Raises:
        DataError: it is not there, too large or not UTF-8; an empty line, or a value that comes twice.
    """
    file = source_file(path)
    if file.size > _MOST_BYTES:
        raise DataError(
            f"the list of values has {file.size:,} bytes",
            where=file.name,
            expected=f"at most {_MOST_BYTES:,}",
        )
    with file.open() as stream:
        data = stream.read(_MOST_BYTES + 1)
    file.check_unchanged()
    lines = data.removeprefix(_MARK).split(b"\n")
    if not lines[-1]:
        del lines[-1]
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        value = _text(line.removesuffix(b"\r"), where=f"{file.name}, line {number}")
        first = found.setdefault(value, number)
        if first != number:
            raise DataError(
                f"the value '{value}' is on line {first} too",
                where=f"{file.name}, line {number}",
                expected="each value once",
            )
    return tuple(found)


def _text(line: bytes, where: str) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise DataError("this line is not UTF-8", where=where, expected="a text file in UTF-8") from error
    if not text:
        raise DataError("this line is empty", where=where, expected="a value on each line")
    return text
