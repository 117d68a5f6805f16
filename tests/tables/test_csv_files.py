"""CSV files as people send them."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import Table, open_table


def table_of(folder: Path, text: str | bytes, name: str = "t.csv", **options: object) -> Table:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_table(path, **options)  # type: ignore[arg-type]


def rows_of(table: Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.to_arrow().to_pylist()
    return rows


def test_types_are_found_over_the_whole_file(tmp_path: Path) -> None:
    lines = ["a,b"] + ["1,1"] * 100_000 + ["x,2.5"]
    table = table_of(tmp_path, "\n".join(lines))
    assert table.columns == {"a": "string", "b": "float"}
    assert table.rows == 100_001


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(tmp_path: Path, separator: str) -> None:
    table = table_of(tmp_path, f"a{separator}b\n1{separator}x, y; z\n".replace("x, y; z", '"x, y; z"'))
    assert rows_of(table) == [{"a": 1, "b": "x, y; z"}]


def test_decimal_text_with_another_separator_inside(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, "a;b\n1,5;x\n2,5;y\n"))[0] == {"a": "1,5", "b": "x"}


def test_the_separator_is_said(tmp_path: Path) -> None:
    assert table_of(tmp_path, "a;b\n1;2\n").notes == ("the cells are separated by semicolons",)
    assert table_of(tmp_path, "a,b\n1,2\n").notes == ()


def test_byte_order_mark_crlf_and_no_last_line_feed(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y")
    assert rows_of(table) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert "byte order mark" in table.notes[0]


def test_spaces_around_cells_are_left_out(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a, b ,c\n1, x ,\t2\n 3,y y, \n")
    assert rows_of(table) == [{"a": 1, "b": "x", "c": 2}, {"a": 3, "b": "y y", "c": None}]
    assert "spaces around cells are left out" in table.notes


def test_spaces_inside_quotes_stay(tmp_path: Path) -> None:
    text = 'a,b\n" x","y "\n" ", z \n"  p ""q"" ","r\ns "\n'
    table = table_of(tmp_path, text)
    assert rows_of(table) == [
        {"a": " x", "b": "y "},
        {"a": " ", "b": "z"},
        {"a": '  p "q" ', "b": "r\ns "},
    ]


def test_quotes_after_a_space(tmp_path: Path) -> None:
    table = table_of(tmp_path, 'a, b, c\n1, "x, y", 2\n2, "p ""q""", 3\n')
    assert rows_of(table) == [{"a": 1, "b": "x, y", "c": 2}, {"a": 2, "b": 'p "q"', "c": 3}]
    with pytest.raises(DataError, match=r"a row has 4 cells where the header has 3(.|\n)*line 3"):
        table_of(tmp_path, 'a, b, c\n1, "x, y", 2\n1, "x", 2, 3\n')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(*[st.text(st.sampled_from("ab ,\"\n\t;'é\r"), max_size=6)] * 3), min_size=1, max_size=8
    )
)
def test_quoted_cells_come_back_as_they_were(tmp_path: Path, cells: list[tuple[str, ...]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["a", "b", "c"])
    writer.writerows(cells)
    table = table_of(tmp_path, out.getvalue(), types=dict.fromkeys("abc", "string"))
    expected = [tuple(cell or None for cell in row) for row in cells]
    assert [tuple(row.values()) for row in rows_of(table)] == expected


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3"], "int"),
        (["1", "-2", "0", "-0"], "int"),
        (["9223372036854775807", "-9223372036854775808"], "int"),
        (["1", "9223372036854775808"], "string"),
        (["1.5", "9223372036854775808"], "float"),
        (["007", "1"], "string"),
        (["00.5"], "string"),
        (["0x1F"], "string"),
        (["0.5", "-0.5", ".5", "5."], "float"),
        (["1e5", "inf", "-inf", "nan"], "float"),
        (["1", "nan"], "float"),
        (["true", "FALSE", "True"], "bool"),
        (["true", "1"], "string"),
        (["yes", "no"], "string"),
        (["2024-05-31", "2024-05-31T12:30:00"], "datetime"),
        (
            ["2024-05-31 12:30:00.5", "2024-05-31T12:30:00Z", "2024-05-31T12:30:00.123456789+02:00"],
            "datetime",
        ),
        (["2024-02-30"], "string"),
        (["2024-05-31", "31.05.2024"], "string"),
        (["12:30"], "string"),
        (["1,5"], "string"),
    ],
)
def test_what_texts_become(tmp_path: Path, cells: list[str], kind: str) -> None:
    table = table_of(tmp_path, "x\n" + "".join(f'"{cell}"\n' for cell in cells))
    assert table.columns == {"x": kind}
    assert table.to_arrow().num_rows == len(cells)


