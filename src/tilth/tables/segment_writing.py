"""Writing append-only files of JSON lines: what was appended outlives the process, however it ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import threading
import time
import weakref
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tilth.errors import DataError
from tilth.types import Clock, utc_now

__all__ = ["SegmentWriter", "offsets_of", "unwritable"]

_LARGEST_BYTES = 1 << 28
_UNLOCKABLE = (errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL)


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

    Each call is one write of the operating system: when it returns, the lines survive a kill of the process.
    While the file is open, it is locked (flock), so that others can tell it from one that nobody writes to.

    Args:
        directory: where the files are; made on the first append.
        kind: the beginning of the files' names.
        clock: for the start time in the name, and for the hour.
        header: the first line of each file, with its line feed; it begins as `segments.HEADER_START` says.
        roll_s: the age at which a file is closed and another one begun, and at the end of each hour in UTC;
            None for neither.
        roll_bytes: the size at which that is done.
    """

    def __init__(
        self,
        directory: str | Path,
        kind: str,
        clock: Clock = utc_now,
        *,
        header: bytes = b"",
        roll_s: float | None = None,
        roll_bytes: int = _LARGEST_BYTES,
    ) -> None:
        self._directory = Path(directory)
        self._kind = kind
        self._clock = clock
        self._header = header
        self._roll_s = roll_s
        self._roll_bytes = roll_bytes
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._size = 0
        self._until = float("inf")
        self._token = ""
        _WRITERS.add(self)

    def append(self, lines: Sequence[bytes]) -> tuple[str, list[int]]:
        """Write lines, each without its line feed; safe to use from several threads.

        Returns:
            The token of the file and the offset of each line in it.

        Raises:
            DataError: nothing was written, since the disk is full or cannot be written.
        """
        with self._lock:
            token, offset = self.write(b"\n".join(lines) + b"\n")
        return token, offsets_of(lines, offset)

    def write(self, block: bytes) -> tuple[str, int]:
        """Write whole lines; for callers that let one thread in at a time.

        Returns:
            The token of the file and the offset of the block in it.

        Raises:
            DataError: nothing was written, since the disk is full or cannot be written.
        """
        try:
            descriptor = self._descriptor
            if descriptor is None or self.is_due:
                descriptor = self._open()
            self._write(descriptor, block)
        except OSError as error:
            raise unwritable(error, self._directory) from error
        offset = self._size
        self._size = offset + len(block)
        return self._token, offset

    def take_back(self, offset: int) -> None:
        """Take back the last block, which begins at an offset of the file that is open."""
        if self._descriptor is not None:
            self._size = offset
            self._undo(self._descriptor)

    @property
    def is_due(self) -> bool:
        """Whether the file is so old or so large that another one comes next."""
        return self._size >= self._roll_bytes or time.monotonic() >= self._until

    def close(self) -> None:
        """Close the file; appending opens another one."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        self._close()
        self._directory.mkdir(parents=True, exist_ok=True)
        now = self._clock()
        token = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._descriptor = self._made(self._directory / f"{self._kind}-{token}.jsonl")
        self._token, self._size, self._until = token, len(self._header), self._end(now)
        return self._descriptor

    def _made(self, path: Path) -> int:
        """A new file, seen by others only with its header in it and locked."""
        draft = path.with_name(f".{path.name}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            _lock(descriptor)
            _write_whole(descriptor, self._header)
            draft.rename(path)
        except BaseException:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        return descriptor

    def _end(self, now: datetime) -> float:
        """The moment, of the monotonic clock, at which a file begun now is to be closed."""
        if self._roll_s is None:
            return float("inf")
        into_hour = now.minute * 60 + now.second + now.microsecond / 1e6
        return time.monotonic() + min(self._roll_s, 3600 - into_hour)

    def _write(self, descriptor: int, block: bytes) -> None:
        try:
            _write_whole(descriptor, block)
        except OSError:
            self._undo(descriptor)
            raise

    def _undo(self, descriptor: int) -> None:
        """Take back a part of a block; if even that fails, what is torn stays the last line of its file."""
        try:
            os.ftruncate(descriptor, self._size)
        except OSError:
            self._close()

    def _forget(self) -> None:
        """In a child of a fork: leave the file to the parent."""
        self._lock = threading.Lock()
        self._close()


_WRITERS: weakref.WeakSet[SegmentWriter] = weakref.WeakSet()


def _forget_all() -> None:
    for writer in list(_WRITERS):
        writer._forget()


os.register_at_fork(after_in_child=_forget_all)


def _write_whole(descriptor: int, block: bytes) -> None:
    if os.write(descriptor, block) != len(block):
        raise OSError(errno.ENOSPC, "no space left on the device")


def _lock(descriptor: int) -> None:
    """Lock a file; a file system without locks has nobody who could take the file for a closed one."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _UNLOCKABLE:
            raise


def offsets_of(lines: Sequence[bytes], offset: int) -> list[int]:
    """Where each of some lines begins, the first at an offset.

    Example:
        >>> offsets_of([b"one", b"two"], 100)
        [100, 104]
    """
    offsets = []
    for line in lines:
        offsets.append(offset)
        offset += len(line) + 1
    return offsets
