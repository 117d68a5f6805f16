from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches.packing import pack, pack_sorted, pack_words, unpack, unpack_sorted, unpack_words

words = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 300), max_size=50)


@given(words)
def test_what_is_packed_is_unpacked(values: list[int]) -> None:
    array = np.array(values, dtype=np.uint64)
    assert unpack(pack(array)).tolist() == values


@given(words)
def test_ascending_words_are_unpacked(values: list[int]) -> None:
    array = np.sort(np.array(values, dtype=np.uint64))
    assert unpack_sorted(pack_sorted(array)).tolist() == array.tolist()
    assert unpack_words(pack_words(array)).tolist() == array.tolist()
