"""Predictions and their outcomes: where serving writes, and monitoring and training read."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tilth.tables.log_files import find_prediction
from tilth.tables.logged_media import MediaFolder
from tilth.tables.prediction_lines import (
    Label,
    Prediction,
    PredictionLine,
    damaged,
    header_line,
    in_utc,
)
from tilth.tables.segment_writing import SegmentWriter, offsets_of
from tilth.tables.segments import segment_lines
from tilth.types import Clock, ColumnType, utc_now

__all__ = ["FeedbackLog", "PredictionLog", "read_feedback"]


class _FeedbackLine(msgspec.Struct, gc=False):
    prediction_id: str
    label: Label
    time: datetime.datetime


_encode_feedback = msgspec.json.Encoder().encode
_decode_feedback = msgspec.json.Decoder(_FeedbackLine).decode


class PredictionLog:
    """Appends predictions to a folder; a prediction is on record when `append` returns.

    Each process writes files of its own, one at a time for each model version, so any number may write at
    once. Nothing that was appended is lost when the process is killed. Files are closed when they are
    `roll_s` old or `roll_bytes` large, and at the end of each hour (UTC); `compact` makes Parquet of those
    that are closed. Images and recordings are kept once each, in files of their own in the folder `media`; a
    line has their sha256 and size.

    Args:
        directory: where the files are; made on the first append.
        clock: for the names of the files.
        roll_s: how old a file becomes, in seconds.
        roll_bytes: how large a file becomes, about.

    Example:
        >>> import tempfile
        >>> from tilth.tables import read_predictions
        >>> now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        >>> made = Prediction("", now, "census", 3, "live", {"age": 39}, "<=50K", {"<=50K": 0.9}, 0.001)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = PredictionLog(folder)
        ...     [identity] = log.append([made])
        ...     print(log.find(identity).label, len(read_predictions(folder)))
        ...     log.close()
        <=50K 1
    """

    def __init__(
        self,
        directory: str | Path,
        clock: Clock = utc_now,
        *,
        roll_s: float = 600,
        roll_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._directory = Path(directory)
        self._clock = clock
        self._roll_s = roll_s
        self._roll_bytes = roll_bytes
        self._lock = threading.Lock()
        self._headers: dict[tuple[str, int], bytes] = {}
        self._writers: dict[tuple[str, int], SegmentWriter] = {}
        self._media = MediaFolder(directory)
        self._encode = msgspec.json.Encoder(enc_hook=self._media.keep).encode

    def columns(self, model: str, version: int, types: Mapping[str, ColumnType]) -> None:
        """Say which inputs a model version has, so that its files have these columns in these types.

        Args:
            model: the model's name.
            version: its version.
            types: each input and its type, as it is logged.
        """
        header = header_line(model, version, types)
        with self._lock:
            if self._headers.get((model, version)) != header:
                self._headers[model, version] = header
                writer = self._writers.pop((model, version), None)
                if writer is not None:
                    writer.close()

    def append(self, predictions: Sequence[Prediction]) -> list[str]:
        """Write predictions, all or none, in one write for each model version.

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
                PredictionLine(
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
        first = predictions[0]
        key = (first.model, first.version)
        if len(lines) > 1 and any((p.model, p.version) != key for p in predictions):
            return self._append_groups(predictions, lines)
        lines.append(b"")
        block = b"\n".join(lines)
        with self._lock:
            token, offset = self._writer(key).write(block)
        lines.pop()
        if len(lines) == 1:
            return [f"{token}-{offset:x}"]
        return [f"{token}-{offset:x}" for offset in offsets_of(lines, offset)]

    def _append_groups(self, predictions: Sequence[Prediction], lines: Sequence[bytes]) -> list[str]:
        groups: dict[tuple[str, int], list[int]] = {}
        for place, made in enumerate(predictions):
            groups.setdefault((made.model, made.version), []).append(place)
        ids = [""] * len(lines)
        written: list[tuple[SegmentWriter, int]] = []
        with self._lock:
            try:
                for key, places in groups.items():
                    writer, own = self._writer(key), [lines[place] for place in places]
                    token, offset = writer.write(b"\n".join(own) + b"\n")
                    written.append((writer, offset))
                    for place, start in zip(places, offsets_of(own, offset), strict=True):
                        ids[place] = f"{token}-{start:x}"
            except BaseException:
                for writer, offset in written:
                    writer.take_back(offset)
                raise
        return ids

    def _writer(self, key: tuple[str, int]) -> SegmentWriter:
        writer = self._writers.get(key)
        if writer is None:
            writer = self._writers[key] = SegmentWriter(
                self._directory,
                "predictions",
                self._clock,
                header=self._headers.get(key) or header_line(*key),
                roll_s=self._roll_s,
                roll_bytes=self._roll_bytes,
            )
        return writer

    def find(self, prediction_id: str) -> Prediction | None:
        """The prediction of that id, whichever process wrote it, or None."""
        return find_prediction(self._directory, prediction_id, self._media)

    def close_due(self) -> None:
        """Close the files that are old or large enough, which otherwise waits for the next append."""
        with self._lock:
            for key in [key for key, writer in self._writers.items() if writer.is_due]:
                self._writers.pop(key).close()

    def close(self) -> None:
        """Close the files; appending opens others."""
        with self._lock:
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()


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
        self._writer.append([_encode_feedback(_FeedbackLine(prediction_id, label, in_utc(time)))])

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


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
            raise damaged("feedback", token, offset, error) from error
        time = in_utc(told.time)
        if told.prediction_id not in latest or time >= latest[told.prediction_id][1]:
            latest[told.prediction_id] = (told.label, time)
    return latest
