"""Metrics of one's own: what functions get for each task, their intervals, and what they may do wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import UsageError
from tilth.metrics import (
    BinaryCounts,
    BinaryStatistics,
    ClassCounts,
    CustomStatistics,
    GroupCounts,
    LabelCounts,
    NumberCounts,
    RankingStatistics,
)


def binary(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    scores = np.round(np.clip(0.3 * labels + random.random(rows) * 0.7, 0, 1), 2)
    return labels, scores, random.integers(0, 3, rows).astype(float)


def test_binary_counts_are_those_of_the_rows() -> None:
    labels, scores, weights = binary()
    statistics = CustomStatistics("binary", ("no", "yes"))
    statistics.update(labels, scores=scores, weights=weights)
    found = statistics.counts()
    assert isinstance(found, BinaryCounts)
    said = scores > 0.5
    assert found.tp == weights[(labels == 1) & said].sum()
    assert found.fp == weights[(labels == 0) & said].sum()
    assert found.rows == weights.sum()
    kept = weights > 0
    assert found.scores.tolist() == np.unique(scores[kept]).tolist()
    for score, negative, positive in zip(found.scores, found.negatives, found.positives, strict=True):
        assert negative == weights[(scores == score) & (labels == 0)].sum()
        assert positive == weights[(scores == score) & (labels == 1)].sum()


def test_predictions_without_scores_have_cells_alone() -> None:
    statistics = CustomStatistics("binary", ("no", "yes"))
    statistics.update(np.array([0, 1]), predictions=np.array([1, 1]))
    found = statistics.counts()
    assert isinstance(found, BinaryCounts)
    assert (found.tn, found.fp, found.fn, found.tp) == (0, 1, 0, 1)
    assert len(found.scores) == 0


def test_counts_of_several_classes_and_numbers() -> None:
    classes = CustomStatistics("multiclass", ("a", "b", "c"))
    classes.update(
        np.array([0, 1, 2, 2]), predictions=np.array([0, 1, 1, 1]), weights=np.array([1, 1, 2, 3.0])
    )
    found = classes.counts()
    assert isinstance(found, ClassCounts)
    assert found.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 5, 0]]
    assert found.rows == 7
    numbers = CustomStatistics("regression")
    numbers.update(np.array([2.0, 1, 2]), predictions=np.array([3.0, 1, 3]), weights=np.array([1, 0, 1.0]))
    pairs = numbers.counts()
    assert isinstance(pairs, NumberCounts)
    assert (pairs.labels.tolist(), pairs.predictions.tolist(), pairs.weights.tolist()) == ([2], [3], [2])
    assert pairs.rows == 2


def test_counts_of_many_labels_are_their_flags() -> None:
    random = np.random.default_rng(0)
    truth, said = random.integers(0, 2, (2, 20, 70))
    statistics = CustomStatistics("multilabel", [f"label {at}" for at in range(70)])
    statistics.update(truth, predictions=said)
    found = statistics.counts()
    assert isinstance(found, LabelCounts)
    assert found.rows == 20
    rows = {(*t, *s) for t, s in zip(truth.tolist(), said.tolist(), strict=True)}
    assert {(*t, *s) for t, s in zip(found.truth.tolist(), found.said.tolist(), strict=True)} == rows


def test_groups_of_a_ranking_are_in_order() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(-(2**62), 2**62, 30)[random.integers(0, 30, 200)]
    labels, said = random.integers(0, 3, 200).astype(float), random.normal(size=200)
    statistics, ours = CustomStatistics("ranking"), RankingStatistics()
    statistics.update(labels, predictions=said, groups=groups)
    ours.update(labels, said, groups)
    found = statistics.counts()
    assert isinstance(found, GroupCounts)
    assert found.rows == 200
    assert all((np.diff(group.predictions) <= 0).all() for group in found.groups)

    def first_hit(counts: GroupCounts) -> float:
        pairs = [(w, g.labels) for g, w in zip(counts.groups, counts.weights, strict=True) if g.labels.any()]
        return sum(w / (1 + np.argmax(v > 0)) for w, v in pairs) / sum(w for w, _ in pairs)

    mine, wanted = statistics.metrics({"mrr": first_hit})["custom.mrr"], ours.metrics()["mrr"]
    assert mine.value == pytest.approx(wanted.value)
    assert mine.low == pytest.approx(wanted.low, abs=0.05)
    assert mine.high == pytest.approx(wanted.high, abs=0.05)


def recall(counts: BinaryCounts) -> float:
    return counts.tp / (counts.tp + counts.fn)


def brier(counts: BinaryCounts) -> float:
    lost = counts.positives * (1 - counts.scores) ** 2 + counts.negatives * counts.scores**2
    return float(lost.sum() / counts.rows)


def test_intervals_are_those_of_the_same_metric_in_closed_form() -> None:
    labels, scores, weights = binary(3000)
    statistics, ours = CustomStatistics("binary", ("no", "yes")), BinaryStatistics()
    statistics.update(labels, scores=scores, weights=weights)
    ours.update(labels == 1, scores=scores, weights=weights)
    found = statistics.metrics({"recall": recall, "brier": brier})
    for name in ("recall", "brier"):
        mine, wanted = found[f"custom.{name}"], ours.metrics()[name]
        assert mine.value == pytest.approx(wanted.value)
        width = wanted.high - wanted.low
        assert mine.low == pytest.approx(wanted.low, abs=0.2 * width)
        assert mine.high == pytest.approx(wanted.high, abs=0.2 * width)


def test_many_distinct_rows_are_drawn_less_often_and_as_well() -> None:
    random = np.random.default_rng(1)
    labels = random.normal(size=25_000)
    statistics = CustomStatistics("regression")
    statistics.update(labels, predictions=labels + random.normal(size=25_000))
    calls = 0

    def squared(counts: NumberCounts) -> float:
        nonlocal calls
        calls += 1
        return float(np.average((counts.predictions - counts.labels) ** 2, weights=counts.weights))

    found = statistics.metrics({"squared": squared})["custom.squared"]
    assert calls == 51
    half = 1.96 * np.sqrt(2 / 25_000)
    assert found.value - found.low == pytest.approx(half, rel=0.3)
    assert found.high - found.value == pytest.approx(half, rel=0.3)


rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from([0.5, 1.0])), max_size=20
)


def counted(some: list[tuple[int, float, float]]) -> CustomStatistics:
    statistics = CustomStatistics("binary", ("no", "yes"))
    if some:
        labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
        statistics.update(labels, scores=scores, weights=weights)
    return statistics


@given(rows, rows, st.randoms(use_true_random=False))
def test_merge_is_the_statistics_of_all_rows_in_any_order(a: Any, b: Any, random: Any) -> None:
    shuffled = [*a, *b]
    random.shuffle(shuffled)
    whole, merged = counted(shuffled), pickle.loads(pickle.dumps(counted(b)))
    merged.merge(counted(a))
    assert merged == whole
    functions = {"cost": lambda counts: 5 * counts.fn + counts.fp}
    assert merged.metrics(functions) == whole.metrics(functions)


def test_undefined_is_none() -> None:
    some = counted([(0, 0.1, 1.0), (0, 0.9, 1.0)])
    functions: dict[str, Callable[[Any], Any]] = {
        "none": lambda _: None,
        "zero": lambda counts: counts.tp / (counts.tp + counts.fn),
        "endless": lambda _: float("inf"),
        "not": lambda _: np.float64("nan"),
        "constant": lambda _: np.int64(3),
    }
    found = some.metrics(functions)
    assert [found[f"custom.{name}"].value for name in functions] == [None, None, None, None, 3.0]
    assert found["custom.constant"].low is None
    assert counted([]).metrics(functions)["custom.constant"].value is None
    assert some.metrics({}) == {}


def test_often_undefined_in_samples_has_no_interval() -> None:
    some = counted([(1, 0.9, 1.0), *[(0, 0.1, 1.0)] * 9])
    found = some.metrics({"recall": recall})["custom.recall"]
    assert found.value == 1
    assert found.low is None


def test_a_function_that_fails_is_named_with_its_line() -> None:
    def cost(counts: BinaryCounts) -> float:
        return float(counts.cost)  # type: ignore[attr-defined]

    with pytest.raises(
        UsageError, match=r"the metric 'cost' failed: AttributeError: .*no attribute 'cost'"
    ) as told:
        counted([(0, 0.1, 1.0)]).metrics({"cost": cost})
    assert "test_custom.py, line" in str(told.value)
    assert "BinaryCounts" in str(told.value)


@pytest.mark.parametrize("given_back", ["1.5", True, [1], 1j])
def test_what_is_no_number_is_refused(given_back: object) -> None:
    with pytest.raises(UsageError, match=f"the metric 'odd' gave {type(given_back).__name__}"):
        counted([(0, 0.1, 1.0)]).metrics({"odd": lambda _: given_back})  # type: ignore[dict-item, return-value]


def test_a_function_cannot_change_what_its_neighbor_gets() -> None:
    def careless(counts: BinaryCounts) -> float:
        counts.scores[:] = 0
        return 0.0

    with pytest.raises(UsageError, match=r"'careless' failed: ValueError: .*read-only"):
        counted([(0, 0.1, 1.0)]).metrics({"careless": careless})


def test_what_a_function_prints_is_no_part_of_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    counted([(0, 0.1, 1.0)]).metrics({"loud": lambda _: print("hear")})  # noqa: T201 - what is tested
    said = capsys.readouterr()
    assert said.out == ""
    assert "hear" in said.err


def test_counts_of_other_tasks_do_not_merge() -> None:
    with pytest.raises(UsageError, match="different tasks or classes"):
        CustomStatistics("binary", ("a", "b")).merge(CustomStatistics("regression"))
    with pytest.raises(UsageError, match="needs the groups"):
        CustomStatistics("ranking").update(np.zeros(1), predictions=np.zeros(1))
    with pytest.raises(UsageError, match="nothing was predicted"):
        CustomStatistics("binary").update(np.zeros(1))
