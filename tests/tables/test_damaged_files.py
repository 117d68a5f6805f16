"""Damaged files of every kind: read, or refused in our own words, and never with another exception."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from tilth.errors import DataError, TilthError
from tilth.tables import open_table, write_table

WHOLE = pa.table({"number": [1, 2, 3], "text": ["x", "y", None], "real": [1.5, None, 2.0]})
ENDINGS = ["parquet", "arrow", "jsonl", "jsonl.gz", "csv.gz", "xlsx", "db"]
DAMAGES = 250


def whole(path: Path) -> bytes:
    """A file of the kind that its ending says."""
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t (number INTEGER, text TEXT)")
            connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"text {n}") for n in range(50)])
            connection.commit()
    elif path.suffix == ".xlsx":
        xlsxwriter = pytest.importorskip("xlsxwriter")
        with xlsxwriter.Workbook(path) as workbook:
            sheet = workbook.add_worksheet()
            for row, values in enumerate([("number", "text"), (1, "x"), (2, "y")]):
                sheet.write_row(row, 0, values)
    else:
        write_table(WHOLE, path)
    return path.read_bytes()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed, taken out and put in, at a few places."""
    found = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        place, kind = chance.randrange(len(found)), chance.random()
        if kind < 0.6:
            found[place] = chance.randrange(256)
        elif kind < 0.8:
            del found[place : place + chance.randrange(1, 50)]
        else:
            found[place:place] = chance.randbytes(chance.randrange(1, 9))
        found = found or bytearray(b"x")
    return bytes(found)


def read(path: Path) -> None:
    for _ in open_table(f"sqlite:///{path}?table=t" if path.suffix == ".db" else path).batches():
        pass


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_file_is_read_or_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{ending}"
    content, chance = whole(path), random.Random(20)
    places = []
    for _ in range(DAMAGES):
        path.write_bytes(damaged(content, chance))
        try:
            read(path)
        except TilthError as error:
            places.append(error.where)
    assert len(places) > 10
    assert all(places)


@pytest.mark.parametrize("ending", ["arrow", "db"])
def test_names_of_columns_that_are_not_utf_8(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{ending}"
    path.write_bytes(whole(path).replace(b"number", b"n\xffmber"))
    with pytest.raises(DataError, match="cannot be read"):
        read(path)


def test_a_workbook_whose_parts_begin_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data.xlsx"
    content = whole(path)
    directory = content.rindex(b"PK\x05\x06")
    # A directory that says it is longer than the file moves the beginning of every part below zero.
    longer = (len(content)).to_bytes(4, "little")
    path.write_bytes(content[: directory + 16] + longer + content[directory + 20 :])
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.where == str(path)
