"""Dictionaries: the same results as without, few computations, bounded memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.inference import dictionaries
from tilth.inference.codes import Codes, code_numbers, combine
from tilth.inference.dictionaries import Results, TextDictionary, in_pieces, text_rows

texts = st.none() | st.sampled_from(["", "a", "b", "bb", "ä", "long text", "c"])
forms = st.sampled_from(["plain", "large", "coded", "sliced"])


def lengths(values: np.ndarray) -> Results:
    """Two results of each text: (d, 1) and (d,)."""
    found = np.array([len(text) for text in values[:, 0]], dtype=np.int64)
    return found[:, np.newaxis], found * 2


def column(values: list[str | None], form: str) -> pa.Array:
    if form == "large":
        return pa.array(values, pa.large_string())
    if form == "coded":
        return pa.array(values, pa.string()).dictionary_encode()
    if form == "sliced":
        return pa.array([None, "never met", *values, "nor this"], pa.string()).dictionary_encode()[2:-1]
    return pa.array(values, pa.string())


@given(
    st.lists(st.tuples(st.lists(texts, min_size=1, max_size=30), forms), min_size=1, max_size=8),
    st.sampled_from([1, 3, 10_000]),
)
def test_coded_texts_are_the_texts(batches: list[tuple[list[str | None], str]], known: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionaries, "_KNOWN_TEXTS", known)
        coding = TextDictionary(lengths)
        for values, form in batches:
            found = coding.code(column(values, form))
            if found is None:
                continue
            plain = [value or "" for value in values]
            rows = np.arange(len(values))
            assert found.rows(rows).ravel().tolist() == plain
            assert [found.results[0][code, 0] for code in found.codes.codes] == [len(t) for t in plain]
            assert [found.results[1][code] for code in found.codes.codes] == [2 * len(t) for t in plain]
            assert coding._known is None or len(coding._known.texts) <= known


def test_what_is_remembered_is_bounded() -> None:
    seen = 0

    def count(values: np.ndarray) -> Results:
        nonlocal seen
        seen += len(values)
        return (np.zeros(len(values)),)

    coding = TextDictionary(count)
    for start in range(0, 100_000, 10_000):
        batch = pa.array([f"text {i}" for i in range(start, start + 10_000)] * 2)
        assert coding.code(batch) is not None
        assert coding._known is not None
        assert len(coding._known.texts) <= 16_384
        assert coding._known.texts.nbytes <= 1 << 20
    assert seen == 100_000
    long = pa.array([str(i) * 200_000 for i in range(9)] * 2)
    assert coding.code(long) is not None
    assert coding._known is None  # too long to keep


def test_texts_that_do_not_repeat_are_left_alone_for_a_while() -> None:
    calls = 0

    def count(values: np.ndarray) -> Results:
        nonlocal calls
        calls += 1
        return (np.zeros(len(values)),)

    coding = TextDictionary(count)
    distinct = pa.array([f"text {i}" for i in range(1_000)])
    same = pa.array(["text"] * 1_000)
    assert coding.code(distinct) is None
    assert [coding.code(same) is None for _ in range(17)] == [True] * 15 + [False] * 2
    assert calls == 1


def test_results_as_wide_as_the_longest_text() -> None:
    def padded(values: np.ndarray) -> Results:
        width = max(len(text) for text in values[:, 0])
        return (np.array([[ord(c) for c in text.ljust(width)] for text in values[:, 0]]),)

    coding = TextDictionary(padded)
    for values in (["a", "b"] * 3, ["a", "abc"] * 3, ["a"] * 3):
        found = coding.code(pa.array(values))
        assert found is not None
        rows = found.results[0][found.codes.codes]
        assert ["".join(map(chr, row)).rstrip() for row in rows] == values


def test_too_much_to_hold_is_not_computed_to_the_end() -> None:
    done = 0

    def wide(start: int, stop: int) -> Results:
        nonlocal done
        done = stop
        return (np.zeros((stop - start, 1_000)),)

    assert in_pieces(wide, 100_000) is None
    assert done == 8_192
    found = in_pieces(lambda start, stop: (np.arange(start, stop),), 20_000)
    assert found is not None
    assert found[0].tolist() == list(range(20_000))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.sampled_from([51, 10_000]))
def test_distinct_codes(values: list[int], size: int) -> None:
    codes = np.array(values)
    first, places = Codes(codes, size).distinct()
    assert codes[first][places].tolist() == values
    assert len(set(codes[first])) == len(first)
    assert [values.index(value) for value in codes[first]] == first.tolist()


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=40), st.booleans())
def test_combined_codes_are_equal_where_all_are(rows: list[tuple[int, ...]], is_large: bool) -> None:
    size = 1 << 40 if is_large else 4
    found = combine([Codes(np.array(part), size) for part in zip(*rows, strict=True)])
    for i, row in enumerate(rows):
        assert (found.codes == found.codes[i]).tolist() == [other == row for other in rows]
    assert found.codes.max() < found.size


def test_numbers_are_equal_only_to_the_last_bit() -> None:
    values = np.array([[0.0], [-0.0], [np.nan], [0.0], [np.nan]])
    found = code_numbers(values)
    assert found is not None
    assert len(set(found.codes.codes)) == 3
    np.testing.assert_array_equal(found.rows(np.array([1, 4])), values[[1, 4]])
    flags = code_numbers(np.array([[True, False], [True, True], [True, False]]))
    assert flags is not None
    assert flags.codes.codes.tolist() == [2, 3, 2]
    assert code_numbers(np.zeros((3, 9))) is None
    assert code_numbers(np.zeros((3, 2, 2))) is None
    assert code_numbers(np.array(["a"], dtype=object)) is None


def test_texts_as_rows() -> None:
    coded = pa.array(["a", None, "a"]).dictionary_encode()
    assert text_rows(coded).tolist() == [["a"], [""], ["a"]]
    assert text_rows(pa.nulls(2)).tolist() == [[""], [""]]
