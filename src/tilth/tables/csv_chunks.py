"""A CSV file in pieces of whole records, of bounded size."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from tilth.errors import DataError
from tilth.tables.csv_encodings import LARGEST_ROW, TextFile

__all__ = ["Chunk", "read_chunks", "record_lines", "wide_fields"]

_FIRST = 1 << 16
_USUAL = 1 << 22
_BYTES_A_COLUMN = 2048
_SLICE = 1 << 18
_QUOTE, _FEED, _RETURN = b'"'[0], b"\n"[0], b"\r"[0]
_SENTINEL = "\0"
_NONE = np.empty(0, np.uint32)

_wide = threading.Lock()
_widened = 0


class _Buffers:
    """Room for chunks, used again: new memory costs more than what is done with it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free: list[bytearray] = []

    def take(self) -> bytearray:
        return self._free.pop() if self._free else bytearray(self._size)

    def give(self, buffer: bytearray) -> None:
        if len(buffer) == self._size:
            self._free.append(buffer)


@dataclass(frozen=True)
class Chunk:
    """Whole records of a CSV file.

    Args:
        data: their text, in UTF-8.
        offset: where they begin in the text of the file.
        has_padding: whether white space is next to a quote inside of it.
    """

    data: memoryview
    offset: int
    has_padding: bool
    _buffer: bytearray = field(repr=False)
    _buffers: _Buffers = field(repr=False)

    def release(self) -> None:
        """Give the memory back; the chunk is not to be used afterwards."""
        self._buffers.give(self._buffer)


@contextmanager
def wide_fields() -> Iterator[None]:
    """Let the csv module take fields of any length."""
    global _widened  # noqa: PLW0603 - the limit that it speaks of is the process's, too
    with _wide:
        if _widened == 0:
            csv.field_size_limit(2**31 - 1)
        _widened += 1
    try:
        yield
    finally:
        with _wide:
            _widened -= 1
            if _widened == 0:
                csv.field_size_limit(131_072)


