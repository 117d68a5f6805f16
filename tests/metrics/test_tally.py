"""Counts per distinct key, exact under any grouping of rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilth.metrics.tally import Tally

rows = st.lists(
    st.tuples(st.sampled_from([0.0, -0.0, 0.5, 1e300, -2.0]), st.sampled_from([1.0, 2.0]), st.integers(0, 2))
)


def tallied(some: list[tuple[float, float, int]]) -> Tally:
    """The tally of rows of two key numbers and a cell."""
    tally = Tally(2, 3)
    if some:
        tally.add(np.array([row[:2] for row in some]), np.array([row[2] for row in some]))
    return tally


@given(rows)
def test_counts_each_key_and_cell(some: list[tuple[float, float, int]]) -> None:
    tally = tallied(some)
    wanted = Counter((first + 0.0, second, cell) for first, second, cell in some)
    found = {
        (*key, cell): count
        for key, row in zip(tally.keys.tolist(), tally.counts.tolist(), strict=True)
        for cell, count in enumerate(row)
        if count
    }
    assert found == dict(wanted)
    assert tally.keys.tolist() == sorted(tally.keys.tolist())
    assert len(np.unique(tally.keys, axis=0)) == len(tally.keys)


@given(st.lists(rows, max_size=5))
def test_batches_do_not_matter(batches: list[list[tuple[float, float, int]]]) -> None:
    merged = Tally(2, 3)
    for batch in reversed(batches):
        merged.merge(tallied(batch))
    assert merged == tallied([row for batch in batches for row in batch])


def test_many_distinct_keys_in_many_batches() -> None:
    keys = np.random.default_rng(0).random((300_000, 1))
    keys[100_000:200_000] = keys[:100_000]
    tally = Tally(1, 1)
    for part in np.array_split(keys, 40):
        tally.add(part, np.zeros(len(part), np.int64))
    assert tally.counts.sum() == 300_000
    assert len(tally.keys) == 200_000
    assert (np.diff(tally.keys[:, 0]) > 0).all()
