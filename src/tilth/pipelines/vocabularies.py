"""The files of a project's folder `vocabularies`, which its features may read."""

from __future__ import annotations

from pathlib import Path

from tilth.features import VOCABULARIES
from tilth.store import digest_of_file
from tilth.types import JSONObject

__all__ = ["vocabulary_digests"]


def vocabulary_digests(directory: Path) -> JSONObject:
    """The sha256 of each file, by its path in the folder.

    Args:
        directory: the project's folder.
    """
    folder = directory / VOCABULARIES
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return {path.relative_to(folder).as_posix(): digest_of_file(path) for path in files}