def test_the_order_of_rows_decides_no_type(tmp_path: Path) -> None:
    cells = ["1", "2.5", "true", "2024-01-01", ""]
    for first in cells:
        for second in cells:
            one = table_of(tmp_path, f'x,y\n"{first}",1\n"{second}",1\n').columns
            assert one == table_of(tmp_path, f'x,y\n"{second}",1\n"{first}",1\n').columns


def test_overlong_numbers_keep_their_digits_and_are_said(tmp_path: Path) -> None:
    table = table_of(tmp_path, "id\n123456789012345678901234\n")
    assert rows_of(table) == [{"id": "123456789012345678901234"}]
    assert "column 'id' holds whole numbers of more than 64 bits and is kept as text" in table.notes


def test_missing_texts_and_empty_cells(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b,c\n?,,x\n1, ? ,\n", missing=["?"])
    assert rows_of(table) == [{"a": None, "b": None, "c": "x"}, {"a": 1, "b": None, "c": None}]
    assert table.empty == {"b"}
    assert "column 'b' has no values" in table.notes


def test_types_can_be_forced(tmp_path: Path) -> None:
    table = table_of(tmp_path, "zip,n\n123,1\n", types={"zip": "string", "n": "float"})
    assert rows_of(table) == [{"zip": "123", "n": 1.0}]


def test_a_cell_that_does_not_fit_is_named_with_row_and_column(tmp_path: Path) -> None:
    table = table_of(tmp_path, "x,n\n" + "a,1\n" * 70_000 + "a,many\n", types={"n": "int"})
    with pytest.raises(DataError, match="column 'n' has the value 'many'") as caught:
        table.to_arrow()
    assert "row 70001" in str(caught.value)
    with pytest.raises(ColumnNotFoundError, match="no column 'm'"):
        table_of(tmp_path, "x,n\n1,1\n", types={"m": "int"})


@pytest.mark.parametrize(
    ("text", "line", "cells"),
    [
        ("a,b\n1,2\n1\n", 3, 1),
        ("a,b\n1,2\n\n1,2,3\n", 4, 3),
        ("a,b\n1,2\nblock,two,three\n", 3, 3),
        ('a,b\n"x\ny",2\n1,2,3\n', 4, 3),
        ("a,b\n" + "1,2\n" * 300_000 + "1,2,3\n", 300_002, 3),
    ],
)
def test_a_ragged_row_is_named_with_its_line(tmp_path: Path, text: str, line: int, cells: int) -> None:
    with pytest.raises(DataError, match=f"a row has {cells} cells? where the header has 2") as caught:
        table_of(tmp_path, text)
    assert f"line {line}" in str(caught.value)


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a quote is never closed") as caught:
        table_of(tmp_path, 'a,b\n0,"y"\n1,"x\n2,y\n3,z\n')
    assert "line 3" in str(caught.value)
    assert rows_of(table_of(tmp_path, 'a,b\n5" pipe,1\n')) == [{"a": '5" pipe', "b": 1}]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"two columns are called 'a'(.|\n)*rename"):
        table_of(tmp_path, "a,b,a\n1,2,3\n")
    with pytest.raises(DataError, match="has no header line"):
        table_of(tmp_path, "0,2,0\n1,2,3\n")


def test_a_header_of_numbers_is_said(tmp_path: Path) -> None:
    table = table_of(tmp_path, "39, Private\n40, Private\n")
    assert "the first line is taken as the header, but it holds numbers (39)" in table.notes[-1]


