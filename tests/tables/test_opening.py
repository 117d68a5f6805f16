"""open_table on what is in memory, and on what is no table."""

from __future__ import annotations

import datetime
import decimal
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import open_table

NOON = datetime.datetime(2026, 1, 1, 12)


def test_arrow_types_become_the_five() -> None:
    data = pa.table(
        {
            "small": pa.array([1, None], pa.int8()),
            "half": pa.array([0.5, None], pa.float32()),
            "price": pa.array([decimal.Decimal("1.50"), None]),
            "text": pa.array(["a", None], pa.large_string()),
            "code": pa.array(["a", None]).dictionary_encode(),
            "day": pa.array([NOON.date(), None]),
            "moment": pa.array([NOON, None], pa.timestamp("ns")),
            "zoned": pa.array([NOON, None], pa.timestamp("ms", tz="Europe/Berlin")),
            "nothing": pa.nulls(2),
        }
    )
    table = open_table(data)
    assert list(table.columns.values()) == [
        *("int", "float", "float", "string", "string", "datetime", "datetime", "datetime", "string")
    ]
    assert table.empty == {"nothing"}
    assert table.to_arrow().schema == table.schema
    assert table.to_arrow().to_pylist()[0] == {
        "small": 1,
        "half": 0.5,
        "price": 1.5,
        "text": "a",
        "code": "a",
        "day": datetime.datetime(2026, 1, 1),
        "moment": NOON,
        "zoned": NOON,
        "nothing": None,
    }


