"""Hostile and adversarial data: every figure is right, or undefined, however the rows come."""

from __future__ import annotations

import datetime
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tilth.engines import local_engine
from tilth.profiles import Profile, profile, profile_batches
from tilth.types import ColumnType

RNG = np.random.default_rng(0)
ROWS = 3_000
NUMBERS: dict[str, np.ndarray] = {
    "all equal": np.full(ROWS, 0.1),
    "huge and tiny": np.tile([1e300, -1e-300, 1e300, 5e-324], ROWS // 4),
    "one outlier": np.append(RNG.standard_normal(ROWS - 1), 1e8),
    "sorted": np.sort(RNG.standard_normal(ROWS)),
    "heavy ties": RNG.integers(0, 3, ROWS).astype(float),
    "far from zero": 1e9 + RNG.standard_normal(ROWS),
    "with nan": np.where(RNG.random(ROWS) < 0.5, np.nan, RNG.standard_normal(ROWS)),
    "with infinities": np.where(RNG.random(ROWS) < 0.1, np.inf, RNG.standard_normal(ROWS)),
    "only nan": np.full(ROWS, np.nan),
    "subnormal": np.full(ROWS, 5e-324) * RNG.integers(0, 9, ROWS),
    "largest": np.where(RNG.random(ROWS) < 0.5, 1.7976931348623157e308, -1.7976931348623157e308),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_figures_of_hostile_numbers(name: str) -> None:
    values = NUMBERS[name]
    finite = values[np.isfinite(values)]
    column = profile({"x": values})["x"]
    assert column.count == len(values) - int(np.isnan(values).sum())
    assert column.infinite == int(np.isinf(values).sum())
    assert column.distinct == len(np.unique(finite))
    if not len(finite):
        assert (column.mean, column.std, column.min, column.median, column.sum) == (None,) * 5
        return
    assert (column.min, column.max) == (finite.min(), finite.max())
    assert column.mean == float(sum(map(Fraction, finite.tolist())) / len(finite))
    assert sum(count for _, _, count in column.histogram()) == len(finite)
    assert sum(count for _, _, count in column.quantile_histogram()) == len(finite)
    assert column.median is not None
    assert column.min is not None
    assert column.max is not None
    assert column.min <= column.median <= column.max


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
def test_deviation_is_stable(offset: float) -> None:
    values = np.round(RNG.standard_normal(ROWS) * 1024) / 1024
    assert profile({"x": values + offset})["x"].std == pytest.approx(float(values.std()), rel=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
def test_order_batches_threads_and_merging_change_no_byte(name: str) -> None:
    values = NUMBERS[name]
    table = pa.table({"x": values, "s": values.astype(str)})
    types: dict[str, ColumnType] = {"x": "float", "s": "string"}
    whole = profile_batches(table.to_batches(), types).to_json()
    mixed = table.take(pa.array(np.random.default_rng(1).permutation(len(values))))
    assert profile_batches(mixed.to_batches(max_chunksize=271), types).to_json() == whole
    assert profile_batches(mixed.to_batches(max_chunksize=999), types, threads=3).to_json() == whole
    parts = [profile_batches([batch], types) for batch in mixed.to_batches(max_chunksize=700)]
    assert Profile.merged(parts[::-1]).to_json() == whole
    read = [Profile.from_json(part.to_json()) for part in parts]
    assert Profile.merged(read).to_json() == whole


def test_past_every_limit_bytes_stay_the_same() -> None:
    rows = 400_000
    rng = np.random.default_rng(3)
    data = {
        "f": rng.standard_normal(rows),
        "i": rng.permutation(rows) * 3,
        "s": np.char.add("text number ", rng.permutation(rows).astype(str)),
        "t": rng.integers(0, 2**48, rows).astype("datetime64[us]"),
    }
    data["s"][: rows // 20] = "popular"
    table = pa.table(data)
    order = pa.array(rng.permutation(rows))
    whole = profile(table, engine=local_engine(1))
    assert profile(table.take(order), engine=local_engine(3)).to_json() == whole.to_json()
    halves = [profile(table.slice(0, 150_000)), profile(table.slice(150_000))]
    assert (halves[1] + halves[0]).to_json() == whole.to_json()
    assert Profile.from_json(whole.to_json()).to_json() == whole.to_json()
    assert (whole["i"].distinct, whole["i"].is_unique, whole["i"].is_distinct_exact) == (rows, True, True)
    assert (whole["s"].distinct, whole["s"].is_unique) == (rows - rows // 20 + 1, False)
    ((popular, count),) = whole["s"].top()
    assert popular == "popular"
    assert count == pytest.approx(rows // 20, rel=0.01)
    assert not whole["s"].is_exact
    assert whole["s"].rare() == []
    assert whole["f"].distinct == pytest.approx(rows, rel=0.05)
    assert whole.duplicate_rows == 0
    for share in (0.001, 0.5, 0.9):
        exact = float(np.quantile(data["f"], share))
        assert whole["f"].quantile(share) == pytest.approx(exact, rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("kind", ["int", "float", "string", "bool", "datetime", "list[int]", "image"])
def test_no_rows_and_one_row(kind: ColumnType) -> None:
    from tilth.tables import ARROW_TYPES

    batches = [pa.record_batch({"x": pa.array([None] * n, ARROW_TYPES[kind])}) for n in (0, 1)]
    empty, one = (profile_batches([batch], {"x": kind}) for batch in batches)
    assert (empty.rows, empty["x"].count, empty["x"].distinct, empty["x"].mode) == (0, 0, 0, None)
    assert (one["x"].missing, one["x"].count) == (1, 0)
    assert empty + one == one + empty == one
    assert "NaN" not in one.to_json()
    assert Profile.from_json(empty.to_json()) == empty
    assert one.report().startswith("1 row, 1 column")


def test_extreme_integers_and_dates() -> None:
    found = profile(
        {
            "i": [-(2**63), 2**63 - 1, 2**63 - 1, -1],
            "t": [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31), None, None],
        }
    )
    assert (found["i"].min, found["i"].max, found["i"].distinct) == (-(2**63), 2**63 - 1, 3)
    assert found["i"].sum == float(2**63 - 3)
    column: Any = found.to_dict()["columns"]["t"]  # type: ignore[index,call-overload]
    assert (column["min"], column["max"]) == ("0001-01-01T00:00:00", "9999-12-31T00:00:00")


def test_hundred_thousand_texts_are_exact() -> None:
    texts = [f"text {n}" for n in range(100_000)]
    column = profile({"s": [*texts, "text 7"]})["s"]
    assert (column.distinct, column.is_exact, column.is_unique) == (100_000, True, False)
    assert column.top(1) == [("text 7", 2)]
    assert column.rare(1) == [("text 0", 1)]


def test_two_thousand_columns() -> None:
    data = {f"c{n}": [n, n + 1, None] for n in range(2_000)}
    found = profile(data)
    assert len(found.columns) == 2_000
    assert found["c1999"].mean == 1999.5
    assert found.duplicate_rows == 0


def test_names_of_columns_may_be_anything() -> None:
    names = ["", '"', "a\nb", "<b>", "ü", "a.b"]
    found = profile({name: [1, 2] for name in names})
    assert list(Profile.from_json(found.to_json()).columns) == names
    assert json.loads(found.to_json())["columns"]["a\nb"]["mean"] == 1.5
    assert found.report().count("\n") == len(names) + 1


@pytest.mark.parametrize(
    ("data", "copies"),
    [
        ({"x": [1, 1, 2, 1]}, 2),
        ({"x": [1, 1], "y": ["a", "b"]}, 0),
        ({"x": [0.0, -0.0, math.nan, None]}, 2),
        ({"x": [1, 2], "y": [2, 1]}, 0),
        ({"x": ["", None]}, 0),
        ({"x": [0, None]}, 0),
        ({"x": [None, None, None]}, 2),
    ],
)
def test_copies_of_rows(data: dict[str, Any], copies: int) -> None:
    found = profile(data)
    assert found.duplicate_rows == copies
    assert found.to_dict()["duplicate_rows"] == {"count": copies, "exact": True}
    assert (found + profile({name: values[:1] for name, values in data.items()})).duplicate_rows == copies + 1


def test_copies_in_parts_with_different_columns() -> None:
    both = profile({"x": [1, 2]}) + profile({"x": [1, 2], "y": ["a", None]})
    assert both.duplicate_rows == 1  # the row 2 without and with a missing y
    assert (profile({"x": [1, 2]}) + profile({"x": [1.0, 0.5]})).duplicate_rows == 1


def test_progress_is_told() -> None:
    told: list[tuple[int, int | None]] = []
    profile({"x": list(range(70_000))}, progress=lambda done, total=None: told.append((done, total)))
    assert told == [(65_536, 70_000), (70_000, 70_000)]


def test_figures_that_the_contract_adds() -> None:
    column = profile({"s": ["Ab 1", "", "Ab 1", "ü-9"]})["s"]
    assert (column.empty_texts, column.rare(2)) == (1, [("", 1), ("ü-9", 1)])
    assert column.lengths is not None
    assert column.byte_lengths is not None
    assert column.tokens is not None
    assert (column.lengths.high, column.byte_lengths.high, column.tokens.high) == (4, 4, 2)
    assert column.characters == {
        "letters": 5 / 11, "digits": 3 / 11, "spaces": 2 / 11, "other": 1 / 11,
    }  # fmt: skip
    numbers = profile({"x": [1, 2, 2, 10]})["x"]
    assert (numbers.sum, numbers.rare(1)) == (15.0, [(1, 1)])
    assert numbers.quantile_histogram(2) == [(1.0, 2.0, 1), (2.0, 10.0, 3)]
    assert (numbers.lengths, numbers.tokens, numbers.characters, numbers.empty_texts) == (None,) * 4


def test_one_thread_reads_and_ends_what_it_began() -> None:
    import threading

    seen: list[int] = []

    def batches() -> Any:
        try:
            for start in range(0, 100, 10):
                seen.append(threading.get_ident())
                yield pa.record_batch({"x": list(range(start, start + 10))})
        finally:
            seen.append(threading.get_ident())

    assert profile_batches(batches(), {"x": "int"}, threads=3).rows == 100
    assert (len(seen), len(set(seen))) == (11, 1)
    seen.clear()
    with pytest.raises(KeyError):
        profile_batches(batches(), {"y": "int"}, threads=3)
    assert len(set(seen)) == 1


class Remote:
    """An engine that, as a cluster does, sends the parts of a table elsewhere."""

    name = "elsewhere"
    workers = 2

    def map(self, function: Any, items: Any) -> Any:
        import pickle

        for item in items:
            yield pickle.loads(pickle.dumps(function(item)))


def test_an_engine_profiles_the_parts(tmp_path: Any) -> None:
    import pyarrow.parquet as pq

    rng = np.random.default_rng(2)
    paths = []
    for turn in range(3):
        table = pa.table({"g": rng.integers(0, 3, 500), "x": rng.normal(size=500), "w": rng.random(500)})
        paths.append(tmp_path / f"{turn}.parquet")
        pq.write_table(table, paths[-1])
    told: list[int] = []

    def tell(done: int, total: int | None = None) -> None:
        assert total in (None, 1500)
        told.append(done)

    here = profile(paths, slices=["g"], weight="w")
    there = profile(paths, slices=["g"], weight="w", engine=Remote(), progress=tell)
    assert there.to_json() == here.to_json()
    assert told == [500, 1000, 1500]


def test_merging_many_profiles_at_once_equals_adding_them() -> None:
    rng = np.random.default_rng(4)
    parts = [
        profile({"f": rng.normal(size=300), "i": rng.integers(0, 9, 300), "s": ["a", "b", None] * 100})
        for _ in range(30)
    ]
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    assert Profile.merged(parts).to_json() == added.to_json()
    assert Profile.merged(iter(parts[:1])) is parts[0]
