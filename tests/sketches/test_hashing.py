from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import text_words
from tilth.sketches.hashing import number_words, text_places

texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(texts, min_size=1, max_size=20), st.integers(0, 19))
def test_a_text_has_one_hash_wherever_it_lies(values: list[str], start: int) -> None:
    array = pa.array(values, pa.string())
    words = text_words(array)
    assert words.tolist() == [int(text_words(pa.array([value]))[0]) for value in values]
    assert text_words(array.slice(start)).tolist() == words.tolist()[start:]
    assert text_words(array.cast(pa.large_string())).tolist() == words.tolist()
    assert len(set(words.tolist())) == len(set(values))


def test_hashes_are_the_same_in_every_version() -> None:
    words = text_words(pa.array(["", "a", "tilth", "x" * 9, "y" * 1025]))
    assert words.tolist() == [
        17094569505120094878,
        7193004504924589869,
        12240000537580498611,
        8301677998213478252,
        1197132664095884660,
    ]
    assert number_words(np.array([0.0, 1.5])).tolist() == [16294208416658607535, 15481881892811333770]


def test_seeds_give_other_hashes() -> None:
    array = pa.array(["a", "b" * 2000])
    assert not np.any(text_words(array, 1) == text_words(array, 2))


def test_nothing_has_no_hashes() -> None:
    assert len(text_words(pa.array([], pa.string()))) == 0
    assert [len(part) for part in text_places(pa.array([], pa.string()))] == [0, 0, 0]


def test_long_integers_are_told_apart() -> None:
    near = np.array([2**53, 2**53 + 1, 2**53 + 2, -(2**63), 2**63 - 1, 2**62 - 1, -2])
    assert len(np.unique(number_words(near))) == len(near)
    assert number_words(np.array([2**53]))[0] == number_words(np.array([2.0**53]))[0]


@pytest.mark.parametrize("bits", range(0, 64, 7))
def test_hashes_of_consecutive_numbers_spread_evenly(bits: int) -> None:
    words = number_words(np.arange(4096))
    ones = np.count_nonzero(words & np.uint64(1 << bits))
    assert 1800 < ones < 2300
