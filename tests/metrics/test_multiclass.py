"""Statistics over several classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.errors import UsageError
from tilth.metrics import MulticlassStatistics

NAMES = ("ant", "bee", "cow")
rows = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 2), st.sampled_from([0.1, 0.4, 0.7]), st.sampled_from([1.0, 0.5])
    ),
    max_size=30,
)


def counted(some: list[tuple[int, int, float, float]]) -> MulticlassStatistics:
    """The statistics of rows of label, prediction, probability of the first class, and weight."""
    statistics = MulticlassStatistics(NAMES)
    if some:
        labels, predictions, first, weights = (np.array(column) for column in zip(*some, strict=True))
        shares = np.column_stack((first, (1 - first) * 0.25, (1 - first) * 0.75))
        statistics.update(labels, predictions, probabilities=shares, weights=weights)
    return statistics


@given(rows, rows, st.randoms(use_true_random=False))
def test_merge_is_the_statistics_of_all_rows_in_any_order(
    a: list[tuple[int, int, float, float]], b: list[tuple[int, int, float, float]], random: Any
) -> None:
    shuffled = [*a, *b]
    random.shuffle(shuffled)
    whole, merged = counted(shuffled), counted(b)
    merged.merge(counted(a))
    assert merged == whole
    assert merged.metrics() == whole.metrics()


@given(rows.filter(lambda some: {label for label, *_ in some} == {0, 1, 2}))
def test_agrees_with_scikit_learn(some: list[tuple[int, int, float, float]]) -> None:
    labels, predictions, first, weights = (np.array(column) for column in zip(*some, strict=True))
    shares = np.column_stack((first, (1 - first) * 0.25, (1 - first) * 0.75))
    statistics = counted(some)
    found = statistics.metrics()
    options = {"sample_weight": weights}
    assert found["accuracy"].value == pytest.approx(reference.accuracy_score(labels, predictions, **options))
    assert found["macro_f1"].value == pytest.approx(
        reference.f1_score(labels, predictions, average="macro", zero_division=0, **options)
    )
    assert found["balanced_accuracy"].value == pytest.approx(
        reference.balanced_accuracy_score(labels, predictions, **options)
    )
    assert found["log_loss"].value == pytest.approx(
        reference.log_loss(labels, shares, labels=[0, 1, 2], **options)
    )
    assert statistics.confusion == reference.confusion_matrix(labels, predictions, labels=[0, 1, 2]).tolist()
    recalls = reference.recall_score(labels, predictions, average=None, labels=[0, 1, 2], **options)
    assert [found[f"recall.{name}"].value for name in NAMES] == pytest.approx(recalls.tolist())


def test_class_never_predicted_has_no_precision_but_a_recall() -> None:
    statistics = MulticlassStatistics(NAMES)
    statistics.update(np.array([0, 1, 2]), np.array([0, 1, 1]))
    found = statistics.metrics()
    assert found["precision.cow"].value is None
    assert found["recall.cow"].value == 0
    assert found["f1.cow"].value == 0
    assert found["macro_precision"].value is None
    assert found["macro_f1"].value == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["log_loss"].value is None


def test_class_that_does_not_occur_is_left_out_of_averages() -> None:
    statistics = MulticlassStatistics(NAMES)
    statistics.update(np.array([0, 1]), np.array([0, 1]))
    found = statistics.metrics()
    assert found["recall.cow"].value is None
    assert found["macro_f1"].value == 1
    assert found["balanced_accuracy"].value == 1


def test_no_rows_define_nothing() -> None:
    found = MulticlassStatistics(NAMES).metrics()
    assert {name for name, estimate in found.items() if estimate.value is not None} == set()


def test_log_loss_case(shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", "ev-12")
    labels = np.argmax(case["input"]["labels"], axis=1)
    shares = np.array(case["input"]["probabilities"], float)
    for weights, expected in zip(case["input"]["weights"], case["expected"]["loss"], strict=True):
        statistics = MulticlassStatistics(NAMES)
        weighed = None if weights is None else np.array(weights, float)
        statistics.update(labels, shares.argmax(axis=1), probabilities=shares, weights=weighed)
        assert statistics.metrics()["log_loss"].value == pytest.approx(expected, abs=case["tolerance"])


def test_intervals_hold_the_truth_in_95_of_100_samples() -> None:
    shares = np.array([[0.3, 0.05, 0.02], [0.05, 0.25, 0.05], [0.03, 0.05, 0.2]])
    accuracy = float(np.trace(shares))
    random = np.random.default_rng(1)
    held = 0
    for sample in random.multinomial(200, shares.ravel(), size=400):
        cells = np.repeat(np.arange(9), sample)
        statistics = MulticlassStatistics(NAMES)
        statistics.update(cells // 3, cells % 3)
        found = statistics.metrics()["accuracy"]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= accuracy <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_statistics_of_other_classes_do_not_merge() -> None:
    with pytest.raises(UsageError, match="different classes"):
        MulticlassStatistics(NAMES).merge(MulticlassStatistics(("ant", "bee")))
