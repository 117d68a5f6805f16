"""Append-only files of JSON lines: what was appended outlives the process, however it ends."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tilth.errors import DataError
from tilth.types import Clock, utc_now

__all__ = ["SegmentWriter", "read_line", "segment_lines", "unwritable"]

_LARGEST_BYTES = 1 << 28
_TOKEN = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")


def unwritable(error: OSError, directory: Path) -> DataError:
    """The error for a log in a folder that takes no more.

    Example:
        >>> print(unwritable(OSError(28, "No space left on device"), Path("predictions")))
        the log cannot be written: No space left on device
          where: predictions
          to mend it: free some space on the disk, or let this process write there
    """
    return DataError(
        f"the log cannot be written: {error.strerror or error}",
        where=str(directory),
        mend="free some space on the disk, or let this process write there",
    )


class SegmentWriter:
    """Appends lines to a file of its own, `<kind>-<start>-<random>.jsonl`.

    Each call of `append` is one write of the operating system: when it returns, the lines survive a kill of
    the process. Safe to use from several threads.

    Args:
        directory: where the files are; made on the first append.
        kind: the beginning of the files' names.
        clock: for the start time in the name.
    """

    def __init__(self, directory: str | Path, kind: str, clock: Clock = utc_now) -> None:
        self._directory = Path(directory)
        self._kind = kind
        self._clock = clock
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._size = 0
        self._token = ""

    def append(self, lines: Sequence[bytes]) -> tuple[str, list[int]]:
        """Write lines, each without its line feed.

        Returns:
            The token of the file and the offset of each line in it.

        Raises:
            DataError: nothing was written, since the disk is full or cannot be written.
        """
        block = b"\n".join(lines) + b"\n"
        with self._lock:
            try:
                descriptor = self._open()
                self._write(descriptor, block)
            except OSError as error:
                raise unwritable(error, self._directory) from error
            offset, self._size = self._size, self._size + len(block)
            token = self._token
        offsets = []
        for line in lines:
            offsets.append(offset)
            offset += len(line) + 1
        return token, offsets

    def close(self) -> None:
        """Close the file; appending opens another one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is not None and self._size < _LARGEST_BYTES:
            return self._descriptor
        self._close()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._token = f"{self._clock():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        path = self._directory / f"{self._kind}-{self._token}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        self._size = 0
        self._descriptor = os.open(path, flags, 0o640)
        return self._descriptor

    def _write(self, descriptor: int, block: bytes) -> None:
        try:
            written = os.write(descriptor, block)
        except OSError:
            self._undo(descriptor)
            raise
        if written != len(block):
            self._undo(descriptor)
            raise OSError(28, "no space left on the device")

    def _undo(self, descriptor: int) -> None:
        """Take back a part of a block; if even that fails, what is torn stays the last line of its file."""
        try:
            os.ftruncate(descriptor, self._size)
        except OSError:
            self._close()


def segment_lines(directory: str | Path, kind: str) -> Iterator[tuple[str, int, bytes]]:
    """Every whole line of every file of a kind, oldest file first: token, offset, line.

    A last line without its line feed was being written when the process ended, and is left out.
    """
    for path in sorted(Path(directory).glob(f"{kind}-*.jsonl")):
        token = path.stem.removeprefix(f"{kind}-")
        if not _TOKEN.fullmatch(token):
            continue
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield token, offset, line
                offset += len(line)


def read_line(directory: str | Path, kind: str, token: str, offset: int) -> bytes | None:
    """The whole line that begins at an offset of a file, or None when there is none."""
    path = Path(directory) / f"{kind}-{token}.jsonl"
    if not _TOKEN.fullmatch(token) or not path.is_file():
        return None
    with path.open("rb") as file:
        if offset > 0:
            file.seek(offset - 1)
            if file.read(1) != b"\n":
                return None
        line = file.readline()
    return line if line.endswith(b"\n") else None
