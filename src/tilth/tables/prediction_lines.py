"""One prediction, and the line of JSON that says it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from tilth.errors import DataError
from tilth.tables.logged_media import LoggedMedia, MediaFolder
from tilth.types import ColumnType, JSONValue

__all__ = [
    "Label",
    "Prediction",
    "PredictionLine",
    "SegmentHeader",
    "damaged",
    "header_line",
    "in_utc",
    "prediction_of",
    "read_header",
    "read_prediction_line",
]

Label = str | int | float | bool | tuple[str, ...]
"""A class, a number, or the labels of a row that has any number of them."""


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """One answer of a model.

    Args:
        id: given by the log; "" before.
        time: when it was made, in UTC.
        model: the model's name.
        version: its version.
        role: which part it played, such as "live".
        inputs: the raw columns as they came; images and recordings as `LoggedMedia`.
        label: the predicted class or classes, or a number.
        scores: the probability of each class, or None for a number.
        latency_s: how long it took, in seconds.
        entity: the key of whom it is about, where requests bring one.
        trace_id: the trace that the request belongs to.
    """

    id: str
    time: datetime.datetime
    model: str
    version: int
    role: str
    inputs: Mapping[str, JSONValue | LoggedMedia]
    label: Label
    scores: Mapping[str, float] | None
    latency_s: float
    entity: str | None = None
    trace_id: str | None = None


class PredictionLine(msgspec.Struct, gc=False, omit_defaults=True):
    """A prediction as it is written; its id is its place."""

    time: datetime.datetime
    model: str
    version: int
    role: str
    inputs: Mapping[str, object]
    label: Label | None
    scores: Mapping[str, float | None] | None
    latency_s: float
    entity: str | None = None
    trace_id: str | None = None


class SegmentHeader(msgspec.Struct, frozen=True, omit_defaults=True):
    """What all predictions of a file have in common.

    Args:
        tilth: what the file holds.
        model: the model that answered.
        version: its version.
        types: the types of the inputs; None where they are to be found out.
    """

    tilth: str
    model: str
    version: int
    types: dict[str, ColumnType] | None = None


_read_line = msgspec.json.Decoder(PredictionLine).decode
_read_header = msgspec.json.Decoder(SegmentHeader).decode


def header_line(model: str, version: int, types: Mapping[str, ColumnType] | None = None) -> bytes:
    r"""The first line of a file of predictions.

    Example:
        >>> header_line("census", 3, {"age": "int"})
        b'{"tilth":"predictions","model":"census","version":3,"types":{"age":"int"}}\n'
    """
    known = None if types is None else dict(types)
    return msgspec.json.encode(SegmentHeader("predictions", model, version, known)) + b"\n"


def read_header(line: bytes, token: str) -> SegmentHeader:
    """What a header says.

    Raises:
        DataError: it is damaged.
    """
    try:
        return _read_header(line)
    except msgspec.DecodeError as error:
        raise damaged("predictions", token, 0, error) from error


def read_prediction_line(token: str, offset: int, line: bytes) -> PredictionLine:
    """What a line says.

    Raises:
        DataError: it is damaged.
    """
    try:
        return _read_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise damaged("predictions", token, offset, error) from error


def prediction_of(token: str, offset: int, line: PredictionLine, media: MediaFolder) -> Prediction:
    """The prediction that a line says."""
    return Prediction(
        id=f"{token}-{offset:x}",
        time=in_utc(line.time),
        model=line.model,
        version=line.version,
        role=line.role,
        inputs=media.found(line.inputs),  # type: ignore[arg-type]
        label=_number(None) if line.label is None else line.label,
        scores=None if line.scores is None else {name: _number(p) for name, p in line.scores.items()},
        latency_s=line.latency_s,
        entity=line.entity,
        trace_id=line.trace_id,
    )


def _number(value: float | None) -> float:
    """JSON has no NaN: it is written as null."""
    return float("nan") if value is None else value


def damaged(kind: str, token: str, offset: int, error: Exception) -> DataError:
    """The error for a line that says nothing.

    Example:
        >>> print(str(damaged("feedback", "a", 7, ValueError("no JSON"))).splitlines()[1])
          where: feedback-a.jsonl, offset 7
    """
    return DataError(
        f"a line of the log is damaged: {error}",
        where=f"{kind}-{token}.jsonl, offset {offset}",
        expected="one JSON object, as Tilth writes it",
        mend="take the line out of the file",
    )


def in_utc(time: datetime.datetime) -> datetime.datetime:
    """A moment in UTC; without a zone it is taken to be so.

    Example:
        >>> in_utc(datetime.datetime(2026, 1, 1)).tzname()
        'UTC'
    """
    if time.tzinfo is None:
        return time.replace(tzinfo=datetime.UTC)
    return time.astimezone(datetime.UTC)
