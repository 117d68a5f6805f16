"""One column of images or recordings of a request: its values judged against the schema."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from tilth.errors import RequestError
from tilth.inference import SAMPLE_RATE
from tilth.schemas import Column
from tilth.serving.columns import Given, Judged, describe
from tilth.serving.ragged_columns import RaggedJudge
from tilth.serving.shapes import Shape
from tilth.tables import LONGEST_S, decode_recording, image_problem, pixel_count, recording_seconds
from tilth.tables.media import media_type
from tilth.types import ColumnType, JSONValue

__all__ = ["MediaJudge"]

_EXPECTED_MEDIA: dict[ColumnType, str] = {
    "image": "an image (PNG, JPEG, GIF, WebP, BMP, TIFF) as base64",
    "audio": "a recording (WAV, FLAC, OGG, MP3) as base64",
}
_NOUNS = {"image": "image", "audio": "recording"}


class MediaJudge(RaggedJudge):
    """Checks the images or recordings of one column: base64 texts, or bytes in binary forms.

    Args:
        column: the column's part of the schema.
        reject_unexpected: refuse files of fewer or more bytes than the schema says instead of reporting them.
        missing: texts that stand for a missing one.
        max_pixels: images that have more, all of a request together, are refused.
        max_seconds: recordings that last longer, all of a request together, are refused.

    Example:
        >>> judge = MediaJudge(Column("photo", "image"))
        >>> judge.judge(["R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="]).values
        [b'GIF89a...']
        >>> judge.judge(["R0lG"])
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: column 'photo' wants an image (...) as base64; got ...
    """

    def __init__(
        self,
        column: Column,
        *,
        reject_unexpected: bool = False,
        missing: Sequence[str] = (),
        max_pixels: int = 33_554_432,
        max_seconds: float = 1_800.0,
    ) -> None:
        super().__init__(column, _EXPECTED_MEDIA[column.type], missing)
        self._reject = reject_unexpected
        self._lengths = Shape.of(column)
        self._max_pixels = max_pixels
        self._max_seconds = max_seconds

    def judge(self, values: Sequence[Given]) -> Judged:
        """Accept the column's images or recordings of n rows; `ABSENT` where a row has none.

        Returns:
            The bytes for the graph, None for missing.

        Raises:
            RequestError: the first that cannot be accepted, with its row.
        """
        found = [
            None if self.is_missing(value, row) else self._bytes(value, row)
            for row, value in enumerate(values)
        ]
        if self.type == "image":
            self._check_images(found)
        else:
            self._check_recordings(found)
        changes: list[tuple[int, JSONValue]] = [
            (row, None)
            for row, (value, content) in enumerate(zip(values, found, strict=True))
            if content is None and isinstance(value, str)
        ]
        return Judged(found, self.misshapen(found, self._lengths, reject=self._reject), changes)

    def check_together(self, values: Sequence[Given]) -> None:
        """Refuse what is too much for one request, without a look at what is wrong with single values.

        Raises:
            RequestError: too many pixels, or too many seconds, all together.
        """
        found = []
        for row, value in enumerate(values):
            try:
                found.append(None if self.is_missing(value, row) else self._bytes(value, row))
            except RequestError:
                found.append(None)
        if self.type == "image":
            self._check_pixels(found)
        else:
            self._check_seconds([recording_seconds(each) if each else 0.0 for each in found])

    def _bytes(self, value: Given, row: int) -> bytes:
        if not isinstance(value, str | bytes):
            raise self.wrong(row, describe(value))
        try:
            content = value if isinstance(value, bytes) else base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise self.wrong(row, f"{describe(value)}, which is not base64{_hint(str(value))}") from None
        if media_type(content[:32]) != self.type:
            raise self.wrong(row, f"{len(content):,} bytes that are no {_NOUNS[self.type]}")
        return content

    def _check_images(self, found: Sequence[bytes | None]) -> None:
        """Refuse images of too many pixels before any is decoded, then those that cannot be."""
        self._check_pixels(found)
        for row, content in enumerate(found):
            problem = content and image_problem(content)
            if problem:
                raise self.wrong(row, str(problem))

    def _check_pixels(self, found: Sequence[bytes | None]) -> None:
        pixels = 0
        for row, content in enumerate(found):
            pixels += pixel_count(content)
            if pixels > self._max_pixels:
                expected = f"images of at most {self._max_pixels:,} pixels in one request, all together"
                raise self.wrong(row, f"images of {pixels:,} pixels and more", expected)

    def _check_recordings(self, found: Sequence[bytes | None]) -> None:
        """Refuse recordings that are too long or none; what is damaged further on is missing to the graph."""
        lengths: list[float | None] = [0.0] * len(found)
        for row, content in enumerate(found):
            if content is None:
                continue
            seconds = lengths[row] = recording_seconds(content)
            if seconds is None:
                raise self.wrong(row, f"{len(content):,} bytes that cannot be read")
            if seconds == 0 and decode_recording(content, SAMPLE_RATE) is None:
                raise self.wrong(row, "a recording without samples")
            if seconds > LONGEST_S:
                raise self.wrong(
                    row, f"{seconds:,.0f} seconds", f"a recording of at most {LONGEST_S} seconds"
                )
        self._check_seconds(lengths)

    def _check_seconds(self, lengths: Sequence[float | None]) -> None:
        total = 0.0
        for row, seconds in enumerate(lengths):
            total += seconds or 0.0
            if total > self._max_seconds:
                expected = f"recordings of at most {self._max_seconds:,.0f} seconds in all in one request"
                raise self.wrong(row, f"recordings of {total:,.0f} seconds and more", expected)


def _hint(text: str) -> str:
    """What makes a text no base64 that nearly is."""
    if text.startswith("data:"):
        return ": leave out what comes before the comma"
    if any(character.isspace() for character in text):
        return ": it has line breaks or blanks"
    return ": it has - and _ instead of + and /" if "-" in text or "_" in text else ""
