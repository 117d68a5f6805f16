"""Parquet and Arrow files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.errors import DataError
from tilth.tables import open_table, write_table

DATA = pa.table(
    {"x": pa.array([1, None, 3], pa.int32()), "s": ["a", "b", None], "f": [0.5, float("nan"), None]}
)


def written(folder: Path, ending: str) -> Path:
    path = folder / f"t{ending}"
    if ending == ".parquet":
        pq.write_table(DATA, path, row_group_size=2)
    else:
        make = pa.ipc.new_file if ending == ".arrow" else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as file, make(file, DATA.schema) as writer:
            writer.write_table(DATA, max_chunksize=2)
    return path


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".feather"])
def test_read_back(tmp_path: Path, ending: str) -> None:
    table = open_table(written(tmp_path, ending))
    assert table.columns == {"x": "int", "s": "string", "f": "float"}
    assert table.rows == 3
    assert table.to_arrow().column("x").to_pylist() == [1, None, 3]
    assert table.select(["s"]).to_arrow().to_pylist() == DATA.select(["s"]).to_pylist()
    assert table.to_arrow().column("f").null_count == 1


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".feather"])
@pytest.mark.parametrize("kept", [0.95, 0.5, 0.02])
def test_a_file_cut_short_is_refused(tmp_path: Path, ending: str, kept: float) -> None:
    path = written(tmp_path, ending)
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(len(content) * kept))])
    with pytest.raises(DataError, match=r"cannot be read as (Parquet|Arrow)"):
        open_table(path).to_arrow()


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_something_else_under_that_name_is_refused(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"t{ending}").write_text("a,b\n1,2\n" * 10)
    with pytest.raises(DataError, match="cannot be read as"):
        open_table(tmp_path / f"t{ending}")


def test_damage_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(pa.table({"x": list(range(10_000))}), path)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        open_table(path).to_arrow()


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ".parquet")
    table = open_table(path)
    pq.write_table(DATA.slice(1), path)
    with pytest.raises(DataError, match="changed while"):
        table.to_arrow()


def test_columns_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tags": [["a"]]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"column 'tags' is of type list(.|\n)*drop 'tags'"):
        open_table(tmp_path / "t.parquet")


def test_the_row_labels_of_a_data_frame_are_left_out(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1], "__index_level_0__": [7]}), tmp_path / "t.parquet")
    table = open_table(tmp_path / "t.parquet")
    assert table.columns == {"x": "int"}
    assert "row labels" in table.notes[0]


def test_no_rows(tmp_path: Path) -> None:
    pq.write_table(DATA.slice(0, 0), tmp_path / "t.parquet")
    table = open_table(tmp_path / "t.parquet")
    assert table.rows == 0
    assert table.to_arrow().num_rows == 0
