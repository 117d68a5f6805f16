"""Confusion at thresholds, and the areas under its curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.metrics import BinaryStatistics, ThresholdCounts

rows = st.lists(
    st.tuples(
        st.booleans(), st.sampled_from([-1.0, 0.0, 0.1, 0.5, 0.7, 3.0]), st.sampled_from([0.0, 1.0, 2])
    ),
    min_size=1,
    max_size=60,
)


def counted(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> BinaryStatistics:
    statistics = BinaryStatistics()
    statistics.update(labels, scores=scores, weights=weights)
    return statistics


@given(rows, st.integers(2, 8))
def test_each_is_the_confusion_of_scores_above_it(some: list[tuple[bool, float, float]], most: int) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
    found = counted(labels, scores, weights).thresholds(most)
    assert 2 <= len(found) <= most
    assert found[0].tn == found[0].fn == 0
    assert found[-1].fp == found[-1].tp == 0
    for at in found:
        said = scores > at.threshold
        sums = [weights[(labels == true) & (said == called)].sum() for true in (0, 1) for called in (0, 1)]
        assert [at.tn, at.fp, at.fn, at.tp] == pytest.approx(sums)
        assert ThresholdCounts.from_json(at.to_json()) == at


def test_roc_follows_and_thinning_keeps_its_area() -> None:
    random = np.random.default_rng(3)
    labels = random.random(20_000) < 0.02
    scores = np.clip(random.normal(0.3 + 0.3 * labels, 0.15), 0, 1)
    found = counted(labels, scores).thresholds()
    assert 90 <= len(found) <= 101
    x, y = np.array([at.fpr for at in found]), np.array([at.recall for at in found])
    assert reference.auc(x, y) == pytest.approx(reference.roc_auc_score(labels, scores), abs=0.002)
    assert np.abs(np.diff(x) + np.diff(y)).max() < 0.05


def test_shares_that_nothing_defines_are_none() -> None:
    (every, none) = counted(np.array([False, False]), np.array([0.5, 0.5])).thresholds()
    assert every.recall is None
    assert every.precision == 0
    assert none.precision is None
    assert none.fpr == 0


def test_a_threshold_lies_under_the_least_score_whatever_it_is() -> None:
    for least in (0.0, -3.0, -1e300, 5e-324):
        first = counted(np.array([True, False]), np.array([least, 1.0])).thresholds()[0]
        assert first.threshold < least
        assert np.isfinite(first.threshold)


@given(rows.filter(lambda some: any(label and weight for label, _, weight in some)))
def test_pr_auc_is_the_area_under_many_small_steps(some: list[tuple[bool, float, float]]) -> None:
    """Rows that tie are cut into many, each a little above the next, all with the same share of positives."""
    labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
    value = counted(labels, scores, weights).metrics()["pr_auc"].value
    area, true, false = 0.0, 0.0, 0.0
    total = weights[labels].sum()
    for score in np.unique(scores)[::-1]:
        gained = weights[labels & (scores == score)].sum()
        wrong = weights[~labels & (scores == score)].sum()
        steps = (np.arange(2000) + 0.5) / 2000
        if gained:
            precision = (true + gained * steps) / (true + false + (gained + wrong) * steps)
            area += float(precision.mean()) * gained / total
        true, false = true + gained, false + wrong
    assert value == pytest.approx(area, abs=1e-3)


def test_pr_auc_of_a_perfect_and_a_constant_score() -> None:
    labels = np.array([True] * 10 + [False] * 30)
    assert counted(labels, labels.astype(float)).metrics()["pr_auc"].value == 1
    assert counted(labels, np.full(40, 0.5)).metrics()["pr_auc"].value == pytest.approx(0.25)
    assert counted(~labels & labels, np.full(40, 0.5)).metrics()["pr_auc"].value is None
