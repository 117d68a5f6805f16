"""The prediction log read back: lines and Parquet files as one, nothing twice and nothing left out."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tilth.tables.log_files import (
    LogFile,
    file_facts,
    find_prediction,
    groups_within,
    log_files,
    open_log_file,
    predictions_in,
)
from tilth.tables.log_table import LogSource, Wanted, log_table
from tilth.tables.logged_media import MediaFolder
from tilth.tables.prediction_lines import Prediction, in_utc, prediction_of, read_header, read_prediction_line
from tilth.tables.segments import Segment, segment_header, segments
from tilth.tables.table import Table
from tilth.types import utc_now

__all__ = ["newest_predictions", "prediction_log", "read_predictions"]

_WINDOWS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=30))


def prediction_log(
    directory: str | Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    model: str | None = None,
    version: int | None = None,
    role: str | None = None,
) -> Table:
    """The predictions in a folder as a table: those in Parquet files and those that are still lines.

    It is read lazily, in bounded memory; files and row groups of other times are not read. What is logged
    after the call is not in it. Rows are in the order of the files' beginnings and, in each file, in that of
    writing.

    Args:
        directory: where a `PredictionLog` writes; it need not be there.
        since: only those made then or later; without a zone it is UTC.
        until: only those made before.
        model: only those of that model.
        version: only those of that version.
        role: only those that played that part, such as "live".

    Returns:
        The inputs in their types, images and recordings as their bytes where they are kept, then
        `tilth.prediction_id`, `tilth.time`, `tilth.model`, `tilth.version`, `tilth.role`, `tilth.label`,
        `tilth.score` (the probability of the predicted class), `tilth.scores` (that of each class, as JSON),
        `tilth.latency_s`, `tilth.entity`, `tilth.trace_id`. An input that is of several types in different
        files is text.

    Raises:
        DataError: a damaged line or file.

    Example:
        >>> import tempfile
        >>> prediction_log(tempfile.gettempdir() + "/nowhere").rows
        0
    """
    wanted = Wanted(since and in_utc(since), until and in_utc(until), model, version, role)
    sources = _sources(Path(directory), wanted)
    return log_table(Path(directory), sources, wanted)


def read_predictions(
    directory: str | Path, *, since: datetime | None = None, version: int | None = None
) -> list[Prediction]:
    """The predictions in a folder, by time, then by id; all of them in memory.

    Args:
        directory: where a `PredictionLog` writes; it need not be there.
        since: only those made then or later.
        version: only those of that model version.

    Raises:
        DataError: a damaged line. A last line that was cut short by the end of a process is left out.
    """
    directory = Path(directory)
    wanted = Wanted(since and in_utc(since), version=version)
    media = MediaFolder(directory)
    found = [
        made
        for source in _sources(directory, wanted)
        for made in _predictions(directory, source, wanted, media)
    ]
    found.sort(key=_order)
    return found


def newest_predictions(
    directory: str | Path,
    limit: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    version: int | None = None,
    role: str | None = None,
) -> list[Prediction]:
    """The newest predictions in a folder, the newest first.

    Args:
        directory: where a `PredictionLog` writes; it need not be there.
        limit: at most so many.
        since: only those made then or later.
        until: only those made before.
        version: only those of that model version.
        role: only those that played that part.

    Raises:
        DataError: a damaged line or file.
    """
    since, until = since and in_utc(since), until and in_utc(until)
    end = until or utc_now()
    newest: list[tuple[datetime, str]] = []
    for window in (*_WINDOWS, None):  # few files have to be looked at where much was predicted lately
        start = None if window is None else end - window
        start = since if start is None else start if since is None else max(start, since)
        table = prediction_log(directory, since=start, until=until, version=version, role=role)
        newest = _newest(table, limit)
        if len(newest) == limit or (since is not None and start == since):
            break
    media = MediaFolder(directory)
    found = [find_prediction(directory, identity, media) for _, identity in newest]
    return [made for made in found if made is not None]


def _newest(table: Table, limit: int) -> list[tuple[datetime, str]]:
    newest: list[tuple[datetime, str]] = []
    for batch in table.select(["tilth.time", "tilth.prediction_id"]).batches():
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        newest = heapq.nlargest(limit, [*newest, *rows])
    return newest


def _sources(directory: Path, wanted: Wanted) -> list[LogSource]:
    """Where predictions that are meant may be, the oldest first.

    Lines are listed before Parquet files: what becomes one meanwhile is in both lists, and then the lines are
    asked for first.
    """
    lines = {segment.token: segment for segment in segments(directory, "predictions")}
    sources = [LogSource(token, segment, None) for token, segment in lines.items()]
    for file in log_files(directory):
        if file.token in lines or not wanted.may_be_of(file.model, file.version):
            continue
        if file.may_hold(wanted.since, wanted.until):
            sources.append(LogSource(file.token, None, file))
    return sorted(sources, key=lambda source: source.token)


def _predictions(
    directory: Path, source: LogSource, wanted: Wanted, media: MediaFolder
) -> Iterator[Prediction]:
    if source.segment is not None:
        try:
            yield from _of_lines(source.segment, wanted, media)
        except FileNotFoundError:
            for file in log_files(directory, source.token):
                yield from _of_file(file, wanted, media)
    elif source.file is not None:
        yield from _of_file(source.file, wanted, media)


def _of_lines(segment: Segment, wanted: Wanted, media: MediaFolder) -> Iterator[Prediction]:
    header = segment_header(segment)
    if header is not None:
        known = read_header(header, segment.token)
        if not wanted.may_be_of(known.model, known.version):
            return
    for offset, line in segment.lines():
        made = prediction_of(segment.token, offset, read_prediction_line(segment.token, offset, line), media)
        if _is_meant(made, wanted):
            yield made


def _of_file(file: LogFile, wanted: Wanted, media: MediaFolder) -> Iterator[Prediction]:
    # A file that is gone was older than the log is kept.
    with contextlib.suppress(FileNotFoundError), open_log_file(file.path) as opened:
        types = file_facts(opened).types
        groups = groups_within(opened, wanted.since, wanted.until)
        for batch in opened.iter_batches(batch_size=8_192, row_groups=groups):
            yield from (made for made in predictions_in(batch, types, media) if _is_meant(made, wanted))


def _is_meant(made: Prediction, wanted: Wanted) -> bool:
    return (wanted.since is None or made.time >= wanted.since) and wanted.may_be_of(made.model, made.version)


def _order(made: Prediction) -> tuple[datetime, str, int]:
    token, _, offset = made.id.rpartition("-")
    return made.time, token, int(offset, 16)
