"""Two columns brought together: nothing lost, nothing invented."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tilth.profiles.alignment import NumberPair, aligned_numbers, aligned_texts
from tilth.profiles.distances import ks_statistic, wasserstein
from tilth.sketches import NumberCounts, TextCounts

numbers = st.lists(st.integers(-6, 6).map(lambda n: n / 2), max_size=30)
texts = st.lists(st.sampled_from("abcdefgh"), max_size=30)


def counted(values: list[float] | np.ndarray, limit: int = 65_536) -> NumberCounts:
    table = NumberCounts(limit)
    table.update(np.array(values, dtype=np.float64))
    return table


def named(values: list[str], limit: int = 1 << 18) -> TextCounts:
    table = TextCounts(limit)
    table.update(pa.array(values, pa.string()))
    return table


@given(numbers, numbers)
def test_numbers_keep_their_counts(first: list[float], second: list[float]) -> None:
    pair = aligned_numbers(counted(first), counted(second))
    assert pair.numbers.tolist() == sorted({*first, *second})
    for values, found in ((first, pair.reference), (second, pair.current)):
        counts = Counter(values)
        assert found.tolist() == [counts[number] for number in pair.numbers.tolist()]
    assert pair.rows == (len(first), len(second))


@given(texts, texts)
def test_texts_keep_their_counts(first: list[str], second: list[str]) -> None:
    names, before, after = aligned_texts(named(first), named(second))
    assert sorted(names.to_pylist()) == sorted({*first, *second})
    for values, found in ((first, before), (second, after)):
        counts = Counter(values)
        assert found.tolist() == [counts[name] for name in names.to_pylist()]


def test_cutting_invents_no_difference() -> None:
    """One sample exact, the other too large to be: what both hold stays equal."""
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.standard_normal(9_000), -np.exp(rng.standard_normal(9_000)), np.zeros(500)])
    for limits in ((4096, 4096), (4096, 65_536), (65_536, 4096)):
        pair = aligned_numbers(counted(values, limits[0]), counted(np.tile(values, 2), limits[1]))
        assert pair.rows == (len(values), 2 * len(values))
        assert ks_statistic(pair) == 0
        assert len(pair.numbers) < 4096
    reference, current = values[::2], values[1::2] + 0.3
    rough = aligned_numbers(counted(reference, 4096), counted(current, 4096))
    assert wasserstein(rough) == pytest.approx(stats.wasserstein_distance(reference, current), rel=0.01)
    assert ks_statistic(rough) == pytest.approx(stats.ks_2samp(reference, current).statistic, abs=0.01)


def test_what_lies_close_together_is_not_blurred() -> None:
    """Most numbers share a power of two, the others need all keys: cells must not grow over the former."""
    rng = np.random.default_rng(4)
    spread = np.exp(rng.uniform(-700, 700, 4000))
    first = np.concatenate([spread, rng.uniform(1.0, 1.1, 40_000)])
    second = np.concatenate([spread, rng.uniform(1.05, 1.15, 40_000)])
    pair = aligned_numbers(counted(first, 4096), counted(second, 4096))
    expected = stats.ks_2samp(first, second).statistic
    assert ks_statistic(pair) == pytest.approx(expected, abs=0.1)
    assert ks_statistic(pair) > 0.35


def test_texts_of_which_only_a_sample_is_kept() -> None:
    """A sampled table against an exact one: only what both would keep is compared."""
    values = [f"v{number % 700}" for number in range(2100)]
    sampled, exact = named(values, limit=100), named(values)
    assert not sampled.is_exact
    names, before, after = aligned_texts(exact, sampled)
    assert 0 < len(names) <= 100
    assert before.tolist() == after.tolist() == [3] * len(names)


def test_no_numbers() -> None:
    pair = aligned_numbers(NumberCounts(), NumberCounts())
    assert pair.rows == (0, 0)
    assert len(NumberPair(np.zeros(0), np.zeros(0), np.zeros(0)).numbers) == 0