def test_a_reader_that_can_be_read_once_can_be_read_twice_as_a_table() -> None:
    batches = pa.table({"x": [1, 2, 3]}).to_batches(max_chunksize=2)
    table = open_table(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
    assert table.to_arrow() == table.to_arrow()
    assert table.rows == 3


def test_polars_frames_eager_and_lazy() -> None:
    frame = pl.DataFrame({"x": [1, None], "c": pl.Series(["a", "b"], dtype=pl.Categorical)})
    expected = [{"x": 1, "c": "a"}, {"x": None, "c": "b"}]
    assert open_table(frame).to_arrow().to_pylist() == expected
    assert open_table(frame.lazy()).to_arrow().to_pylist() == expected


class Frame:
    """A data frame of a library that only has the Arrow interface, with row labels as pandas has them."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return pa.table({"x": [1.5], "__index_level_0__": [7]}).__arrow_c_stream__(requested_schema)


def test_any_frame_with_the_arrow_interface() -> None:
    table = open_table(Frame())
    assert table.to_arrow().to_pylist() == [{"x": 1.5}]
    assert "row labels" in table.notes[0]


def test_columns_of_arrays_and_rows() -> None:
    assert open_table({"x": np.arange(2), "y": (True, None)}).columns == {"x": "int", "y": "bool"}
    rows = [{"a": 1}, {"b": "x", "a": 2.5}]
    assert open_table(rows).to_arrow().to_pylist() == [{"a": 1.0, "b": None}, {"a": 2.5, "b": "x"}]


def test_not_a_number_stays_and_missing_stays_apart() -> None:
    values = open_table({"x": [float("nan"), None]}).to_arrow()["x"]
    assert values.null_count == 1
    assert np.isnan(values[0].as_py())


def test_texts_that_mean_missing() -> None:
    table = open_table({"s": ["a", "?", "NA"], "x": [1, 2, 3]}, missing=["?", "NA"])
    assert table.to_arrow()["s"].to_pylist() == ["a", None, None]
    assert open_table(table) is table


def test_types_can_be_forced() -> None:
    table = open_table(
        {"zip": [7, None], "n": ["1", "2"], "x": [1, 2], "b": ["True", "false"]},
        types={"zip": "string", "n": "int", "x": "float", "b": "bool"},
    )
    assert table.to_arrow().to_pylist() == [
        {"zip": "7", "n": 1, "x": 1.0, "b": True},
        {"zip": None, "n": 2, "x": 2.0, "b": False},
    ]


def test_a_value_that_does_not_fit_a_forced_type_is_named() -> None:
    table = open_table({"n": ["1", "two", "3"]}, types={"n": "int"})
    with pytest.raises(DataError, match=r"column 'n' has the value 'two'") as caught:
        table.to_arrow()
    assert "row 2" in str(caught.value)


def test_forced_types_must_exist() -> None:
    with pytest.raises(UsageError, match="did you mean 'string'"):
        open_table({"x": [1]}, types={"x": "strin"})  # type: ignore[dict-item]
    with pytest.raises(ColumnNotFoundError, match="no column 'y'"):
        open_table({"x": [1]}, types={"y": "int"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (3, "a int is not a table"),
        (None, "a NoneType is not a table"),
        ([], "a list is not a table"),
        ({}, "no columns"),
        ({"x": [1], "y": [1, 2]}, "different lengths"),
        ({"x": [1, "a"]}, "column 'x' do not go together"),
        ({"x": [2**64]}, "column 'x' do not go together"),
        ({"x": 5}, "column 'x' is a int"),
        ({"x": [[[1]]]}, r"column 'x' is of type list<(.|\n)*exclude=\['x'\]"),
        ({5: [1]}, "column name 5"),
        (pa.table([[1], [2]], names=["x", "x"]), "two columns are called 'x'"),
        (pa.table({"x": [b"a"]}), "column 'x' holds bytes that are neither an image nor a recording"),
        (pa.table({"x": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))}), "is of type map"),
        ({"x": [1j]}, "column 'x' do not go together"),
    ],
)
def test_what_is_no_table_is_refused(data: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_table(data)


def test_whole_numbers_beyond_64_bits_with_sign_are_refused() -> None:
    table = open_table(pa.table({"x": pa.array([2**63], pa.uint64())}))
    with pytest.raises(DataError, match="column 'x' holds a value that does not fit int"):
        table.to_arrow()


def test_an_absent_file_names_the_closest(tmp_path: Path) -> None:
    (tmp_path / "census.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"no such file(.|\n)*did you mean '.*census\.csv'"):
        open_table(tmp_path / "cencus.csv")


def test_an_unknown_ending_says_which_are_known(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("x")
    with pytest.raises(DataError, match=r"'\.xyz' are not known(.|\n)*\.parquet"):
        open_table(tmp_path / "a.xyz")


def test_columns_can_be_left_out(tmp_path: Path) -> None:
    odd = pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64()))
    data = pa.table({"x": [1, 2], "y": ["a", "b"], "odd": odd})
    table = open_table(data, exclude=["odd"])
    assert table.columns == {"x": "int", "y": "string"}
    assert open_table(table, exclude="y").to_arrow().to_pylist() == [{"x": 1}, {"x": 2}]
    (tmp_path / "a.csv").write_text("x,y,z\n1,2,3\n")
    assert open_table(tmp_path / "a.csv", exclude=["y"]).to_arrow().to_pylist() == [{"x": 1, "z": 3}]
    with pytest.raises(ColumnNotFoundError, match="no column 'z'"):
        open_table(data, exclude=["z"])
    with pytest.raises(DataError, match="every column is left out"):
        open_table({"x": [1]}, exclude=["x"])


def test_an_encoding_is_for_text_only(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="an encoding is only for files of text"):
        open_table(tmp_path / "a.parquet", encoding="latin-1")


def test_encoding_and_bad_rows_reach_every_csv_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_bytes("x,y\né,1\nbad\n".encode("latin-1"))
    table = open_table(f"{tmp_path}/*.csv", encoding="latin-1", bad_rows=tmp_path / "bad.txt")
    assert table.to_arrow()["x"].to_pylist() == ["é", "é"]
    kept = (tmp_path / "bad.txt").read_text()
    assert "a.csv" in kept
    assert "b.csv" in kept


def test_sources_of_different_kinds_go_together(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        connection.commit()
    (tmp_path / "a.csv").write_text("x\n2.5\n")
    (tmp_path / "b.csv").write_text("y\n2.5\n")
    database = f"sqlite:///{tmp_path}/a.db?table=t"
    assert open_table([database, str(tmp_path / "a.csv")]).to_arrow()["x"].to_pylist() == [1.0, 2.5]
    with pytest.raises(DataError, match="different columns: the second lacks x and has y more"):
        open_table([database, str(tmp_path / "b.csv")])


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "arrow"])
def test_an_empty_file_is_refused(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a.{ending}").touch()
    with pytest.raises(DataError, match="empty"):
        open_table(tmp_path / f"a.{ending}")


def write(folder: Path, **files: str) -> list[Path]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return [folder / f"{name}.csv" for name in files]


def test_several_files_are_one_table(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, a="x,y\n1,\n", b="y,x\n3,0.5\n"))
    assert table.columns == {"x": "float", "y": "int"}
    assert table.to_arrow().to_pylist() == [{"x": 1.0, "y": None}, {"x": 0.5, "y": 3}]


def test_several_files_are_typed_as_one_would_be(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, a="zip\n1\n2\n", b="zip\n007\n"))
    assert table.to_arrow()["zip"].to_pylist() == ["1", "2", "007"]


def test_several_files_with_different_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the second lacks y and has z more"):
        open_table(write(tmp_path, a="x,y\n1,2\n", b="x,z\n1,2\n"))


def test_a_folder_of_images_is_a_table(tmp_path: Path) -> None:
    for name in ("cat/1.gif", "dog/2.gif"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"GIF89a" + bytes(20))
    table = open_table(tmp_path, exclude=["path"])
    assert table.columns == {"image": "image", "label": "string"}
    assert table.to_arrow()["label"].to_pylist() == ["cat", "dog"]
