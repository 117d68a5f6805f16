"""What all file readers share: finding a file, and noticing that it changed."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from tilth.errors import DataError, closest

__all__ = ["COMPRESSIONS", "EXCEL_SUFFIXES", "SourceFile", "source_file", "suffixes_of"]

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
"""What a file is packed with, by the end of its name."""

EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
"""The endings of workbooks."""


@dataclass(frozen=True)
class SourceFile:
    """A file as it was when it was opened."""

    path: Path
    suffix: str
    compression: str | None
    size: int
    changed_ns: int

    @property
    def name(self) -> str:
        """The path as people wrote it."""
        return str(self.path)

    def open(self) -> IO[bytes]:
        """The bytes from the first on, packed as they are."""
        return self.path.open("rb")

    def check_unchanged(self) -> None:
        """Refuse to read a file that is not the one that was opened.

        Raises:
            DataError: the file was changed or removed since.
        """
        try:
            now = self.path.stat()
        except OSError as error:
            raise DataError(f"the file is gone: {error.strerror}", where=self.name) from error
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed_ns):
            raise DataError(
                "the file changed while it was being used",
                where=self.name,
                mend="wait until it is written completely, then start again",
            )


def source_file(path: Path) -> SourceFile:
    """Find a file.

    Raises:
        DataError: it is not there, a folder, empty, or may not be read.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise _absent(path, error) from error
    if path.is_dir():
        raise DataError("this is a folder", where=str(path), expected="a file", mend="name a file inside it")
    if not stat.S_ISREG(found.st_mode):
        raise DataError(
            "this is a pipe or device, not a file",
            where=str(path),
            expected="a file, which is read more than once",
            mend="write what it gives into a file first",
        )
    if found.st_size == 0:
        raise DataError("the file is empty", where=str(path), expected="at least a header line")
    suffix, compression = suffixes_of(path)
    return SourceFile(path, suffix, compression, found.st_size, found.st_mtime_ns)


def suffixes_of(path: PurePath) -> tuple[str, str | None]:
    """The ending that tells what a file holds, in small letters, and what it is packed with.

    Example:
        >>> suffixes_of(PurePath("data/A.CSV.gz")), suffixes_of(PurePath("b.parquet"))
        (('.csv', 'gzip'), ('.parquet', None))
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    suffix = (suffixes[:-1] if compression else suffixes)[-1:]
    return (suffix[0] if suffix else ""), compression


def _absent(path: Path, error: OSError) -> DataError:
    if not isinstance(error, FileNotFoundError):
        return DataError(f"the file cannot be read: {error.strerror}", where=str(path))
    if path.is_symlink():
        return DataError("this link leads to nothing", where=str(path), mend="mend or remove the link")
    near = None
    if path.parent.is_dir():
        near = closest(path.name, (entry.name for entry in path.parent.iterdir()))
    return DataError(
        "no such file",
        where=str(path),
        mend=f"did you mean '{path.parent / near}'?" if near else "check the path",
    )
