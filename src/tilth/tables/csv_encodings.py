"""A text file as UTF-8, however it is encoded."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from tilth.errors import DataError, UsageError
from tilth.tables.csv_bytes import not_utf8, open_bytes, said_of_text
from tilth.tables.files import SourceFile

__all__ = ["LARGEST_ROW", "TextFile", "TextStream"]

LARGEST_ROW = 1 << 26
"""How many bytes of UTF-8 a row, and so a cell, may have: 64 MiB."""

_BLOCK = 1 << 20
_MARKS = {
    codecs.BOM_UTF8: ("utf-8", "UTF-8"),
    codecs.BOM_UTF32_LE: ("utf-32", "UTF-32"),
    codecs.BOM_UTF32_BE: ("utf-32", "UTF-32"),
    codecs.BOM_UTF16_LE: ("utf-16", "UTF-16"),
    codecs.BOM_UTF16_BE: ("utf-16", "UTF-16"),
}
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\r"})
_UNKNOWN_IN_1252 = b"\x81\x8d\x8f\x90\x9d"


class TextFile:
    """A text file whose bytes are handed out as UTF-8, without a byte order mark.

    Without `encoding` it is taken for UTF-8, or what its byte order mark says. One that is neither is taken
    for Windows-1252 (which holds Latin-1) if nothing speaks against it; a note says so.

    Args:
        file: the file.
        encoding: how it is encoded, as Python names it; None to find out.
        may_guess: whether it may be taken for Windows-1252.

    Raises:
        UsageError: an encoding that is not known.
        DataError: not a text file.
    """

    def __init__(self, file: SourceFile, encoding: str | None = None, *, may_guess: bool = True) -> None:
        self.file = file
        self.notes: list[str] = []
        self._may_guess = may_guess and encoding is None
        self._asked = None if encoding is None else _known(encoding)
        with open_bytes(file) as stream, said_of_text(file):
            head = stream.read(4)
        mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
        codec, said = _MARKS.get(mark, ("utf-8", "UTF-8"))
        self.codec = self._asked or codec
        if mark == codecs.BOM_UTF8 and self.codec == "utf-8":
            self.notes.append("a byte order mark at the beginning is left out")
        elif mark and self._asked is None:
            self.notes.append(f"the file is in {said}, as its byte order mark says")

    @contextmanager
    def open(self) -> Iterator[TextStream]:
        """The text from the first character on.

        Raises:
            DataError: while reading: not so encoded, NUL bytes, damaged, changed.
        """
        with open_bytes(self.file) as stream:
            yield TextStream(self, stream)

    def assume(self, error: DataError | None = None) -> str:
        """How the file is encoded that turned out not to be UTF-8.

        Raises:
            DataError: it was said to be UTF-8, or what it is cannot be told.
        """
        error = error or not_utf8(self.file) or DataError("the file is not UTF-8", where=self.file.name)
        if not self._may_guess or not _may_be_windows_1252(self.file):
            raise error
        self.codec = "cp1252"
        place = (error.where or "").rpartition(", ")[2]
        self.notes.append(
            f"{error.what} ({place}); it is read as Windows-1252, in which all of it is text: "
            "name the encoding if that is wrong"
        )
        return self.codec

    def line_at(self, offset: int, start: int = 0) -> int:
        """How many line ends there are between two offsets of the text.

        Args:
            offset: in bytes of UTF-8 without mark.
            start: where to count from.
        """
        lines, at, before = 0, 0, b""
        with self.open() as stream:
            while at < offset and (block := stream.read(_BLOCK)):
                part = block[max(0, start - at) : offset - at]
                at += len(block)
                lines += part.count(b"\n") + part.count(b"\r") - part.count(b"\r\n")
                lines -= before == b"\r" and part[:1] == b"\n"
                before = part[-1:]
        return lines


class TextStream:
    """Text as blocks of UTF-8 that cut no character."""

    def __init__(self, text: TextFile, stream: IO[bytes]) -> None:
        self._text = text
        self._stream = stream
        self._rest = b""  # the beginning of a character
        self._ready = b""  # characters that no one has taken yet
        self._decoder = None if text.codec == "utf-8" else codecs.getincrementaldecoder(text.codec)()
        self._has_begun = False
        self._has_ended = False

    @property
    def at_end(self) -> bool:
        """Whether nothing more is to come."""
        return self._has_ended and not self._ready

    def read(self, size: int) -> bytes:
        """Text of at most `size` bytes; none at the end only."""
        block = bytearray(size)
        return bytes(memoryview(block)[: self.readinto(memoryview(block))])

    def skip(self, size: int) -> None:
        """Leave out so many bytes."""
        while size > 0 and (block := self.read(max(4, min(size, _BLOCK)))):
            self._ready = block[size:] + self._ready
            size -= len(block)

    def readinto(self, view: memoryview) -> int:
        """Put text at the beginning of some room of 4 bytes or more: how many bytes; none at the end only."""
        filled = 0
        while filled == 0 and not self.at_end:
            if self._ready:
                filled = min(len(self._ready), len(view))
                view[:filled], self._ready = self._ready[:filled], self._ready[filled:]
            elif self._decoder is None:
                filled = self._utf8_into(view)
            else:
                self._decode(self._raw(len(view)))
            if filled and not self._has_begun:
                self._has_begun = True
                rest = bytes(view[:filled]).removeprefix(codecs.BOM_UTF8)
                filled = len(rest)
                view[:filled] = rest
        return filled

    def _raw(self, size: int) -> bytes:
        with said_of_text(self._text.file):
            raw = self._stream.read(size)
        self._note_end(len(raw) < size)
        return raw

    def _note_end(self, is_end: bool) -> None:
        if is_end:
            self._has_ended = True
            self._text.file.check_unchanged()

    def _utf8_into(self, view: memoryview) -> int:
        filled = len(self._rest)
        view[:filled], self._rest = self._rest, b""
        with said_of_text(self._text.file):
            while filled < len(view) and (count := self._stream.readinto(view[filled:])):  # type: ignore[attr-defined]
                filled += count
        self._note_end(filled < len(view))
        block = view[:filled]
        least = int(np.frombuffer(block, np.int8).min(initial=1))
        if least > 0:
            return filled  # nothing but ASCII
        if (np.frombuffer(block, np.int8) == 0).any():
            raise _holds_nul(self._text, is_utf8=True)
        try:
            _, used = codecs.utf_8_decode(block, "strict", self._has_ended)
        except UnicodeDecodeError:
            self._decoder = codecs.getincrementaldecoder(self._text.assume())()
            self._decode(bytes(block))
            return 0
        self._rest = bytes(block[used:])
        return used

    def _decode(self, raw: bytes) -> None:
        assert self._decoder is not None
        try:
            self._ready = self._decoder.decode(raw, self._has_ended).encode()
        except UnicodeError as error:
            raise DataError(
                f"the file is not {self._text.codec}: {error}",
                where=self._text.file.name,
                expected=f"text in {self._text.codec}",
                mend="name another encoding",
            ) from error
        if b"\0" in self._ready:
            raise _holds_nul(self._text, is_utf8=False)


def _known(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        found = None
    if found is None or not getattr(found, "_is_text_encoding", True):
        raise UsageError(
            f"encoding {encoding!r} is not known",
            expected="a name such as 'utf-8', 'utf-16', 'latin-1', 'cp1252' or 'shift_jis'",
        )
    return "utf-8" if found.name == "utf-8-sig" else found.name


def _may_be_windows_1252(file: SourceFile) -> bool:
    """Whether all bytes are characters there, and none go together as UTF-8, as in a damaged UTF-8 file."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    with open_bytes(file) as stream:
        while block := stream.read(_BLOCK):
            if len(block.translate(None, _CONTROLS + _UNKNOWN_IN_1252)) != len(block):
                return False
            if not block.isascii() and not decoder.decode(block).isascii():
                return False
    return True


def _holds_nul(text: TextFile, is_utf8: bool) -> DataError:
    offset, line, at = 0, 1, -1
    with open_bytes(text.file) as stream:
        while at < 0 and (block := stream.read(_BLOCK)):
            at = block.find(b"\0")
            offset += at if at >= 0 else len(block)
            line += block[:at].count(b"\n") if at >= 0 else block.count(b"\n")
    pairs = block[:4096]
    wide = is_utf8 and max(pairs[::2].count(0), pairs[1::2].count(0)) > len(pairs) / 5
    little = "le" if pairs[1::2].count(0) > pairs[::2].count(0) else "be"
    return DataError(
        f"the file holds a NUL byte at offset {offset}",
        where=f"{text.file.name}, line {line}",
        expected="text",
        mend=f"it looks like UTF-16 without a mark: give encoding='utf-16-{little}'"
        if wide
        else "it is damaged or no text: write or copy it again",
    )
