"""What is written is read back, and a crash leaves nothing half-written."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.tables import concat_tables, fingerprint, open_table, write_table

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MOMENT = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31))
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | TEXT,
    st.none() | st.booleans(),
    st.none() | MOMENT,
)
SCHEMA = pa.schema(
    {"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.bool_(), "t": pa.timestamp("us")}
)


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(ROW, max_size=6))
@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl", "jsonl.gz", "csv", "csv.gz"])
def test_round_trip(tmp_path: Path, ending: str, rows: list[tuple[object, ...]]) -> None:
    if ending.startswith("csv"):
        # CSV has no empty text and no type: text keeps its type by a letter, and every column a value.
        rows = [(*row[:2], None if row[2] is None else f"x{row[2]}", *row[3:]) for row in rows]
    if not ending.startswith(("parquet", "arrow")):
        rows = [*rows, (1, 0.5, "x", True, datetime.datetime(2024, 1, 1))]
    data = table_of(rows)
    path = tmp_path / f"t.{ending}"
    write_table(data, path)
    back = open_table(path)
    assert back.to_arrow().cast(SCHEMA).to_pylist() == data.to_pylist()
    assert fingerprint(back) == fingerprint(open_table(data))
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize(
    "text", [" a", "a ", "\t", 'say "x"', "a;b", "a|b\tc", "line\nbreak", "cr\rx", "a,b"]
)
def test_texts_that_csv_must_quote(tmp_path: Path, text: str) -> None:
    write_table(pa.table({"s": ["plain", text], text: ["x", "y"]}), tmp_path / "t.csv")
    assert open_table(tmp_path / "t.csv").to_arrow().column(0).to_pylist() == ["plain", text]


def test_a_missing_cell_of_a_single_column_is_not_a_blank_line(tmp_path: Path) -> None:
    write_table(pa.table({"x": [1, None, 3]}), tmp_path / "t.csv")
    assert open_table(tmp_path / "t.csv").to_arrow()["x"].to_pylist() == [1, None, 3]


def test_whole_floats_stay_floats_in_csv(tmp_path: Path) -> None:
    write_table(pa.table({"x": [1.0, 1e22, -0.0]}), tmp_path / "t.csv")
    assert open_table(tmp_path / "t.csv").columns == {"x": "float"}


@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl", "csv.gz"])
def test_the_same_rows_give_the_same_bytes_whatever_the_batches(tmp_path: Path, ending: str) -> None:
    whole = open_table({"x": np.arange(300_000), "s": ["a", "b", "c"] * 100_000})
    mask = np.arange(300_000) < 1234
    parts = concat_tables([whole.filter(mask), whole.filter(~mask)])
    write_table(whole, tmp_path / f"whole.{ending}")
    write_table(parts, tmp_path / f"parts.{ending}")
    assert (tmp_path / f"whole.{ending}").read_bytes() == (tmp_path / f"parts.{ending}").read_bytes()


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv"])
def test_no_rows(tmp_path: Path, ending: str) -> None:
    write_table(SCHEMA.empty_table(), tmp_path / f"t.{ending}")
    assert open_table(tmp_path / f"t.{ending}").rows == 0


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    for name in ("t.xlsx", "t", "t.parquet.gz"):
        with pytest.raises(DataError, match=r"are not written(.|\n)*\.parquet"):
            write_table(pa.table({"x": [1]}), tmp_path / name)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")
    table = open_table({"n": ["1"] * 200_000 + ["two"]}, types={"n": "int"})
    with pytest.raises(DataError, match="'two'"):
        write_table(table, path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written: No such file"):
        write_table(pa.table({"x": [1]}), tmp_path / "nowhere" / "t.csv")
