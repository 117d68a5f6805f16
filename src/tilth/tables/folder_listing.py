"""Which files of a folder are images or recordings, found without opening any."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tilth.errors import DataError
from tilth.tables.media import MediaType

__all__ = ["MEDIA_SUFFIXES", "METADATA_NAMES", "FolderListing", "list_media"]

MEDIA_SUFFIXES: dict[str, MediaType] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"), "audio"),
}
"""Endings of files, in small letters, and what such files hold."""

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
MAX_FILE_BYTES = 1 << 30
_SURPLUS_FOLDERS = ("__MACOSX",)


@dataclass(frozen=True)
class FolderListing:
    """The images or recordings of a folder as they were when it was listed.

    Args:
        root: the folder.
        kind: what the files hold.
        paths: (n,) the files relative to `root` with forward slashes, sorted.
        sizes: (n,) their bytes.
        changed_ns: (n,) when they were last changed.
        metadata: files that describe others, relative to `root`, sorted.
        notes: what was left out, as sentences for people.
    """

    root: Path
    kind: MediaType
    paths: list[str]
    sizes: npt.NDArray[np.int64]
    changed_ns: npt.NDArray[np.int64]
    metadata: list[str]
    notes: list[str]


@dataclass
class _Found:
    files: list[tuple[str, int, int]] = field(default_factory=list)
    kinds: Counter[MediaType] = field(default_factory=Counter)
    examples: dict[MediaType, str] = field(default_factory=dict)
    metadata: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def list_media(root: Path) -> FolderListing:
    """The images or recordings of a folder and of all folders in it.

    Raises:
        DataError: none, or both kinds; a folder that may not be read; a link that leads out of the folder; a
            file of more than 1 GiB; a name that is not UTF-8.
    """
    found = _Found()
    real_root = os.path.realpath(root)
    for path, entry in _entries(root, real_root, found):
        _take(path, entry, root, found)
    found.files.sort()
    sizes = np.array([size for _, size, _ in found.files], np.int64)
    return FolderListing(
        root,
        _only_kind(root, found),
        [path for path, _, _ in found.files],
        sizes,
        np.array([changed for _, _, changed in found.files], np.int64),
        sorted(found.metadata),
        [f"{what} left out: {count:,}" for what, count in sorted(found.left_out.items())],
    )


def _entries(root: Path, real_root: str, found: _Found) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All files, with their path relative to the root."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            with os.scandir(root / inside) as entries:
                here = list(entries)
        except OSError as error:
            raise DataError(
                f"the folder cannot be read: {error.strerror}", where=str(root / inside)
            ) from error
        for entry in here:
            path = f"{inside}{entry.name}"
            if entry.name.startswith(".") or entry.name in _SURPLUS_FOLDERS:
                found.left_out["hidden files or folders"] += 1
                continue
            if entry.is_symlink():
                _check_link(path, root, real_root)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{path}/")
            elif _leads_to_folder(entry):
                found.left_out["links to folders"] += 1
            else:
                yield path, entry


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _check_link(path: str, root: Path, real_root: str) -> None:
    target = os.path.realpath(root / path)
    if os.path.commonpath([target, real_root]) != real_root:
        raise DataError(
            f"'{path}' is a link that leads out of the folder",
            where=str(root),
            expected="files inside the folder",
            mend="copy the file into the folder, or remove the link",
        )


def _take(path: str, entry: os.DirEntry[str], root: Path, found: _Found) -> None:
    if entry.name in METADATA_NAMES:
        found.metadata.append(path)
        return
    kind = MEDIA_SUFFIXES.get(os.path.splitext(entry.name)[1].lower())  # noqa: PTH122 - a Path for each file is slow
    if kind is None or not _is_file(entry):
        found.left_out["files that are neither images nor recordings"] += 1
        return
    try:
        path.encode()
        state = entry.stat()
    except UnicodeEncodeError as error:
        raise DataError(f"the file name {path!r} is not UTF-8", where=str(root)) from error
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(root / path)) from error
    if state.st_size > MAX_FILE_BYTES:
        raise DataError(
            f"the file has {state.st_size:,} bytes",
            where=str(root / path),
            expected=f"at most {MAX_FILE_BYTES:,}",
            mend="cut it into shorter ones, or move it out of the folder",
        )
    found.kinds[kind] += 1
    found.examples.setdefault(kind, path)
    found.files.append((path, state.st_size, state.st_mtime_ns))


def _only_kind(root: Path, found: _Found) -> MediaType:
    if not found.files:
        raise DataError(
            "there are no images and no recordings in the folder",
            where=str(root),
            expected=f"files ending in {', '.join(MEDIA_SUFFIXES)}",
        )
    if len(found.kinds) > 1:
        words = {"image": "images", "audio": "recordings"}
        shown = " and ".join(
            f"{words[kind]} ({found.kinds[kind]}, such as '{found.examples[kind]}')"
            for kind in sorted(found.kinds, reverse=True)
        )
        raise DataError(
            f"the folder holds {shown}",
            where=str(root),
            expected="one of them",
            mend="put them into folders of their own",
        )
    return next(iter(found.kinds))
