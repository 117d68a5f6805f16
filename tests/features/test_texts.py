"""Letters, patterns, pieces and hashes of texts are what plain Python says, row by row and in bulk."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform, cross

NAN = float("nan")
ODD = [
    "ÄÖ ß İ Σας",
    "  pad\u3000\n",
    "\U0001f600 Ünï_cödé 42",
    "e\u0301te\u0301",
    "नमस्ते दुनिया",
    "a\tb\x1fc",
    "a.b*c",
    "42",
    "",
    " ",
]
LETTERS = st.sampled_from(list("aBcÄß .,_7\n\t\u00a0\u3000éи中\U0001f600e\u0301+*[]"))
texts = st.lists(st.none() | st.text(LETTERS, max_size=12) | st.sampled_from(ODD), min_size=1, max_size=8)


def applied(expression: Callable[[Expression], Expression], values: list[str | None]) -> list[float]:
    """A feature of some texts, after a look at whether each row alone gives the same bits."""
    data = pa.table({"t": pa.array(values, pa.string())})
    transform = Transform(lambda x: {"y": expression(x["t"])}).fit(data)
    bulk = transform.transform(data)
    alone = np.concatenate([transform.transform(data.slice(row, 1)) for row in range(len(values))])
    np.testing.assert_array_equal(bulk.view(np.int32), alone.view(np.int32))
    return [float(value) for value in bulk[:, 0]]


def same(found: list[float], wanted: list[float]) -> None:
    np.testing.assert_array_equal(np.array(found), np.array(wanted, dtype=np.float32))


def lowered(text: str) -> str:
    return "".join(letter.lower() if len(letter.lower()) == 1 else "i" for letter in text)


def is_word(letter: str) -> bool:
    return letter == "_" or unicodedata.category(letter)[0] in "LMN"


def words(text: str) -> list[str]:
    return "".join(letter if is_word(letter) else " " for letter in text).split(" ")


@settings(max_examples=40)
@given(texts)
def test_letters_are_changed_one_by_one(values: list[str | None]) -> None:
    known = [lowered(value) for value in values if value] or ["none"]
    found = applied(lambda t: t.lower().vocabulary(values=dict.fromkeys(known)), values)
    order = list(dict.fromkeys(known))
    same(found, [order.index(lowered(value)) if value else -1 for value in values])


def test_upper_case_leaves_letters_that_have_none() -> None:
    assert applied(lambda t: t.upper().is_in(["ÄÉ ß 中"]), ["äÉ ß 中", "x", None])[:2] == [1, 0]


@settings(max_examples=40)
@given(texts)
def test_strip_and_split_know_the_white_space_of_python(values: list[str | None]) -> None:
    stripped = [(value or "").strip() for value in values]
    order = list(dict.fromkeys(text for text in stripped if text)) or ["none"]
    same(
        applied(lambda t: t.strip().vocabulary(values=order), values),
        [order.index(text) if text else -1 for text in stripped],
    )
    same(applied(lambda t: t.split().length(), values), [len((value or "").split()) for value in values])


@settings(max_examples=40)
@given(texts)
def test_length_is_in_characters(values: list[str | None]) -> None:
    same(applied(lambda t: t.length(), values), [len(value) if value else NAN for value in values])


@settings(max_examples=40)
@given(texts, st.text(LETTERS, min_size=1, max_size=2) | st.sampled_from([".", "\\", "a.b", "\n", "Q\\E"]))
def test_parts_of_texts(values: list[str | None], part: str) -> None:
    same(
        applied(lambda t: t.contains(part), values),
        [part in value if value else NAN for value in values],
    )
    same(
        applied(lambda t: t.starts_with(part), values),
        [value.startswith(part) if value else NAN for value in values],
    )
    same(
        applied(lambda t: t.ends_with(part), values),
        [value.endswith(part) if value else NAN for value in values],
    )


@settings(max_examples=40)
@given(texts, st.sampled_from([r"[a-zA-Z]+", r"(?s).*\d+.*", r".*", r"(?i)ab?c?", r"a|ab|abc"]))
def test_whole_matches(values: list[str | None], pattern: str) -> None:
    wanted = [re.fullmatch(pattern, value) is not None if value else NAN for value in values]
    same(applied(lambda t: t.matches(pattern), values), wanted)


@settings(max_examples=40)
@given(texts, st.sampled_from([r"[a-zA-Z]+", r"\d+", r"[éи中]", r"B.", r"7\n?"]))
def test_extract_gives_the_first_match(values: list[str | None], pattern: str) -> None:
    matches = [re.search(pattern, value or "") for value in values]
    found = [match.group() if match else "" for match in matches]
    order = list(dict.fromkeys(text for text in found if text)) or ["none"]
    same(
        applied(lambda t: t.extract(pattern).vocabulary(values=order, default=-9), values),
        [order.index(text) if text else -9 for text in found],
    )


def test_extract_takes_the_longest_alternative() -> None:
    assert applied(lambda t: t.extract("a|ab").is_in(["ab"]), ["xabc"]) == [1]


@settings(max_examples=40)
@given(texts)
def test_words_are_letters_marks_and_digits_of_every_script(values: list[str | None]) -> None:
    found = [[word for word in words(value or "") if word] for value in values]
    order = list(dict.fromkeys(word for row in found for word in row)) or ["none"]
    codes = Transform(lambda x: {"y": x["t"].tokens().vocabulary(values=order).padded(6)})
    data = pa.table({"t": pa.array(values, pa.string())})
    wanted = [([float(order.index(word)) for word in row] + [NAN] * 6)[:6] for row in found]
    np.testing.assert_array_equal(codes.fit(data).transform(data), np.array(wanted, dtype=np.float32))


def murmur(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32 as its author wrote it (Austin Appleby, public domain), in plain Python."""
    mask, state, blocks = 0xFFFFFFFF, seed, len(data) // 4

    def rotated(value: int, by: int) -> int:
        return (value << by | value >> (32 - by)) & mask

    def mixed(value: int) -> int:
        return rotated(value * 0xCC9E2D51 & mask, 15) * 0x1B873593 & mask

    for block in range(blocks):
        state ^= mixed(int.from_bytes(data[4 * block : 4 * block + 4], "little"))
        state = (rotated(state, 13) * 5 + 0xE6546B64) & mask
    state ^= mixed(int.from_bytes(data[4 * blocks :], "little")) ^ len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & mask
    state = (state ^ state >> 13) * 0xC2B2AE35 & mask
    return state ^ state >> 16


