"""Metrics of a two-class confusion matrix: the field's published figures, and what is undefined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.metrics import BinaryStatistics, ConfusionMatrix, f1_score

counts = st.integers(0, 60)


def rows_of(tn: int, fp: int, fn: int, tp: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions that have these counts."""
    labels = np.repeat([False, False, True, True], [tn, fp, fn, tp])
    predictions = np.repeat([False, True, False, True], [tn, fp, fn, tp])
    return labels, predictions


def test_skewed_data() -> None:
    found = ConfusionMatrix.from_counts(tn=905, fp=9, fn=18, tp=68).metrics()
    percent = {name: round(100 * (found[name].value or 0), 1) for name in ("precision", "recall", "f1")}
    assert percent == {"precision": 88.3, "recall": 79.1, "f1": 83.4}


@pytest.mark.parametrize(
    ("precision", "recall", "f1"),
    [
        (88.3, 79.1, 83.4),
        (97.0, 7.3, 13.6),
        (82.1, 99.2, 89.8),
        (92.1, 99.5, 95.7),
        (85.3, 98.7, 91.5),
        (72.1, 97.0, 82.7),
    ],
)
def test_f1_of_precision_and_recall(precision: float, recall: float, f1: float) -> None:
    assert round(f1_score(precision, recall) or 0, 1) == f1


def test_always_zero_has_recall_zero_and_no_precision() -> None:
    found = ConfusionMatrix.from_counts(tn=914, fp=0, fn=86, tp=0).metrics()
    assert found["recall"].value == 0
    assert found["recall"].high is not None
    assert found["recall"].high > 0.01
    assert found["precision"].to_json() == {"value": None, "low": None, "high": None}
    assert found["f1"].value == 0
    assert found["accuracy"].value == pytest.approx(0.914)
    assert f1_score(None, 0.0) is None


def test_no_rows_define_nothing() -> None:
    found = BinaryStatistics().metrics()
    assert {name for name, estimate in found.items() if estimate.value is not None} == set()


def test_case_of_ten_rows(shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", "ev-1")
    statistics = BinaryStatistics()
    statistics.update(np.array(case["input"]["labels"]) == 1, scores=np.array(case["input"]["scores"]))
    found = statistics.metrics()
    expected = dict(case["expected"])
    (tn, fp), (fn, tp) = statistics.confusion
    assert {"tp": tp, "tn": tn, "fp": fp, "fn": fn} == {k: expected.pop(k) for k in ("tp", "tn", "fp", "fn")}
    ours = {"roc_auc": "auroc", "predicted_positive_rate": "positive_rate"}
    assert {name: found[ours.get(name, name)].value for name in expected} == pytest.approx(
        expected, abs=case["tolerance"]
    )


@given(counts, counts, counts, counts)
def test_agrees_with_scikit_learn(tn: int, fp: int, fn: int, tp: int) -> None:
    labels, predictions = rows_of(tn, fp, fn, tp)
    found = ConfusionMatrix.from_counts(tn, fp, fn, tp).metrics()
    if fn + tp and fp + tp:
        for name in ("precision", "recall", "f1"):
            wanted = getattr(reference, f"{name}_score")(labels, predictions)
            assert found[name].value == pytest.approx(wanted, abs=1e-12)
    if (fn + tp) and (fp + tp) and (tn + fp) and (tn + fn):
        assert found["mcc"].value == pytest.approx(
            reference.matthews_corrcoef(labels, predictions), abs=1e-12
        )
        assert found["balanced_accuracy"].value == pytest.approx(
            reference.balanced_accuracy_score(labels, predictions), abs=1e-12
        )
    assert (found["precision"].value is None) == (fp + tp == 0)
    assert (found["recall"].value is None) == (fn + tp == 0)


@given(counts, counts, counts, counts)
def test_intervals_hold_their_value(tn: int, fp: int, fn: int, tp: int) -> None:
    for estimate in ConfusionMatrix.from_counts(tn, fp, fn, tp).metrics().values():
        if estimate.low is not None:
            assert estimate.value is not None
            assert estimate.high is not None
            assert estimate.low <= estimate.value + 1e-12
            assert estimate.value <= estimate.high + 1e-12


@pytest.mark.parametrize(
    "name",
    ["accuracy", "precision", "recall", "f1", "balanced_accuracy", "mcc", "fowlkes_mallows", "odds_ratio"],
)
def test_intervals_hold_the_truth_in_95_of_100_samples(name: str) -> None:
    shares = [0.55, 0.1, 0.1, 0.25]
    truth = ConfusionMatrix(tuple(shares), tuple(shares)).metrics()[name].value
    assert truth is not None
    samples = np.random.default_rng(11).multinomial(300, shares, size=1000)
    held = 0
    for sample in samples.tolist():
        estimate = ConfusionMatrix.from_counts(*sample).metrics()[name]
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= truth <= estimate.high
    assert 0.93 <= held / 1000 <= 0.975


def test_perfect_predictions_leave_room_for_doubt() -> None:
    found = ConfusionMatrix.from_counts(tn=10, fp=0, fn=0, tp=10).metrics()
    for name in ("accuracy", "precision", "recall", "f1", "balanced_accuracy"):
        assert found[name].value == 1
        assert found[name].low is not None
        assert found[name].low < 0.9
    assert found["mcc"].value == 1
    assert found["mcc"].low is None
