from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import TextCounts, TextSummary

texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(["a", "b"]), max_size=40)


def counts_of(values: list[str], limit: int = 1000, byte_limit: int = 100_000) -> TextCounts:
    counts = TextCounts(limit, byte_limit)
    counts.update(pa.array(values, pa.string()))
    return counts


@given(texts)
def test_counts_are_exact(values: list[str]) -> None:
    counts = counts_of(values)
    assert counts.to_dict() == dict(Counter(values))
    assert counts.distinct == len(set(values))


@given(texts, texts, st.sampled_from([1, 5, 1000]), st.sampled_from([9, 100_000]))
def test_merging_gives_the_whole(a: list[str], b: list[str], limit: int, byte_limit: int) -> None:
    whole = counts_of(a + b, limit, byte_limit)
    assert counts_of(b, limit, byte_limit) + counts_of(a, limit, byte_limit) == whole
    assert TextCounts.from_state(whole.to_state()) == whole
    kept = whole.to_dict()
    assert len(kept) <= limit
    assert sum(len(text.encode()) for text in kept) <= byte_limit


def test_ties_are_cut_by_text_descending() -> None:
    assert counts_of(["goodbye", "hello", "hello", "world"]).top(2) == [("hello", 2), ("world", 1)]


def test_many_texts_are_sampled_by_hash() -> None:
    counts = TextCounts(limit=2000)
    for start in range(0, 40_000, 8_000):
        counts.update(pa.array([f"user-{i}" for i in range(start, start + 8_000)]))
    assert not counts.is_exact
    assert counts.distinct == pytest.approx(40_000, rel=0.1)


def test_lengths_are_in_characters() -> None:
    summary = TextSummary()
    summary.update(pa.array(["é", "über", "über"]))
    assert (summary.lengths.low, summary.lengths.high, summary.lengths.mean) == (1, 4, 3.0)
