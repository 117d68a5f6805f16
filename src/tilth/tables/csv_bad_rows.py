"""Rows that cannot be read: counted, told with their lines, and kept aside if asked."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tilth.errors import DataError, UsageError
from tilth.tables.files import SourceFile

__all__ = ["BadRow", "BadRows", "BadRowsFile"]

_SHOWN = 5
_HOPELESS = 100_000
_IN_MEMORY = 1 << 20
_HEADER = ("file", "line", "reason", "row")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read.

    Args:
        line: where it begins in the file, from 1.
        reason: what is wrong.
        row: its bytes, without the line end.
    """

    line: int
    reason: str
    row: bytes


class BadRowsFile:
    """A CSV file (file, line, reason, row) of the rows that could not be read, of one or more files.

    It is written by `finish`, completely or not at all; rows of a file that is read again take the place of
    those from before.

    Args:
        path: where to.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._parts: dict[str, IO[str]] = {}
        if not self.path.parent.is_dir():
            raise UsageError("no such folder", where=str(self.path.parent), mend="make it first")
        if self.path.is_dir():
            raise UsageError("this is a folder", where=str(self.path), expected="a file for the bad rows")

    def part(self, file: SourceFile) -> IO[str]:
        """Where to write the rows of a file, from the first."""
        import tempfile

        if self.path.exists() and self.path.resolve() == file.path.resolve():
            raise UsageError("the bad rows would replace the data", where=file.name, mend="name another file")
        part = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="")  # noqa: SIM115 - closed by `finish`
        if (before := self._parts.get(file.name)) is not None:
            before.close()
        self._parts[file.name] = part
        return part

    def finish(self) -> None:
        """Write the file.

        Raises:
            DataError: it cannot be written.
        """
        import secrets

        unfinished = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out, lineterminator="\n").writerow(_HEADER)
                for part in self._parts.values():
                    part.seek(0)
                    while text := part.read(_IN_MEMORY):
                        out.write(text)
            unfinished.replace(self.path)
        except OSError as error:
            raise DataError(
                f"the bad rows cannot be written: {error.strerror or error}", where=str(self.path)
            ) from error
        finally:
            unfinished.unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        """Forget the rows that were not written."""
        for part in self._parts.values():
            part.close()
        self._parts.clear()


class BadRows:
    """The rows of one file that cannot be read.

    Args:
        file: the file.
        aside: where they are kept; None to refuse them in the end.
    """

    def __init__(self, file: SourceFile, aside: BadRowsFile | None = None) -> None:
        self.count = 0
        self._file = file
        self._aside = aside
        self._part = None if aside is None else aside.part(file)
        self._first: list[BadRow] = []

    def add(self, rows: Iterable[BadRow]) -> None:
        """Note more rows."""
        for row in rows:
            self.count += 1
            if len(self._first) < _SHOWN:
                self._first.append(BadRow(row.line, row.reason, b""))
            if self._part is not None:
                text = row.row.decode("utf-8", "backslashreplace")
                csv.writer(self._part, lineterminator="\n").writerow(
                    (self._file.name, row.line, row.reason, text)
                )

    def is_hopeless(self, good: int) -> bool:
        """Whether it is no use to read on: there are very many, more than others, and none is kept."""
        return self._aside is None and self.count >= max(_HOPELESS, good)

    def check(self, good: int, expected: str, mend: str) -> list[str]:
        """The notes on the rows that are kept aside.

        Args:
            good: how many rows there are beside them.
            expected: what rows should be.
            mend: how to mend them.

        Raises:
            DataError: there are such rows, and they are not kept aside, or no others are left.
        """
        if not self.count:
            return []
        total = good + self.count
        if self._aside is not None and good:
            verb, kept = ("is", "it is") if self.count == 1 else ("are", "they are")
            left_out = f"{self.count:,} of {total:,} rows cannot be read and {verb} left out"
            return [f"{left_out}: {kept} in {self._aside.path}"]
        lines = [str(row.line) for row in self._first]
        more = ", ..." if self.count > len(lines) else ""
        what = self._first[0].reason
        if self.count > 1:
            seen = " read so far" if self.is_hopeless(good) else ""
            what += f"; so or similarly {self.count:,} of {total:,} rows{seen}"
        raise DataError(
            what,
            where=f"{self._file.name}, line{'s' if self.count > 1 else ''} {', '.join(lines)}{more}",
            expected=expected,
            mend=mend
            if self._aside is not None
            else f"{mend}; or have such rows kept aside (--bad-rows FILE)",
        )
