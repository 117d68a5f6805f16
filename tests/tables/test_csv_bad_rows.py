"""Rows of CSV files that cannot be read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.errors import DataError, UsageError
from tilth.tables import Table, open_table, sentinels

TEXT = 'a,b\n1,2\n3\n\n"x\ny",4,5\n6,7\n8,9,"1,0"\n'


def table_of(folder: Path, text: str, **options: object) -> Table:
    (folder / "t.csv").write_bytes(text.encode())
    return open_table(folder / "t.csv", **options)  # type: ignore[arg-type]


def kept_in(path: Path) -> list[tuple[int, str]]:
    with path.open(newline="") as file:
        return [(int(row["line"]), row["row"]) for row in csv.DictReader(file)]


def test_they_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        table_of(tmp_path, TEXT)
    assert caught.value.what == "a row has 1 cell where the header has 2; so or similarly 3 of 5 rows"
    assert caught.value.where == f"{tmp_path / 't.csv'}, lines 3, 5, 8"
    assert "--bad-rows" in str(caught.value.mend)
    many = "a,b\n" + "1,2\n1\n" * 1000
    with pytest.raises(DataError, match=r"1,000 of 2,000 rows(.|\n)*lines 3, 5, 7, 9, 11, \.\.\."):
        table_of(tmp_path, many)
    with pytest.raises(DataError, match="a row has 1 cell"):
        sentinels(tmp_path / "t.csv")


def test_they_are_kept_aside_if_asked(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    table = table_of(tmp_path, TEXT, bad_rows=bad)
    assert table.to_arrow().to_pydict() == {"a": [1, 6], "b": [2, 7]}
    assert table.rows == 2
    assert table.notes == (f"3 of 5 rows cannot be read and are left out: they are in {bad}",)
    assert kept_in(bad) == [(3, "3"), (5, '"x\ny",4,5'), (8, '8,9,"1,0"')]
    assert bad.read_text().startswith("file,line,reason,row\n")
    assert list(tmp_path.iterdir()) == [bad, tmp_path / "t.csv"] or len(list(tmp_path.iterdir())) == 2


def test_a_file_without_any_says_so_by_an_empty_list(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("from before")
    assert table_of(tmp_path, "a\n1\n", bad_rows=bad).notes == ()
    assert kept_in(bad) == []


def test_those_of_several_files_are_kept_together(tmp_path: Path) -> None:
    for name, text in (("1.csv", "a,b\n1,2\n3\n"), ("2.csv", "a,b\nx,2\n4\n5,6\n")):
        (tmp_path / name).write_text(text)
    table = open_table([tmp_path / "1.csv", tmp_path / "2.csv"], bad_rows=tmp_path / "bad.csv")
    assert table.to_arrow()["a"].to_pylist() == ["1", "x", "5"]  # the first is read again, as text
    assert kept_in(tmp_path / "bad.csv") == [(3, "3"), (3, "4")]


def test_where_they_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would replace the data"):
        table_of(tmp_path, TEXT, bad_rows=tmp_path / "t.csv")
    with pytest.raises(UsageError, match="no such folder"):
        table_of(tmp_path, TEXT, bad_rows=tmp_path / "nowhere" / "bad.csv")
    with pytest.raises(UsageError, match="this is a folder"):
        table_of(tmp_path, TEXT, bad_rows=tmp_path)
    with pytest.raises(DataError, match="2 of 2 rows"):
        table_of(tmp_path, "a,b\n1\n2\n", bad_rows=tmp_path / "bad.csv")
    assert not (tmp_path / "bad.csv").exists()


def test_a_type_that_is_disproved_late_does_not_list_them_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilth.tables.csv_files._EARLY", 0)
    bad = tmp_path / "bad.csv"
    text = "a,b\n1\n" + "1,2\n" * 1_200_000 + "7,8,9\nx,1\n"
    table = table_of(tmp_path, text, bad_rows=bad)
    assert table.columns == {"a": "string", "b": "int"}
    assert table.rows == 1_200_001
    assert kept_in(bad) == [(2, "1"), (1_200_003, "7,8,9")]


def test_very_many_are_not_counted_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tables.csv_bad_rows._HOPELESS", 1000)
    with pytest.raises(DataError, match="rows read so far"):
        table_of(tmp_path, "a,b\n" + "1,2,3\n" * 5000)


def test_a_comment_before_the_header_is_recognized(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="looks like a comment"):
        table_of(tmp_path, "# made by a program\na,b\n1,2\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(["1", "x", '"q"', '"a\nb"', '"a,b"', ""]), min_size=1, max_size=4)
    ),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_no_row_is_lost(tmp_path: Path, rows: list[list[str]], line_end: str) -> None:
    rows = [row for row in rows if row != [""]]
    bad = tmp_path / "bad.csv"
    text = "".join(",".join(row) + line_end for row in [["a", "b"], *rows])
    good = [row for row in rows if len(row) == 2]
    if rows and not good:
        with pytest.raises(DataError, match="a row has"):
            table_of(tmp_path, text, bad_rows=bad)
        return
    table = table_of(tmp_path, text, bad_rows=bad, types={"a": "string", "b": "string"})
    values = [tuple(cell.strip('"') or None for cell in row) for row in good]
    assert [tuple(row.values()) for row in table.to_arrow().to_pylist()] == values
    assert [row for _, row in kept_in(bad)] == [",".join(row) for row in rows if len(row) != 2]
