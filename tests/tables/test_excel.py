"""Excel workbooks and OpenDocument spreadsheets."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tilth.errors import ColumnNotFoundError, DataError
from tilth.tables import excel_guard, open_table

xlsxwriter = pytest.importorskip("xlsxwriter")

Sheets = dict[str, list[list[object]]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write({"Sheet": rows})` is a workbook of these cells."""

    def make(sheets: Sheets, name: str = "book.xlsx") -> Path:
        with _workbook(tmp_path / name) as book:
            for sheet, rows in sheets.items():
                page = book.add_worksheet(sheet)
                for number, row in enumerate(rows):
                    for position, cell in enumerate(row):
                        if cell is not None:
                            page.write(number, position, cell)
        return tmp_path / name

    return make


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    yield book
    book.close()


def test_cells_have_their_types(tmp_path: Path) -> None:
    with _workbook(tmp_path / "t.xlsx") as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        clock = book.add_format({"num_format": "hh:mm:ss"})
        page = book.add_worksheet()
        page.write_row(0, 0, ["id", "ratio", "name", "ok", "day", "at", "clock", "sum", 2024])
        page.write_row(1, 0, [1, 1, "a", True])
        page.write_datetime(1, 4, datetime.date(2026, 1, 2), day)
        page.write_datetime(1, 5, datetime.datetime(2026, 1, 2, 3, 4, 5))
        page.write_datetime(1, 6, datetime.time(1, 2, 3), clock)
        page.write_formula(1, 7, "=1+1", None, 2)
        page.write(1, 8, "007")
        page.write_row(2, 0, [2, 0.5, "ä", False])
    table = open_table(tmp_path / "t.xlsx")
    assert table.columns == {
        "id": "int",
        "ratio": "float",
        "name": "string",
        "ok": "bool",
        "day": "datetime",
        "at": "datetime",
        "clock": "string",
        "sum": "int",
        "2024": "string",
    }
    assert table.to_arrow().to_pylist() == [
        {
            "id": 1,
            "ratio": 1.0,
            "name": "a",
            "ok": True,
            "day": datetime.datetime(2026, 1, 2),
            "clock": "01:02:03",
            "at": datetime.datetime(2026, 1, 2, 3, 4, 5),
            "sum": 2,
            "2024": "007",
        },
        {**dict.fromkeys(table.columns), "id": 2, "ratio": 0.5, "name": "ä", "ok": False},
    ]
    assert not table.notes


def test_sheets(write: Callable[..., Path]) -> None:
    path = write({"First": [["x"], [1]], "Second one": [["y"], ["a"]]})
    table = open_table(path)
    assert table.columns == {"x": "int"}
    assert table.notes == (
        "of 2 sheets 'First' is read; ?sheet=NAME behind the file's name is for 'Second one'",
    )
    for place in (f"{path}?sheet=Second one", f"{path}?sheet=Second%20one"):
        assert open_table(place).to_arrow().to_pylist() == [{"y": "a"}]
        assert not open_table(place).notes
    with pytest.raises(DataError, match=r"no sheet 'Secondone'(.|\n)*did you mean '.*sheet=Second one'"):
        open_table(f"{path}?sheet=Secondone")


def test_blank_rows_and_columns_and_names(write: Callable[..., Path]) -> None:
    rows: list[list[object]] = [
        [],
        [None, "x", None, "y", None],
        [],
        [None, 1, 5],
        [],
        [None, 2, None, "b"],
        [],
        [],
    ]
    table = open_table(write({"S": rows}))
    assert table.to_arrow().to_pylist() == [
        {"x": 1, "unnamed_2": 5, "y": None},
        {"x": 2, "unnamed_2": None, "y": "b"},
    ]
    assert table.notes == ("blank rows are left out: 2",)


def test_errors_and_merged_cells_are_told(tmp_path: Path) -> None:
    with _workbook(tmp_path / "t.xlsx") as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["a", "b"])
        page.write_formula(1, 0, "=NA()", None, "#N/A")
        page.merge_range(2, 0, 2, 1, "both")
    table = open_table(tmp_path / "t.xlsx")
    assert table.to_arrow().to_pylist() == [{"a": "both", "b": None}]
    assert table.notes == (
        "cells that hold an error such as #N/A are missing: 1",
        "of merged cells only the first has the value; groups of them: 1",
        "blank rows are left out: 1",
    )


def test_several_kinds_of_value_in_a_column_are_texts(write: Callable[..., Path]) -> None:
    moment = datetime.datetime(2026, 1, 2, 3)
    rows: list[list[object]] = [["x", "y"], [1, True], ["n/a", moment], [2.5, None]]
    path = write({"S": rows})
    table = open_table(path)
    assert table.to_arrow()["x"].to_pylist() == ["1", "n/a", "2.5"]
    assert table.to_arrow()["y"].to_pylist() == ["true", "2026-01-02T03:00:00", None]
    assert "column 'x' holds numbers ('1') and texts ('n/a') and is read as text" in table.notes
    assert open_table(path, missing=["n/a"]).columns["x"] == "float"
    with pytest.raises(DataError, match=r"has the value 'n/a'(.|\n)*row 2"):
        open_table(path, types={"x": "float"}).to_arrow()


