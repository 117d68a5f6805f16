"""Parquet and Arrow files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    pq.write_table(pa.table({"tags": [[["a"]]], "x": [1]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"column 'tags' is of type list<(.|\n)*exclude=\['tags'\]"):
        open_table(tmp_path / "t.parquet")
    assert open_table(tmp_path / "t.parquet", exclude=["tags"]).columns == {"x": "int"}


def test_structures_are_columns_of_their_fields(tmp_path: Path) -> None:
    places = [{"town": "Ulm", "at": {"lat": 48.4, "long": [1]}}, None, {"town": "Bonn", "at": None}]
    data = pa.table({"x": [1, 2, 3], "place": places})
    pq.write_table(data, tmp_path / "t.parquet")
    table = open_table(tmp_path / "t.parquet")
    assert table.columns == {
        "x": "int",
        "place.town": "string",
        "place.at.lat": "float",
        "place.at.long": "list[int]",
    }
    assert table.select(["place.at.lat", "x"]).to_arrow().to_pylist() == [
        {"place.at.lat": 48.4, "x": 1},
        {"place.at.lat": None, "x": 2},
        {"place.at.lat": None, "x": 3},
    ]
    assert table.to_arrow() == open_table(data).to_arrow()
    assert open_table(data, exclude=["place.at"]).columns == {"x": "int", "place.town": "string"}
    write_table(open_table(data), tmp_path / "t.jsonl")
    with pytest.raises(DataError, match=r"two columns are called 'place\.town'"):
        open_table(data.append_column("place.town", [["a", "b", "c"]]))


def test_a_file_that_says_it_has_other_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, ".parquet")
    table = open_table(path)
    honest = pq.ParquetFile.iter_batches
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *a, **k: list(honest(*a, **k))[:-1])
    with pytest.raises(DataError, match="says that it has 3 rows, and has"):
        table.to_arrow()


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
def test_texts_that_are_not_utf8_are_refused(tmp_path: Path, ending: str) -> None:
    texts = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    data = pa.table({"s": texts})
    if ending == ".parquet":
        pq.write_table(data, tmp_path / "t.parquet")
    else:
        with pa.ipc.new_file(str(tmp_path / "t.arrow"), data.schema) as writer:
            writer.write_table(data)
    with pytest.raises(DataError, match=r"cannot be read as .*: Invalid UTF8"):
        open_table(tmp_path / f"t{ending}").to_arrow()


def test_offsets_that_point_elsewhere_are_refused(tmp_path: Path) -> None:
    data = pa.table({"s": ["aaaa"] * 100})
    with pa.ipc.new_file(str(tmp_path / "t.arrow"), data.schema) as writer:
        writer.write_table(data)
    content = (tmp_path / "t.arrow").read_bytes()
    offsets = np.arange(0, 404, 4, dtype=np.int32).tobytes()
    assert offsets in content
    wrong = offsets[:200] + np.int32(2**30).tobytes() + offsets[204:]
    (tmp_path / "t.arrow").write_bytes(content.replace(offsets, wrong))
    with pytest.raises(DataError, match="cannot be read as Arrow"):
        open_table(tmp_path / "t.arrow").to_arrow()


@given(st.binary(min_size=1, max_size=12), st.floats(0, 1))
def test_any_damage_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, place: float
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "t.parquet"
    write_table(DATA, path)
    content = bytearray(path.read_bytes())
    at = int(place * (len(content) - len(damage)))
    content[at : at + len(damage)] = damage
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        open_table(path).to_arrow()


def test_large_values_are_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    images = [b"\x89PNG\r\n\x1a\n" + np.random.default_rng(n).bytes(2_000_000) for n in range(80)]
    pq.write_table(
        pa.table({"x": list(range(80)), "image": images}), tmp_path / "t.parquet", compression=None
    )
    table = open_table(tmp_path / "t.parquet")
    assert table.columns["image"] == "image"
    assert max(batch.nbytes for batch in table.batches()) < 80_000_000
    assert table.select(["x"]).to_arrow().num_rows == 80


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