def read_chunks(text: TextFile, start: int, separator: str, spaced: bool, columns: int) -> Iterator[Chunk]:
    """The records from an offset on, a small chunk first.

    Args:
        text: the file.
        start: where the first record begins.
        separator: what is between cells.
        spaced: cells may be quoted after a space.
        columns: how many there are; a chunk shall hold some rows.

    Raises:
        DataError: a quote that is never closed, a row that is too large, a file that cannot be read.
    """
    size = max(_USUAL, min(columns * _BYTES_A_COLUMN, LARGEST_ROW // 2))
    buffers = _Buffers(size)
    with text.open() as stream:
        stream.skip(start)
        buffer, filled, offset = buffers.take(), 0, start
        wanted = max(_FIRST, min(columns * _BYTES_A_COLUMN // 8, size))
        while filled or not stream.at_end:
            view = memoryview(buffer)
            while filled + 4 <= wanted and (count := stream.readinto(view[filled:wanted])):
                filled += count
            end, padded = _whole_records(buffer, filled, stream.at_end, separator, spaced)
            if end:
                rest, used = bytes(view[end:filled]), buffer
                buffer = buffers.take()
                yield Chunk(view[:end], offset, padded, used, buffers)
                offset, wanted = offset + end, size
            elif filled:
                rest = bytes(view[:filled])
                if stream.at_end or filled + 4 > LARGEST_ROW:
                    raise _endless(text, offset, rest, separator, spaced, stream.at_end)
                wanted = min(2 * wanted, LARGEST_ROW)
            else:
                return
            filled = len(rest)
            if max(wanted, filled) > len(buffer):
                buffer = bytearray(max(wanted, filled))
            buffer[:filled] = rest


def _whole_records(
    buffer: bytearray, filled: int, at_end: bool, separator: str, spaced: bool
) -> tuple[int, bool]:
    """Where the last record ends that is whole, and whether quoted cells begin or end with white space."""
    array = np.frombuffer(buffer, np.uint8, filled)
    quotes = _positions(array, _QUOTE) if buffer.find(_QUOTE, 0, filled) >= 0 else _NONE
    if spaced or not _are_regular(array, quotes, separator):
        return _lexed_end(array.tobytes(), separator, spaced, at_end), _has_padding(array, quotes, quotes)
    padded = _has_padding(array, quotes[::2], quotes[1::2])
    if at_end:
        return (filled if len(quotes) % 2 == 0 else 0), padded
    for line_end in (b"\n", b"\r"):
        end = filled - (line_end == b"\r")  # a last \r may belong to a \n that is still to come
        while (found := buffer.rfind(line_end, 0, end)) >= 0:
            before = int(np.searchsorted(quotes, found))
            if before % 2 == 0:
                return found + 1, padded
            end = int(quotes[before - 1])
    return 0, padded


def _positions(array: np.ndarray, byte: int) -> np.ndarray:
    """Where a byte is, sought in slices that fit a cache."""
    found: list[np.ndarray] = []
    for start in range(0, len(array), _SLICE):
        here = np.flatnonzero(array[start : start + _SLICE] == byte)
        if len(here):
            found.append(here.astype(np.uint32) + np.uint32(start))
    return np.concatenate(found) if found else _NONE


def _are_regular(array: np.ndarray, quotes: np.ndarray, separator: str) -> bool:
    """Whether quotes only open and close cells, or are doubled in them; then every second one closes."""
    if not len(quotes):
        return True
    ends = np.zeros(256, bool)
    ends[[_QUOTE, _FEED, _RETURN, ord(separator)]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = opening[opening > 0]
    after = closing[closing < len(array) - 1]
    return bool(ends[array[before - 1]].all() and ends[array[after + 1]].all())


def _has_padding(array: np.ndarray, opening: np.ndarray, closing: np.ndarray) -> bool:
    blank = np.zeros(256, bool)
    blank[list(b" \t")] = True
    opening, closing = opening[opening < len(array) - 1], closing[closing > 0]
    return bool(blank[array[opening + 1]].any() or blank[array[closing - 1]].any())


def record_lines(data: bytes, separator: str, spaced: bool) -> Iterator[tuple[int, int, list[str]]]:
    """Records with the first and the last of their lines (from 0); blank lines are left out.

    A record that is not closed at the end has one line more than there are. The cells are told in Latin-1,
    so that any bytes can be read.
    """
    lines = [*(line.decode("latin-1") for line in data.splitlines(keepends=True)), _SENTINEL]
    with wide_fields():
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=spaced)
        first = 0
        for record in reader:
            if record and first < len(lines) - 1:
                yield first, reader.line_num - 1, record
            first = reader.line_num


def _lexed_end(data: bytes, separator: str, spaced: bool, at_end: bool) -> int:
    """Where the last whole record ends, told by reading it all."""
    lines = data.splitlines(keepends=True)
    # Where more is to come, the last line may go on.
    whole = len(lines) if at_end else len(lines) - 1
    end = 0
    for _, last, _ in record_lines(data, separator, spaced):
        if last >= whole:
            return 0 if at_end else sum(len(line) for line in lines[:end])
        end = last + 1
    return len(data) if at_end else sum(len(line) for line in lines[:whole])


def _endless(
    text: TextFile, offset: int, data: bytes, separator: str, spaced: bool, at_end: bool
) -> DataError:
    line = text.line_at(offset) + 1
    if at_end:
        *_, (first, _, _) = record_lines(data, separator, spaced)
        return DataError(
            "a quote is never closed",
            where=f"{text.file.name}, line {line + first}",
            expected='a second " at the end of the cell',
        )
    return DataError(
        f"a row has more than {LARGEST_ROW >> 20} MiB",
        where=f"{text.file.name}, line {line}",
        expected="rows of a size that fits memory",
        mend='a " may never be closed, or the file is no table',
    )
