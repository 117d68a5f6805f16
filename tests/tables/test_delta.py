"""Delta tables: versions, folders of a partition, and what cannot be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cloudpickle
import pyarrow as pa
import pytest

from tilth.errors import DataError, UsageError
from tilth.tables import fingerprint, open_table

deltalake = pytest.importorskip("deltalake")

FIRST = pa.table({"x": [3, 1, 2], "town": ["b", "a", "b"], "tags": [["t"], [], None]})


@pytest.fixture
def delta(tmp_path: Path) -> Path:
    """A table of three versions: three rows, then five, then four."""
    path = tmp_path / "delta"
    deltalake.write_deltalake(path, FIRST, partition_by=["town"])
    more = pa.table({"x": [4, 5], "town": ["c d", None], "tags": [["u", "v"], ["w"]]})
    deltalake.write_deltalake(path, more, mode="append")
    deltalake.DeltaTable(path).delete("x = 3")
    return path


def values(place: object) -> list[object]:
    return sorted(open_table(place).to_arrow()["x"].to_pylist())


def test_the_newest_version_and_older_ones(delta: Path) -> None:
    table = open_table(delta)
    assert table.columns == {"x": "int", "town": "string", "tags": "list[string]"}
    assert table.rows == 4
    assert values(delta) == [1, 2, 4, 5]
    assert values(f"{delta}?version=0") == values(f"{delta}@0") == [1, 2, 3]
    assert fingerprint(open_table(f"{delta}@0")) == fingerprint(open_table(FIRST))
    assert open_table(f"{delta}@1").name == f"{delta}?version=1"


def test_rows_keep_their_order(delta: Path) -> None:
    table = open_table(delta)
    whole = table.to_arrow()
    assert pa.Table.from_batches(table.batches(1)) == whole
    assert table.select(["town"]).to_arrow()["town"] == whole["town"]
    assert cloudpickle.loads(cloudpickle.dumps(table)).to_arrow() == whole


def test_a_newer_version_changes_nothing_that_is_open(delta: Path) -> None:
    table = open_table(delta)
    before = table.to_arrow()
    deltalake.write_deltalake(delta, FIRST, mode="overwrite")
    assert table.to_arrow() == before


def test_columns_left_out(delta: Path) -> None:
    assert set(open_table(delta, exclude=["tags"]).columns) == {"x", "town"}


@pytest.mark.parametrize(("asked", "words"), [("@3", "no version 3"), ("?version=77", r"expected: 0 to 2")])
def test_versions_that_are_not_there(delta: Path, asked: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_table(f"{delta}{asked}")


def test_a_version_that_is_no_number(delta: Path) -> None:
    with pytest.raises(UsageError, match="version 'last' is not a number"):
        open_table(f"{delta}?version=last")


def test_no_such_folder_and_no_delta_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_table(tmp_path / "none@3")
    (tmp_path / "plain").mkdir()
    with pytest.raises(DataError, match="the Delta table cannot be read"):
        open_table(f"{tmp_path}/plain@3")


def test_a_damaged_log(delta: Path) -> None:
    (delta / "_delta_log" / f"{2:020}.json").write_text("{damaged")
    with pytest.raises(DataError, match="the Delta table cannot be read") as caught:
        open_table(delta)
    assert "unknown>" not in str(caught.value)


def test_a_file_that_is_gone(delta: Path) -> None:
    for path in delta.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(DataError, match="the Delta table cannot be read"):
        open_table(delta).to_arrow()


def test_features_that_cannot_be_read(delta: Path) -> None:
    log = delta / "_delta_log" / f"{3:020}.json"
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["x"],
        "writerFeatures": ["x"],
    }
    log.write_text(json.dumps({"protocol": protocol}) + "\n")
    with pytest.raises(DataError, match="the Delta table cannot be read"):
        open_table(delta).to_arrow()


def test_without_the_driver(delta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(DataError, match=r"deltalake, which is not installed(.|\n)*tilth\[delta\]"):
        open_table(delta)
