"""Point-in-time joins against a plain reference: what came later is never seen."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tilth
from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import Table, join_as_of, open_table
from tilth.tables.as_of import as_of
from tilth.tables.row_hashes import row_hashes

Row = dict[str, Any]

KEYS = st.sampled_from([None, "a", "b", "c"])
TIMES = st.one_of(st.none(), st.integers(0, 6))
ENTITIES = st.lists(
    st.fixed_dictionaries({"k": KEYS, "n": st.sampled_from([None, 1, 2]), "t": TIMES}), max_size=8
)
FEATURES = st.lists(
    st.fixed_dictionaries(
        {
            "k": KEYS,
            "n": st.sampled_from([None, 1, 2, 3]),
            "t": TIMES,
            "created": TIMES,
            "v": st.one_of(st.none(), st.integers(0, 2)),
        }
    ),
    max_size=14,
)
SCHEMA = {"k": pa.string(), "n": pa.int64(), "t": pa.int64(), "created": pa.int64(), "v": pa.int64()}


def table(rows: list[Row], names: list[str], moments: bool = False) -> pa.Table:
    arrays = {name: pa.array([row[name] for row in rows], SCHEMA[name]) for name in names}
    if moments:
        for name in {"t", "created"} & set(names):
            arrays[name] = pa.compute.multiply(arrays[name], 1_000_000).cast(pa.timestamp("us"))
    return pa.table(arrays)


def content(row: Row) -> int:
    return int(row_hashes(pa.RecordBatch.from_arrays([pa.array([row["v"]], pa.int64())], ["v"]))[0])


def reference(
    entity: Row, features: list[Row], on: list[str], created: bool, exact: bool, max_age: int | None
) -> Row | None:
    """The definition, row by row."""

    def is_before(time: int | None) -> bool:
        return time is not None and (time <= entity["t"] if exact else time < entity["t"])

    if entity["t"] is None or any(entity[name] is None for name in on):
        return None
    known = [
        row
        for row in features
        if all(row[name] == entity[name] for name in on)
        and is_before(row["t"])
        and (not created or is_before(row["created"]))
        and (max_age is None or entity["t"] - row["t"] <= max_age)
    ]
    return max(
        known, key=lambda row: (row["t"], row["created"] if created else 0, content(row)), default=None
    )


@given(
    entities=ENTITIES,
    features=FEATURES,
    on=st.sampled_from([["k"], ["n"], ["k", "n"]]),
    created=st.booleans(),
    exact=st.booleans(),
    max_age=st.sampled_from([None, 0, 1, 3]),
    moments=st.booleans(),
)
def test_the_join_is_what_the_definition_says(
    entities: list[Row],
    features: list[Row],
    on: list[str],
    created: bool,
    exact: bool,
    max_age: int | None,
    moments: bool,
) -> None:
    right = table(features, [*on, "t", *(["created"] if created else []), "v"], moments)
    joined = join_as_of(
        table(entities, [*on, "t"], moments),
        right,
        on,
        "t",
        created="created" if created else None,
        allow_exact=exact,
        max_age=max_age,
        age="age",
    ).to_arrow()
    expected = [reference(entity, features, on, created, exact, max_age) for entity in entities]
    assert joined["v"].to_pylist() == [None if row is None else row["v"] for row in expected]
    assert joined["age"].to_pylist() == [
        None if row is None else entity["t"] - row["t"]
        for entity, row in zip(entities, expected, strict=True)
    ]
    assert joined.select([*on, "t"]).equals(open_table(table(entities, [*on, "t"], moments)).to_arrow())


@given(features=FEATURES, later=FEATURES, moment=st.integers(0, 6))
def test_rows_from_the_future_change_nothing(features: list[Row], later: list[Row], moment: int) -> None:
    """A future value cannot leak: what is added with a later time, or became known later, is not seen."""
    entities = [{"k": key, "t": time} for key in ("a", "b", "c") for time in range(moment + 1)]
    future = [
        {**row, "t": moment + 1 + row["t"]} if position % 2 else {**row, "created": moment + 1}
        for position, row in enumerate(later)
        if row["t"] is not None
    ]
    names = ["k", "t", "created", "v"]
    for exact in (True, False):
        before, after = (
            join_as_of(
                table(entities, ["k", "t"]),
                table(rows, names),
                "k",
                "t",
                created="created",
                allow_exact=exact,
            ).to_arrow()
            for rows in (features, [*future, *features])
        )
        assert before.equals(after)


@given(features=FEATURES, seed=st.integers(0, 9))
def test_the_order_of_the_features_means_nothing(features: list[Row], seed: int) -> None:
    entities = table([{"k": key, "t": time} for key in ("a", "b") for time in range(7)], ["k", "t"])
    shuffled = [features[n] for n in np.random.default_rng(seed).permutation(len(features))]
    names = ["k", "t", "v"]
    first, second = (join_as_of(entities, table(rows, names), "k", "t") for rows in (features, shuffled))
    assert first.to_arrow().equals(second.to_arrow())


def test_ties_are_settled_by_what_became_known_last_then_by_content() -> None:
    entities = {"k": [1, 1, 1], "t": [4, 5, 6]}
    rows = [{"k": 1, "t": 3, "at": at, "v": v} for at, v in ((4, "first"), (5, "mended"), (5, "also mended"))]
    found = {
        tuple(join_as_of(entities, list(order), "k", "t", created="at").to_arrow()["v"].to_pylist())
        for order in permutations(rows)
    }
    (values,) = found
    assert values[0] == "first"
    assert values[1] == values[2]
    assert values[1] in ("mended", "also mended")
    join = as_of(entities, rows, "k", "t", created="at")
    assert "2 rows differ from others of their key and time" in join.notes[0]
    assert as_of(entities, rows[:2] * 2, "k", "t", created="at").notes == ()  # equal rows differ in nothing


def test_a_correction_is_not_seen_before_it_was_made() -> None:
    entities = {"k": ["a"] * 4, "t": [datetime(2024, 1, day) for day in (1, 2, 3, 9)]}
    rows = {
        "k": ["a", "a"],
        "t": [datetime(2024, 1, 1)] * 2,
        "created": [datetime(2024, 1, 2), datetime(2024, 1, 9)],
        "v": [10, 11],
    }
    seen = join_as_of(entities, rows, "k", "t", created="created").to_arrow()["v"].to_pylist()
    assert seen == [None, 10, 10, 11]
    before = join_as_of(entities, rows, "k", "t", created="created", allow_exact=False).to_arrow()["v"]
    assert before.to_pylist() == [None, None, 10, 10]


def test_time_zones_are_one_time() -> None:
    zone = timezone(timedelta(hours=9))
    entities = pa.table({"k": [1, 1], "t": pa.array([datetime(2024, 1, 1, 9, tzinfo=zone)] * 2)})
    features = {
        "k": [1, 1],
        "t": [datetime(2024, 1, 1, 0, 0, 0, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC)],
        "v": ["now", "a second later"],
    }
    assert join_as_of(entities, features, "k", "t").to_arrow()["v"].to_pylist() == ["now", "now"]


@pytest.mark.parametrize(
    ("max_age", "seen"),
    [
        (timedelta(days=1), [1.0, 2.0, 2.0, None]),
        (86_400, [1.0, 2.0, 2.0, None]),
        (86_399.5, [1.0, 2.0, None, None]),
        (timedelta(0), [1.0, 2.0, None, None]),
        (0.25, [1.0, 2.0, None, None]),
        (None, [1.0, 2.0, 2.0, 2.0]),
    ],
)
def test_what_is_too_old_is_not_known(max_age: Any, seen: list[float | None]) -> None:
    days = [datetime(2024, 1, day) for day in (1, 2, 3, 4)]
    features = {"k": [1, 1], "t": days[:2], "v": [1.0, 2.0]}
    joined = join_as_of({"k": [1] * 4, "t": days}, features, "k", "t", max_age=max_age, age="old").to_arrow()
    assert joined["v"].to_pylist() == seen
    ages = [None if v is None else a for v, a in zip(seen, [0.0, 0.0, 86_400.0, 172_800.0], strict=True)]
    assert joined["old"].to_pylist() == ages


def test_number_times_are_compared_exactly() -> None:
    big = 2**62
    joined = join_as_of(
        {"k": [1, 1], "t": [big, -big - 2**62]},
        {"k": [1, 1], "t": [big + 1, -big - 2**62], "v": [1, 2]},
        "k",
        "t",
        age="age",
    )
    assert joined.to_arrow()["v"].to_pylist() == [2, 2]
    assert joined.to_arrow()["age"].to_pylist() == [float(2**63 + big), 0.0]
    mixed = join_as_of(
        {"k": [1, 1, 1], "t": [1, 2, 3]}, {"k": [1, 1], "t": [1.5, math.nan], "v": [1, 2]}, "k", "t"
    )
    assert mixed.to_arrow()["v"].to_pylist() == [None, 1, 1]
    with pytest.raises(DataError, match=r"beyond 2\*\*53"):
        join_as_of({"k": [1], "t": [big + 1]}, {"k": [1], "t": [0.5], "v": [1]}, "k", "t")
    endless = {"k": [1, 1], "t": [-math.inf, math.inf], "v": [1, 2]}
    joined = join_as_of({"k": [1, 1], "t": [0.0, math.inf]}, endless, "k", "t", max_age=5, age="age")
    assert joined.to_arrow().to_pylist()[1] == {"k": 1, "t": math.inf, "v": 2, "age": 0.0}
    assert joined.to_arrow()["v"].to_pylist() == [None, 2]


def test_whole_and_other_numbers_are_one_key() -> None:
    features = {"k": [1.0, 2.5, math.nan, None, -0.0], "t": [0] * 5, "v": [1, 2, 3, 4, 5]}
    joined = join_as_of({"k": [1, 2, None, 0], "t": [1] * 4}, features, "k", "t").to_arrow()
    assert joined["v"].to_pylist() == [1, None, None, 5]
    big = 2**53 + 1
    joined = join_as_of({"k": [big], "t": [1]}, {"k": [float(big)], "t": [0], "v": [1]}, "k", "t").to_arrow()
    assert joined["v"].to_pylist() == [None]  # not the same number, although rounding makes it so
    joined = join_as_of({"k": [0.0, math.nan], "t": [1, 1]}, features, "k", "t").to_arrow()
    assert joined["v"].to_pylist() == [5, None]


@pytest.mark.parametrize("key", [[True, False], [datetime(2024, 1, 1), datetime(2024, 1, 2)], ["", "ä"]])
def test_keys_of_any_type(key: list[Any]) -> None:
    features = {"k": [*key[::-1], None], "t": [0, 0, 0], "v": [1, 2, 3]}
    joined = join_as_of({"k": [*key, None], "t": [1, 1, 1]}, features, "k", "t").to_arrow()
    assert joined["v"].to_pylist() == [2, 1, None]


def test_names_may_differ() -> None:
    joined = join_as_of(
        {"customer": [7], "shop": ["x"], "at": [5]},
        {"client": [7, 7], "shop": ["x", "y"], "seen": [4, 5], "v": [1, 2]},
        {"customer": "client", "shop": "shop"},
        ("at", "seen"),
    )
    assert joined.to_arrow().to_pylist() == [{"customer": 7, "shop": "x", "at": 5, "v": 1}]


def test_several_tables_of_features() -> None:
    entities = {"k": [1, 2], "t": [5, 5]}
    clicks, visits = {"k": [1], "t": [4], "n": [10]}, pl.DataFrame({"k": [2], "t": [3], "n": [20]})
    joined = join_as_of(entities, {"clicks": clicks, "visits": visits}, "k", "t", age="age").to_arrow()
    assert joined.to_pylist() == [
        {"k": 1, "t": 5, "clicks.n": 10, "clicks.age": 1.0, "visits.n": None, "visits.age": None},
        {"k": 2, "t": 5, "clicks.n": None, "clicks.age": None, "visits.n": 20, "visits.age": 2.0},
    ]
    listed = join_as_of(entities, [open_table(clicks), visits.rename({"n": "m"})], "k", "t").to_arrow()
    assert listed.column_names == ["k", "t", "n", "m"]
    one = join_as_of(entities, [{"k": 1, "t": 4, "n": 10}], "k", "t").to_arrow()  # rows are one table
    assert one["n"].to_pylist() == [10, None]


def test_the_result_is_read_as_the_entities_are() -> None:
    rows = 1000
    entities = open_table({"k": list(range(rows)), "t": [1] * rows})
    features = pa.table({"k": list(range(rows)), "t": [0] * rows, "s": [f"text {n}" for n in range(rows)]})
    joined = join_as_of(entities, features, "k", "t")
    assert isinstance(joined, Table)
    assert (joined.rows, joined.columns) == (rows, {"k": "int", "t": "int", "s": "string"})
    assert [batch.num_rows for batch in joined.batches(300)] == [300, 300, 300, 100]
    assert joined.select(["s"]).to_arrow()["s"].to_pylist() == [f"text {n}" for n in range(rows)]
    assert joined.select(["s", "k"]).to_arrow().column_names == ["s", "k"]
    assert joined.select(["t"]).to_arrow()["t"].to_pylist() == [1] * rows


def test_a_long_text_that_many_get_is_not_copied_for_all_at_once() -> None:
    entities = {"k": [1] * 1000, "t": [1] * 1000}
    joined = join_as_of(entities, {"k": [1], "t": [0], "s": ["x" * 2_000_000]}, "k", "t")
    assert max(batch.nbytes for batch in joined.batches()) < 100_000_000


def test_lists_and_flags_come_along() -> None:
    features = pa.table({"k": [1, 1], "t": [0, 1], "l": [[1, 2], None], "f": [True, None]})
    joined = join_as_of({"k": [1, 1, 2], "t": [0, 1, 1]}, features, "k", "t").to_arrow()
    assert joined.select(["l", "f"]).to_pylist() == [
        {"l": [1, 2], "f": True},
        {"l": None, "f": None},
        {"l": None, "f": None},
    ]


def test_nothing_on_either_side() -> None:
    none = pa.table(
        {"k": pa.array([], pa.int64()), "t": pa.array([], pa.int64()), "v": pa.array([], pa.int64())}
    )
    assert join_as_of({"k": [1], "t": [1]}, none, "k", "t").to_arrow()["v"].to_pylist() == [None]
    empty = join_as_of(none.select(["k", "t"]), none, "k", "t").to_arrow()
    assert (empty.num_rows, empty.column_names) == (0, ["k", "t", "v"])
    unknown = {"k": [None], "t": [None], "v": [1]}  # columns without a value have no type
    assert join_as_of({"k": ["a"], "t": [1]}, unknown, "k", "t").to_arrow()["v"].to_pylist() == [None]


def test_csv_files(tmp_path: Path) -> None:
    (tmp_path / "loans.csv").write_text(
        "customer,at\n7,2024-03-01\n8,2024-03-01T12:00:00+02:00\n,2024-03-01\n"
    )
    (tmp_path / "balances.csv").write_text(
        "customer,at,balance\n8,2024-03-01T10:00:00Z,5\n8,2024-03-01T10:00:01Z,6\n7,2024-03-02,1\n"
    )
    joined = tilth.join_as_of(tmp_path / "loans.csv", tmp_path / "balances.csv", "customer", "at")
    assert joined.to_arrow()["balance"].to_pylist() == [None, 5, None]
    assert joined.notes[-1].endswith("balances.csv: nothing was known of 2 of 3 rows at their time")


@pytest.mark.parametrize(
    ("entities", "features", "arguments", "error", "words"),
    [
        ({"k": ["a"]}, {}, {}, DataError, "the key 'k' is string in one table and int in the other"),
        ({"t": ["soon"]}, {}, {}, DataError, "column 't' is string: it is no time, and 'soon' is none"),
        (
            {"t": ["2024-01-01"]},
            {},
            {},
            DataError,
            "(?s)'t' is string: it is no time\n.*types={'t': 'datetime'}",
        ),
        ({}, {"t": [True]}, {}, DataError, "column 't' is bool: it is no time"),
        ({"t": [datetime(2024, 1, 1)]}, {}, {}, DataError, "the times cannot be compared"),
        ({"v": [1]}, {}, {}, DataError, "two columns would be called 'v'"),
        ({"k": [[1]]}, {"k": [[1]]}, {}, DataError, "the key 'k' is list"),
        ({}, {}, {"on": "kk"}, ColumnNotFoundError, "no column 'kk'"),
        ({}, {}, {"time": "time"}, ColumnNotFoundError, "no column 'time'"),
        ({}, {}, {"created": "made"}, ColumnNotFoundError, "no column 'made'"),
        ({}, {}, {"on": []}, UsageError, "on is"),
        ({}, {}, {"on": ["k", "k"]}, UsageError, "on is"),
        ({}, {}, {"on": [("k", "k")]}, UsageError, "on is"),
        ({}, {}, {"time": ("t",)}, UsageError, "time is"),
        ({}, {}, {"max_age": -1}, UsageError, "max_age is -1"),
        ({}, {}, {"max_age": True}, UsageError, "max_age is True"),
        ({}, {}, {"max_age": "1 day"}, UsageError, "max_age is '1 day'"),
        ({}, {}, {"max_age": math.nan}, UsageError, "max_age is nan"),
        ({}, {}, {"max_age": timedelta(1)}, UsageError, "the times are numbers"),
        ({}, {}, {"age": "v"}, DataError, "two columns would be called 'v'"),
        ({}, {}, {"features": []}, UsageError, "there is no table of features"),
        ({}, {}, {"features": {}}, UsageError, "there is no table of features"),
        ({}, {}, {"features": {1: {"k": [1]}}}, UsageError, "the prefix 1"),
        ({}, {}, {"features": {"k": [1], "t": [1]}}, DataError, "there is nothing to join"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    entities: Row, features: Row, arguments: Row, error: type[Exception], words: str
) -> None:
    left, right = {"k": [1], "t": [1], **entities}, {"k": [1], "t": [1], "v": [1], **features}
    given = {"on": "k", "time": "t", "features": right, **arguments}
    with pytest.raises(error, match=words):
        join_as_of(left, given.pop("features"), given.pop("on"), given.pop("time"), **given)


def test_features_that_change_meanwhile_are_refused(tmp_path: Path) -> None:
    """The rows whose values are read must be those that were chosen, or the future could slip in."""
    with sqlite3.connect(tmp_path / "f.db") as database:
        database.execute("CREATE TABLE f (k INTEGER, t INTEGER, v INTEGER)")
        database.executemany("INSERT INTO f VALUES (1, ?, ?)", [(1, 10), (9, 90)])
    database.close()
    stored = open_table(f"sqlite:///{tmp_path / 'f.db'}?table=f")

    def read(names: Any, size: int) -> Any:
        yield from stored.select(names).batches(size)
        with sqlite3.connect(tmp_path / "f.db") as database:
            database.execute("UPDATE f SET t = 10 - t, v = 100 - v")
        database.close()

    moving = Table(stored.name, stored.columns, read, rows=2)
    with pytest.raises(DataError, match="changed while they were joined"):
        join_as_of({"k": [1], "t": [5]}, moving, "k", "t")


def test_entities_that_change_meanwhile_are_refused() -> None:
    sizes = iter([2, 2, 2, 3])

    def read(names: Any, size: int) -> Any:
        rows = next(sizes)
        yield pa.RecordBatch.from_pydict({name: [1] * rows for name in names})

    entities = Table("entities", {"k": "int", "t": "int"}, read)
    joined = join_as_of(entities, {"k": [1], "t": [0], "v": [1]}, "k", "t")
    assert joined.to_arrow().num_rows == 2
    with pytest.raises(DataError, match="there were 2 rows, now there are 3"):
        joined.to_arrow()
