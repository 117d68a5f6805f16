"""The Parquet files of a prediction log: where they are, what is in them, and predictions read back."""

from __future__ import annotations

import bisect
import contextlib
import datetime
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from tilth.errors import DataError
from tilth.tables.logged_media import MediaFolder
from tilth.tables.prediction_lines import Prediction, prediction_of, read_prediction_line
from tilth.tables.segments import read_line
from tilth.types import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = [
    "OWN_COLUMNS",
    "FileFacts",
    "LogFile",
    "facts_metadata",
    "file_facts",
    "file_place",
    "find_prediction",
    "groups_within",
    "hour_of",
    "log_files",
    "offset_of",
    "open_log_file",
    "predictions_in",
]

OWN_COLUMNS = (
    "tilth.prediction_id",
    "tilth.time",
    "tilth.model",
    "tilth.version",
    "tilth.role",
    "tilth.label",
    "tilth.score",
    "tilth.scores",
    "tilth.latency_s",
    "tilth.entity",
    "tilth.trace_id",
)
"""What each file has behind the inputs."""

_HOUR = datetime.timedelta(hours=1)
_FILE = re.compile(r"([0-9]{8}T[0-9]{6}-[0-9a-f]{8})(\.mixed)?\.parquet")
_ID = re.compile(r"([0-9]{8}T[0-9]{6}-[0-9a-f]{8})-([0-9a-f]{1,12})")
_FACTS = b"tilth.log"


class LogFile(NamedTuple):
    """A Parquet file of the log.

    Args:
        token: what the ids of its predictions begin with.
        path: where it is.
        model: the model that answered.
        version: its version.
        is_mixed: some predictions were made at another time than in the hour of writing or those around it.
    """

    token: str
    path: Path
    model: str
    version: int
    is_mixed: bool

    @property
    def hour(self) -> datetime.datetime:
        """The hour in which the predictions were written."""
        return hour_of(self.token)

    def may_hold(self, since: datetime.datetime | None, until: datetime.datetime | None) -> bool:
        """Whether predictions of the time from `since` on and before `until` may be in it."""
        if self.is_mixed:
            return True
        late = since is not None and self.hour + 2 * _HOUR <= since
        return not (late or (until is not None and self.hour - _HOUR >= until))


def hour_of(token: str) -> datetime.datetime:
    """The hour in which a file was begun.

    Example:
        >>> hour_of("20261122T104500-0a0a0a0a").isoformat()
        '2026-11-22T10:00:00+00:00'
    """
    year, month, day, hour = int(token[:4]), int(token[4:6]), int(token[6:8]), int(token[9:11])
    return datetime.datetime(year, month, day, hour, tzinfo=datetime.UTC)


def file_place(
    model: str, version: int, token: str, first: datetime.datetime, last: datetime.datetime
) -> str:
    """Where in the folder the predictions of a closed file of lines belong.

    Args:
        model: the model that answered.
        version: its version.
        token: that of the lines.
        first: the time of the first prediction.
        last: the time of the last one.

    Example:
        >>> then = datetime.datetime(2026, 11, 22, 10, 45, tzinfo=datetime.UTC)
        >>> file_place("a/b", 3, "20261122T104500-0a0a0a0a", then, then)
        'model=a%2Fb/version=3/date=2026-11-22/hour=10/20261122T104500-0a0a0a0a.parquet'
    """
    hour = hour_of(token)
    usual = hour - _HOUR <= first and last < hour + 2 * _HOUR
    name = f"{token}.parquet" if usual else f"{token}.mixed.parquet"
    return f"model={quote(model, safe='')}/version={version}/date={hour:%Y-%m-%d}/hour={hour:%H}/{name}"


def log_files(directory: str | Path, token: str | None = None) -> list[LogFile]:
    """The Parquet files of a log, the oldest first; those of one token where one is given."""
    place = "date=*/hour=*/*.parquet"
    if token is not None:
        hour = hour_of(token)
        place = f"date={hour:%Y-%m-%d}/hour={hour:%H}/{token}*.parquet"
    found = []
    for path in Path(directory).glob(f"model=*/version=*/{place}"):
        name = _FILE.fullmatch(path.name)
        version = path.parts[-4].removeprefix("version=")
        if name is not None and version.isdecimal():
            model = unquote(path.parts[-5].removeprefix("model="))
            found.append(LogFile(name[1], path, model, int(version), name[2] is not None))
    return sorted(found)


class FileFacts(NamedTuple):
    """What a file says of itself.

    Args:
        types: the type of each input that has values or was declared.
        offsets: the offset that the first prediction of each row group had.
    """

    types: Mapping[str, ColumnType]
    offsets: Sequence[int]


