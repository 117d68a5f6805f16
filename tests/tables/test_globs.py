"""Patterns, folders, and what the names of folders say."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from tilth.errors import ColumnNotFoundError, DataError
from tilth.tables import open_table, sentinels, write_table


def make(folder: Path, *paths: str) -> None:
    """Files of one row each, numbered in order."""
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_table(pa.table({"x": [number]}), folder / path)


def read(place: object, column: str = "x") -> list[object]:
    return open_table(place).to_arrow()[column].to_pylist()


def test_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a2.csv", "a1.csv", "b/a3.csv", "b/c/a4.csv", ".a5.csv", "a6.jsonl")
    monkeypatch.chdir(tmp_path)
    assert read("*.csv") == [1, 0]
    assert read(f"{tmp_path}/*.csv") == [1, 0]
    assert read("**/*.csv") == [1, 0, 2, 3]
    assert read("b/**/*.csv") == read("./b/**") == [2, 3]
    assert read("*/*.csv") == [2]
    assert read("a[12].csv") == [1, 0]
    assert read("a?.*l") == [5]
    assert read(["a1.csv", "b/*.csv"]) == [1, 2]
    assert open_table("*.csv").name == "*.csv"


def test_a_file_whose_name_has_the_signs_of_a_pattern(tmp_path: Path) -> None:
    make(tmp_path, "a[1].csv", "a1.csv")
    assert read(tmp_path / "a[1].csv") == [0]


def test_nothing_matches(tmp_path: Path) -> None:
    make(tmp_path, "data/sales.csv")
    with pytest.raises(
        DataError, match=r"no file matches(.|\n)*data, which holds sales.csv(.|\n)*did you mean"
    ):
        open_table(f"{tmp_path}/data/*ales.cvs")
    with pytest.raises(DataError, match=r"files in .*, which holds data"):
        open_table(f"{tmp_path}/none/**/*.csv")


def test_a_folder_of_one_kind(tmp_path: Path) -> None:
    make(tmp_path, "d/b.parquet", "d/a/c.parquet", "d/.hidden.parquet", "d/_temporary/e.parquet")
    (tmp_path / "d" / "_SUCCESS").touch()
    (tmp_path / "d" / "README.md").write_text("about")
    assert read(tmp_path / "d") == [1, 0]
    assert open_table(tmp_path / "d").name == str(tmp_path / "d")


def test_a_folder_of_several_kinds_or_none(tmp_path: Path) -> None:
    make(tmp_path, "d/b.parquet", "d/c.parquet", "d/e.csv")
    with pytest.raises(DataError, match=r"2 ending in \.parquet, 1 ending in \.csv(.|\n)*\*\*/\*\.parquet'"):
        open_table(tmp_path / "d")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="the folder holds no data"):
        open_table(tmp_path / "none")


def test_values_in_the_names_of_folders(tmp_path: Path) -> None:
    make(
        tmp_path,
        "d/year=2024/town=Bad%20Ems/a.parquet",
        "d/year=2025/town=__HIVE_DEFAULT_PARTITION__/a.parquet",
    )
    table = open_table(tmp_path / "d")
    assert table.columns == {"x": "int", "year": "int", "town": "string"}
    assert table.to_arrow().to_pylist() == [
        {"x": 0, "year": 2024, "town": "Bad Ems"},
        {"x": 1, "year": 2025, "town": None},
    ]
    assert [part.to_arrow().to_pylist() for part in table.parts()] == [
        [row] for row in table.to_arrow().to_pylist()
    ]
    other = open_table(f"{tmp_path}/d/year=*/**/*.parquet", types={"year": "string"}, exclude=["town"])
    assert other.to_arrow().to_pylist() == [{"x": 0, "year": "2024"}, {"x": 1, "year": "2025"}]
    with pytest.raises(DataError, match="values of 'town' are not of type int"):
        open_table(tmp_path / "d", types={"town": "int"})
    with pytest.raises(ColumnNotFoundError):
        open_table(tmp_path / "d", types={"z": "int"})


def test_values_that_the_files_hold_themselves(tmp_path: Path) -> None:
    (tmp_path / "d" / "x=9").mkdir(parents=True)
    write_table(pa.table({"x": [1]}), tmp_path / "d" / "x=9" / "a.csv")
    assert read(tmp_path / "d") == [1]
    table = open_table(tmp_path / "d", types={"x": "string"})
    assert table.to_arrow().to_pylist() == [{"x": "1"}]


def test_links_do_not_go_round_in_a_circle(tmp_path: Path) -> None:
    make(tmp_path, "d/a.csv", "d/e/b.csv", "elsewhere/c.csv", "f.csv")
    for link, target in {"loop": ".", "e/up": "..", "e/out": "../..", "far": "../elsewhere"}.items():
        (tmp_path / "d" / link).symlink_to(target)
    (tmp_path / "d" / "gone.txt").symlink_to("nowhere")
    assert read(f"{tmp_path}/d/**/*.csv") == [0, 1, 2]


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    make(tmp_path, "d/e/b.csv")
    (tmp_path / "d" / "e").chmod(0)
    try:
        if os.access(tmp_path / "d" / "e", os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(DataError, match="the folder cannot be read"):
            open_table(tmp_path / "d")
    finally:
        (tmp_path / "d" / "e").chmod(0o755)


def test_very_many_files(tmp_path: Path) -> None:
    make(tmp_path, *(f"d/{number:04}.csv" for number in range(100)))
    table = open_table(f"{tmp_path}/d/*.csv")
    assert read(f"{tmp_path}/d/*.csv") == list(range(100))
    assert len(table.parts()) == 100
    listed = open_table([tmp_path / "d" / f"{number:04}.csv" for number in range(100)])
    assert len(listed.name) < 5000
    assert listed.name.endswith("and 80 more")


def test_texts_that_stand_for_missing_are_looked_for_in_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n?\n")
    (tmp_path / "b.csv").write_text("x\n2\n?\n")
    assert sentinels(f"{tmp_path}/*.csv") == sentinels(tmp_path) == {"?": {"x": 2}}
