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
from tilth.tables.balanced import largest_remainders, rounded_shares

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
        ("balanced", (0.6, 0.2, 0.2), (), "split by balanced with 0 columns"),
        ("time", (0.6, 0.2, 0.2), ("a", "b"), "split by time with 2 columns"),
        ("dice", (0.6, 0.2, 0.2), (), "split method 'dice' is not known"),
    ],
)
def test_plans_that_cannot_be(
    method: SplitMethod, fractions: tuple[float, float, float], columns: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        SplitPlan(method, fractions, columns)


shares = st.tuples(st.integers(1, 10), st.integers(0, 10), st.integers(0, 10)).map(
    lambda parts: tuple(part / sum(parts) for part in parts)
)


def exact_shares(counts: dict[object, Counter[str]], plan: SplitPlan) -> None:
    """Every class has its exact share of every part, rounded up or down."""
    for parts in counts.values():
        rows = parts.total()
        assert all(
            abs(parts[part] - rows * share) < 1 - 1e-9
            for part, share in zip(PARTS, plan.fractions, strict=True)
        )


@given(st.lists(st.integers(3, 40), min_size=1, max_size=6), shares)
def test_every_class_of_several_gets_its_share(
    sizes: list[int], fractions: tuple[float, float, float]
) -> None:
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    plan = SplitPlan("balanced", fractions, ("y",))
    parts = parts_of(open_table({"y": labels, "x": list(range(len(labels)))}), plan)
    counts = {label: Counter(p for p, y in zip(parts, labels, strict=True) if y == label) for label in labels}
    exact_shares(counts, plan)
    for part, share in zip(PARTS, fractions, strict=True):
        assert abs(parts.count(part) - len(parts) * share) < 1.5


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "z", None])),
        st.integers(1, 25),
        min_size=1,
        max_size=8,
    ),
    shares,
)
def test_label_by_slice_gets_its_shares_and_so_do_the_margins(
    sizes: dict[tuple[str, str | None], int], fractions: tuple[float, float, float]
) -> None:
    rows = [cell for cell, size in sizes.items() for _ in range(size)]
    labels, slices = zip(*rows, strict=True)
    plan = SplitPlan("balanced", fractions, ("label", "slice"))
    table = open_table({"label": list(labels), "slice": list(slices), "x": list(range(len(rows)))})
    parts = parts_of(table, plan)
    exact_shares(
        {cell: Counter(p for p, row in zip(parts, rows, strict=True) if row == cell) for cell in sizes}, plan
    )
    for keys in (labels, slices, ("all",) * len(rows)):
        for key in set(keys):
            dealt = Counter(part for part, own in zip(parts, keys, strict=True) if own == key)
            for part, share in zip(PARTS, fractions, strict=True):
                assert abs(dealt[part] - keys.count(key) * share) < 1.5
    mixed = np.random.default_rng(0).permutation(len(rows))
    shuffled = open_table(table.to_arrow().take(pa.array(mixed)))
    assert np.array(parts)[mixed].tolist() == parts_of(shuffled, plan)


def test_label_by_slice_is_exact_where_it_can_be() -> None:
    cells = {("sick", "f"): 15, ("sick", "m"): 15, ("well", "f"): 20, ("well", "m"): 50}
    rows = [cell for cell, size in cells.items() for _ in range(size)]
    table = open_table({"y": [y for y, _ in rows], "sex": [sex for _, sex in rows], "x": list(range(100))})
    parts = parts_of(table, SplitPlan("balanced", (0.6, 0.2, 0.2), ("y", "sex")))
    for cell, size in cells.items():
        dealt = Counter(part for part, row in zip(parts, rows, strict=True) if row == cell)
        assert [dealt[part] for part in PARTS] == [size * 3 // 5, size // 5, size // 5]


def test_many_tiny_cells_still_give_the_margins_their_shares() -> None:
    """One row in each combination: rounding each alone would put all of them into train."""
    table = open_table({"a": np.repeat(np.arange(20), 20), "b": np.tile(np.arange(20), 20)})
    plan = SplitPlan("balanced", (0.6, 0.2, 0.2), ("a", "b"))
    parts = np.array(parts_of(table, plan)).reshape(20, 20)
    for part, share in zip(PARTS, plan.fractions, strict=True):
        assert (parts == part).sum() == 400 * share
        for axis in (0, 1):
            assert np.abs((parts == part).sum(axis=axis) - 20 * share).max() <= 1


def test_shares_of_no_cells_and_of_one_part() -> None:
    assert rounded_shares(np.array([], np.int64), [], (0.6, 0.2, 0.2)).shape == (0, 3)
    assert rounded_shares(np.array([5, 1]), [], (1.0, 0.0, 0.0)).tolist() == [[5, 0, 0], [1, 0, 0]]
    assert largest_remainders(0, (0.6, 0.2, 0.2)) == [0, 0, 0]


def test_a_rare_class_goes_where_it_can_and_a_column_without_classes_is_refused() -> None:
    parts = parts_of(
        open_table({"y": ["usual"] * 50 + ["rare"], "x": list(range(51))}),
        SplitPlan("balanced", (0.6, 0.2, 0.2), ("y",)),
    )
    assert Counter(parts) == {"train": 31, "dev": 10, "test": 10}
    with pytest.raises(
        DataError, match="100 of the 100 values of 'fare' have fewer rows than there are parts"
    ):
        split(open_table({"fare": [float(i) for i in range(100)]}), SplitPlan("balanced", columns=("fare",)))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.sampled_from(["group", "time"]), shares)
def test_groups_are_whole_and_times_in_order(
    values: list[int], method: SplitMethod, fractions: tuple[float, float, float]
) -> None:
    parts = parts_of(open_table({"v": values}), SplitPlan(method, fractions, ("v",)))
    owners = {value: {p for p, own in zip(parts, values, strict=True) if own == value} for value in values}
    assert all(len(found) == 1 for found in owners.values())
    if method == "time":
        order = [PARTS.index(part) for _, part in sorted(zip(values, parts, strict=True))]
        assert order == sorted(order)


def test_groups_of_two_columns() -> None:
    table = open_table({"site": [i % 3 for i in range(90)], "patient": [i % 10 for i in range(90)]})
    parts = parts_of(table, SplitPlan("group", (0.5, 0.25, 0.25), ("site", "patient")))
    owners: dict[tuple[int, int], set[str]] = {}
    for i, part in enumerate(parts):
        owners.setdefault((i % 3, i % 10), set()).add(part)
    assert all(len(found) == 1 for found in owners.values())
