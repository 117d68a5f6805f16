"""Images and recordings beside a log: each content once, in a file named by its digest."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tilth.errors import DataError
from tilth.tables.segment_writing import unwritable

__all__ = ["LARGEST_KEPT", "LoggedMedia", "MediaFolder", "is_reference"]

LARGEST_KEPT = 8 * 1024 * 1024
"""Of a larger image or recording only digest and size are kept, in bytes."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEYS = {"sha256", "bytes"}


def is_reference(value: object) -> bool:
    """Whether this is what a log says of an image or recording.

    Example:
        >>> is_reference({"sha256": "0" * 64, "bytes": 6}), is_reference({"sha256": 1})
        (True, False)
    """
    if not isinstance(value, dict) or value.keys() != _KEYS:
        return False
    return isinstance(value["sha256"], str) and type(value["bytes"]) is int


class LoggedMedia:
    """An image or recording among the inputs of a prediction.

    Args:
        content: its bytes; None where they are in a file.
        path: that file; None where they are at hand.

    Example:
        >>> LoggedMedia(b"GIF89a").read()
        b'GIF89a'
    """

    # No dataclass: those are written as JSON objects, and this is what `MediaFolder` is asked for.
    __slots__ = ("_content", "_path")

    def __init__(self, content: bytes | None = None, path: Path | None = None) -> None:
        self._content = content
        self._path = path

    def read(self) -> bytes | None:
        """The bytes, or None where they were too many to be kept, or have been deleted since."""
        if self._content is not None or self._path is None:
            return self._content
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataError(f"it cannot be read: {error.strerror}", where=str(self._path)) from error


class MediaFolder:
    """The folder `media` beside a log. Safe to use from several threads and processes.

    Args:
        directory: where the log is.
        largest: contents of more bytes are not kept.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     folder = MediaFolder(directory)
        ...     reference = folder.keep(LoggedMedia(b"GIF89a"))
        ...     print(reference["bytes"], folder.find(reference).read())
        6 b'GIF89a'
    """

    def __init__(self, directory: str | Path, largest: int = LARGEST_KEPT) -> None:
        self._directory = Path(directory) / "media"
        self._largest = largest

    def keep(self, media: object) -> dict[str, object]:
        """Write a content, unless it is there already, and give what a log says of it.

        Raises:
            DataError: it cannot be written.
            TypeError: not a `LoggedMedia`.
        """
        if not isinstance(media, LoggedMedia):
            raise TypeError(f"a {type(media).__name__} cannot be logged")
        content = media.read() or b""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if len(content) <= self._largest:
            try:
                _keep(path, content)
            except OSError as error:
                raise unwritable(error, path.parent) from error
        return {"sha256": digest, "bytes": len(content)}

    def find(self, reference: Mapping[str, object]) -> LoggedMedia:
        """The content that `keep` gave the reference for."""
        digest = str(reference["sha256"])
        return LoggedMedia(path=self._path(digest) if _DIGEST.fullmatch(digest) else None)

    def found(self, inputs: Mapping[str, object]) -> Mapping[str, object]:
        """Inputs as a log has them, with references replaced by what they stand for."""
        if dict not in map(type, inputs.values()):
            return inputs
        return {
            name: self.find(value) if isinstance(value, dict) and is_reference(value) else value
            for name, value in inputs.items()
        }

    def remove_unused(self, since: float) -> int:
        """Remove what no prediction has used since a moment (seconds since 1970); how many there were."""
        removed = 0
        for path in self._directory.glob("??/*"):
            with suppress(FileNotFoundError):  # another process removes as well
                if _DIGEST.fullmatch(path.name) and path.stat().st_mtime < since:
                    removed += _remove_unless_used(path, since)
        return removed

    def _path(self, digest: str) -> Path:
        return self._directory / digest[:2] / digest


def _keep(path: Path, content: bytes) -> None:
    """Write a file unless it is there, which then says when it was last used."""
    try:
        os.utime(path)
    except FileNotFoundError:
        _write(path, content)


def _remove_unless_used(path: Path, since: float) -> bool:
    """Remove a file, but not one that was used between the look at it and now."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    path.rename(aside)
    if aside.stat().st_mtime >= since:
        aside.rename(path)
        return False
    aside.unlink()
    return True


def _write(path: Path, content: bytes) -> None:
    """Write a file that is whole as soon as it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