def test_the_reference_hash_is_the_published_one() -> None:
    assert murmur(b"") == 0
    assert murmur(b"hello") == 0x248BFA47
    assert murmur(b"hello, world") == 0x149BBB7F


@settings(max_examples=40)
@given(texts, st.sampled_from([1, 7, 1000, 2**31]), st.sampled_from([0, 5, 2**31 - 1]))
def test_hashes_are_stable(values: list[str | None], buckets: int, seed: int) -> None:
    wanted = [murmur(value.encode(), seed) % buckets if value else NAN for value in values]
    same(applied(lambda t: t.hash(buckets, seed), values), wanted)


def test_numbers_and_crosses_are_hashed_as_their_text() -> None:
    rows = {"n": [12, None, -3], "f": [True, False, None], "t": ["a", "b", "c"]}
    data = pa.table(rows)
    transform = Transform(
        lambda x: {
            "n": x["n"].hash(1000),
            "f": x["f"].hash(1000),
            "c": cross(x["n"], x["f"], x["t"]).hash(1000),
        }
    )
    wanted = [
        [murmur(b"12") % 1000, murmur(b"true") % 1000, murmur(b"12 & true & a") % 1000],
        [NAN, murmur(b"false") % 1000, NAN],
        [murmur(b"-3") % 1000, NAN, NAN],
    ]
    np.testing.assert_array_equal(transform.fit(data).transform(data), np.array(wanted, np.float32))


def test_is_in_of_texts_and_numbers() -> None:
    data = pa.table({"t": ["a", None, "c"], "n": [1.5, 2.0, None]})
    transform = Transform(lambda x: {"t": x["t"].is_in(["a", "b", "a"]), "n": x["n"].is_in([2, 1.25])})
    np.testing.assert_array_equal(transform.fit(data).transform(data), [[1, 0], [NAN, 1], [0, NAN]])


