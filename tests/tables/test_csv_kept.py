"""What is kept of a text file between two readings."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import cloudpickle
import pyarrow as pa
import pytest

from tilth.errors import DataError
from tilth.tables import open_table
from tilth.tables.csv_kept import KeptBatches, _Budget


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "t.csv"
    found.write_text("a,b,c\n" + "".join(f"{n},x{n},{n / 4}\n" for n in range(300_000)))
    return found


def test_what_does_not_fit_memory_is_in_a_file_without_a_name(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = open_table(path).to_arrow()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr("tilth.tables.csv_kept._BUDGET", _Budget(3_000_000))
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir())) if open_files.exists() else None
    table = open_table(path)
    monkeypatch.setattr("tilth.tables.csv_typed.pacsv.read_csv", None)  # it is not parsed again
    assert list(folder.iterdir()) == []
    assert table.to_arrow() == expected
    assert table.select(["c", "a"]).to_arrow() == expected.select(["c", "a"])
    halves = zip(table.batches(), table.batches(), strict=True)  # two readers at once
    assert all(one == two for one, two in halves)
    del table, halves
    gc.collect()
    if before is not None:
        assert len(list(open_files.iterdir())) <= before


def test_a_full_disk_only_costs_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = open_table(path).to_arrow()
    monkeypatch.setattr("tilth.tables.csv_kept._BUDGET", _Budget(1_000_000))
    monkeypatch.setattr("tilth.tables.csv_kept._SHARE_OF_DISK", 1e-12)
    table = open_table(path)
    assert table.to_arrow() == expected

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tilth.tables.csv_kept._SHARE_OF_DISK", 0.5)
    monkeypatch.setattr("tilth.tables.csv_kept.os.write", full)
    assert open_table(path).to_arrow() == expected


def test_all_tables_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = _Budget(1000)
    monkeypatch.setattr("tilth.tables.csv_kept._BUDGET", budget)
    batch = pa.record_batch({"x": list(range(100))})
    first, second = KeptBatches(), KeptBatches()
    first.add(batch)
    second.add(batch)
    assert first._file is None
    assert second._file is not None
    assert list(first.batches()) == list(second.batches()) == [batch]
    first.drop()
    assert not first.is_complete
    third = KeptBatches()
    third.add(batch)
    assert third._file is None


def test_a_table_travels_without_what_is_kept(path: Path) -> None:
    table = open_table(path)
    packed = cloudpickle.dumps(table)
    assert len(packed) < 100_000
    assert cloudpickle.loads(packed).to_arrow() == table.to_arrow()


def test_a_file_cut_short_while_it_is_read_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tables.csv_kept._BUDGET", _Budget(0))
    monkeypatch.setattr("tilth.tables.csv_kept._SHARE_OF_DISK", 0)
    monkeypatch.setattr("tilth.tables.csv_chunks._USUAL", 1 << 16)
    batches = open_table(path).batches()
    next(batches)
    os.truncate(path, 200_000)
    with pytest.raises(DataError, match="the file changed while it was being used"):
        list(batches)
