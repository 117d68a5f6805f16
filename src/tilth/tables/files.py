"""What all file readers share: finding a file, and noticing that it changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tilth.errors import DataError, closest

__all__ = ["SourceFile", "source_file"]


@dataclass(frozen=True)
class SourceFile:
    """A file as it was when it was opened."""

    path: Path
    suffix: str
    zipped: bool
    size: int
    changed_ns: int

    @property
    def name(self) -> str:
        """The path as people wrote it."""
        return str(self.path)

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
    if found.st_size == 0:
        raise DataError("the file is empty", where=str(path), expected="at least a header line")
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    zipped = bool(suffixes) and suffixes[-1] == ".gz"
    suffix = (suffixes[:-1] if zipped else suffixes)[-1:]
    return SourceFile(path, suffix[0] if suffix else "", zipped, found.st_size, found.st_mtime_ns)


def _absent(path: Path, error: OSError) -> DataError:
    if not isinstance(error, FileNotFoundError):
        return DataError(f"the file cannot be read: {error.strerror}", where=str(path))
    near = None
    if path.parent.is_dir():
        near = closest(path.name, (entry.name for entry in path.parent.iterdir()))
    return DataError(
        "no such file",
        where=str(path),
        mend=f"did you mean '{path.parent / near}'?" if near else "check the path",
    )