def test_no_rows_and_rows_where_all_is_missing() -> None:
    data = pa.table({"t": pa.array(["Abc d", None], pa.string())})

    def features(x: Inputs) -> dict[str, Expression]:
        t = x["t"]
        return {
            "length": t.length(),
            "has": t.contains("b"),
            "match": t.matches("a.*"),
            "hash": t.hash(10),
            "in": t.lower().strip().is_in(["abc"]),
            "extract": t.extract("c").is_in(["c"]),
            "words": t.tokens().length(),
            "pieces": t.split(",").length(),
            "bag": t.tokens().bag_of_words(),
            "first": t.split(",").first().hash(9),
        }

    transform = Transform(features).fit(data)
    assert transform.transform(data.slice(0, 0)).shape == (0, len(transform.feature_names))
    missing = transform.transform(pa.table({"t": pa.array([None, ""], pa.string())}))
    np.testing.assert_array_equal(missing[0], missing[1])
    np.testing.assert_array_equal(missing[0], [NAN] * 6 + [0, 0] + [0, 0] + [NAN])


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda t: t.matches("(a"), r"x\[\"t\"\].matches\(\): '\(a' is no regular expression: missing \)"),
        (lambda t: t.extract("(?=a)"), "is no regular expression"),
        (lambda t: t.tokens(""), "got ''"),
        (lambda t: t.contains(""), "got ''"),
        (lambda t: t.contains(3), "got 3"),
        (lambda t: t.split(""), "got ''"),
        (lambda t: t.hash(0), "got 0"),
        (lambda t: t.hash(2**31 + 1), "got 2,147,483,649"),
        (lambda t: t.is_in([]), r"got \[\]"),
        (lambda t: t.is_in("ab"), "got 'ab'"),
        (lambda t: t.is_in([1]), "got 1"),
        (lambda t: t.length().lower(), "needs text"),
        (lambda t: t.zscore(), "needs a number"),
    ],
)
def test_mistakes_are_told_with_the_line(use: Callable[[Expression], Expression], message: str) -> None:
    with pytest.raises(FeatureError, match=message) as error:
        use(Inputs({"t": "string"})["t"])
    assert "test_texts.py, line" in str(error.value.where)


def test_look_ahead_is_named() -> None:
    with pytest.raises(FeatureError) as error:
        Inputs({"t": "string"})["t"].extract("(?=a)")
    assert error.value.mend == "RE2 has no look-ahead and look-behind"


def test_unknown_values_share_further_ranks() -> None:
    values = ["a", "b", "x", "y", None]
    found = applied(lambda t: t.vocabulary(values=["a", "b"], oov_buckets=3), values)
    same(found, [0, 1, 2 + murmur(b"x") % 3, 2 + murmur(b"y") % 3, -1])
    learned = applied(lambda t: t.vocabulary(top=1, oov_buckets=1, default=-7), ["a", "b", "b", None])
    same(learned, [1, 0, 0, -7])


def test_ordinal() -> None:
    found = applied(lambda t: t.ordinal(["low", "high"]), ["high", "low", "other", None])
    same(found, [1, 0, NAN, NAN])
    numbers = Transform(lambda x: {"y": x["n"].ordinal([30, 10], default=9)}).fit({"n": [10, 20]})
    assert numbers.transform({"n": [10, 20]}).tolist() == [[1], [9]]


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda t: t.vocabulary(values=["a", "b", "a"]), "got 'a' twice"),
        (lambda t: t.vocabulary(values=[""]), "got the value ''"),
        (lambda t: t.vocabulary(values=[1.5]), "got the value 1.5"),
        (lambda t: t.vocabulary(values=["a"], top=3), "told twice"),
        (lambda t: t.vocabulary(values="abc"), "got 'abc'"),
        (lambda t: t.vocabulary(file="../secret.txt"), "not in the folder vocabularies"),
        (lambda t: t.vocabulary(file="/etc/passwd"), "not in the folder vocabularies"),
        (lambda t: t.vocabulary(file="vocabularies/../x"), "not in the folder vocabularies"),
        (lambda t: t.vocabulary(file="vocabularies"), "not in the folder vocabularies"),
        (lambda t: t.vocabulary(oov_buckets=-1), "got -1"),
    ],
)
def test_bad_vocabularies(use: Callable[[Expression], Expression], message: str) -> None:
    with pytest.raises(FeatureError, match=message) as error:
        use(Inputs({"t": "string"})["t"])
    assert "test_texts.py, line" in str(error.value.where)


SOURCE = (
    'def features(x):\n    return {"t": x["t"].vocabulary(file="vocabularies/words.txt", oov_buckets=1)}\n'
)


def from_file(folder: Path, content: bytes) -> Transform:
    (folder / "vocabularies").mkdir(exist_ok=True)
    (folder / "vocabularies" / "words.txt").write_bytes(content)
    return Transform(SOURCE, where=str(folder / "features.py")).fit({"t": ["zwei", "drei"]})


