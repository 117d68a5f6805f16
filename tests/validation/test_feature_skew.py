"""Feature skew: what was done to one side only is found, and named."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import open_table
from tilth.validation import feature_skew
from tilth.validation.transformations import guess_transformation

ROWS = 300
AMOUNT = np.random.default_rng(0).gamma(4, 3, ROWS) + 0.5
START = datetime.datetime(2024, 3, 1, 7, 30)


def stored() -> dict[str, Any]:
    return {
        "id": list(range(ROWS)),
        "amount": AMOUNT,
        "whole": list(range(100, 100 + ROWS)),
        "name": [f"Name {i % 7}" for i in range(ROWS)],
        "when": [START + datetime.timedelta(minutes=i) for i in range(ROWS)],
        "flag": [i % 3 == 0 for i in range(ROWS)],
    }


def served(**changed: Any) -> dict[str, pa.Array]:
    """The same rows in another order, with some columns changed."""
    order = np.random.default_rng(1).permutation(ROWS)
    columns = {**stored(), **changed}
    return {name: pa.array(values).take(pa.array(order)) for name, values in columns.items()}


def test_the_same_rows_in_another_order_do_not_differ() -> None:
    found = feature_skew(stored(), served(), ["id"])
    assert (found.matched, found.skewed, found.differs) == (ROWS, (), False)
    assert list(found.columns) == ["amount", "whole", "name", "when", "flag"]
    assert found.columns["amount"].share == 0


@pytest.mark.parametrize(
    ("column", "after", "guess"),
    [
        ("amount", AMOUNT * 100, "multiplied by 100"),
        ("amount", AMOUNT / 1000, "divided by 1,000"),
        ("amount", AMOUNT * -1, "the sign changed"),
        ("amount", AMOUNT + 273.15, "shifted by +273.15"),
        ("amount", AMOUNT * 1.8 + 32, "1.8 times the value + 32"),
        ("amount", (AMOUNT - 12) / 4, "0.25 times the value - 3"),
        ("amount", np.round(AMOUNT, 1), "rounded to 1 decimal"),
        ("amount", np.floor(AMOUNT), "cut to whole numbers"),
        ("amount", np.log(AMOUNT), "the natural logarithm"),
        ("amount", np.log1p(AMOUNT), "the natural logarithm of 1 + the value"),
        ("amount", np.clip(AMOUNT, 5, 20), "clipped at 5 and 20"),
        ("amount", np.zeros(ROWS), "all became 0"),
        ("amount", np.full(ROWS, None, object), "values were lost"),
        ("whole", np.arange(100, 100 + ROWS) + 1, "shifted by +1"),
        ("name", [f"NAME {i % 7}" for i in range(ROWS)], "in upper case"),
        ("name", [f"Name{i % 7}" for i in range(ROWS)], "white space left out"),
        ("name", [f"x/Name {i % 7}" for i in range(ROWS)], "'x/' was added in front"),
        ("name", ["Nam"] * ROWS, "cut to 3 characters"),
        (
            "name",
            ["abcdefg"[i % 7] for i in range(ROWS)],
            "other names: 'Name 0' is 'a', 'Name 1' is 'b', ...",
        ),
        ("when", [START + datetime.timedelta(minutes=i + 60) for i in range(ROWS)], "shifted by +1:00:00"),
        ("flag", [i % 3 != 0 for i in range(ROWS)], "true and false changed places"),
    ],
)
def test_what_was_done_is_named(column: str, after: Any, guess: str) -> None:
    found = feature_skew(stored(), served(**{column: after}), ["id"])
    assert found.skewed == (column,)
    assert found.columns[column].guess == guess
    assert found.columns[column].differing > ROWS / 20
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["skewed"] == [column]
    assert guess in found.report()


def test_a_change_without_a_rule_is_not_named() -> None:
    noise = np.random.default_rng(5).standard_normal(ROWS)
    found = feature_skew(stored(), served(amount=AMOUNT + noise), ["id"]).columns["amount"]
    assert (found.differing, found.guess) == (ROWS, None)


def test_filled_missing_values() -> None:
    before = {"id": [1, 2, 3, 4], "x": [1.0, None, float("nan"), 4.0]}
    after = {"id": [1, 2, 3, 4], "x": [1.0, 0.0, 0.0, None]}
    found = feature_skew(before, after, ["id"]).columns["x"]
    assert (found.differing, found.filled, found.lost, found.share) == (3, 2, 1, 0.75)
    assert found.guess == "missing values became 0.0; values were lost"
    assert [(e.key, e.before, e.after) for e in found.examples] == [
        ((2,), None, 0.0),
        ((3,), None, 0.0),
        ((4,), 4.0, None),
    ]


def test_tolerance_is_for_floats() -> None:
    near = {**stored(), "amount": AMOUNT * (1 + 1e-9), "whole": np.arange(100, 100 + ROWS)}
    assert not feature_skew(stored(), near, ["id"]).differs
    assert feature_skew(stored(), near, ["id"], tolerance=0).columns["amount"].differing == ROWS
    assert not feature_skew(
        stored(), served(amount=AMOUNT * 1.01), ["id"], tolerance={"amount": 0.02}
    ).differs
    large = {"id": [1], "n": [2**60]}
    assert feature_skew(large, {"id": [1], "n": [2**60 + 1]}, ["id"]).columns["n"].differing == 1
    single = feature_skew(stored(), served(amount=AMOUNT.astype(np.float32)), ["id"], tolerance=0)
    assert single.columns["amount"].guess == "kept in single precision"


def test_rows_that_cannot_be_matched_are_counted() -> None:
    before = {"a": [1, 1, 2, 3, None, 5], "b": ["x"] * 6, "v": [1, 2, 3, 4, 5, 6]}
    after = {"a": [2, 3, 3, 7, 5, None], "b": ["x", "x", "x", "x", "y", "x"], "v": [0, 4, 4, 9, 6, 1]}
    found = feature_skew(before, after, ["a", "b"])
    assert found.matched == 1  # (2, x); 1 and 3 come twice, 5 is with another b
    assert (found.repeated, found.without_key, found.only) == ((2, 2), (1, 1), (2, 2))
    assert found.columns["v"].examples[0].key == (2, "x")
    assert sorted(found.only_keys[0], key=str) == [(3, "x"), (5, "x")]
    report = found.report()
    assert "2 rows of the reference data with a key that comes more than once: left out" in report
    assert "1 row of the current data without a key: left out" in report


def test_nothing_in_common_is_no_success() -> None:
    found = feature_skew({"id": [1], "x": [1]}, {"id": [2], "x": [1]}, ["id"])
    assert (found.matched, found.columns["x"].share, found.differs) == (0, None, True)
    assert found.report().startswith("! nothing was compared: no rows matched by id")
    empty = {"id": pa.array([], pa.int64()), "x": pa.array([], pa.int64())}
    assert not feature_skew(empty, empty, ["id"]).differs


@pytest.mark.parametrize(
    ("before", "after", "differing"),
    [
        ([1, 2], ["1", " 2 "], 0),
        ([1.5, 2.0], ["1.5", "3"], 1),
        ([True, False], [1, 0], 0),
        ([datetime.datetime(2024, 1, 1)] * 2, ["2024-01-01", "2024-01-02"], 1),
        (["a", "b"], [1, 2], 2),
    ],
)
def test_types_that_differ(before: Any, after: Any, differing: int) -> None:
    found = feature_skew({"id": [1, 2], "x": before}, {"id": [1, 2], "x": after}, ["id"])
    assert found.columns["x"].differing == differing
    assert found.columns["x"].has_other_type
    assert found.skewed == ("x",)


def test_whole_numbers_in_a_float_column_are_the_same() -> None:
    found = feature_skew({"id": [1, 2], "x": [1, 2]}, {"id": [1.0, 2.0], "x": [1.0, 2.0]}, ["id"])
    assert (found.matched, found.skewed) == (2, ())


def test_lists_and_images() -> None:
    def table(lists: Any, photos: Any) -> Any:
        columns = {"id": [1, 2, 3], "tags": lists, "photo": photos}
        return open_table(columns, types={"photo": "image"})

    before = table([["a"], ["b", "c"], None], [b"GIF89a1", b"GIF89a2", None])
    after = table([["a"], ["c", "b"], None], [b"GIF89a1", b"GIF89a3", None])
    found = feature_skew(before, after, ["id"])
    assert {name: column.differing for name, column in found.columns.items()} == {"tags": 1, "photo": 1}
    assert found.columns["tags"].examples[0].before == "2 items"
    json.dumps(found.to_json())


@pytest.mark.parametrize(
    ("error", "key", "options", "words"),
    [
        (UsageError, [], {}, "a key of"),
        (UsageError, ["id", "id"], {}, "a key of"),
        (ColumnNotFoundError, ["idd"], {}, "did you mean 'id'"),
        (ColumnNotFoundError, ["id"], {"columns": ["nam"]}, "did you mean 'name'"),
        (UsageError, ["id"], {"tolerance": -1}, "a tolerance of -1"),
        (UsageError, ["id"], {"tolerance": {"nam": 0.1}}, "a tolerance for 'nam'"),
    ],
)
def test_wrong_use_is_refused(error: type[Exception], key: list[str], options: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        feature_skew(stored(), stored(), key, **options)


def test_keys_of_different_types_are_refused() -> None:
    with pytest.raises(DataError, match="the key 'id' is int in one table, string in the other"):
        feature_skew({"id": [1], "x": [1]}, {"id": ["1"], "x": [1]}, ["id"])


cells = st.none() | st.sampled_from([0.0, 1.0, 2.5, float("inf")])
tables = st.lists(
    st.tuples(st.none() | st.integers(0, 8), cells, st.sampled_from(["a", "b", None])), max_size=12
)


@given(tables, tables, st.randoms())
def test_any_two_tables_agree_with_a_plain_join(first: Any, second: Any, random: Any) -> None:
    types = pa.schema([("k", pa.int64()), ("x", pa.float64()), ("s", pa.string())])

    def table(rows: Any) -> pa.Table:
        return pa.Table.from_pylist([dict(zip("kxs", row, strict=True)) for row in rows], types)

    found = feature_skew(table(first), table(second), ["k"])
    sides = []
    for rows in (first, second):
        keys = [row[0] for row in rows]
        sides.append({row[0]: row for row in rows if row[0] is not None and keys.count(row[0]) == 1})
    shared = sides[0].keys() & sides[1].keys()
    assert found.matched == len(shared)
    for position, name in ((1, "x"), (2, "s")):
        differing = sum(sides[0][key][position] != sides[1][key][position] for key in shared)
        assert found.columns[name].differing == differing
    mixed = list(second)
    random.shuffle(mixed)
    assert feature_skew(table(first), table(mixed), ["k"]).to_json() == found.to_json()


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=30),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=30),
)
def test_guessing_never_fails(first: list[float], second: list[float]) -> None:
    size = min(len(first), len(second))
    guess_transformation(pa.array(first[:size]), pa.array(second[:size]))
    texts = [str(value) for value in first[:size]], [str(value) for value in second[:size]]
    guess_transformation(pa.array(texts[0]), pa.array(texts[1]))
