"""Predictions and their outcomes: where serving writes, and monitoring and training read."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tilth.errors import DataError
from tilth.tables.logged_media import LoggedMedia, MediaFolder
from tilth.tables.segments import SegmentWriter, read_line, segment_lines
from tilth.types import Clock, JSONValue, utc_now

__all__ = ["FeedbackLog", "Label", "Prediction", "PredictionLog", "read_feedback", "read_predictions"]

Label = str | int | float | bool | tuple[str, ...]
"""A class, a number, or the labels of a row that has any number of them."""

_ID = re.compile(r"([0-9]{8}T[0-9]{6}-[0-9a-f]{8})-([0-9a-f]{1,12})")


@dataclass(frozen=True, slots=True)
class Prediction:
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
    inputs: Mapping[str, JSONValue | LoggedMedia] = field(hash=False)
    label: Label
    scores: Mapping[str, float] | None = field(hash=False)
    latency_s: float
    entity: str | None = None
    trace_id: str | None = None


class _PredictionLine(msgspec.Struct, gc=False, omit_defaults=True):
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


class _FeedbackLine(msgspec.Struct, gc=False):
    prediction_id: str
    label: Label
    time: datetime.datetime


_encode_feedback = msgspec.json.Encoder().encode
_decode_prediction = msgspec.json.Decoder(_PredictionLine).decode
_decode_feedback = msgspec.json.Decoder(_FeedbackLine).decode


class PredictionLog:
    """Appends predictions to a folder; a prediction is on record when `append` returns.

    Each process writes a file of its own, so any number may write at once. Nothing that was appended is lost
    when the process is killed. Images and recordings are kept once each, in files of their own in the folder
    `media`; a line has their sha256 and size.

    Args:
        directory: where the files are; made on the first append.
        clock: for the names of the files.

    Example:
        >>> import tempfile
        >>> now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        >>> made = Prediction("", now, "census", 3, "live", {"age": 39}, "<=50K", {"<=50K": 0.9}, 0.001)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = PredictionLog(folder)
        ...     [identity] = log.append([made])
        ...     print(log.find(identity).label, len(read_predictions(folder)))
        ...     log.close()
        <=50K 1
    """

    def __init__(self, directory: str | Path, clock: Clock = utc_now) -> None:
        self._directory = Path(directory)
        self._writer = SegmentWriter(directory, "predictions", clock)
        self._media = MediaFolder(directory)
        self._encode = msgspec.json.Encoder(enc_hook=self._media.keep).encode

    def append(self, predictions: Sequence[Prediction]) -> list[str]:
        """Write predictions, all or none, in one write.

        Args:
            predictions: their `id` is not looked at.

        Returns:
            The id of each: the token of the file and the offset in it.

        Raises:
            DataError: the disk is full or cannot be written; nothing was written.
        """
        if not predictions:
            return []
        lines = [
            self._encode(
                _PredictionLine(
                    p.time,
                    p.model,
                    p.version,
                    p.role,
                    p.inputs,
                    p.label,
                    p.scores,
                    p.latency_s,
                    p.entity,
                    p.trace_id,
                )
            )
            for p in predictions
        ]
        token, offsets = self._writer.append(lines)
        return [f"{token}-{offset:x}" for offset in offsets]

    def find(self, prediction_id: str) -> Prediction | None:
        """The prediction of that id, whichever process wrote it, or None."""
        parts = _ID.fullmatch(prediction_id)
        if parts is None:
            return None
        offset = int(parts[2], 16)
        if f"{offset:x}" != parts[2]:
            return None
        line = read_line(self._directory, "predictions", parts[1], offset)
        return None if line is None else _prediction(parts[1], offset, line, self._media)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class FeedbackLog:
    """Appends outcomes to a folder; an outcome is on record when `append` returns.

    Args:
        directory: where the files are; made on the first append.
        clock: for the names of the files.
    """

    def __init__(self, directory: str | Path, clock: Clock = utc_now) -> None:
        self._writer = SegmentWriter(directory, "feedback", clock)

    def append(self, prediction_id: str, label: Label, time: datetime.datetime) -> None:
        """Write what really happened.

        Args:
            prediction_id: which prediction it is about.
            label: the outcome.
            time: when it became known, in UTC.

        Raises:
            DataError: the disk is full or cannot be written; nothing was written.
        """
        self._writer.append([_encode_feedback(_FeedbackLine(prediction_id, label, _utc(time)))])

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def read_predictions(
    directory: str | Path, *, since: datetime.datetime | None = None, version: int | None = None
) -> list[Prediction]:
    """The predictions in a folder, by time, then by id.

    Args:
        directory: where a `PredictionLog` writes; it need not be there.
        since: only those made then or later.
        version: only those of that model version.

    Raises:
        DataError: a damaged line. A last line that was cut short by the end of a process is left out.
    """
    found = []
    media = MediaFolder(directory)
    for token, offset, line in segment_lines(directory, "predictions"):
        made = _prediction(token, offset, line, media)
        if (since is None or made.time >= _utc(since)) and version in (None, made.version):
            found.append((made.time, token, offset, made))
    found.sort(key=lambda entry: entry[:3])
    return [entry[3] for entry in found]


def read_feedback(directory: str | Path) -> dict[str, tuple[Label, datetime.datetime]]:
    """The outcome and its time by prediction id; of several, the latest by time.

    Args:
        directory: where a `FeedbackLog` writes; it need not be there.

    Raises:
        DataError: a damaged line.
    """
    latest: dict[str, tuple[Label, datetime.datetime]] = {}
    for token, offset, line in segment_lines(directory, "feedback"):
        try:
            told = _decode_feedback(line)
        except msgspec.DecodeError as error:
            raise _damaged("feedback", token, offset, error) from error
        time = _utc(told.time)
        if told.prediction_id not in latest or time >= latest[told.prediction_id][1]:
            latest[told.prediction_id] = (told.label, time)
    return latest


def _prediction(token: str, offset: int, line: bytes, media: MediaFolder) -> Prediction:
    try:
        read = _decode_prediction(line)
    except msgspec.DecodeError as error:
        raise _damaged("predictions", token, offset, error) from error
    return Prediction(
        id=f"{token}-{offset:x}",
        time=_utc(read.time),
        model=read.model,
        version=read.version,
        role=read.role,
        inputs=media.found(read.inputs),  # type: ignore[arg-type]
        label=_number(None) if read.label is None else read.label,
        scores=None if read.scores is None else {name: _number(p) for name, p in read.scores.items()},
        latency_s=read.latency_s,
        entity=read.entity,
        trace_id=read.trace_id,
    )


def _number(value: float | None) -> float:
    """JSON has no NaN: it is written as null."""
    return float("nan") if value is None else value


def _damaged(kind: str, token: str, offset: int, error: Exception) -> DataError:
    return DataError(
        f"a line of the log is damaged: {error}",
        where=f"{kind}-{token}.jsonl, offset {offset}",
        expected="one JSON object, as Tilth writes it",
        mend="take the line out of the file",
    )


def _utc(time: datetime.datetime) -> datetime.datetime:
    if time.tzinfo is None:
        return time.replace(tzinfo=datetime.UTC)
    return time.astimezone(datetime.UTC)