def test_a_column_without_a_name_gets_one(tmp_path: Path) -> None:
    table = table_of(tmp_path, ",a\n0,5\n")
    assert list(table.columns) == ["unnamed_1", "a"]
    assert "column 1 has no name and is called 'unnamed_1'" in table.notes


def test_a_header_only_is_a_table_of_no_rows(tmp_path: Path) -> None:
    for text in ("a,b", "a,b\n", "a,b\r\n\r\n"):
        table = table_of(tmp_path, text)
        assert (table.rows, table.columns) == (0, {"a": "string", "b": "string"})
        assert list(table.batches()) == []


@pytest.mark.parametrize("content", [b"\n\n  \n", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        table_of(tmp_path, content)


def test_blank_lines_before_the_header_and_between_rows(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, "\n\na,b\n1,2\n\n3,4\n\n")) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_a_header_of_several_lines(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, '"a\nb",c\n1,2\n')) == [{"a\nb": 1, "c": 2}]


def test_utf8_letters_across_the_end_of_the_sample(tmp_path: Path) -> None:
    for shift in range(4):
        text = "a,b\n" + "x" * shift + "é€𝄞" * 90_000 + ",1\n"
        assert table_of(tmp_path, text).rows == 1


def test_a_very_long_cell(tmp_path: Path) -> None:
    long = "x" * 5_000_000
    rows = rows_of(table_of(tmp_path, f"a,b\n1,s\n2,{long}\n3,t\n"))
    assert [row["b"] for row in rows] == ["s", long, "t"]


def test_gzip(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, gzip.compress(b"a\n1\n"), "t.csv.gz")) == [{"a": 1}]
    packed = gzip.compress(b"a,b\n" + os.urandom(50_000).hex().encode() + b",1\n")
    for cut in (packed[:-20], packed[:1000], packed[:12]):
        with pytest.raises(DataError, match="gzip file is damaged or cut short"):
            table_of(tmp_path, cut, "t.csv.gz")
    with pytest.raises(DataError, match="gzip file is damaged"):
        table_of(tmp_path, b"a\n1\n", "t.csv.gz")


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    text = "a,b\n" + "some text of a row,1\n" * 900_000
    table = table_of(tmp_path, text)
    (tmp_path / "t.csv").write_text(text + "more,2\n")
    with pytest.raises(DataError, match="changed while it was being used"):
        table.to_arrow()
    (tmp_path / "t.csv").unlink()
    with pytest.raises(DataError, match="the file is gone"):
        table.to_arrow()


def test_reading_twice_and_in_part_gives_the_same(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b,c\n" + "".join(f"{i},x{i},{i / 2}\n" for i in range(5000)))
    whole = table.to_arrow()
    assert table.to_arrow() == whole
    assert table.select(["c", "a"]).to_arrow() == whole.select(["c", "a"])
    assert pa.Table.from_batches(list(table.batches(7))) == whole


def test_tab_separated_and_other_endings(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, "a\tb\n1\tx,y\n", "t.tsv")) == [{"a": 1, "b": "x,y"}]
    assert rows_of(table_of(tmp_path, "a b\n1\n", "t.data")) == [{"a b": 1}]


def test_numbers_with_a_decimal_comma_are_said(tmp_path: Path) -> None:
    table = table_of(tmp_path, "Ort;Preis;Menge\nUlm;1.234,50;1\nBonn;0,99;2\nKöln;;3\n")
    assert table.columns == {"Ort": "string", "Preis": "string", "Menge": "int"}
    assert table.notes[-1] == (
        "column 'Preis' seems to hold numbers with a decimal comma (such as 1.234,50) and is kept as text"
    )
    assert len(table_of(tmp_path, "a;b\n1;x,5\n").notes) == 1


def test_one_column_and_one_row_without_a_line_end(tmp_path: Path) -> None:
    assert rows_of(table_of(tmp_path, "a\n1")) == [{"a": 1}]
    assert rows_of(table_of(tmp_path, 'a\n""\n\n" "')) == [{"a": None}, {"a": " "}]


def test_a_type_that_text_cannot_have(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a CSV file holds no list\[int\]"):
        table_of(tmp_path, "a\n1\n", types={"a": "list[int]"})
