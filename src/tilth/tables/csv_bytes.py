"""The bytes of a text file, unpacked; and what a file is that holds no text."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from tilth.errors import DataError
from tilth.tables.files import COMPRESSIONS, SourceFile

__all__ = ["not_utf8", "open_bytes", "said_of_text"]

_BLOCK = 1 << 20
_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_ENDINGS = {kind: ending for ending, kind in COMPRESSIONS.items()}
_FORMS = {
    b"PAR1": ("a Parquet file", ".parquet"),
    b"ARROW1\0": ("an Arrow file", ".arrow"),
    b"PK\x03\x04": ("a ZIP archive, such as an Excel workbook", ".xlsx"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", ".xls"),
    b"SQLite format 3\0": ("an SQLite database", ".sqlite"),
    b"%PDF-": ("a PDF document", ".pdf"),
    b"Obj\x01": ("an Avro file", ".avro"),
    b"\x89PNG": ("an image", ".png"),
    b"\xff\xd8\xff": ("an image", ".jpg"),
}
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")


@contextmanager
def said_of_text(file: SourceFile) -> Iterator[None]:
    """Turn what is said about a damaged file into our own words."""
    import lzma
    import zlib

    try:
        yield
    except DataError:
        raise
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if file.compression is None or getattr(error, "errno", None) is not None:
            said = getattr(error, "strerror", None) or error
            raise DataError(f"the file cannot be read: {said}", where=file.name) from error
        raise _damaged(file, str(error) or "it ends too early") from error


def _damaged(file: SourceFile, why: str) -> DataError:
    kind = file.compression
    return DataError(
        f"the {kind} file is damaged or cut short: {why}",
        where=file.name,
        expected=f"a complete {kind} file",
        mend="write or copy it again",
    )


@contextmanager
def open_bytes(file: SourceFile) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked if it is packed.

    Raises:
        DataError: it cannot be opened, is not what its name says, is damaged, or changed since.
    """
    file.check_unchanged()
    with said_of_text(file), file.open() as raw:
        _check_form(file, raw)
        if file.compression is None:
            yield raw
            return
        with _unpacked(raw, file.compression) as unpacked:
            yield unpacked


def _unpacked(raw: IO[bytes], compression: str) -> IO[bytes]:
    if compression == "gzip":
        import gzip

        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if compression == "bz2":
        import bz2

        return cast(IO[bytes], bz2.BZ2File(raw))
    if compression == "xz":
        import lzma

        return cast(IO[bytes], lzma.LZMAFile(raw))
    import pyarrow as pa

    packed = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), compression)
    return cast(IO[bytes], io.BufferedReader(packed, _BLOCK))


def _check_form(file: SourceFile, raw: IO[bytes]) -> None:
    """Refuse what its first bytes show to be something else than the name says."""
    head = raw.read(64)
    raw.seek(0)
    packed = next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), None)
    if packed == "bz2" and head[4:10] != b"1AY&SY":
        packed = None
    if packed == file.compression:
        if packed is None:
            _check_text(file, head)
        return
    name = file.path.name
    if file.compression is not None:
        found = f"it begins as a {packed} file" if packed else "it does not begin as one"
        plain = name.removesuffix(file.path.suffix)
        error = _damaged(file, found)
        error.mend = f"call it {plain}{_ENDINGS.get(packed or '', '')} if that is what it is"
        raise error
    raise DataError(
        f"the file is packed with {packed}, and its name does not say so",
        where=file.name,
        expected=f"a name that ends in {_ENDINGS[packed or 'gzip']}",
        mend=f"rename it to {name}{_ENDINGS[packed or 'gzip']}",
    )


def _check_text(file: SourceFile, head: bytes) -> None:
    for magic, (form, ending) in _FORMS.items():
        if head.startswith(magic) and any(byte < 9 or byte > 126 for byte in head):
            raise DataError(
                f"the file is {form}, not text",
                where=file.name,
                expected=f"text in a {file.path.suffix or 'text'} file",
                mend=f"name it by what is in it: {file.path.stem}{ending}",
            )
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    page = next((page for page in _PAGES if start.startswith(page)), None)
    if page is not None:
        raise DataError(
            f"the file is a page of {'XML' if page == b'<?xml' else 'HTML'}, not a table",
            where=file.name,
            mend="it may be what a server said instead of the file: fetch it again",
        )


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
        mend=(
            "say how it is encoded (encoding='latin-1'), or convert it, for example: "
            f"iconv -f LATIN1 -t UTF-8 {file.path.name} > converted.csv"
        ),
    )
