"""Long texts are taken apart a few rows at a time, and no row's answer changes for it."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from tilth.features import Expression, Inputs, Transform
from tilth.inference import SPLIT_TEXTS_KEY
from tilth.inference.long_texts import LongTexts

LIMIT = 1 << 22


def features(x: Inputs) -> dict[str, Expression]:
    words = x["t"].tokens()
    return {
        "words": words.length(),
        "letters": x["t"].length(),
        "bag": words.bag_of_words(top=2),
        "i": x["i"],
    }


def rows(count: int) -> pa.Table:
    texts: list[str | None] = [f"word {i % 7}" for i in range(count)]
    texts[3], texts[5], texts[count - 2] = "word " * 2_000, None, "x" * 3_000_000
    return pa.table({"t": texts, "i": np.arange(count)})


@pytest.mark.parametrize("count", [20, 9_000, 70_000])
def test_answers_do_not_depend_on_the_long_texts_beside_them(count: int) -> None:
    data = rows(count)
    transform = Transform(features).fit(data)
    assert json.loads(transform.graph.metadata[SPLIT_TEXTS_KEY]) == ["t"]
    found = transform.transform(data)
    assert found[:, -1].tolist() == list(range(count))
    for row in (0, 3, 5, 6, count - 2, count - 1):
        np.testing.assert_array_equal(found[row], transform.transform(data.slice(row, 1))[0])
    assert found[3, :2].tolist() == [2_000, 10_000]
    assert found[count - 2, :2].tolist() == [1, 3_000_000]


def test_arrays_of_texts_are_grouped_too() -> None:
    data = rows(9_000)
    transform = Transform(features).fit(data)
    given = {"t": np.array(data["t"].to_pylist(), dtype=object), "i": np.arange(9_000)}
    np.testing.assert_array_equal(transform.graph.run(given)["features"], transform.transform(data))


@pytest.mark.parametrize("coded", [False, True])
def test_groups_hold_every_row_once_and_are_small(coded: bool) -> None:
    lengths = np.random.default_rng(0).pareto(0.5, 20_000).astype(int) % 2_000_000
    texts = pa.array(["x" * length if length else None for length in lengths.tolist()])
    found = LongTexts(["t"], 8_192).groups({"t": texts.dictionary_encode() if coded else texts})
    assert found is not None
    assert np.sort(np.concatenate(found)).tolist() == list(range(20_000))
    for group in found:
        assert len(group) == 1 or len(group) * lengths[group].max() <= LIMIT


def test_short_texts_are_left_together() -> None:
    assert LongTexts(["t"], 8_192).groups({"t": pa.array(["x" * 500] * 20_000)}) is None
    assert LongTexts([], 8_192).groups({"t": pa.array(["x" * LIMIT])}) is None
