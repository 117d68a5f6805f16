from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import TextSummary

texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(["a", "b"]), max_size=40)
limits = st.sampled_from([(4, 10_000, 8), (3, 12, 1000), (1000, 10_000, 1000)])


def summary_of(values: list[str], limits: tuple[int, int, int], step: int = 1000) -> TextSummary:
    summary = TextSummary(*limits)
    for start in range(0, len(values), step):
        summary.update(pa.array(values[start : start + step], pa.string()))
    return summary


@given(texts, texts, texts, limits)
def test_merging_is_associative_and_free_of_order(
    a: list[str], b: list[str], c: list[str], limits: tuple[int, int, int]
) -> None:
    parts = [summary_of(values, limits) for values in (a, b, c)]
    whole = summary_of(a + b + c, limits)
    assert (parts[0] + parts[1]) + parts[2] == whole
    assert parts[2] + (parts[1] + parts[0]) == whole
    assert parts[1].merged_with([parts[2], parts[0]]) == whole
    assert whole + TextSummary(*limits) == whole
    assert summary_of([*c, *a, *b], limits, step=3) == whole
    assert TextSummary.from_state(whole.to_state()) == whole


@given(texts, st.sampled_from([(4, 10_000, 1000), (3, 12, 1000)]))
def test_distinct_texts_stay_exact_past_the_table(values: list[str], limits: tuple[int, int, int]) -> None:
    summary = summary_of(values, limits)
    assert summary.distinct == len(set(values))
    assert summary.has_repeats == (len(set(values)) < len(values))
    assert summary.lengths.count == len(values)


@given(texts)
def test_counts_are_repeats(values: list[str]) -> None:
    counted = Counter(values)
    summary = TextSummary(4, 10_000, 8)
    summary.update(pa.array(list(counted), pa.string()), np.array(list(counted.values()), np.int64))
    assert summary == summary_of(values, (4, 10_000, 8))


def test_a_heavy_text_is_at_the_top_of_millions() -> None:
    rng = np.random.default_rng(0)
    values = np.char.add("user-", rng.permutation(30_000).astype(str)).astype(object)
    values[rng.choice(30_000, 1_500, replace=False)] = "anonymous"
    summary = summary_of(values.tolist(), (1 << 10, 1 << 24, 1 << 20), step=999)
    assert not summary.is_exact
    assert summary.is_distinct_exact
    assert summary.distinct == len(set(values.tolist()))
    ((text, count),) = summary.top(20)
    assert text == "anonymous"
    assert count == pytest.approx(1_500, abs=30)


def test_one_text_beyond_all_limits_is_told_by_its_length() -> None:
    summary = summary_of(["x" * 100], (1000, 50, 1000))
    assert (summary.distinct, summary.lengths.high, summary.is_exact) == (1, 100, False)
    assert summary.top() == [("x" * 100, 1)]
