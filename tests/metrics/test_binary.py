"""Two-class statistics: scores, weights, and merging in any order."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.errors import UsageError
from tilth.metrics import BinaryStatistics

rows = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(st.floats(0, 1), st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0])),
        st.sampled_from([0.5, 1.0, 2.0]),
    ),
    max_size=40,
)


def counted(some: list[tuple[bool, float, float]]) -> BinaryStatistics:
    """The statistics of rows of label, score and weight."""
    statistics = BinaryStatistics()
    if some:
        labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
        statistics.update(labels, scores=scores, weights=weights)
    return statistics


@given(rows, rows, rows, st.randoms(use_true_random=False))
def test_merge_is_the_statistics_of_all_rows_in_any_order(
    a: list[tuple[bool, float, float]],
    b: list[tuple[bool, float, float]],
    c: list[tuple[bool, float, float]],
    random: Any,
) -> None:
    shuffled = [*a, *b, *c]
    random.shuffle(shuffled)
    whole = counted(shuffled)
    left, right = counted(a), counted(c)
    left.merge(counted(b))
    left.merge(counted(c))
    inner = counted(b)
    right.merge(inner)
    right.merge(counted(a))
    for merged in (left, right):
        assert merged == whole
        assert merged.metrics() == whole.metrics()
        assert merged.confusion == whole.confusion


def test_merging_does_not_change_the_other() -> None:
    one, other = counted([(True, 0.5, 1.0)]), counted([(False, 0.25, 1.0)])
    one.merge(other)
    assert other == counted([(False, 0.25, 1.0)])
    assert one != other
    assert one != "statistics"


def test_empty_is_the_identity_of_merge() -> None:
    statistics = counted([(True, 0.5, 1.0), (False, 0.25, 2.0)])
    statistics.merge(BinaryStatistics())
    assert statistics == counted([(False, 0.25, 2.0), (True, 0.5, 1.0)])


@settings(max_examples=200)
@given(rows.filter(lambda some: len({label for label, _, _ in some}) == 2))
def test_scores_agree_with_scikit_learn(some: list[tuple[bool, float, float]]) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
    found = counted(some).metrics()
    wanted = {
        "auroc": reference.roc_auc_score(labels, scores, sample_weight=weights),
        "average_precision": reference.average_precision_score(labels, scores, sample_weight=weights),
        "log_loss": reference.log_loss(labels, scores, sample_weight=weights),
        "brier": reference.brier_score_loss(labels, scores, sample_weight=weights),
    }
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_auroc_of_many_rows_with_ties_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(5)
    labels = random.random(50_000) < 0.1
    scores = np.round(np.clip(labels * 0.2 + random.random(50_000), 0, 1), 3)
    statistics = BinaryStatistics()
    for part in np.array_split(np.arange(50_000), 7):
        statistics.update(labels[part], scores=scores[part])
    auroc = statistics.metrics()["auroc"]
    assert auroc.value == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("name", ["auroc", "average_precision", "log_loss", "brier", "calibration_ratio"])
def test_intervals_hold_the_truth_in_95_of_100_samples(name: str) -> None:
    random = np.random.default_rng(3)

    def sample(size: int) -> float | tuple[float, float]:
        labels = random.random(size) < 0.4
        scores = np.clip(random.beta(2, 3, size) + 0.25 * labels, 0.01, 0.99)
        statistics = BinaryStatistics()
        statistics.update(labels, scores=scores)
        estimate = statistics.metrics()[name]
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.value if size > 10_000 else (estimate.low, estimate.high)

    truth = sample(400_000)
    ends = [sample(200) for _ in range(500)]
    held = sum(low <= truth <= high for low, high in ends)  # type: ignore[misc, operator]
    assert 0.92 <= held / 500 <= 0.985


def test_perfect_ranking_leaves_room_for_doubt() -> None:
    auroc = counted([(False, 0.1, 1.0)] * 5 + [(True, 0.9, 1.0)] * 20).metrics()["auroc"]
    assert auroc.value == 1
    assert auroc.low is not None
    assert 0.4 < auroc.low < 0.7


def test_auroc_of_one_class_is_undefined() -> None:
    for label in (True, False):
        assert counted([(label, 0.3, 1.0), (label, 0.4, 1.0)]).metrics()["auroc"].value is None


def test_scores_outside_0_to_1_rank_but_are_no_probabilities() -> None:
    statistics = BinaryStatistics()
    statistics.update(np.array([True, False]), scores=np.array([3.0, -1.0]), threshold=0.0)
    found = statistics.metrics()
    assert found["auroc"].value == 1
    assert found["accuracy"].value == 1
    for name in ("log_loss", "brier", "calibration_ratio", "mean_prediction"):
        assert found[name].value is None


def test_rows_without_scores_leave_score_metrics_undefined() -> None:
    statistics = counted([(True, 0.9, 1.0), (False, 0.1, 1.0)])
    statistics.update(np.array([True]), predictions=np.array([False]))
    found = statistics.metrics()
    assert found["auroc"].value is None
    assert found["recall"].value == 0.5


def test_prediction_given_beats_the_threshold() -> None:
    statistics = BinaryStatistics()
    statistics.update(np.array([True]), predictions=np.array([False]), scores=np.array([0.9]))
    assert statistics.confusion == [[0, 0], [1, 0]]


def test_calibration_case(shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", "ev-6")
    statistics = BinaryStatistics()
    statistics.update(np.array(case["input"]["labels"]) == 1, scores=np.array(case["input"]["scores"], float))
    found = statistics.metrics()
    ours = {"mean_label": "prevalence"}
    for name, value in case["expected"].items():
        assert found[ours.get(name, name)].value == pytest.approx(value, abs=case["tolerance"])


def test_weighted_log_loss_case(shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", "ev-9")
    statistics = BinaryStatistics()
    statistics.update(
        np.array(case["input"]["labels"]) == 1,
        scores=np.array(case["input"]["scores"]),
        weights=np.array(case["input"]["weights"], float),
    )
    # The recorded tool divides by the sum of weights too.
    assert statistics.metrics()["log_loss"].value == pytest.approx(
        case["expected"]["loss"], abs=case["tolerance"]
    )


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, np.nan], [np.inf, 1.0]])
def test_weights_that_cannot_be_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="weights that cannot be used"):
        BinaryStatistics().update(
            np.array([True, False]), scores=np.array([0.1, 0.2]), weights=np.array(weights)
        )


def test_weight_zero_defines_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = counted([(True, 0.5, 0.0), (False, 0.5, 0.0)]).metrics()
    assert {name for name, estimate in found.items() if estimate.value is not None} == set()


def test_update_needs_predictions_or_scores() -> None:
    with pytest.raises(TypeError, match="predictions, scores or both"):
        BinaryStatistics().update(np.array([True]))
