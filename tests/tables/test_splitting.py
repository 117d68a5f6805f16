"""Splits: each row in exactly one part, whatever the order; sizes and groups as promised."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables import PARTS, SplitMethod, SplitPlan, Table, concat_tables, open_table, split

COLUMNS: dict[SplitMethod, tuple[str, ...]] = {
    "hash": (),
    "random": (),
    "group": ("patient",),
    "time": ("day",),
    "balanced": ("sick",),
}


def patients(rows: int = 500) -> Table:
    number = np.arange(rows)
    return open_table(
        {"row": number, "patient": number % 40, "day": (number * 7) % 90, "sick": number % 10 < 3}
    )


def parts_of(table: Table, plan: SplitPlan) -> list[str]:
    parts: list[str] = split(table, plan).to_pylist()
    return parts


@pytest.mark.parametrize("method", COLUMNS)
def test_the_order_of_rows_changes_nothing(method: SplitMethod) -> None:
    plan = SplitPlan(method, columns=COLUMNS[method])
    table = patients()
    order = np.random.default_rng(0).permutation(table.rows)
    mixed = open_table(table.to_arrow().take(pa.array(order)))
    assert np.array(parts_of(table, plan))[order].tolist() == parts_of(mixed, plan)


@pytest.mark.parametrize("method", COLUMNS)
def test_another_seed_deals_otherwise_but_by_time(method: SplitMethod) -> None:
    first, second = (parts_of(patients(), SplitPlan(method, columns=COLUMNS[method], seed=s)) for s in (0, 1))
    assert (first == second) == (method == "time")


@pytest.mark.parametrize("method", COLUMNS)
@pytest.mark.parametrize("rows", [1, 2, 500])
def test_every_row_is_dealt_and_the_shares_are_about_right(method: SplitMethod, rows: int) -> None:
    table = patients(rows)
    result = split(table, SplitPlan(method, (0.6, 0.2, 0.2), COLUMNS[method]))
    assert result.type == pa.dictionary(pa.int8(), pa.string())
    assert len(result) == rows
    assert result.null_count == 0
    if rows == 500:
        counts = Counter(result.to_pylist())
        assert [counts[part] for part in PARTS] == pytest.approx([300, 100, 100], abs=60)


def test_no_rows() -> None:
    table = open_table({"x": pa.array([], pa.int64())})
    assert split(table, SplitPlan()).type == pa.dictionary(pa.int8(), pa.string())
    assert len(split(table, SplitPlan("random"))) == 0


@given(st.integers(0, 300), st.integers(0, 10), st.integers(0, 10))
def test_random_sizes_are_exact(rows: int, dev: int, test: int) -> None:
    total = 10 + dev + test
    plan = SplitPlan("random", (10 / total, dev / total, test / total))
    counts = Counter(parts_of(patients(rows), plan)) if rows else Counter()
    for part, share in zip(PARTS, plan.fractions, strict=True):
        assert abs(counts[part] - rows * share) < 1


def test_one_hundred_rows_thirty_positive() -> None:
    table = open_table({"y": [row % 10 < 3 for row in range(100)], "x": list(range(100))})
    parts = np.array(parts_of(table, SplitPlan("balanced", (0.6, 0.2, 0.2), ("y",))))
    positive = table.to_arrow()["y"].to_numpy()
    assert [int((parts[positive] == part).sum()) for part in PARTS] == [18, 6, 6]
    assert [int((parts == part).sum()) for part in PARTS] == [60, 20, 20]


def test_equal_rows_and_groups_stay_together() -> None:
    table = open_table({"x": [*range(200), *range(40)]})
    for plan in (SplitPlan("hash"), SplitPlan("random")):
        parts = parts_of(table, plan)
        apart = [i for i in range(40) if parts[i] != parts[200 + i]]
        assert len(apart) <= (0 if plan.method == "hash" else 2)  # exact sizes may cut through a pair
    parts = np.array(parts_of(patients(), SplitPlan("group", columns=("patient",))))
    owner = patients().to_arrow()["patient"].to_numpy()
    assert all(len(set(parts[owner == patient])) == 1 for patient in range(40))


def test_no_row_moves_when_data_grows() -> None:
    small, large = (parts_of(patients(rows), SplitPlan("hash")) for rows in (200, 500))
    assert large[:200] == small


def test_time_is_cut_between_times() -> None:
    table = patients()
    parts, days = np.array(parts_of(table, SplitPlan("time", columns=("day",)))), table.to_arrow()["day"]
    ranges = [(days.to_numpy()[parts == part].min(), days.to_numpy()[parts == part].max()) for part in PARTS]
    assert ranges[0][1] < ranges[1][0]
    assert ranges[1][1] < ranges[2][0]


def test_rows_of_one_time_are_not_parted() -> None:
    assert set(parts_of(open_table({"t": [5] * 10}), SplitPlan("time", columns=("t",)))) == {"train"}


@pytest.mark.parametrize("method", COLUMNS)
def test_feedback_moves_nothing(method: SplitMethod) -> None:
    plan = SplitPlan(method, columns=COLUMNS[method])
    first = patients().with_column("tilth.source", "data")
    learned = open_table({"row": np.arange(1000, 1060), "patient": 7, "day": 1, "sick": True} | LEARNED)
    alone = parts_of(patients(), plan)
    before = parts_of(concat_tables([first, learned.filter(np.arange(60) < 20)]), plan)
    after = parts_of(concat_tables([first, learned]), plan)
    assert before[:500] == after[:500] == alone
    assert before[500:] == after[500:520]


LEARNED = {
    "patient": np.arange(60) % 40,
    "day": np.arange(60),
    "sick": [True, False] * 30,
    "tilth.source": ["feedback"] * 60,
    "tilth.prediction_id": [f"a-{row}" for row in range(60)],
}


def test_what_tilth_added_decides_nothing() -> None:
    plain = {"x": list(range(100))}
    marked = {**plain, "tilth.prediction_id": [str(row) for row in range(100)]}
    assert parts_of(open_table(plain), SplitPlan("hash")) == parts_of(open_table(marked), SplitPlan("hash"))


@pytest.mark.parametrize(
    "plan", [SplitPlan("hash"), SplitPlan("random"), SplitPlan("balanced", columns=("y",))]
)
def test_rows_that_repeat_by_nature_are_dealt_one_by_one(plan: SplitPlan) -> None:
    """A table of few categories, as of passengers: every part must look like the whole."""
    random = np.random.default_rng(0)
    sex = random.choice(["f", "m"], 2000, p=[0.3, 0.7])
    y = random.random(2000) < np.where(sex == "f", 0.7, 0.2)
    table = open_table({"sex": sex.tolist(), "y": y.tolist()})
    parts = np.array(parts_of(table, plan))
    for part, share in zip(PARTS, plan.fractions, strict=True):
        chosen = parts == part
        assert chosen.mean() == pytest.approx(share, abs=0.03)
        assert (sex[chosen] == "f").mean() == pytest.approx(0.3, abs=0.06)
        assert y[chosen].mean() == pytest.approx(y.mean(), abs=0.06)


def test_copies_keep_their_parts_when_data_grows() -> None:
    values = np.random.default_rng(1).integers(0, 5, 600).tolist()
    before = parts_of(open_table({"x": values[:400]}), SplitPlan("hash"))
    assert parts_of(open_table({"x": values}), SplitPlan("hash"))[:400] == before


def test_missing_times_and_texts_are_refused() -> None:
    with pytest.raises(DataError, match="1 rows have no 't'"):
        split(open_table({"t": [1, None]}), SplitPlan("time", columns=("t",)))
    with pytest.raises(DataError, match="column 't' is string"):
        split(open_table({"t": ["a"]}), SplitPlan("time", columns=("t",)))


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'patient'"):
        split(patients(), SplitPlan("group", columns=("patients",)))


@pytest.mark.parametrize(
    ("method", "fractions", "columns", "words"),
    [
        ("hash", (0.5, 0.2, 0.2), (), "fractions 0.5, 0.2, 0.2"),
        ("hash", (1.2, -0.1, -0.1), (), "cannot be dealt"),
        ("hash", (float("nan"), 0.5, 0.5), (), "cannot be dealt"),
        ("hash", (0.8, 0.2), (), "cannot be dealt"),
        ("group", (0.6, 0.2, 0.2), (), "split by group with 0 columns"),
        ("balanced", (0.6, 0.2, 0.2), ("a", "b"), "split by balanced with 2 columns"),
        ("dice", (0.6, 0.2, 0.2), (), "split method 'dice' is not known"),
    ],
)
def test_plans_that_cannot_be(
    method: SplitMethod, fractions: tuple[float, float, float], columns: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        SplitPlan(method, fractions, columns)
