"""CSV files in other encodings, packed, and files that are none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from tilth.errors import DataError, UsageError
from tilth.tables import Table, open_table

TEXT = "name,n\ncafé,1\nnaïve,2\n"
NAMES = ["café", "naïve"]


def table_of(folder: Path, content: bytes, name: str = "t.csv", **options: object) -> Table:
    (folder / name).write_bytes(content)
    return open_table(folder / name, **options)  # type: ignore[arg-type]


def names_of(table: Table) -> list[str]:
    names: list[str] = table.to_arrow()["name"].to_pylist()
    return names


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(content)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_its_mark_says(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path, TEXT.encode(encoding))
    assert names_of(table) == NAMES
    assert table.columns == {"name": "string", "n": "int"}
    assert bool(table.notes) == (encoding != "utf-8")


@pytest.mark.parametrize("mark", [b"\xfe\xff"])
def test_utf16_with_the_high_byte_first(tmp_path: Path, mark: bytes) -> None:
    table = table_of(tmp_path, mark + TEXT.encode("utf-16-be"))
    assert names_of(table) == NAMES
    assert table.notes == ("the file is in UTF-16, as its byte order mark says",)


@pytest.mark.parametrize("before", [0, 300_000, 5_000_000])
def test_windows_1252_is_recognized_and_said(tmp_path: Path, before: int) -> None:
    content = b"name,n\n" + b"x,1\n" * (before // 4) + "“café” €,2\n".encode("cp1252")
    table = table_of(tmp_path, content)
    assert names_of(table)[-1] == "“café” €"
    assert table.rows == before // 4 + 1
    (note,) = table.notes
    offset = content.index(0x93)
    assert f"byte 0x93 at offset {offset} (line {before // 4 + 2}); it is read as Windows-1252" in note


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (b"caf\xe9 \x81", "a byte that Windows-1252 does not have"),
        (b"caf\xe9 \x07", "a control character"),
        ("naïve ".encode() + b"caf\xe9", "UTF-8 with a damaged place"),
    ],
)
@pytest.mark.parametrize("before", [0, 300_000])
def test_what_cannot_be_told_is_refused_with_its_place(
    tmp_path: Path, odd: bytes, why: str, before: int
) -> None:
    content = b"a,b\n" + b"x,y\n" * (before // 4) + odd + b",1\n"
    with pytest.raises(DataError, match=r"not UTF-8: byte 0xe9") as caught:
        table_of(tmp_path, content)
    assert f"offset {content.index(0xE9)}" in str(caught.value), why
    assert f"line {before // 4 + 2}" in str(caught.value)
    assert "iconv" in str(caught.value)


def test_an_encoding_that_is_given(tmp_path: Path) -> None:
    assert names_of(table_of(tmp_path, "name,n\n日本,1\n".encode("shift_jis"), encoding="shift_jis")) == [
        "日本"
    ]
    assert names_of(table_of(tmp_path, TEXT.encode("utf-16-le"), encoding="utf-16-le")) == NAMES
    assert names_of(table_of(tmp_path, TEXT.encode("utf-8-sig"), encoding="UTF8")) == NAMES
    latin = table_of(tmp_path, TEXT.encode("latin-1"), encoding="latin-1")
    assert (names_of(latin), latin.notes) == (NAMES, ())
    with pytest.raises(DataError, match="the file is not UTF-8"):
        table_of(tmp_path, TEXT.encode("latin-1"), encoding="utf-8")
    with pytest.raises(DataError, match="the file is not ascii"):
        table_of(tmp_path, TEXT.encode(), encoding="ascii")
    for unknown in ("utf-9", "hex", "\0"):
        with pytest.raises(UsageError, match="is not known"):
            table_of(tmp_path, TEXT.encode(), encoding=unknown)


def test_letters_of_several_bytes_at_every_place_of_a_block(tmp_path: Path) -> None:
    for shift in range(4):
        cells = ["x" * shift + "é€𝄞" * 40] * 15_000
        table = table_of(tmp_path, ("name\n" + "\n".join(cells)).encode())
        assert names_of(table) == cells


def test_nul_bytes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"NUL byte at offset 7(.|\n)*line 2(.|\n)*damaged"):
        table_of(tmp_path, b"a,b\n1,2\0\n")
    with pytest.raises(DataError, match=r"NUL byte(.|\n)*encoding='utf-16-le'"):
        table_of(tmp_path, TEXT.encode("utf-16-le"))


@pytest.mark.parametrize(
    ("ending", "pack"),
    [(".gz", gzip.compress), (".zst", zstd), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_packed_files(tmp_path: Path, ending: str, pack: object) -> None:
    assert callable(pack)
    packed = pack(TEXT.encode())
    assert names_of(table_of(tmp_path, packed, f"t.csv{ending}")) == NAMES
    assert names_of(table_of(tmp_path, pack(TEXT.encode("latin-1")), f"t.csv{ending}")) == NAMES
    long = pack(b"a,b\n" + os.urandom(50_000).hex().encode() + b",1\n")
    for cut in (len(long) - 20, len(long) // 2):
        with pytest.raises(DataError, match="file is damaged or cut short"):
            table_of(tmp_path, long[:cut], f"t.csv{ending}").to_arrow()
    with pytest.raises(DataError, match=rf"is packed with \w+(.|\n)*rename it to t.csv\{ending}"):
        table_of(tmp_path, packed, "t.csv")
    with pytest.raises(DataError, match=r"does not begin as one(.|\n)*call it t.csv"):
        table_of(tmp_path, TEXT.encode(), f"t.csv{ending}")
    other = ".zst" if ending == ".gz" else ".gz"
    with pytest.raises(DataError, match=r"it begins as a \w+ file"):
        table_of(tmp_path, packed, f"t.csv{other}")


def test_files_that_are_something_else(tmp_path: Path) -> None:
    parquet, archive = io.BytesIO(), io.BytesIO()
    pl.DataFrame({"x": [1]}).write_parquet(parquet)
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("xl/workbook.xml", "<x/>")
    for content, words in [
        (parquet.getvalue(), r"is a Parquet file, not text(.|\n)*t.parquet"),
        (archive.getvalue(), "is a ZIP archive, such as an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel workbook"),
        (b"\n <!DOCTYPE html>\n<html><body>404</body></html>", r"page of HTML(.|\n)*fetch it again"),
        (b"<?xml version='1.0'?><Error/>", "page of XML"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
    ]:
        with pytest.raises(DataError, match=words):
            table_of(tmp_path, content)
    assert list(table_of(tmp_path, b"PAR1,PAR2\n1,2\n").columns) == ["PAR1", "PAR2"]
    assert list(table_of(tmp_path, b"BZh1,GIF\n1,2\n").columns) == ["BZh1", "GIF"]
