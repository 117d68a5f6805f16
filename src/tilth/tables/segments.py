"""Reading append-only files of JSON lines while others write them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "HEADER_START",
    "Segment",
    "locked_segment",
    "read_line",
    "segment_header",
    "segment_lines",
    "segments",
]

HEADER_START = b'{"tilth":'
"""How the first line of a file begins where it says what the others are about."""

_TOKEN = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")


class Segment(NamedTuple):
    """A file of lines as it was when it was looked at.

    Args:
        token: its start and a random number, which its lines' ids begin with.
        path: where it is.
        size: its bytes then; more may have been appended since.
    """

    token: str
    path: Path
    size: int

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Its whole lines and their offsets, without the header.

        A last line without its line feed was being written when the process ended, and is left out.

        Raises:
            FileNotFoundError: it is no longer there.
        """
        offset = 0
        with self.path.open("rb") as file:
            for line in file:
                if offset + len(line) > self.size:
                    return
                if line.endswith(b"\n") and not (offset == 0 and line.startswith(HEADER_START)):
                    yield offset, line
                offset += len(line)


def segments(directory: str | Path, kind: str) -> list[Segment]:
    """The files of a kind in a folder, the oldest first; the folder need not be there."""
    found = []
    for path in Path(directory).glob(f"{kind}-*.jsonl"):
        token = path.stem.removeprefix(f"{kind}-")
        if _TOKEN.fullmatch(token):
            with contextlib.suppress(FileNotFoundError):
                found.append(Segment(token, path, path.stat().st_size))
    return sorted(found)


def segment_header(segment: Segment) -> bytes | None:
    """The first line of a file where it is a header, or None.

    Raises:
        FileNotFoundError: it is no longer there.
    """
    with segment.path.open("rb") as file:
        line = file.readline()
    return line if line.startswith(HEADER_START) and line.endswith(b"\n") else None


@contextlib.contextmanager
def locked_segment(path: Path) -> Iterator[bool]:
    """Whether the file is still there and nobody writes or moves it; nobody else does inside.

    Raises:
        OSError: it cannot be read, or the file system has no locks.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _is_mine(descriptor, path)
    finally:
        os.close(descriptor)


def _is_mine(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held the lock before may have moved the file meanwhile.
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def segment_lines(directory: str | Path, kind: str) -> Iterator[tuple[str, int, bytes]]:
    """Every whole line of every file of a kind, oldest file first: token, offset, line."""
    for segment in segments(directory, kind):
        for offset, line in segment.lines():
            yield segment.token, offset, line


def read_line(directory: str | Path, kind: str, token: str, offset: int) -> bytes | None:
    """The whole line that begins at an offset of a file, or None when there is none."""
    path = Path(directory) / f"{kind}-{token}.jsonl"
    if not _TOKEN.fullmatch(token):
        return None
    try:
        with path.open("rb") as file:
            if offset > 0:
                file.seek(offset - 1)
                if file.read(1) != b"\n":
                    return None
            line = file.readline()
    except (FileNotFoundError, IsADirectoryError):
        return None
    return line if line.endswith(b"\n") and not line.startswith(HEADER_START) else None
