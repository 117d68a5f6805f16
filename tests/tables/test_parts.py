"""A table's parts, in order, are its rows; each can be sent to another process."""

from __future__ import annotations

import datetime
from pathlib import Path

import cloudpickle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.tables import Table, columnar_files, concat_tables, large_parts, open_table, write_table


def rows_of_parts(table: Table) -> list[dict[str, object]]:
    """The rows of all parts, each sent through bytes first."""
    sent = [cloudpickle.loads(cloudpickle.dumps(part)) for part in table.parts()]
    for part in sent:
        assert list(part.columns.items()) == list(table.columns.items())
    return [row for part in sent for row in part.to_arrow().to_pylist()]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """25 rows of five types in row groups of 4."""
    path = tmp_path / "data.parquet"
    columns = {
        "n": list(range(25)),
        "x": [None if i % 7 == 0 else i / 3 for i in range(25)],
        "s": ["?" if i % 5 == 0 else f"text {i}" for i in range(25)],
        "b": [i % 2 == 0 for i in range(25)],
        "t": [datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=i) for i in range(25)],
    }
    pq.write_table(pa.table(columns), path, row_group_size=4)
    return path


@pytest.fixture
def cut_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row group is a part."""
    monkeypatch.setattr(columnar_files, "_PART_BYTES", 1)


def test_a_table_in_memory_is_one_part() -> None:
    table = open_table({"x": [1, None], "s": ["a", "b"]})
    assert table.parts() == (table,)
    assert rows_of_parts(table) == table.to_arrow().to_pylist()


def test_a_parquet_file_is_cut_at_its_row_groups(parquet: Path, cut_often: None) -> None:
    table = open_table(parquet)
    assert [part.rows for part in table.parts()] == [4, 4, 4, 4, 4, 4, 1]
    assert rows_of_parts(table) == table.to_arrow().to_pylist()


def test_small_row_groups_are_taken_together(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_table(parquet)
    assert table.parts() == (table,)
    size = pq.ParquetFile(parquet).metadata.row_group(1).total_byte_size
    monkeypatch.setattr(columnar_files, "_PART_BYTES", int(size * 2.5))
    cut = open_table(parquet)
    assert [part.rows for part in cut.parts()] == [8, 8, 8, 1]
    assert rows_of_parts(cut) == table.to_arrow().to_pylist()


def test_files_of_several_kinds_are_parts(tmp_path: Path, parquet: Path, cut_often: None) -> None:
    lines = tmp_path / "more.csv"
    write_table(open_table(parquet), lines)
    table = concat_tables([open_table(lines), open_table(parquet), open_table({"n": [0.5], "new": ["a"]})])
    assert len(table.parts()) == 1 + 7 + 1
    assert rows_of_parts(table) == table.to_arrow().to_pylist()


def test_parts_have_what_was_asked_of_the_table(parquet: Path, cut_often: None) -> None:
    table = open_table(parquet, missing=["?"]).select(["s", "n"]).with_column("source", "here")
    assert len(table.parts()) == 7
    assert rows_of_parts(table) == table.to_arrow().to_pylist()
    assert table.to_arrow()["s"].null_count == 5


def test_filtered_parts_are_those_of_the_filtered_table(parquet: Path, cut_often: None) -> None:
    table = open_table(parquet)
    other = table.filter(pa.array([i % 3 == 0 for i in range(25)]))
    assert len(other.parts()) == len(table.parts())
    assert sum(part.rows for part in other.parts()) == other.rows
    assert rows_of_parts(other) == other.to_arrow().to_pylist()


def test_what_a_part_cannot_do_alone_is_one_part(parquet: Path, cut_often: None) -> None:
    table = open_table(parquet)
    numbered = table.with_column("row", pa.array(range(25)))
    assert rows_of_parts(numbered) == numbered.to_arrow().to_pylist()


def test_a_wrong_cell_is_told_with_its_row_in_the_file(parquet: Path, cut_often: None) -> None:
    table = open_table(parquet, types={"s": "int"})
    with pytest.raises(DataError, match="row 1\n"):
        rows_of_parts(table)


def test_an_empty_parquet_file_has_a_part(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    pq.write_table(pa.table({"x": pa.array([], pa.int64())}), path)
    (part,) = open_table(path).parts()
    assert part.rows == 0


def test_a_part_notices_that_its_file_changed(parquet: Path, cut_often: None) -> None:
    part = open_table(parquet).parts()[2]
    sent = cloudpickle.dumps(part)
    pq.write_table(pa.table({"n": [1]}), parquet)
    with pytest.raises(DataError, match="changed while it was being used"):
        cloudpickle.loads(sent).to_arrow()


@given(st.lists(st.lists(st.integers(-5, 5), max_size=6), min_size=1, max_size=5))
def test_parts_in_order_are_the_rows(pieces: list[list[int]]) -> None:
    table = concat_tables([open_table({"x": pa.array(piece, pa.int64())}) for piece in pieces])
    rows = [x for part in table.parts() for x in part.to_arrow()["x"].to_pylist()]
    assert rows == [x for piece in pieces for x in piece]


@given(st.integers(1, 12), st.integers(1, 5))
def test_large_parts_are_few_and_in_order(pieces: int, most: int) -> None:
    table = concat_tables([open_table({"x": [i, -i]}) for i in range(pieces)])
    parts = large_parts(table, most)
    assert len(parts) == min(pieces, most)
    assert [x for part in parts for x in part.to_arrow()["x"].to_pylist()] == table.to_arrow()[
        "x"
    ].to_pylist()


def test_large_parts_travel(parquet: Path, cut_often: None) -> None:
    table = open_table(parquet)
    sent = [cloudpickle.loads(cloudpickle.dumps(part)) for part in large_parts(table, 3)]
    assert [part.rows for part in sent] == [8, 8, 9]
    assert [row for part in sent for row in part.to_arrow().to_pylist()] == table.to_arrow().to_pylist()
