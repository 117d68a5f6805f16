"""The bytes of a text file: unpacked, without byte order mark, quoted white space protected."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from tilth.errors import DataError
from tilth.tables.files import SourceFile

__all__ = ["GUARD", "GuardedStream", "not_utf8", "open_bytes", "said_of_text"]

GUARD = "\x1e\x1f"
"""Put between a quote and white space next to it inside a quoted cell, so that trimming leaves it alone."""

_BLOCK = 1 << 20
_QUOTED_SPACE = (b'" ', b' "', b'"\t', b'\t"')


@contextmanager
def said_of_text(file: SourceFile) -> Iterator[None]:
    """Turn what is said about a damaged file into our own words."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"the gzip file is damaged or cut short: {error}",
            where=file.name,
            expected="a complete gzip file",
            mend="write or copy it again",
        ) from error
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror or error}", where=file.name) from error


@contextmanager
def open_bytes(file: SourceFile) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked if it is a gzip file.

    Raises:
        DataError: it cannot be opened, or (while reading) is damaged or changed since.
    """
    file.check_unchanged()
    with said_of_text(file), file.path.open("rb") as raw:
        if not file.zipped:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield cast(IO[bytes], unpacked)


class GuardedStream:
    """A file of bytes for a CSV parser, with quoted white space protected by `GUARD`.

    A parser does not say which cells were quoted, but white space is stripped from unquoted cells only.

    Args:
        stream: where the bytes come from, at the first one to parse.
        separator: the byte between cells.
    """

    def __init__(self, stream: IO[bytes], separator: str) -> None:
        mark = re.escape(separator.encode())
        self._stream = stream
        # Patterns that begin with a plain character are searched several times faster.
        self._opening = re.compile(rb'"(?=[ \t])(?:(?<=[\n\r]")|(?<=' + mark + rb'")|(?<=\A"))')
        self._closing = re.compile(rb'"(?<=[ \t]")(?=' + mark + rb"|[\r\n]|\Z)")
        self._waiting = b""
        self.guarded = False
        self.quotes = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        if not self._waiting:
            self._waiting = self._next()
        if size < 0:
            rest = b"".join(iter(self._next, b""))
            size, self._waiting = len(self._waiting) + len(rest), self._waiting + rest
        part, self._waiting = self._waiting[:size], self._waiting[size:]
        return part

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Nothing is held."""
        self.closed = True

    def _next(self) -> bytes:
        block = self._stream.read(_BLOCK)
        block += self._stream.readline()  # so that a block always begins with a line
        self.quotes += block.count(b'"')
        if not any(pattern in block for pattern in _QUOTED_SPACE):
            return block
        guard = GUARD.encode()
        block, opened = self._opening.subn(b'"' + guard, block)
        block, closed = self._closing.subn(guard + b'"', block)
        self.guarded = self.guarded or opened + closed > 0
        return block


def not_utf8(file: SourceFile) -> DataError | None:
    """The error for a file that is not UTF-8, or None when it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    with open_bytes(file) as stream:
        while block := stream.read(_BLOCK):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                # Positions count from the bytes that the decoder kept from the block before.
                at = error.start - pending
                line += block[: max(at, 0)].count(b"\n")
                return _encoding_error(file, offset + at, line, error.object[error.start])
            offset += len(block)
            line += block.count(b"\n")
    if decoder.getstate()[0]:
        return _encoding_error(file, offset - len(decoder.getstate()[0]), line, decoder.getstate()[0][0])
    return None


def _encoding_error(file: SourceFile, offset: int, line: int, byte: int) -> DataError:
    return DataError(
        f"the file is not UTF-8: byte 0x{byte:02x} at offset {offset}",
        where=f"{file.name}, line {line}",
        expected="text in UTF-8",
        mend=f"convert it, for example: iconv -f LATIN1 -t UTF-8 {file.path.name} > converted.csv",
    )
