"""Correlations, categories, information, what is missing: against SciPy, scikit-learn and plain counting."""

from __future__ import annotations

import json
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from tilth.engines import local_engine
from tilth.errors import ColumnNotFoundError, DataError
from tilth.profiles import product_sums as sums_module
from tilth.profiles import profile
from tilth.profiles.associations import Associations, associations
from tilth.profiles.missing_patterns import MissingPatterns
from tilth.profiles.product_sums import LARGEST, ProductSums
from tilth.tables import Table, open_table
from tilth.types import ColumnType


def pearson(found: Associations, first: str, second: str) -> float | None:
    return next(c.pearson for c in found.correlations if (c.first, c.second) == (first, second))


def spearman(found: Associations, first: str, second: str) -> float | None:
    return next(c.spearman for c in found.correlations if (c.first, c.second) == (first, second))


def example(rows: int = 3_000, seed: int = 0) -> dict[str, Any]:
    """Numbers that go together, with ties, gaps and offsets; categories; a label."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    group = rng.integers(0, 5, rows)
    label = (x + rng.normal(size=rows) > 0).astype(int)
    gap = rng.random(rows) < 0.2
    return {
        "x": x,
        "far": 1e9 + x * 1e-3 + rng.normal(size=rows) * 1e-3,
        "heavy": np.exp(3 * rng.normal(size=rows)) * (1 + label),
        "ties": np.round(x),
        "gaps": [None if missing else float(value) for value, missing in zip(x + group, gap, strict=True)],
        "whole": rng.integers(-5, 5, rows) * 7,
        "flag": label == 1,
        "group": [f"g{g}" for g in group],
        "other": [None if missing else f"o{g % 3}" for g, missing in zip(group, gap, strict=True)],
        "label": [f"class {value}" for value in label],
    }


# ---------------------------------------------------------------- numbers


def test_correlations_are_those_of_scipy() -> None:
    data = example()
    found = associations(data)
    names = ["x", "far", "heavy", "ties", "whole", "flag"]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            left, right = (np.asarray(data[name], dtype=np.float64) for name in (first, second))
            expected = stats.pearsonr(left - left.mean(), right - right.mean()).statistic
            assert pearson(found, first, second) == pytest.approx(expected, abs=1e-9)
            assert spearman(found, first, second) == pytest.approx(
                stats.spearmanr(left, right).statistic, abs=1e-9
            )
    assert all(c.spearman_error == 0 for c in found.correlations)


def test_missing_values_leave_out_their_rows_pair_by_pair() -> None:
    data = example()
    found = associations(data)
    gaps = np.array(data["gaps"], dtype=np.float64)
    there = ~np.isnan(gaps)
    pair = next(c for c in found.correlations if (c.first, c.second) == ("x", "gaps"))
    assert pair.rows == there.sum()
    assert pair.pearson == pytest.approx(stats.pearsonr(data["x"][there], gaps[there]).statistic, abs=1e-9)
    # Spearman: the ranks among all values of each column, correlated over the rows where both are there.
    ranks = stats.rankdata(data["x"])[there], stats.rankdata(gaps[there])
    assert pair.spearman == pytest.approx(stats.pearsonr(*ranks).statistic, abs=1e-9)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**40), 2**40)), st.one_of(st.none(), st.integers(-300, 300))
        ),
        max_size=40,
    )
)
def test_whole_numbers_are_exact(rows: list[tuple[int | None, int | None]]) -> None:
    columns = {
        "a": pa.array([a for a, _ in rows], pa.int64()),
        "b": pa.array([b for _, b in rows], pa.int64()),
    }
    correlations = associations(columns).correlations
    pairs = [(a, b) for a, b in rows if a is not None and b is not None]
    if not correlations:
        assert all(a is None for a, _ in rows) or all(b is None for _, b in rows)
        return
    (found,) = correlations
    n = len(pairs)
    assert found.rows == n
    total = [sum(pair[i] for pair in pairs) for i in (0, 1)]
    spread = [n * sum(pair[i] ** 2 for pair in pairs) - total[i] ** 2 for i in (0, 1)]
    if not spread[0] * spread[1]:
        assert found.pearson is None
        return
    together = n * sum(a * b for a, b in pairs) - total[0] * total[1]
    squared = Fraction(together**2, spread[0] * spread[1])
    assert found.pearson == pytest.approx(math.copysign(math.sqrt(squared), together), rel=1e-15, abs=1e-300)


def test_perfect_correlation_is_exactly_one() -> None:
    x = np.random.default_rng(1).integers(-1000, 1000, 500)
    found = associations({"x": x, "double": 2 * x + 7, "less": -x, "cubed": x.astype(float) ** 3})
    assert pearson(found, "x", "double") == 1.0
    assert pearson(found, "x", "less") == -1.0
    assert spearman(found, "x", "cubed") == 1.0


@pytest.mark.parametrize(
    "column",
    [
        [5.0] * 4,
        [None] * 4,
        [float("nan")] * 4,
        [float("inf"), None, None, 1.0],
        [1.0, None, None, None],
    ],
)
def test_what_does_not_vary_is_undefined(column: list[float | None]) -> None:
    found = associations({"x": [1.0, 2.0, 3.0, 4.0], "y": pa.array(column, pa.float64())})
    assert [(c.pearson, c.spearman) for c in found.correlations] in ([], [(None, None)])
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    "scale", [5e-324, 1e-310, 1e-200, 1.0, 1e200, 1e307], ids=lambda scale: f"{scale:.0e}"
)
def test_the_scale_does_not_matter(scale: float) -> None:
    steps = np.array([-3.0, 1.0, 2.0, 7.0, 11.0])
    found = associations({"x": steps * scale, "y": [1.0, 2.0, 2.0, 5.0, 3.0]})
    expected = stats.pearsonr(steps, [1.0, 2.0, 2.0, 5.0, 3.0]).statistic
    assert pearson(found, "x", "y") == pytest.approx(expected, abs=1e-9)


def test_the_widest_range_of_doubles() -> None:
    found = associations({"x": [-1.7e308, 0.0, 1.7e308], "y": [-1.0, 0.0, 1.0]})
    assert pearson(found, "x", "y") == 1.0


def test_an_outlier_of_1e8_leaves_the_correlation_right() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 5_000))
    x[17], y[17] = 1e8, 3.0
    found = associations({"x": x, "y": y})
    assert pearson(found, "x", "y") == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)


def test_many_distinct_numbers_stay_within_the_stated_error() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=150_000)
    y = x + rng.normal(size=len(x)) * np.abs(x)
    found = associations({"x": x, "y": y}).correlations[0]
    assert 0 < found.spearman_error < 0.001
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic, abs=found.spearman_error)
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-6)
    assert found.pearson == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)


@given(st.lists(st.integers(-LARGEST, LARGEST), min_size=2, max_size=30), st.integers(0, 3))
def test_sums_of_the_largest_integers_are_exact(values: list[int], gap: int) -> None:
    present = np.array([i % 4 != gap for i in range(len(values))])
    columns = np.column_stack([np.where(present, values, 0), values[::-1]]).astype(np.float64)
    sums = ProductSums([LARGEST, LARGEST], [True, False])
    sums.update(columns, np.column_stack([present, np.ones(len(values), dtype=bool)]))
    counts, total, square, product = sums._whole()
    kept = [(a, b) for a, b, there in zip(values, values[::-1], present, strict=True) if there]
    assert counts[1, 1] == len(kept)
    assert (total[0, 0], total[0, 1], total[1, 1]) == (
        sum(a for a, _ in kept),
        sum(a for a, _ in kept),
        sum(b for _, b in kept),
    )
    assert (square[0, 0], square[1, 1]) == (sum(a * a for a, _ in kept), sum(b * b for _, b in kept))
    assert product[0, 1] == sum(a * b for a, b in kept)


def test_a_full_block_of_the_largest_integers_is_exact() -> None:
    rows = 3 * sums_module._BLOCK + 5
    sums = ProductSums([LARGEST, LARGEST], [False, False])
    sums.update(np.tile([float(LARGEST), -float(LARGEST) + 1], (rows, 1)), np.ones((rows, 2), dtype=bool))
    _, total, square, product = sums._whole()
    assert total[0, 0] == rows * LARGEST
    assert square[1, 0] == rows * (LARGEST - 1) ** 2
    assert product[0, 1] == rows * LARGEST * (1 - LARGEST)


# ---------------------------------------------------------------- order and batches


def test_neither_order_nor_batches_change_a_figure() -> None:
    data = {name: pa.array(values) for name, values in example(9_000).items()}
    table = pa.table(data)
    expected = json.dumps(associations(table, label="label").to_dict())
    shuffled = table.take(pa.array(np.random.default_rng(4).permutation(len(table))))
    assert json.dumps(associations(shuffled, label="label").to_dict()) == expected
    pieces = pa.concat_tables([table.slice(start, 700) for start in range(0, len(table), 700)])
    assert json.dumps(associations(pieces, label="label").to_dict()) == expected


def test_engines_count_the_same(tmp_path: Path) -> None:
    table = pa.table(example(9_000))
    paths = [tmp_path / f"{i}.parquet" for i in range(7)]
    for i, path in enumerate(paths):
        pq.write_table(table.slice(i * 1_300, 1_300), path)
    expected = associations(table, label="label")
    assert associations(paths, label="label", engine=local_engine(threads=2)) == expected
    assert associations(paths, label="label") == expected


# ---------------------------------------------------------------- categories and the label


def test_cramers_v_is_that_of_scipy() -> None:
    data = example()
    found = associations(data)
    pair = next(c for c in found.categories if (c.first, c.second) == ("group", "other"))
    rows = [(a, b) for a, b in zip(data["group"], data["other"], strict=True) if b is not None]
    table = stats.contingency.crosstab([a for a, _ in rows], [b for _, b in rows]).count
    assert pair.rows == len(rows)
    assert pair.cramers_v == pytest.approx(stats.contingency.association(table, method="cramer"), abs=1e-9)
    assert next(c for c in found.categories if (c.first, c.second) == ("flag", "label")).cramers_v == 1.0


def test_information_is_that_of_scikit_learn() -> None:
    data = example()
    found = {each.column: each for each in associations(data, label="label").information}
    assert set(found) == set(data) - {"label"}
    for name in ("group", "ties", "whole", "flag"):
        nats = mutual_info_score(data["label"], np.asarray(data[name]))
        assert found[name].bits == pytest.approx(nats / math.log(2), abs=1e-9)
    assert found["flag"].share == 1.0
    edges = np.sort(data["x"])[[k * 3_000 // 20 for k in range(1, 20)]]
    bins = np.searchsorted(edges, data["x"], side="right")
    assert found["x"].bits == pytest.approx(mutual_info_score(data["label"], bins) / math.log(2), abs=1e-9)
    assert found["x"].chance == pytest.approx(19 / (2 * 3_000 * math.log(2)))


def test_the_most_telling_column_comes_first_and_chance_is_no_help() -> None:
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 1_000)
    data = {
        "noise": [f"v{v}" for v in rng.integers(0, 300, 1_000)],
        "weak": label ^ (rng.random(1_000) < 0.4),
        "label": label,
    }
    found = associations(data, label="label").information
    assert [each.column for each in found] == ["weak", "noise"]
    assert found[1].bits is not None
    assert found[0].bits is not None
    assert found[1].bits > found[0].bits  # only because it has so many levels


def test_texts_beyond_the_hundred_most_frequent_are_one_level() -> None:
    texts = [f"t{i:03d}" for i in range(150) for _ in range(1 if i >= 100 else 2)]
    label = ["rare" if int(text[1:]) >= 100 else "frequent" for text in texts]
    (found,) = associations({"s": texts, "label": label}, label="label").information
    assert found.share == 1.0
    assert found.chance == pytest.approx(100 / (2 * len(texts) * math.log(2)))


def test_a_label_that_does_not_vary_has_no_share() -> None:
    (found,) = associations({"x": [1, 2, 3], "y": ["a", "a", "a"]}, label="y").information
    assert (found.bits, found.share) == (0.0, None)


# ---------------------------------------------------------------- missing together


@given(st.lists(st.tuples(*[st.booleans()] * 3), max_size=30))
def test_patterns_are_counted(rows: list[tuple[bool, ...]]) -> None:
    columns = {
        name: pa.array([None if row[i] else 1 for row in rows], pa.int64()) for i, name in enumerate("abc")
    }
    found = associations(columns).patterns
    assert found is not None
    expected = Counter(tuple(name for i, name in enumerate("abc") if row[i]) for row in rows)
    if any(any(row) for row in rows):
        assert {pattern.columns: pattern.rows for pattern in found} == expected
        assert [pattern.rows for pattern in found] == sorted(expected.values(), reverse=True)
    else:
        assert found == ()


def test_nan_is_missing_and_infinity_is_not() -> None:
    found = associations({"x": [1.0, float("nan"), float("inf")], "l": ["a", None, "b"]}).patterns
    assert found is not None
    assert [(pattern.columns, pattern.rows) for pattern in found] == [((), 2), (("x", "l"), 1)]


def test_at_most_twenty_patterns_are_kept_of_many() -> None:
    bits = np.arange(64)
    columns = {f"c{i}": pa.array(bits, mask=(bits >> i & 1).astype(bool)) for i in range(6)}
    found = associations(columns).patterns
    assert found is not None
    assert len(found) == 20
    assert found[0].columns == ()


def test_too_many_patterns_are_not_guessed() -> None:
    names = [f"c{i}" for i in range(17)]
    whole, merged = MissingPatterns(names), MissingPatterns(names)
    for part in np.array_split(np.arange(1 << 17), 7):
        missing = (part[:, None] >> np.arange(17) & 1).astype(bool)
        whole.update(missing)
        other = MissingPatterns(names)
        other.update(missing)
        assert other.top(1) is not None
        merged.merge(other)
    assert whole.top() is None
    assert merged.top() is None


# ---------------------------------------------------------------- many columns, wrong use, text


def test_of_more_than_200_numbers_those_with_the_fewest_values_are_left_out() -> None:
    rng = np.random.default_rng(6)
    wide = {f"n{i}": rng.normal(size=50) for i in range(199)}
    data = {
        "few": rng.integers(0, 3, 50),
        **wide,
        "label": rng.integers(0, 2, 50),
        "some": rng.normal(size=50),
    }
    found = associations(data, label="label")
    assert len(found.correlations) == 200 * 199 // 2
    assert found.left_out == ("some",)  # of those with 50 values the last; "few" is among the categories
    assert any("label" in (pair.first, pair.second) for pair in found.correlations)
    assert len(found.information) == 201


def test_lists_are_looked_at_for_what_is_missing_and_media_by_their_statistics() -> None:
    columns = {
        "x": pa.array([1.0, 2.0, 3.0]),
        "items": pa.array([[1, 2], None, []]),
        "photo": pa.array([b"GIF89a", None, b"BM"], pa.large_binary()),
    }
    types: dict[str, ColumnType] = {"x": "float", "items": "list[int]", "photo": "image"}
    whole = pa.table(columns)
    table = Table("<memory>", types, lambda names, _: iter(whole.select(names).to_batches()))
    found = associations(table, label="x")
    pairs = {(pair.first, pair.second): pair.rows for pair in found.correlations}
    assert pairs == {("x", "photo.readable"): 2}
    assert "photo.readable" in {each.column for each in found.information}
    assert found.patterns is not None
    assert found.patterns[1].rows == 1
    assert set(found.patterns[1].columns) > {"items", "photo", "photo.readable", "photo.width"}


def test_no_rows() -> None:
    found = associations({"x": pa.array([], pa.float64()), "s": pa.array([], pa.string())}, label="s")
    assert (found.rows, found.correlations, found.information, found.patterns) == (0, (), (), ())


def test_a_profile_saves_the_first_pass() -> None:
    data = example(500)
    assert associations(data, profile=profile(data), label="flag") == associations(data, label="flag")


@pytest.mark.parametrize(
    "other",
    [
        {"x": [1.0, 2.0], "y": [3.0, 4.0]},
        {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.1]},
        {"x": [1.0, 2.0, 3.0]},
        {"x": [1, 2, 3], "y": [1, 2, 3]},
    ],
)
def test_a_profile_of_other_data_is_refused(other: dict[str, list[float]]) -> None:
    with pytest.raises(DataError, match="the profile is not one of these data"):
        associations({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 400.0]}, profile=profile(other))


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'label'"):
        associations({"x": [1], "label": [1]}, label="lable")


def test_the_report_names_the_strongest_first() -> None:
    text = associations(example(500), label="label").report(pairs=3)
    lines = text.splitlines()
    assert lines[0] == "500 rows"
    assert "correlations of numbers (pairs: 21)" in lines
    assert "  flag" in text
    assert "nothing is missing" in text
    assert "gaps, other" in text
    assert "what tells of 'label'" in lines


def test_census_in_two_passes(shared_data: Any) -> None:
    path: Path = shared_data("census-adult/adult.data.gz")
    names = ["age", "workclass", "weight", "education", "education-num", "marital", "occupation"]
    names += ["relationship", "race", "sex", "gain", "loss", "hours", "country", "income"]
    import polars as pl

    frame = pl.read_csv(path, has_header=False, new_columns=names, null_values=["?", " ?"])
    found = associations(open_table(frame), label="income")
    assert found.information[0].column == "relationship"
    assert found.categories[0].cramers_v == pytest.approx(1.0)
    assert {found.categories[0].first, found.categories[0].second} == {"education", "education-num"}
    assert found.patterns is not None
    assert found.patterns[0].columns == ()
    assert found.patterns[1].columns == ("workclass", "occupation")
