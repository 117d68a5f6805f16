"""Metrics of rankings: as scikit-learn has them, as all orders of ties have them, mergeable."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from tilth.metrics import RankingStatistics


def _example(groups: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 25, groups)
    group = np.repeat(random.integers(-(2**62), 2**62, groups), sizes)
    labels = random.integers(0, 4, len(group)).astype(float)
    scores = np.round(labels + random.normal(0, 2, len(group)), 1)
    return labels, scores, group


def _counted(labels: np.ndarray, scores: np.ndarray, group: np.ndarray) -> RankingStatistics:
    statistics = RankingStatistics()
    statistics.update(labels, scores, group)
    return statistics


@pytest.mark.parametrize("cutoff", [None, 1, 5, 10])
def test_ndcg_is_that_of_scikit_learn_ties_included(cutoff: int | None) -> None:
    labels, scores, group = _example()
    wanted = [
        ndcg_score([labels[group == g]], [scores[group == g]], k=cutoff)
        for g in np.unique(group)
        if labels[group == g].any()
    ]
    name = "ndcg" if cutoff is None else f"ndcg_at_{cutoff}"
    found = _counted(labels, scores, group).metrics()[name]
    assert found.value == pytest.approx(np.mean(wanted), abs=1e-12)
    half = 1.96 * np.std(wanted, ddof=1) / math.sqrt(len(wanted))
    assert found.low == pytest.approx(found.value - half, abs=0.02)
    assert found.high == pytest.approx(found.value + half, abs=0.02)


def _of_orders(labels: list[float], scores: list[float]) -> dict[str, float]:
    """Each metric's mean over all orders of what ties, by definition."""
    orders = [
        [labels[at] for at in order]
        for order in itertools.permutations(range(len(labels)))
        if all(scores[one] >= scores[other] for one, other in itertools.pairwise(order))
    ]
    found: dict[str, list[float]] = {}
    for order in orders:
        hits = [label > 0 for label in order]
        precisions = [sum(hits[: at + 1]) / (at + 1) for at in range(len(hits)) if hits[at]]
        found.setdefault("mrr", []).append(1 / (hits.index(True) + 1))
        found.setdefault("mean_average_precision", []).append(sum(precisions) / len(precisions))
        for k in (1, 5, 10):
            found.setdefault(f"precision_at_{k}", []).append(sum(hits[:k]) / k)
            found.setdefault(f"recall_at_{k}", []).append(sum(hits[:k]) / sum(hits))
    return {name: sum(values) / len(values) for name, values in found.items()}


@pytest.mark.parametrize("seed", range(12))
def test_ties_count_as_the_mean_over_their_orders(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 7).astype(float)
    labels[random.integers(7)] = 3
    scores = random.integers(0, 3, 7).astype(float)
    found = _counted(labels, scores, np.full(7, 5)).metrics()
    for name, value in _of_orders(labels.tolist(), scores.tolist()).items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_a_constant_score_is_a_random_order() -> None:
    labels, _, group = _example()
    found = _counted(labels, np.zeros(len(labels)), group).metrics()
    assert 0 < found["ndcg_at_1"].value < 1
    shares = [(labels[group == g] > 0).mean() for g in np.unique(group) if labels[group == g].any()]
    assert found["precision_at_1"].value == pytest.approx(np.mean(shares))


def test_parts_merge_in_any_order_to_the_same_bits() -> None:
    labels, scores, group = _example()
    whole = _counted(labels, scores, group)
    order = np.random.default_rng(1).permutation(len(labels))
    merged = RankingStatistics()
    for rows in np.array_split(order, 4):  # which cuts groups apart
        merged.merge(_counted(labels[rows], scores[rows], group[rows]))
    assert merged == whole
    assert merged.metrics() == whole.metrics()


def test_groups_that_are_near_as_numbers_stay_apart() -> None:
    group = np.array([2**62, 2**62 + 1, -(2**62), -(2**62) - 1])
    statistics = _counted(np.ones(4), np.zeros(4), group)
    assert statistics.groups == (4, 0)


def test_groups_without_a_relevant_row_are_left_out() -> None:
    labels, group = np.array([1.0, 0.0, 0.0, 0.0]), np.array([1, 1, 2, 2])
    statistics = _counted(labels, np.array([0.9, 0.1, 0.9, 0.1]), group)
    assert statistics.groups == (1, 1)
    assert statistics.metrics()["ndcg"].value == 1
    alone = _counted(labels[2:], np.zeros(2), group[2:])
    assert alone.groups == (0, 1)
    assert {estimate.value for estimate in alone.metrics().values()} == {None}
    assert {estimate.value for estimate in RankingStatistics().metrics().values()} == {None}


def test_a_perfect_ranking_has_an_interval_below_one() -> None:
    labels, _, group = _example(100)
    found = _counted(labels, labels, group).metrics()["ndcg_at_10"]
    assert found.value == 1
    assert 0.9 < found.low < found.high == 1


def test_precision_counts_places_that_a_small_group_does_not_fill() -> None:
    found = _counted(np.array([1.0, 1.0]), np.array([2.0, 1.0]), np.array([1, 1])).metrics()
    assert found["precision_at_5"].value == pytest.approx(0.4)
    assert found["recall_at_5"].value == 1
