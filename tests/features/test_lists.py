"""Lists of texts and numbers in the graph are what plain Python says, row by row and in bulk."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform
from tilth.features.documents import TEXTS, Documents

NAN = float("nan")
Numbers = list[list[float | None] | None]
Words = list[list[str | None] | None]

number = st.none() | st.integers(-8, 8).map(lambda n: n / 4) | st.sampled_from([0.1, -0.0, 1e300, 1 / 3])
numbers = st.lists(st.none() | st.lists(number, max_size=9), min_size=1, max_size=7)
word = st.none() | st.sampled_from(["a", "b", "ü", "c d", "\U0001f600", ""])
lists_of_words = st.lists(st.none() | st.lists(word, max_size=9), min_size=1, max_size=7)


def table(values: Any, kind: pa.DataType) -> pa.Table:
    return pa.table({"l": pa.array(values, pa.list_(kind))})


def computed(
    features: Callable[[Expression], dict[str, Expression]], data: pa.Table
) -> dict[str, list[float]]:
    """Features of some lists, after a look at whether each row alone gives the same bits."""
    transform = Transform(lambda x: features(x["l"])).fit(data)
    bulk = transform.transform(data)
    alone = np.concatenate([transform.transform(data.slice(row, 1)) for row in range(data.num_rows)])
    np.testing.assert_array_equal(bulk.view(np.int32), alone.view(np.int32))
    return {name: bulk[:, place].tolist() for place, name in enumerate(transform.feature_names)}


def same(found: list[float], wanted: list[float]) -> None:
    np.testing.assert_array_equal(np.array(found), np.array(wanted, dtype=np.float32))


def at(items: list[Any], position: int) -> Any:
    return items[position] if -len(items) <= position < len(items) else NAN


def added(items: list[float]) -> float:
    total = 0.0
    for item in items:
        total += item
    return total if items else NAN


@settings(max_examples=60)
@given(numbers)
def test_figures_of_numbers(values: Numbers) -> None:
    there = [[item for item in row or [] if item is not None] for row in values]
    found = computed(
        lambda x: {
            "length": x.length(),
            "distinct": x.distinct_count(),
            "sum": x.sum(),
            "mean": x.mean(),
            "min": x.min(),
            "max": x.max(),
            "first": x.first(),
            "last": x.last(),
            "get 2": x.get(2),
            "get -2": x.get(-2),
            "has": x.contains(0.25),
        },
        table(values, pa.float64()),
    )
    with np.errstate(over="ignore"):
        same(found["length"], [len(row) for row in there])
        same(found["distinct"], [len(set(row)) for row in there])
        same(found["sum"], [added(row) for row in there])
        same(found["mean"], [added(row) / len(row) if row else NAN for row in there])
        same(found["min"], [min(row, default=NAN) for row in there])
        same(found["max"], [max(row, default=NAN) for row in there])
        for name, position in {"first": 0, "last": -1, "get 2": 2, "get -2": -2}.items():
            same(found[name], [at(row, position) for row in there])
        same(found["has"], [0.25 in row for row in there])


@settings(max_examples=40)
@given(numbers, st.sampled_from([None, -1.0]))
def test_padded_numbers_are_columns(values: Numbers, fill: float | None) -> None:
    found = computed(lambda x: {"y": x.padded(3, fill)}, table(values, pa.float64()))
    filling = NAN if fill is None else fill
    for place in range(3):
        rows = [[item for item in row or [] if item is not None] for row in values]
        wanted = [row[place] if place < len(row) else filling for row in rows]
        with np.errstate(over="ignore"):
            same(found[f"y[{place}]"], wanted)


@settings(max_examples=60)
@given(lists_of_words)
def test_lists_of_texts(values: Words) -> None:
    there = [[item for item in row or [] if item] for row in values]
    ranks = ["c d", "b", "ü", "a", "\U0001f600"]
    found = computed(
        lambda x: {
            "length": x.length(),
            "distinct": x.distinct_count(),
            "has": x.contains("ü"),
            "first": x.first().vocabulary(values=ranks, default=-9),
            "last": x.last().vocabulary(values=ranks, default=-9),
            "get": x.get(1).vocabulary(values=ranks, default=-9),
            "upper": x.upper().contains("Ü"),
            "strip": x.strip().contains("c d"),
        },
        table(values, pa.string()),
    )
    same(found["length"], [len(row) for row in there])
    same(found["distinct"], [len(set(row)) for row in there])
    same(found["has"], ["ü" in row for row in there])
    for name, position in {"first": 0, "last": -1, "get": 1}.items():
        items = [at(row, position) for row in there]
        same(found[name], [ranks.index(item) if item in ranks else -9 for item in items])
    same(found["upper"], ["ü" in row for row in there])
    same(found["strip"], ["c d" in row for row in there])


def ngrams(items: list[str], low: int, high: int) -> list[str]:
    sizes = range(low, high + 1)
    return [" ".join(items[start : start + size]) for size in sizes for start in range(len(items) - size + 1)]


@settings(max_examples=60)
@given(lists_of_words, lists_of_words, st.integers(1, 3), st.integers(0, 2), st.sampled_from([None, 2]))
def test_bags_of_ngrams(train: Words, values: Words, low: int, more: int, top: int | None) -> None:
    high = low + more
    seen = [ngrams([item for item in row or [] if item], low, high) for row in train]
    known = Counter(gram for row in seen for gram in row)
    order = sorted(known, key=lambda gram: (known[gram], gram), reverse=True)[:top]
    filled = [row for row in seen if row]
    now = [ngrams([item for item in row or [] if item], low, high) for row in values]

    def features(x: Inputs) -> dict[str, Expression]:
        grams = x["l"].ngrams(low, high)
        return {
            "rows": grams.length(),
            "count": grams.bag_of_words(top=top),
            "there": grams.bag_of_words(top=top, counts=False),
            "weight": grams.tfidf(top=top),
            "rank": grams.vocabulary(top=top).padded(2),
        }

    transform = Transform(features).fit(table(train, pa.string()))
    data = table(values, pa.string())
    bulk = transform.transform(data)
    alone = np.concatenate([transform.transform(data.slice(row, 1)) for row in range(len(values))])
    np.testing.assert_array_equal(bulk.view(np.int32), alone.view(np.int32))
    assert list(transform.feature_names)[1 : 1 + len(order)] == [f"count={gram}" for gram in order]

    weights = {
        gram: 1 + math.log((1 + len(filled)) / (1 + sum(gram in row for row in filled))) for gram in order
    }
    for row, found in zip(now, bulk.tolist(), strict=True):
        counts = [float(row.count(gram)) for gram in order]
        tfidf = [weights[gram] * row.count(gram) / max(1, len(row)) for gram in order]
        ranks = [float(order.index(gram)) if gram in order else -1.0 for gram in row]
        wanted = [
            len(row),
            *counts,
            *(min(count, 1.0) for count in counts),
            *tfidf,
            *([*ranks, NAN, NAN][:2]),
        ]
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@settings(max_examples=40)
@given(lists_of_words, st.integers(1, 5), st.sampled_from([0, 3]))
def test_hashed_words_count_what_hashes_say(values: Words, buckets: int, seed: int) -> None:
    there = [[item for item in row or [] if item] for row in values]
    data = table(values, pa.string())
    found = computed(lambda x: {"y": x.hashed_words(buckets, seed)}, data)
    each = Transform(lambda x: {"h": x["t"].hash(buckets, seed)}).fit({"t": ["a"]})
    for place in range(buckets):
        codes = [each.transform({"t": row}).ravel().tolist() if row else [] for row in there]
        same(found[f"y[{place}]"], [row.count(place) for row in codes])


def test_hashes_of_items() -> None:
    data = table([["a", "b"], [None], ["b", "a"]], pa.string())
    found = computed(
        lambda x: {"first": x.hash(9).first(), "last": x.hash(9).last(), "n": x.hash(9).length()}, data
    )
    assert found["first"][0] == found["last"][2]
    assert found["n"] == [2, 0, 2]
    assert math.isnan(found["first"][1])


def test_words_that_most_lists_have_can_be_left_out() -> None:
    data = {"t": ["the cat", "the dog", "the the", "a cat", None]}
    names = Transform(lambda x: {"y": x["t"].split().bag_of_words(max_share=0.5)}).fit(data).feature_names
    assert names == ("y=cat", "y=dog", "y=a")
    rare = Transform(lambda x: {"y": x["t"].split().tfidf(min_count=2, top=1, max_share=0.5)}).fit(data)
    assert rare.feature_names == ("y=cat",)


def test_the_order_of_rows_and_parts_does_not_change_a_byte() -> None:
    texts = [f"word{i % 7} word{i % 3} x{i % 11}" for i in range(200)]

    def features(x: Inputs) -> dict[str, Expression]:
        return {"y": x["t"].split().tfidf(top=5), "z": x["t"].split().vocabulary(top=4).mean()}

    model = Transform(features).fit({"t": texts}).to_onnx()
    assert Transform(features).fit({"t": texts[::-1]}).to_onnx() == model


def test_documents_merge() -> None:
    whole, left, right = Documents(), Documents(), Documents()
    rows = np.array([["a", "b", "a"], ["b", "", ""], ["", "", ""], ["c", "a", ""]], dtype=object)
    whole.update(rows)
    left.update(rows[:1])
    right.update(rows[1:])
    right.merge(left)
    assert (
        (right.lists, right.frequent())
        == (whole.lists, whole.frequent())
        == (3, [("a", 3), ("b", 2), ("c", 1)])
    )
    assert right.lists_with(["c", "a"]).tolist() == [1, 2]


def test_more_words_than_can_be_told_apart_are_refused() -> None:
    seen = Documents()
    seen.update(np.array([f"w{i}" for i in range(TEXTS + 1)], dtype=object).reshape(1, -1))
    with pytest.raises(FeatureError, match=r"too many different words, about 1,0\d\d,\d\d\d") as error:
        seen.frequent()
    assert error.value.mend is not None
    assert ".hashed_words(1000)" in error.value.mend


Case = Callable[[str, str], dict[str, Any]]


def test_zscore_over_all_items(shared_case: Case) -> None:
    case = shared_case("transform", "tft-5")
    data = {"l": case["input"]["x"]}
    found = Transform(lambda x: {"y": x["l"].zscore().padded(2)}).fit(data).transform(data)
    np.testing.assert_allclose(found, case["expected"]["y"], atol=case["tolerance"])


def test_vocabulary_of_lists_cut_at_a_tie(shared_case: Case) -> None:
    case = shared_case("transform", "tft-26")
    data = {"l": case["input"]["rows"]}
    top, default = case["input"]["top_k"], case["input"]["default"]
    transform = Transform(lambda x: {"y": x["l"].vocabulary(top=top, default=default).padded(3)}).fit(data)
    assert transform.transform(data).tolist() == case["expected"]["ids"]


def test_scaling_goes_over_all_items() -> None:
    data = table([[1, 2], [5], None, [3, None]], pa.int64())
    found = computed(lambda x: {"s": x.scale().padded(2), "c": x.center().sum(), "z": x.zscore().max()}, data)
    same(found["s[0]"], [0, 1, NAN, 0.5])
    same(found["s[1]"], [0.25, NAN, NAN, NAN])
    same(found["c"], [1 + 2 - 5.5, 5 - 2.75, NAN, 0.25])


def test_lists_of_flags_and_datetimes_are_numbers() -> None:
    flags = table([[True, False, None], []], pa.bool_())
    assert computed(lambda x: {"share": x.mean(), "any": x.contains(1)}, flags)["any"] == [1, 0]
    moments = table([[np.datetime64("1970-01-02", "us"), None]], pa.timestamp("us"))
    assert computed(lambda x: {"last": x.last()}, moments)["last"] == [86_400]


def test_no_rows_and_only_missing_lists() -> None:
    data = table([["a b", "c"], ["d"]], pa.string())

    def features(x: Inputs) -> dict[str, Expression]:
        return {
            "bag": x["l"].bag_of_words(),
            "grams": x["l"].ngrams(2, 3).tfidf(),
            "rank": x["l"].vocabulary().padded(2),
            "first": x["l"].first().hash(5),
        }

    transform = Transform(features).fit(data)
    assert transform.transform(data.slice(0, 0)).shape == (0, len(transform.feature_names))
    found = transform.transform(table([None, [], [None]], pa.string()))
    np.testing.assert_array_equal(found, [[0, 0, 0, 0, NAN, NAN, NAN]] * 3)


def test_lists_without_any_item_have_no_words() -> None:
    with pytest.raises(FeatureError, match="no columns"):
        Transform(lambda x: {"y": x["t"].tokens().bag_of_words()}).fit({"t": ["!!", "?"]})


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda x: x["t"].sum(), "needs a list of numbers"),
        (lambda x: x["w"].sum(), "needs a list of numbers"),
        (lambda x: x["n"].ngrams(2), "needs a list of texts"),
        (lambda x: x["w"].ngrams(0), "got 0"),
        (lambda x: x["w"].ngrams(3, 2), "got 2"),
        (lambda x: x["w"].ngrams(2, separator=1), "got 1"),
        (lambda x: x["w"].get(True), "got True"),
        (lambda x: x["n"].padded(0), "got 0"),
        (lambda x: x["n"].padded(200_000), "would make 200,000 columns"),
        (lambda x: x["n"].padded(2, fill=NAN), "got nan"),
        (lambda x: x["n"].contains("a"), "got 'a'"),
        (lambda x: x["w"].bag_of_words(top=0), "got 0"),
        (lambda x: x["w"].tfidf(max_share=0), "max_share=0"),
        (lambda x: x["w"].hashed_words(0), "got 0"),
        (lambda x: x["w"].one_hot(), "needs text"),
    ],
)
def test_mistakes_are_told_with_the_line(use: Callable[[Inputs], Expression], message: str) -> None:
    with pytest.raises(FeatureError, match=message) as error:
        use(Inputs({"t": "string", "w": "list[string]", "n": "list[float]"}))
    assert "test_lists.py, line" in str(error.value.where)
