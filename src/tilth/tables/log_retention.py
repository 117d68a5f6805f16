"""How long a prediction log is kept."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tilth.tables.log_files import log_files
from tilth.tables.logged_media import MediaFolder
from tilth.tables.segment_writing import unwritable
from tilth.tables.segments import segments
from tilth.types import Clock, utc_now

__all__ = ["Removal", "remove_older"]


class Removal(NamedTuple):
    """What was removed.

    Args:
        files: Parquet files.
        media: images and recordings.
    """

    files: int
    media: int


def remove_older(directory: str | Path, keep: timedelta, clock: Clock = utc_now) -> Removal:
    """Remove the Parquet files whose hour of writing ended longer ago than `keep`, and media not used since.

    What is not in Parquet files yet stays until it is: `compact` comes first.

    Args:
        directory: where the log is; it need not be there.
        keep: how long predictions are kept.
        clock: for the present moment.

    Raises:
        DataError: they cannot be removed.

    Example:
        >>> import tempfile
        >>> remove_older(tempfile.gettempdir() + "/nowhere", timedelta(days=90))
        Removal(files=0, media=0)
    """
    directory = Path(directory)
    since = _before(clock(), keep)
    waiting = {segment.token for segment in segments(directory, "predictions")}
    removed = 0
    try:
        for found in log_files(directory):
            if found.hour + timedelta(hours=1) <= since and found.token not in waiting:
                found.path.unlink(missing_ok=True)
                removed += 1
                _remove_empty(found.path.parent, directory)
        media = MediaFolder(directory).remove_unused(since.timestamp())
    except OSError as error:
        raise unwritable(error, directory) from error
    return Removal(removed, media)


def _before(now: datetime, keep: timedelta) -> datetime:
    """A moment ago; the first of all where that is longer ago than dates go back."""
    try:
        return now - keep
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo) + timedelta(days=366)


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove folders that have become empty, up to that of the log."""
    while folder != top:
        with contextlib.suppress(OSError):
            folder.rmdir()
        if folder.exists():
            return
        folder = folder.parent
