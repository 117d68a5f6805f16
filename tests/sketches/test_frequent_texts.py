from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest

from tilth.sketches import FrequentTexts

ROWS = 40_000
OFTEN = {"": 4000, "often": 2000, "a much longer text, " * 10: 800, "just": 400}


def column(seed: int) -> pa.Array:
    common = [text for text, count in OFTEN.items() for _ in range(count)]
    values = np.array([*common, *(f"once-{i}" for i in range(ROWS - len(common)))], dtype=object)
    return pa.array(np.random.default_rng(seed).permutation(values))


def of(*parts: pa.Array) -> FrequentTexts:
    found = FrequentTexts()
    for part in parts:
        found.update(part)
    return found


@pytest.mark.parametrize("order", ["mixed", "common first", "common last"])
def test_no_frequent_text_is_missed(order: str) -> None:
    values = column(0)
    if order != "mixed":
        values = values.sort("descending" if order == "common last" else "ascending")
    found = of(*(values.slice(start, 777) for start in range(0, ROWS, 777))).found(0.01)
    assert [text for text, _ in found] == list(OFTEN)
    for (_, most), count in zip(found, OFTEN.values(), strict=True):
        assert count <= most <= count + ROWS / 1000


def test_order_parts_and_merging_do_not_matter() -> None:
    values = column(1)
    whole = of(values)
    parts = [of(values.slice(start, 4001)) for start in range(0, ROWS, 4001)]
    for order in itertools.islice(itertools.permutations(parts), 0, 200, 50):
        assert order[0].merged_with(order[1:]) == whole
    assert FrequentTexts.from_state(whole.to_state()) == whole
    assert whole + FrequentTexts() == whole


def test_parts_read_back_lose_no_text() -> None:
    values = column(2).sort("ascending")  # each text stands in one part or two only
    parts = [of(values.slice(start, 4001)) for start in range(0, ROWS, 4001)]
    read = [FrequentTexts.from_state(part.to_state()) for part in parts]
    assert read[0].merged_with(read[1:]).found(0.01) == of(values).found(0.01)


def test_counts_weigh() -> None:
    found = FrequentTexts()
    found.update(pa.array(["a", "b", "c"]), np.array([10**15, 10**12, 1]))
    assert found.found(0.01) == [("a", 10**15)]
