"""One column of lists, images or recordings of a request: its values judged against the schema."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace

from tilth.errors import RequestError
from tilth.inference import SAMPLE_RATE
from tilth.schemas import Column
from tilth.serving.columns import ABSENT, ColumnJudge, Given, Judged, Unexpected, describe
from tilth.tables import LONGEST_S, decode_recording, image_problem, pixel_count, recording_seconds
from tilth.tables.media import media_type
from tilth.types import ColumnType, JSONValue

__all__ = ["ListJudge", "MediaJudge", "RaggedJudge", "is_ragged"]

_EXPECTED_LIST: dict[ColumnType, str] = {
    "list[int]": "a list of whole numbers",
    "list[float]": "a list of numbers",
    "list[string]": "a list of texts",
    "list[bool]": "a list of true and false",
    "list[datetime]": "a list of ISO 8601 dates or times",
}
_EXPECTED_MEDIA: dict[ColumnType, str] = {
    "image": "an image (PNG, JPEG, GIF, WebP, BMP, TIFF) as base64",
    "audio": "a recording (WAV, FLAC, OGG, MP3) as base64",
}
_NOUNS = {"image": "image", "audio": "recording"}


def is_ragged(column: Column) -> bool:
    """Whether the values of a column differ in size: lists, images, recordings."""
    return column.type in _EXPECTED_LIST or column.type in _EXPECTED_MEDIA


def _hint(text: str) -> str:
    """What makes a text no base64 that nearly is."""
    if text.startswith("data:"):
        return ": leave out what comes before the comma"
    if any(character.isspace() for character in text):
        return ": it has line breaks or blanks"
    return ": it has - and _ instead of + and /" if "-" in text or "_" in text else ""


class RaggedJudge:
    """What `ListJudge` and `MediaJudge` have in common: missing values, and how a value is refused."""

    def __init__(self, column: Column, expected: str, missing: Sequence[str]) -> None:
        self.name = column.name
        self.type = column.type
        self.nullable = not column.required or column.min_present < 1.0
        self.expected = expected
        self.missing_texts = frozenset(missing) | {""}

    def is_missing(self, value: Given, row: int) -> bool:
        """Whether there is no value.

        Raises:
            RequestError: there is none, and there must be one.
        """
        if not (value is None or value is ABSENT or (isinstance(value, str) and value in self.missing_texts)):
            return False
        if self.nullable:
            return True
        what = f"column '{self.name}' is missing"
        if value is not ABSENT:
            what = f"column '{self.name}' may not be {'null' if value is None else 'empty'}"
        raise RequestError(what, column=self.name, got=describe(value), expected=self.expected, row=row)

    def wrong(self, row: int, got: str, expected: str | None = None) -> RequestError:
        """The refusal of a value."""
        wanted = expected or self.expected
        what = f"column '{self.name}' wants {wanted}; got {got}"
        return RequestError(what, column=self.name, got=got, expected=wanted, row=row)


class ListJudge(RaggedJudge):
    """Checks the lists of one column. Items may be null, which says that they are missing.

    Args:
        column: the column's part of the schema; its bounds and domain speak of the items.
        reject_unexpected: refuse items outside of the domain or range instead of reporting them.
        missing: texts that stand for a missing list.
        max_items: longer lists are refused.

    Example:
        >>> judge = ListJudge(Column("tags", "list[string]"))
        >>> judge.judge([["a", None], []]).values
        [['a', ''], []]
        >>> judge.judge([["a"], ["b", 5]])
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: column 'tags' wants a list of texts; got the number 5 as item 1 ...
    """

    def __init__(
        self,
        column: Column,
        *,
        reject_unexpected: bool = False,
        missing: Sequence[str] = (),
        max_items: int = 100_000,
    ) -> None:
        super().__init__(column, _EXPECTED_LIST[column.type], missing)
        assert column.item_type is not None
        self._max_items = max_items
        self._items = ColumnJudge(
            Column(
                column.name,
                column.item_type,
                required=False,
                low=column.low,
                high=column.high,
                domain=column.domain,
                min_domain_mass=column.min_domain_mass,
            ),
            reject_unexpected=reject_unexpected,
        )

    def judge(self, values: Sequence[Given]) -> Judged:
        """Accept the column's lists of n rows; `ABSENT` where a row has none.

        Returns:
            For the graph lists of texts ("" for missing) or numbers (None for missing), None for no list.

        Raises:
            RequestError: the first list that cannot be accepted, with its row.
        """
        lists = [
            None if self.is_missing(value, row) else self._list(value, row)
            for row, value in enumerate(values)
        ]
        places = [(row, item) for row, items in enumerate(lists) for item in range(len(items or ()))]
        try:
            judged = self._items.judge([value for items in lists for value in items or ()])
        except RequestError as error:
            row, item = places[error.row or 0]
            expected = (
                None if error.expected == self._items.expected else f"{self.expected}, {error.expected}"
            )
            raise self.wrong(row, f"{error.got} as item {item}", expected) from None
        taken = iter(judged.values)
        found = [None if items is None else [_for_graph(next(taken)) for _ in items] for items in lists]
        return Judged(found, self._unexpected(judged, places), self._changes(values, lists, judged, places))

    def _list(self, value: Given, row: int) -> list[JSONValue]:
        if not isinstance(value, list):
            raise self.wrong(row, describe(value))
        if len(value) > self._max_items:
            raise self.wrong(row, f"{len(value):,} items", f"{self.expected}, at most {self._max_items:,}")
        return value

    def _unexpected(self, judged: Judged, places: Sequence[tuple[int, int]]) -> list[Unexpected]:
        """The first item of each row that the schema does not list."""
        found: dict[int, Unexpected] = {}
        for each in judged.unexpected:
            row, item = places[each.row]
            told = replace(
                each, row=row, got=f"{each.got} as item {item}", expected=f"items: {each.expected}"
            )
            found.setdefault(row, told)
        return list(found.values())

    def _changes(
        self,
        values: Sequence[Given],
        lists: Sequence[list[JSONValue] | None],
        judged: Judged,
        places: Sequence[tuple[int, int]],
    ) -> list[tuple[int, JSONValue]]:
        changed: dict[int, JSONValue] = {
            row: None for row, value in enumerate(values) if isinstance(value, str) and lists[row] is None
        }
        for place, value in judged.changes:
            row, item = places[place]
            items = changed.setdefault(row, list(lists[row] or ()))
            assert isinstance(items, list)
            if items[item] != "":
                items[item] = value
        return list(changed.items())


def _for_graph(item: object) -> object:
    return float(item) if isinstance(item, bool) else item


class MediaJudge(RaggedJudge):
    """Checks the images or recordings of one column, which come as base64 texts.

    Args:
        column: the column's part of the schema.
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
        missing: Sequence[str] = (),
        max_pixels: int = 33_554_432,
        max_seconds: float = 1_800.0,
    ) -> None:
        super().__init__(column, _EXPECTED_MEDIA[column.type], missing)
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
        return Judged(found, [], changes)

    def _bytes(self, value: Given, row: int) -> bytes:
        if not isinstance(value, str):
            raise self.wrong(row, describe(value))
        try:
            content = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise self.wrong(row, f"{describe(value)}, which is not base64{_hint(value)}") from None
        if media_type(content[:32]) != self.type:
            raise self.wrong(row, f"{len(content):,} bytes that are no {_NOUNS[self.type]}")
        return content

    def _check_images(self, found: Sequence[bytes | None]) -> None:
        """Refuse images of too many pixels before any is decoded, then those that cannot be."""
        pixels = 0
        for row, content in enumerate(found):
            pixels += pixel_count(content)
            if pixels > self._max_pixels:
                expected = f"images of at most {self._max_pixels:,} pixels in one request, all together"
                raise self.wrong(row, f"images of {pixels:,} pixels and more", expected)
        for row, content in enumerate(found):
            problem = content and image_problem(content)
            if problem:
                raise self.wrong(row, str(problem))

    def _check_recordings(self, found: Sequence[bytes | None]) -> None:
        """Refuse recordings that are too long or none; what is damaged further on is missing to the graph."""
        total = 0.0
        for row, content in enumerate(found):
            if content is None:
                continue
            seconds = recording_seconds(content)
            if seconds is None:
                raise self.wrong(row, f"{len(content):,} bytes that cannot be read")
            if seconds == 0 and decode_recording(content, SAMPLE_RATE) is None:
                raise self.wrong(row, "a recording without samples")
            if seconds > LONGEST_S:
                raise self.wrong(
                    row, f"{seconds:,.0f} seconds", f"a recording of at most {LONGEST_S} seconds"
                )
            total += seconds
            if total > self._max_seconds:
                expected = f"recordings of at most {self._max_seconds:,.0f} seconds in all in one request"
                raise self.wrong(row, f"recordings of {total:,.0f} seconds and more", expected)
