"""The prediction log as a lazy table."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES, column_type
from tilth.tables.log_arrays import as_type, common_type
from tilth.tables.log_batches import common_label, header_of, label_as, line_batches
from tilth.tables.log_files import (
    OWN_COLUMNS,
    LogFile,
    file_facts,
    groups_within,
    log_files,
    offset_of,
    open_log_file,
)
from tilth.tables.logged_media import MediaFolder, is_reference
from tilth.tables.media_cells import ROWS_AT_ONCE
from tilth.tables.segments import Segment
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["LogSource", "Wanted", "log_table"]

_OWN_TYPES: dict[str, ColumnType] = {
    "tilth.time": "datetime",
    "tilth.version": "int",
    "tilth.score": "float",
    "tilth.latency_s": "float",
}
_Types = Mapping[str, ColumnType | None]


class LogSource(NamedTuple):
    """Predictions that were written by one process one after the other.

    Args:
        token: what their ids begin with.
        segment: the file of lines, where there is one.
        file: the Parquet file, where there is one.
    """

    token: str
    segment: Segment | None
    file: LogFile | None


@dataclass(frozen=True)
class Wanted:
    """Which predictions are meant.

    Args:
        since: those made then or later.
        until: those made before.
        model: of that model.
        version: of that version.
        role: that played that part.
    """

    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    version: int | None = None
    role: str | None = None

    def may_be_of(self, model: str, version: int) -> bool:
        """Whether predictions of a model version are meant."""
        return self.model in (None, model) and self.version in (None, version)

    @property
    def columns(self) -> list[str]:
        """The columns that tell which rows are meant."""
        times = [] if self.since is None and self.until is None else ["tilth.time"]
        return [*times, *([] if self.role is None else ["tilth.role"])]

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Those rows of a batch that are meant."""
        marks = []
        if self.since is not None:
            marks.append(pc.greater_equal(batch.column("tilth.time"), _scalar(self.since)))
        if self.until is not None:
            marks.append(pc.less(batch.column("tilth.time"), _scalar(self.until)))
        if self.role is not None:
            marks.append(pc.equal(batch.column("tilth.role"), self.role))
        for mark in marks[1:]:
            marks[0] = pc.and_(marks[0], mark)
        return batch.filter(marks[0]) if marks else batch


def _scalar(moment: datetime) -> pa.Scalar:
    return pa.scalar(moment, pa.timestamp("us", "UTC"))


class _Part(NamedTuple):
    """Rows of one source as they are there."""

    types: _Types
    batch: pa.RecordBatch


