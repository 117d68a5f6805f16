"""Row hashes and fingerprints: they depend on content alone, and on all of it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError
from tilth.tables import Table, concat_tables, fingerprint, open_table, row_hashes, write_table

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(),
        st.none() | st.text(max_size=40),
        st.none() | st.booleans(),
    ),
    max_size=8,
)
SCHEMA = pa.schema({"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.bool_()})

GOLDEN = [2555166939680332888, 4632026380587215826, 1939947573735813652]
GOLDEN_FINGERPRINT = "6d2f3d112dbbb75dd7e440a14b4a49efdf93eca2"


def batch_of(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


def one(**values: object) -> int:
    batch = pa.RecordBatch.from_pydict({name: [value] for name, value in values.items()})
    return int(row_hashes(batch)[0])


def test_the_hashes_never_change() -> None:
    # Splits and fingerprints on record rest on these numbers.
    batch = batch_of([(1, 0.5, "hello", True), (None, None, None, None), (2**60, -1e300, "ä" * 9, False)])
    assert row_hashes(batch).tolist() == GOLDEN
    assert row_hashes(batch, seed=1).tolist() != GOLDEN
    assert fingerprint(open_table(pa.Table.from_batches([batch]))) == GOLDEN_FINGERPRINT


@given(ROWS, st.integers(0, 7))
def test_a_hash_depends_on_nothing_around_the_row(rows: list[tuple[object, ...]], start: int) -> None:
    batch = batch_of(rows)
    hashes = row_hashes(batch)
    assert row_hashes(batch.slice(start)).tolist() == hashes[start:].tolist()
    assert [int(row_hashes(batch_of([row]))[0]) for row in rows] == hashes.tolist()
    assert row_hashes(batch.select(["b", "s", "i", "f"])).tolist() == hashes.tolist()


def test_all_of_the_content_counts() -> None:
    different = [
        *(one(x=0), one(x=1), one(x=-1), one(x=2**63 - 1), one(x=-(2**63)), one(x=2**53), one(x=2**53 + 1)),
        *(one(x=0.5), one(x=float("nan")), one(x=float("inf")), one(x=-float("inf")), one(x=5e-324)),
        *(one(x=""), one(x="\0"), one(x="\0\0"), one(x="a"), one(x="a" * 8), one(x="a" * 9), one(x="1")),
        *(one(x="a" * 1024), one(x="a" * 1025), one(x="a" * 1025 + "b"), one(x="a" * 1024 + "bb")),
        *(one(x=True), one(x=False), one(y=0), one(y=1), one(x=0, y=1), one(x=1, y=0)),
        int(row_hashes(pa.RecordBatch.from_arrays([pa.array([0], pa.timestamp("us"))], ["x"]))[0]),
        int(row_hashes(pa.RecordBatch.from_arrays([pa.array([None], pa.int64())], ["x"]))[0]),
    ]
    assert len(set(different)) == len(different)


def test_equal_values_hash_alike() -> None:
    assert one(x=3) == one(x=3.0)
    assert one(x=0.0) == one(x=-0.0)
    nans = np.array([0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    assert len(set(row_hashes(pa.RecordBatch.from_pydict({"x": nans})).tolist())) == 1


def test_the_hashes_are_uniform() -> None:
    hashes = row_hashes(pa.RecordBatch.from_pydict({"x": np.arange(1 << 16)}))
    assert len(np.unique(hashes)) == 1 << 16
    for shift in (0, 8, 31, 56):
        counts = np.bincount((hashes >> np.uint64(shift)).astype(np.int64) & 0xFF, minlength=256)
        assert 0.7 * 256 < counts.min() <= counts.max() < 1.3 * 256


def test_columns_can_be_chosen() -> None:
    batch = pa.RecordBatch.from_pydict({"x": [1, 1], "y": [2, 3]})
    first, second = row_hashes(batch, columns=["x"])
    assert first == second
    with pytest.raises(ColumnNotFoundError, match="no column 'z'"):
        row_hashes(batch, columns=["z"])


@given(ROWS, st.randoms())
def test_a_fingerprint_knows_no_order_and_no_batches(
    rows: list[tuple[object, ...]], chance: random.Random
) -> None:
    mark = fingerprint(open_table(pa.Table.from_batches([batch_of(rows)])))
    mixed = list(rows)
    chance.shuffle(mixed)
    pieces = [open_table(pa.Table.from_batches([batch_of([row])])) for row in mixed]
    again = concat_tables([open_table(SCHEMA.empty_table()), *pieces])
    assert fingerprint(again.select(["s", "b", "f", "i"])) == mark


def test_a_fingerprint_depends_on_rows_columns_and_types() -> None:
    tables: list[Table] = [
        open_table({"x": [1, 2]}),
        open_table({"x": [1.0, 2.0]}),
        open_table({"x": [1, 1]}),
        open_table({"x": [2, 2]}),
        open_table({"x": [1, 2, 2]}),
        open_table({"y": [1, 2]}),
        open_table({"x": [1, 2], "y": [1, 2]}),
        open_table({"x": [1, 2], "y": [2, 1]}),
        open_table({"x": [1, None]}),
    ]
    assert len({fingerprint(table) for table in tables}) == len(tables)


def test_a_fingerprint_knows_no_file_format(tmp_path: Path) -> None:
    table = open_table({"x": [1, None, 3], "s": ["a", "b, c", None], "f": [0.1, 1e300, None]})
    for ending in ("csv", "csv.gz", "parquet", "jsonl", "arrow"):
        write_table(table, tmp_path / f"t.{ending}")
        assert fingerprint(open_table(tmp_path / f"t.{ending}")) == fingerprint(table)
