"""What opening a table loads: only the readers it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tilth.tables
from tilth.tables import csv_typed, open_table

_OTHERS = ["columnar_files", "excel", "json_lines", "folder_listing", "memory", "row_hashes", "writing"]
_LIBRARIES = ["pyarrow.parquet", "polars", "msgspec", "xml.etree.ElementTree"]


def test_a_csv_file_needs_no_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n")
    unneeded = [f"tilth.tables.{name}" for name in _OTHERS] + _LIBRARIES
    code = (
        "import sys, tilth; tilth.open_table(sys.argv[1]).to_arrow();"
        "print([name for name in sys.argv[2:] if name in sys.modules])"
    )
    arguments = [sys.executable, "-c", code, str(path), *unneeded]
    assert subprocess.run(arguments, check=True, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("name", ["image_hashes", "row_hashes", "sentinels"])
def test_a_function_called_as_its_file_is_found_when_the_file_came_first(name: str) -> None:
    code = (
        "import importlib, sys, tilth.tables;"
        "importlib.import_module('tilth.tables.' + sys.argv[1]);"
        "print(callable(getattr(tilth.tables, sys.argv[1])))"
    )
    found = subprocess.run([sys.executable, "-c", code, name], check=True, capture_output=True, text=True)
    assert found.stdout == "True\n"


def test_every_name_is_there() -> None:
    assert [name for name in tilth.tables.__all__ if not hasattr(tilth.tables, name)] == []
    assert dir(tilth.tables) == sorted(tilth.tables.__all__)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"'tilth\.tables' has no attribute 'nothing'"):
        _ = tilth.tables.nothing


def test_a_file_of_one_kind_of_rows_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{n},{n / 7},-0.5,1e-05,word {n % 7},2021-05-{n % 28 + 1:02}\n" for n in range(200_000))
    path.write_text("whole,part,minus,small,text,day\n" + rows)
    parsed = 0
    read_csv = csv_typed.pacsv.read_csv

    def counted(source: object, *args: object, **options: object) -> object:
        nonlocal parsed
        parsed += source.size()  # type: ignore[attr-defined]
        return read_csv(source, *args, **options)

    monkeypatch.setattr(csv_typed.pacsv, "read_csv", counted)
    table = open_table(path)
    assert list(table.columns.values()) == ["int", "float", "float", "float", "string", "datetime"]
    assert table.to_arrow().num_rows == 200_000
    # The first piece, which the types are found from, is the only one that may be looked at twice.
    assert parsed <= len(rows) + (1 << 16)