def test_a_vocabulary_from_a_file(tmp_path: Path) -> None:
    found = from_file(tmp_path, "\ufeffeins\r\nzwei\r\nüber uns".encode())
    assert found.transform({"t": ["über uns", "zwei", "eins", "four", None]}).ravel().tolist() == [
        2,
        1,
        0,
        3,
        -1,
    ]


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"a\n\nb\n", "this line is empty", "line 2"),
        (b"a\nb\na\n", "the value 'a' is on line 1 too", "line 3"),
        (b"a\n\xff\n", "this line is not UTF-8", "line 2"),
        (b"", "the file is empty", "words.txt"),
    ],
)
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, content: bytes, message: str, line: str) -> None:
    with pytest.raises(FeatureError, match=message) as error:
        from_file(tmp_path, content)
    assert f"{line}, named in features.py, line 2" in str(error.value.where)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a\n")
    (tmp_path / "vocabularies").mkdir()
    (tmp_path / "vocabularies" / "words.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(FeatureError, match="not in the folder vocabularies"):
        Transform(SOURCE, where=str(tmp_path / "features.py")).fit({"t": ["a"]})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="no such"):
        Transform(SOURCE, where=str(tmp_path / "features.py")).fit({"t": ["a"]})


Case = Callable[[str, str], dict[str, Any]]


def test_vocabulary_of_documents(shared_case: Case) -> None:
    case = shared_case("transform", "tft-23")
    data = {"t": case["input"]["docs"]}
    found = Transform(lambda x: {"y": x["t"].split().vocabulary().padded(3)}).fit(data)
    assert found.transform(data).tolist() == case["expected"]["ids"]
    bag = Transform(lambda x: {"y": x["t"].split(" ").bag_of_words()}).fit(data)
    assert list(bag.feature_names) == [f"y={word}" for word in case["expected"]["vocabulary"]]


def test_tfidf_of_documents(shared_case: Case) -> None:
    case = shared_case("transform", "tft-28")
    data = {"t": case["input"]["docs"]}
    transform = Transform(lambda x: {"y": x["t"].split().tfidf()}).fit(data)
    found = transform.apply(data).to_pylist()
    for row, wanted in zip(found, case["expected"].values(), strict=True):
        there = {name.removeprefix("y="): weight for name, weight in row.items() if weight}
        assert there == pytest.approx(wanted, abs=case["tolerance"])


def test_tfidf_without_smoothing() -> None:
    data = {"t": ["a a b", "a c", None, "!!"]}
    transform = Transform(lambda x: {"y": x["t"].tokens().tfidf(smooth=False)}).fit(data)
    found = transform.apply(data).to_pydict()
    assert found["y=a"] == pytest.approx([2 / 3, 0.5, 0, 0])  # two lists are not empty, and both have it
    assert found["y=b"] == pytest.approx([(1 + np.log(2)) / 3, 0, 0, 0])


def test_ngrams_of_documents(shared_case: Case) -> None:
    case = shared_case("transform", "tft-35")
    data = {"t": case["input"]["docs"]}
    grams = Transform(lambda x: {"y": x["t"].split().ngrams(case["input"]["n"]).bag_of_words(counts=False)})
    found = grams.fit(data).apply(data).to_pylist()
    for row, wanted in zip(found, case["expected"].values(), strict=True):
        assert {name.removeprefix("y=") for name, is_there in row.items() if is_there} == set(wanted)
        assert set(row.values()) <= {0.0, 1.0}  # repeats count once


def test_many_rows_of_few_texts_are_what_each_is_alone() -> None:
    kinds = [*ODD, None, "word word other", "A,b,,C"]
    data = pa.table({"t": [kinds[row * row % len(kinds)] for row in range(40_000)], "n": range(40_000)})

    def features(x: Inputs) -> dict[str, Expression]:
        text = x["t"]
        words = text.lower().tokens()
        return {
            "length": text.length(),
            "strip": text.strip().hash(99),
            "weights": words.ngrams(1, 2).tfidf(top=5),
            "hashed": words.hashed_words(3),
            "rank": words.vocabulary(top=3).padded(2),
            "mean": words.vocabulary().mean(),
            "pieces": text.split(",").upper().distinct_count(),
            "last": text.split(",").last().is_in(["C"]),
            "cross": cross(text, x["n"]).hash(7),
        }

    transform = Transform(features).fit(data)
    for _ in range(2):  # the second time the model is cut for work in bulk
        bulk = transform.transform(data)
    for row in range(0, 40_000, 1_871):
        np.testing.assert_array_equal(bulk[row], transform.transform(data.slice(row, 1))[0])


def test_constants_keep_a_nul_at_their_end() -> None:
    data = pa.table({"t": ["a", "a\0", None]})
    transform = Transform(
        lambda x: {
            "equal": x["t"] == "a\0",
            "filled": x["t"].fill_missing("ab\0\0").length(),
            "mode": x["t"].fill_missing("mode") == "a\0",
        }
    )
    np.testing.assert_array_equal(transform.fit(data).transform(data), [[0, 1, 0], [1, 2, 1], [NAN, 4, 1]])