def facts_metadata(facts: FileFacts) -> dict[bytes, bytes]:
    """What a file says of itself, as metadata of an Arrow schema."""
    return {_FACTS: json.dumps({"types": facts.types, "offsets": facts.offsets}).encode()}


@contextlib.contextmanager
def open_log_file(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file of the log, open.

    Raises:
        FileNotFoundError: it is no longer there.
        DataError: it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as source:
        try:
            with pq.ParquetFile(source) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"a file of the log is damaged: {str(error).splitlines()[0][:300]}",
                where=str(path),
                mend="bring it back from a backup, or remove it",
            ) from error


def file_facts(file: pq.ParquetFile) -> FileFacts:
    """What an open file says of itself.

    Raises:
        DataError: it is none of the log's.
    """
    found = (file.schema_arrow.metadata or {}).get(_FACTS)
    if found is None:
        raise DataError("a Parquet file in the log's folder is none of its own", mend="put it elsewhere")
    read = json.loads(found)
    return FileFacts(read["types"], read["offsets"])


def groups_within(
    file: pq.ParquetFile, since: datetime.datetime | None, until: datetime.datetime | None
) -> list[int]:
    """The row groups that may have predictions of the time from `since` on and before `until`."""
    groups = list(range(file.metadata.num_row_groups))
    if since is None and until is None:
        return groups
    schema = file.metadata.schema
    place = next(n for n in range(len(schema)) if schema.column(n).path == "tilth.time")
    kept = []
    for group in groups:
        seen = file.metadata.row_group(group).column(place).statistics
        known = seen is not None and seen.has_min_max
        late = known and since is not None and seen.max < since
        if not (late or (known and until is not None and seen.min >= until)):
            kept.append(group)
    return kept


def offset_of(prediction_id: str) -> int:
    """The offset that an id ends with.

    Example:
        >>> offset_of("20261122T104500-0a0a0a0a-1f")
        31
    """
    return int(prediction_id.rpartition("-")[2], 16)


def find_prediction(directory: str | Path, prediction_id: str, media: MediaFolder) -> Prediction | None:
    """The prediction of an id, from the lines or the Parquet file that it is in, or None.

    Raises:
        DataError: its file is damaged.
    """
    parts = _ID.fullmatch(prediction_id)
    if parts is None:
        return None
    token, offset = parts[1], int(parts[2], 16)
    if f"{offset:x}" != parts[2]:
        return None
    line = read_line(directory, "predictions", token, offset)
    if line is None:  # a Parquet file is there before the lines go
        return _find_in_files(directory, token, offset, media)
    return prediction_of(token, offset, read_prediction_line(token, offset, line), media)


def _find_in_files(directory: str | Path, token: str, offset: int, media: MediaFolder) -> Prediction | None:
    """The prediction of that token and offset, or None.

    Raises:
        DataError: its file is damaged.
    """
    try:
        files = log_files(directory, token)
    except ValueError:  # digits that are no date
        return None
    for found in files:
        with contextlib.suppress(FileNotFoundError), open_log_file(found.path) as file:
            facts = file_facts(file)
            group = bisect.bisect_right(facts.offsets, offset) - 1
            if group < 0:
                continue
            ids = file.read_row_group(group, columns=["tilth.prediction_id"]).column(0).combine_chunks()
            place = ids.index(f"{token}-{offset:x}").as_py()
            if place >= 0:
                table = file.read_row_group(group).slice(place, 1)
                [batch] = table.combine_chunks().to_batches()
                return next(iter(predictions_in(batch, facts.types, media)))
    return None


def predictions_in(
    batch: pa.RecordBatch, types: Mapping[str, ColumnType], media: MediaFolder
) -> Iterator[Prediction]:
    """The predictions of a batch of a file, whose last columns are the log's own."""
    values: dict[str, list[Any]] = {}
    names = batch.schema.names
    for place, name in enumerate(names):
        values[name] = batch.column(place).to_pylist()
    inputs = names[: -len(OWN_COLUMNS)]
    for name in inputs:
        if types.get(name) == "datetime":
            values[name] = [None if moment is None else moment.isoformat() for moment in values[name]]
    columns = [values[name] for name in inputs]
    for place, row in enumerate(zip(*(values[name] for name in OWN_COLUMNS), strict=True)):
        identity, time, model, version, role, label, _, scores, latency_s, entity, trace_id = row
        given = {name: column[place] for name, column in zip(inputs, columns, strict=True)}
        yield Prediction(
            identity,
            time,
            model,
            version,
            role,
            media.found(given),  # type: ignore[arg-type]
            _label(label),
            None if scores is None else {name: math.nan if p is None else p for name, p in scores},
            latency_s,
            entity,
            trace_id,
        )


def _label(value: Any) -> Any:
    """A label as predictions have it: a number that is undefined is NaN there."""
    if value is None:
        return math.nan
    return tuple(value) if isinstance(value, list) else value
