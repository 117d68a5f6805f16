"""What is looked up is what the training join gives at the same moment, and never what comes later."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from tilth.errors import ColumnNotFoundError, DataError, NotFoundError
from tilth.tables import open_table
from tilth.tables.lookup_rows import known_rows
from tilth.tables.lookup_stores import MemoryLookups, SqliteLookups, stored_info, write_lookups
from tilth.tables.lookups import Lookup, LookupInfo, join_lookup, key_maker, microseconds

START = datetime.datetime(2026, 1, 1)
LOOKUP = Lookup("sums", {"who": "who"}, "at")

MOMENTS = st.integers(0, 12).map(lambda hours: START + datetime.timedelta(hours=hours))
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 3)),
        st.one_of(st.none(), MOMENTS),
        MOMENTS,
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    ),
    min_size=1,
    max_size=25,
)


def table_of(rows: list[tuple[Any, ...]], key: pa.DataType | None = None) -> pa.Table:
    who, at, created, whole, part = zip(*rows, strict=True)
    moments = pa.timestamp("us")
    return pa.table(
        {
            "who": pa.array(who, pa.int64()).cast(key or pa.int64()),
            "at": pa.array(at, moments),
            "created": pa.array(created, moments),
            "whole": pa.array(whole, pa.int64()),
            "part": pa.array(part, pa.float64()),
        }
    )


def info_of(**changes: Any) -> LookupInfo:
    usual: dict[str, Any] = {
        "format": 1,
        "keys": [("who", "int")],
        "time": "at",
        "created": None,
        "columns": [("sum", "int")],
        "rows": 0,
        "at_us": 9,
        "newest_us": None,
        "next_us": None,
        "source": "",
    }
    return LookupInfo(**{**usual, **changes})


@given(rows=ROWS, now=MOMENTS, created=st.booleans(), text_keys=st.booleans())
def test_what_is_looked_up_is_what_the_training_join_gives_at_that_moment(
    rows: list[tuple[Any, ...]], now: datetime.datetime, created: bool, text_keys: bool
) -> None:
    kind = pa.string() if text_keys else pa.int64()
    features = open_table(table_of(rows, kind))
    columns = ("whole", "part")
    lookup = Lookup("sums", {"id": "who"}, "at", "moment", "created" if created else None, columns)
    ids = pa.array(range(5), pa.int64()).cast(kind)
    people = open_table(pa.table({"id": ids, "moment": pa.array([now] * 5, pa.timestamp("us"))}))
    joined = join_lookup(people, features, lookup).table.to_arrow().to_pylist()
    stored = dict(known_rows(features, lookup, now).rows())
    key = key_maker([features.columns["who"]])
    for row in joined:
        found = stored.get(key([row["id"]]) or b"", [None, None, None])
        assert found[1:] == [row["whole"], row["part"]]


@given(rows=ROWS, now=MOMENTS)
def test_no_row_of_the_future_is_stored(rows: list[tuple[Any, ...]], now: datetime.datetime) -> None:
    lookup = Lookup("sums", {"who": "who"}, "at", created="created")
    past = [row for row in rows if row[1] is not None and max(row[1], row[2]) <= now]
    later = [max(row[1], row[2]) for row in rows if row[1] is not None and max(row[1], row[2]) > now]
    known = known_rows(open_table(table_of(rows)), lookup, now)
    assert known.next_us == (microseconds(min(later)) if later else None)
    alone = known_rows(open_table(table_of(past)), lookup, now) if past else None
    assert dict(known.rows()) == (dict(alone.rows()) if alone else {})


@given(rows=ROWS, before=MOMENTS, now=MOMENTS)
def test_keys_with_news_are_enough_to_bring_what_is_stored_up_to_date(
    rows: list[tuple[Any, ...]], before: datetime.datetime, now: datetime.datetime
) -> None:
    before, now = min(before, now), max(before, now)
    features = open_table(table_of(rows))
    lookup = Lookup("sums", {"who": "who"}, "at", created="created")
    stored = dict(known_rows(features, lookup, before).rows())
    news = known_rows(features, lookup, now, since_us=microseconds(before))
    assert {**stored, **dict(news.rows())} == dict(known_rows(features, lookup, now).rows())


def test_values_are_stored_as_a_request_would_bring_them() -> None:
    features = pa.table(
        {
            "who": ["a"],
            "at": pa.array([START], pa.timestamp("us")),
            "day": pa.array([START], pa.timestamp("us")),
            "tags": [["x", "y"]],
            "flag": [True],
            "none": pa.array([float("inf")]),
        }
    )
    ((_, row),) = known_rows(open_table(features), LOOKUP, START).rows()
    assert row == [microseconds(START), "2026-01-01T00:00:00", ["x", "y"], True, None]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"at": [5], "x": [1]}, "column 'at' is int"),
        ({"at": [START]}, "there is no column to look up"),
    ],
)
def test_features_that_cannot_be_looked_up_are_refused(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        known_rows(open_table({"who": [1], **columns}), LOOKUP, START)


def test_a_column_that_is_not_there_is_named() -> None:
    wanted = Lookup("sums", {"who": "who"}, "at", columns=("summ",))
    with pytest.raises(ColumnNotFoundError, match="summ"):
        known_rows(open_table({"who": [1], "at": [START], "sum": [1]}), wanted, START)


@pytest.mark.parametrize("kind", ["int", "float"])
def test_equal_keys_have_one_name_and_others_another(kind: str) -> None:
    key = key_maker([kind])
    assert key([7]) == key([7.0]) != key([8])
    assert key([7.5]) not in (None, key([7]))
    assert {key([value]) for value in (None, "7", True, float("nan"))} == {None}


def test_a_key_of_several_columns_needs_all_of_them() -> None:
    key = key_maker(["string", "datetime", "bool"])
    first = key(["a", "2026-01-01", True])
    assert first == key(["a", START, True])
    assert first != key(["a", START, False])
    assert key(["a", None, True]) is None
    assert key(["a", "soon", True]) is None


@pytest.mark.parametrize("kind", [SqliteLookups, MemoryLookups])
def test_a_reader_sees_the_rows_before_or_those_after(
    tmp_path: Path, kind: type[SqliteLookups | MemoryLookups]
) -> None:
    path = tmp_path / "sums.db"
    write_lookups(path, [(b"a", [1, 10]), (b"b", [2, 20])], info_of())
    store = kind(path)
    write_lookups(path, [(b"a", [3, 30])], info_of(at_us=10))
    assert store.get([b"a", b"b"]) == [[1, 10], [2, 20]]
    store.refresh()
    assert store.get([b"a", b"b"]) == [[3, 30], None]
    assert (store.info.rows, store.info.newest_us, store.info.at_us) == (1, 3, 10)
    write_lookups(path, [(b"b", [5, 50])], info_of(), keep=True)
    store.refresh()
    assert store.get([b"b", b"a"]) == [[5, 50], [3, 30]]
    assert store.info.rows == 2
    assert [*tmp_path.iterdir()] == [path]
    store.close()


def test_rows_that_fail_half_way_leave_what_was_there(tmp_path: Path) -> None:
    def broken() -> Any:
        yield b"a", [9, 90]
        raise DataError("the features changed while they were read")

    path = tmp_path / "sums.db"
    write_lookups(path, [(b"a", [1, 10])], info_of())
    before = path.read_bytes()
    with pytest.raises(DataError, match="changed"):
        write_lookups(path, broken(), info_of())
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_a_writer_that_is_killed_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "sums.db"
    write_lookups(path, [(b"a", [1, 10])], info_of())
    code = """if True:
        import itertools, os, pathlib, sys, signal
        from tilth.tables.lookup_stores import stored_info, write_lookups
        path = pathlib.Path(sys.argv[1])
        def rows():
            for n in range(20_000):
                yield n.to_bytes(4, "big"), [n, n]
            os.kill(os.getpid(), signal.SIGKILL)
        write_lookups(path, rows(), stored_info(path))
    """
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    store = MemoryLookups(path)
    assert store.get([b"a"]) == [[1, 10]]
    assert store.info.rows == 1


def test_what_was_never_written_or_is_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sums.db"
    with pytest.raises(NotFoundError, match="never materialized"):
        SqliteLookups(path)
    assert stored_info(path) is None
    path.write_bytes(b"no database at all" * 100)
    for kind in (SqliteLookups, MemoryLookups):
        with pytest.raises(DataError, match="cannot be read") as raised:
            kind(path)
        assert "tilth materialize sums" in str(raised.value)
    assert stored_info(path) is None


def test_a_damaged_file_does_not_take_the_place_of_the_rows_that_are_served(tmp_path: Path) -> None:
    path = tmp_path / "sums.db"
    write_lookups(path, [(b"a", [1, 10])], info_of())
    for store in (SqliteLookups(path), MemoryLookups(path)):
        other = tmp_path / "other"
        other.write_bytes(b"damaged" * 999)
        other.replace(path)
        with pytest.raises(DataError):
            store.refresh()
        assert store.get([b"a"]) == [[1, 10]]
        store.close()
        write_lookups(path, [(b"a", [1, 10])], info_of())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "lookups").write_text("a file is in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_lookups(tmp_path / "lookups" / "sums.db", [], info_of())
