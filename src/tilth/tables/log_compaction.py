"""Closed files of a prediction log become Parquet: at no instant is anything lost, or there twice."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.tables.log_batches import LineBatch, header_of, line_batches, same_types, with_types
from tilth.tables.log_files import FileFacts, facts_metadata, file_place
from tilth.tables.log_sinks import Sink, open_sink
from tilth.tables.segment_writing import unwritable
from tilth.tables.segments import Segment, locked_segment, segments
from tilth.types import ColumnType

__all__ = ["Compaction", "compact"]

GROUP_ROWS = 32_768
_MOMENTS_S = 60


@dataclass(frozen=True)
class Compaction:
    """What was done.

    Args:
        segments: how many files of lines became Parquet.
        rows: how many predictions were in them.
        files: the Parquet files made.
        problems: what could not be done, and why, in words; those files stay as they are.
    """

    segments: int = 0
    rows: int = 0
    files: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def compact(directory: str | Path, sink: str | None = None) -> Compaction:
    """Make Parquet files of the files of lines that nobody writes to any more.

    Each becomes `model=NAME/version=N/date=YYYY-MM-DD/hour=HH/<token>.parquet` in the same folder, by the
    hour (UTC) in which it was begun. The file of lines goes when its Parquet file is whole and on disk; as
    long as both are there, readers take the lines. Any number of processes may do this at once.

    Args:
        directory: where a `PredictionLog` writes; it need not be there.
        sink: where each Parquet file goes too: a folder, an address such as "s3://bucket/predictions", or
            "delta:" and the folder or address of a Delta table. The lines stay until it is there.

    Raises:
        UsageError: a sink that is not known.

    Example:
        >>> import tempfile
        >>> compact(tempfile.gettempdir() + "/nowhere")
        Compaction(segments=0, rows=0, files=(), problems=())
    """
    directory = Path(directory)
    to = None if sink is None else open_sink(sink)
    count, rows, files, problems = 0, 0, list[Path](), list[str]()
    for segment in segments(directory, "predictions"):
        try:
            made = _compact_one(directory, segment, to)
        except DataError as error:
            problems.append(" ".join(str(error).split()))
            continue
        except OSError as error:
            problems.append(" ".join(str(unwritable(error, directory)).split()))
            continue
        if made is not None:
            count, rows = count + 1, rows + sum(number for _, number in made)
            files += [path for path, _ in made]
    _remove_stale_drafts(directory)
    return Compaction(count, rows, tuple(files), tuple(problems))


def _compact_one(directory: Path, found: Segment, sink: Sink | None) -> list[tuple[Path, int]] | None:
    """The files made of one file of lines and their rows; None where somebody else has it."""
    with locked_segment(found.path) as is_mine:
        if not is_mine:
            return None
        segment = found._replace(size=found.path.stat().st_size)
        header = header_of(segment)
        held: dict[tuple[str, int], list[LineBatch]] = {}
        for one in line_batches(segment, None if header is None else header.types):
            held.setdefault((one.model, one.version), []).append(one)
        made = [_write(directory, segment.token, held.pop(key)) for key in list(held)]
        if sink is not None:
            for path, _ in made:
                sink.put(path, path.relative_to(directory).as_posix())
        segment.path.unlink()
        return made


def _write(directory: Path, token: str, batches: Sequence[LineBatch]) -> tuple[Path, int]:
    """Write the predictions of one model version to their place, whole or not at all."""
    import pyarrow.parquet as pq

    types, schema = same_types(batches)
    facts = _facts(types, batches)
    first, last = _times(batches)
    path = directory / file_place(batches[0].model, batches[0].version, token, first, last)
    draft = directory / ".drafts" / f"{token}-v{batches[0].version}-{os.getpid()}.parquet"
    draft.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            with pq.ParquetWriter(
                file,
                schema.with_metadata(facts_metadata(facts)),
                compression="zstd",
            ) as writer:
                for group in _groups(batches, types, schema):
                    writer.write_table(group, row_group_size=GROUP_ROWS)
                    rows += group.num_rows
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path, rows


def _facts(types: dict[str, ColumnType | None], batches: Sequence[LineBatch]) -> FileFacts:
    offsets = [offset for one in batches for offset in one.offsets]
    return FileFacts({name: kind for name, kind in types.items() if kind}, offsets[::GROUP_ROWS])


def _times(batches: Sequence[LineBatch]) -> tuple[datetime, datetime]:
    seen = [pc.min_max(one.batch.column("tilth.time")).as_py() for one in batches]
    return min(each["min"] for each in seen), max(each["max"] for each in seen)


def _groups(
    batches: Sequence[LineBatch], types: dict[str, ColumnType | None], schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows in their order, in tables of exactly `GROUP_ROWS` rows but the last."""
    label = schema.field("tilth.label").type
    held: list[pa.RecordBatch] = []
    for one in batches:
        held.append(with_types(one.batch, one.types, types, label))
        while sum(batch.num_rows for batch in held) >= GROUP_ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, GROUP_ROWS)
            held = table.slice(GROUP_ROWS).to_batches()
    if held:
        yield pa.Table.from_batches(held)


def _put_in_place(draft: Path, path: Path) -> None:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.rename(path)
        except FileNotFoundError:
            if draft.exists():  # retention has just removed the empty folder
                continue
            raise
        break
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_stale_drafts(directory: Path) -> None:
    """Remove the drafts of processes that were killed."""
    for draft in [*directory.glob(".drafts/*.parquet"), *directory.glob(".predictions-*.jsonl")]:
        with contextlib.suppress(OSError):
            if draft.suffix == ".parquet":
                if not _is_running(int(draft.stem.rpartition("-")[2])):
                    draft.unlink()
            # One that is being made is locked within moments.
            elif time.time() - draft.stat().st_mtime > _MOMENTS_S:
                with locked_segment(draft) as is_mine:
                    if is_mine:
                        draft.unlink()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
