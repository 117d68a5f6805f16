"""Where the Parquet files of a prediction log go too: a folder, an object store, a Delta table."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tilth.errors import DataError, UsageError
from tilth.tables.remote import is_remote, put_file, shown

__all__ = ["Sink", "located_sink", "open_sink"]

_DELTA = "delta:"


class Sink(Protocol):
    """Takes files of the log; taking one again changes nothing."""

    def put(self, path: Path, name: str) -> None:
        """Bring a file to its place, whole or not at all.

        Args:
            path: the file.
            name: its path in the log's folder, with slashes.

        Raises:
            DataError: it cannot be written there.
        """


def open_sink(place: str) -> Sink:
    """The sink at an address: a folder, "s3://bucket/folder", "delta:folder" or "delta:s3://bucket/table".

    Raises:
        UsageError: an address of another kind.

    Example:
        >>> type(open_sink("warehouse/predictions")).__name__, type(open_sink("s3://bucket/log")).__name__
        ('_Folder', '_Objects')
    """
    if place.startswith(_DELTA):
        return _Delta(place.removeprefix(_DELTA))
    if is_remote(place):
        return _Objects(place)
    if re.match(r"[a-z0-9+]+:", place) or not place:
        raise UsageError(
            f"the log's sink '{shown(place)}' is not known",
            expected='a folder, "s3://bucket/folder", "gs://...", "az://..." or "delta:" and one of these',
        )
    return _Folder(place)


def located_sink(place: str, directory: Path) -> str:
    """The address of a sink whose folder is meant relative to a directory.

    Example:
        >>> located_sink("delta:out", Path("/srv")), located_sink("s3://bucket", Path("/srv"))
        ('delta:/srv/out', 's3://bucket')
    """
    mark = _DELTA if place.startswith(_DELTA) else ""
    rest = place.removeprefix(mark)
    return place if re.match(r"[a-z0-9+]+:", rest) else f"{mark}{directory / rest}"


class _Folder:
    def __init__(self, place: str) -> None:
        self._directory = Path(place)

    def put(self, path: Path, name: str) -> None:
        target = self._directory / name
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        with _said_of(str(self._directory)):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("rb") as source, draft.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)


class _Objects:
    def __init__(self, place: str) -> None:
        self._place = place.rstrip("/")

    def put(self, path: Path, name: str) -> None:
        put_file(path, f"{self._place}/{name}")


class _Delta:
    """Appends each file in one commit, which names the file: it is appended once."""

    def __init__(self, place: str) -> None:
        self._place = place

    def put(self, path: Path, name: str) -> None:
        from tilth.tables.delta import append_once

        append_once(self._place, path, name)


@contextmanager
def _said_of(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the log's sink cannot be written: {error.strerror or error}",
            where=place,
            mend="free some space there, or let this process write there",
        ) from error
