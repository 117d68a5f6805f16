"""The data that a project reads, known by its contents: files, and folders of images or recordings."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tilth.store import Artifact, Store, digest_of_file
from tilth.tables import media_files

__all__ = ["digest_of_source", "find_sources", "is_source", "record_source"]


def digest_of_source(path: Path) -> tuple[str, int]:
    """What a source is known by, in hex, and its size in bytes.

    For a file it is the sha256 of its bytes; for a folder that of the paths and the sha256 of the files that
    make its table, so that neither a file's date nor one that does not belong to the table changes it.

    Raises:
        DataError: a folder that cannot be opened as a table.
    """
    if path.is_file():
        return digest_of_file(path), path.stat().st_size
    digest, size = hashlib.sha256(), 0
    for file in media_files(path) or ():
        name = file.relative_to(path).as_posix()
        digest.update(f"{name}\0{digest_of_file(file)}\n".encode())
        size += file.stat().st_size
    return digest.hexdigest(), size


def is_source(path: Path) -> bool:
    """Whether there is a file or a folder that a table can be made of."""
    return path.is_file() or media_files(path) is not None


def record_source(store: Store, path: Path) -> Artifact:
    """The record of a source where it lies; it is not copied."""
    digest, size = digest_of_source(path)
    return store.record_artifact(_kind(path), str(path), digest, size)


def find_sources(store: Store, path: Path) -> tuple[Artifact, ...]:
    """What was recorded of a source: by its contents, else by its path."""
    kind = _kind(path)
    digest, _ = digest_of_source(path)
    return store.artifacts(kind, digest=digest) or store.artifacts(kind, str(path.resolve()))


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "file"