def test_columns_left_out_and_types(write: Callable[..., Path]) -> None:
    path = write({"S": [["zip", "x"], [7, 1]]})
    assert open_table(path, exclude=["x"], types={"zip": "string"}).to_arrow().to_pylist() == [{"zip": "7"}]
    with pytest.raises(ColumnNotFoundError, match="no column 'z'"):
        open_table(path, exclude=["z"])


def test_two_columns_of_one_name(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="two columns are called 'x'"):
        open_table(write({"S": [["x", "x"], [1, 2]]}))


def test_an_empty_sheet(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="the sheet is empty"):
        open_table(write({"S": []}))
    assert open_table(write({"S": [["x"]]}, "header.xlsx")).rows == 0


def test_a_few_cells_far_apart_are_refused_before_they_take_memory(tmp_path: Path) -> None:
    with _workbook(tmp_path / "t.xlsx") as book:
        page = book.add_worksheet()
        page.write(0, 0, "a")
        page.write(1_048_575, 16_383, "z")
    assert (tmp_path / "t.xlsx").stat().st_size < 10_000
    with pytest.raises(DataError, match="too large: an area of 17,179,869,184 cells"):
        open_table(tmp_path / "t.xlsx")


def test_cells_without_values_far_away_do_no_harm(tmp_path: Path) -> None:
    with _workbook(tmp_path / "t.xlsx") as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["a", "b"])
        page.write_row(1, 0, [1, 2])
        page.write_blank(1_048_575, 3, None, book.add_format({"bold": True}))
    assert open_table(tmp_path / "t.xlsx").rows == 1


def rezipped(path: Path, **parts: bytes) -> Path:
    """The workbook with other parts."""
    other = path.with_name("other.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            key = item.filename.rpartition("/")[2].partition(".")[0]
            new.writestr(item.filename, parts.get(key, old.read(item)))
    return other


def test_a_zip_bomb_is_refused(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = rezipped(write({"S": [["x"], [1]]}), sheet1=bytes(30_000_000))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(excel_guard, "_LARGEST_UNPACKED", 20_000_000)
    with pytest.raises(DataError, match=r"too large: 0\.0 GB unpacked"):
        open_table(path)


@pytest.mark.parametrize(
    "sheet", [b"", b"<worksheet>", b"\0" * 100, b"<worksheet><sheetData><row r='x'><c/>"]
)
def test_a_damaged_sheet(write: Callable[..., Path], sheet: bytes) -> None:
    path = rezipped(write({"S": [["x"], [1]]}), sheet1=sheet)
    with pytest.raises(DataError, match=r"cannot be read as a workbook|the sheet is empty"):
        open_table(path)


def test_a_workbook_cut_short(write: Callable[..., Path]) -> None:
    path = write({"S": [["x"], [1]]})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="cannot be read as a workbook"):
        open_table(path)


def test_a_protected_workbook(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000))
    with pytest.raises(DataError, match="protected by a password"):
        open_table(tmp_path / "t.xlsx")


def test_what_is_no_workbook(tmp_path: Path) -> None:
    for name in ("t.xlsx", "t.xls", "t.ods"):
        (tmp_path / name).write_text("a,b\n1,2\n")
        with pytest.raises(DataError, match="cannot be read as a workbook"):
            open_table(tmp_path / name)
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="only workbooks have sheets"):
        open_table(f"{tmp_path}/t.csv?sheet=x")


def spreadsheet(path: Path, rows: str) -> Path:
    """An OpenDocument spreadsheet of these rows."""
    content = f"""<?xml version="1.0"?><office:document-content
    xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
    <table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>
    </office:document-content>"""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("content.xml", content)
        parts.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


def cell(value: object, repeated: int = 1) -> str:
    kind = "float" if isinstance(value, (int, float)) else "string"
    given = f'office:value="{value}"' if kind == "float" else ""
    times = f'table:number-columns-repeated="{repeated}"' if repeated > 1 else ""
    marks = f'office:value-type="{kind}" {given} {times}'
    return f"<table:table-cell {marks}><text:p>{value}</text:p></table:table-cell>"


def test_an_open_document_spreadsheet(tmp_path: Path) -> None:
    rows = "".join(
        f"<table:table-row>{cells}</table:table-row>"
        for cells in (cell("x") + cell("y"), cell(1) + cell("a"), cell(2.5) + cell("b"))
    )
    far = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    path = spreadsheet(tmp_path / "t.ods", rows + far)
    assert open_table(path).to_arrow().to_pylist() == [{"x": 1.0, "y": "a"}, {"x": 2.5, "y": "b"}]


def test_repeated_cells_are_counted_before_they_take_memory(tmp_path: Path) -> None:
    times = 'table:number-rows-repeated="1000000"'
    row = f"<table:table-row {times}>{cell(1, 16384)}</table:table-row>"
    path = spreadsheet(tmp_path / "t.ods", row)
    with pytest.raises(DataError, match="too large: 16,384,000,000 cells"):
        open_table(path)


@pytest.mark.slow
def test_as_many_rows_as_a_sheet_can_have(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "t.xlsx"), {"constant_memory": True})
    page = book.add_worksheet()
    page.write_row(0, 0, ["n", "s"])
    for number in range(1, 1_048_576):
        page.write_row(number, 0, [number, "text"])
    book.close()
    table = open_table(tmp_path / "t.xlsx")
    assert table.rows == 1_048_575
    assert table.to_arrow()["n"][-1].as_py() == 1_048_575