def log_table(directory: Path, sources: Sequence[LogSource], wanted: Wanted) -> Table:
    """A table over sources, which are read again each time."""
    types: dict[str, ColumnType | None] = {}
    label: pa.DataType | None = None
    for source in reversed(sources):  # the newest columns first
        for found, kind in _described(directory, source, wanted):
            for name, each in found.items():
                types[name] = common_type(types.get(name), each)
            label = common_label(label, kind)
    label = label or pa.string()
    columns: dict[str, ColumnType] = {name: kind or "string" for name, kind in types.items()}
    for name in OWN_COLUMNS:
        kind = column_type(label) if name == "tilth.label" else _OWN_TYPES.get(name, "string")
        columns[name] = kind or "string"
    media = MediaFolder(directory)

    def read(those: Sequence[LogSource], names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        has_media = any(columns[name] in MEDIA_TYPES for name in names)
        rows = min(size, ROWS_AT_ONCE) if has_media else size
        for source in those:
            for part in _parts(directory, source, wanted, names, rows):
                arrays = [_typed(source, part, name, columns[name], label, media) for name in names]
                yield pa.RecordBatch.from_arrays(arrays, list(names))

    empty = frozenset(name for name, kind in types.items() if kind is None)

    def parts() -> list[Table]:
        return [Table(str(directory), columns, partial(read, [each]), empty=empty) for each in sources]

    return Table(str(directory), columns, partial(read, sources), empty=empty, parts=parts)


def _described(
    directory: Path, source: LogSource, wanted: Wanted
) -> Iterator[tuple[_Types, pa.DataType | None]]:
    """The types of the inputs and of the labels in a source."""
    if source.segment is not None:
        try:
            yield from _described_lines(source.segment, wanted)
        except FileNotFoundError:
            for file in log_files(directory, source.token):
                yield from _described_file(file, wanted)
    elif source.file is not None:
        yield from _described_file(source.file, wanted)


def _described_file(file: LogFile, wanted: Wanted) -> Iterator[tuple[_Types, pa.DataType | None]]:
    if not wanted.may_be_of(file.model, file.version):
        return
    with _still_there(file.path), open_log_file(file.path) as opened:
        schema = opened.schema_arrow
        facts = file_facts(opened)
        inputs = schema.names[: -len(OWN_COLUMNS)]
        yield {name: facts.types.get(name) for name in inputs}, schema.field("tilth.label").type


def _described_lines(segment: Segment, wanted: Wanted) -> Iterator[tuple[_Types, pa.DataType | None]]:
    header = header_of(segment)
    if header is not None and not wanted.may_be_of(header.model, header.version):
        return
    declared = None if header is None else header.types
    # Of declared types the first line tells all: what sort of labels there are.
    for one in line_batches(segment, declared, rows=1 if declared is not None else 8_192):
        labels = one.batch.column("tilth.label")
        if wanted.may_be_of(one.model, one.version):
            yield one.types, None if labels.null_count == len(labels) else labels.type
        if declared is not None and labels.null_count < len(labels):
            return


def _parts(
    directory: Path, source: LogSource, wanted: Wanted, names: Sequence[str], size: int
) -> Iterator[_Part]:
    """The rows of a source that are meant, with at least the columns of these names that it has."""
    needed = [*names, *(name for name in wanted.columns if name not in names)]
    if source.segment is not None:
        try:
            yield from _of_lines(source.segment, wanted, size)
        except FileNotFoundError:
            # What was lines when the table was made is a Parquet file by now; what came later is left out.
            end = source.segment.size
            for file in log_files(directory, source.token):
                yield from _of_file(file, wanted, needed, size, end)
    elif source.file is not None:
        with _still_there(source.file.path):
            yield from _of_file(source.file, wanted, needed, size, None)


def _of_lines(segment: Segment, wanted: Wanted, size: int) -> Iterator[_Part]:
    header = header_of(segment)
    if header is not None and not wanted.may_be_of(header.model, header.version):
        return
    for one in line_batches(segment, None if header is None else header.types, min(size, 8_192)):
        if wanted.may_be_of(one.model, one.version):
            rows = wanted.rows(one.batch)
            if rows.num_rows:
                yield _Part(one.types, rows)


def _of_file(
    file: LogFile, wanted: Wanted, needed: Sequence[str], size: int, end: int | None
) -> Iterator[_Part]:
    if not wanted.may_be_of(file.model, file.version):
        return
    with open_log_file(file.path) as opened:
        groups = groups_within(opened, wanted.since, wanted.until)
        has = set(opened.schema_arrow.names)
        columns = [name for name in (*needed, "tilth.prediction_id") if name in has]
        facts = file_facts(opened)
        types = {name: facts.types.get(name) for name in opened.schema_arrow.names}
        for batch in opened.iter_batches(batch_size=size, row_groups=groups, columns=columns):
            rows = wanted.rows(batch if end is None else _before(batch, end))
            if rows.num_rows:
                yield _Part(types, rows)


def _before(batch: pa.RecordBatch, end: int) -> pa.RecordBatch:
    """The rows whose lines were before an offset."""
    ids = batch.column("tilth.prediction_id").to_pylist()
    return batch.filter(pa.array(np.array([offset_of(each) < end for each in ids], bool)))


def _typed(
    source: LogSource, part: _Part, name: str, kind: ColumnType, label: pa.DataType, media: MediaFolder
) -> pa.Array:
    try:
        return _column(part, name, kind, label, media)
    except (ValueError, pa.ArrowException) as error:
        raise DataError(
            f"column '{name}' has values of another type than the log declares",
            where=f"predictions-{source.token}.jsonl",
            expected=f"values of type {kind}",
            mend="read it when the file is compacted, which makes the column text: tilth log compact",
        ) from error


def _column(part: _Part, name: str, kind: ColumnType, label: pa.DataType, media: MediaFolder) -> pa.Array:
    if name not in part.batch.schema.names:
        return pa.nulls(part.batch.num_rows, ARROW_TYPES[kind])
    array = part.batch.column(name)
    if name == "tilth.label":
        return label_as(array, label).cast(ARROW_TYPES[kind])
    if name == "tilth.scores":
        return pa.array([_json(scores) for scores in array.to_pylist()], pa.string())
    if name in OWN_COLUMNS:
        return array.cast(ARROW_TYPES[kind])
    values = as_type(array, part.types.get(name), kind)
    if kind in MEDIA_TYPES:
        found = [media.find(value).read() if is_reference(value) else None for value in values.to_pylist()]
        return pa.array(found, ARROW_TYPES[kind])
    return values


def _json(scores: list[tuple[str, float | None]] | None) -> str | None:
    return None if scores is None else json.dumps(dict(scores), ensure_ascii=False)


@contextlib.contextmanager
def _still_there(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(
            "a file of the log was removed while the log was being read",
            where=str(path),
            mend="read it again; retention removes what is older than [serve.log] keep",
        ) from error
