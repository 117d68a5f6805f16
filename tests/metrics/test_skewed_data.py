"""What is said of skewed data: the worked figures, undefined where nothing was said, weights throughout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.metrics import BinaryStatistics, ConfusionMatrix, MulticlassStatistics, f1_score


def test_the_confusion_matrix_of_a_rare_class() -> None:
    found = ConfusionMatrix.from_counts(tn=905, fp=9, fn=18, tp=68).metrics()
    shown = {name: round(100 * found[name].value, 1) for name in ("precision", "recall", "f1")}
    assert shown == {"precision": 88.3, "recall": 79.1, "f1": 83.4}


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
    assert round(f1_score(precision, recall), 1) == f1


def test_a_model_that_always_says_no_has_no_precision() -> None:
    statistics = BinaryStatistics()
    statistics.update(np.arange(1000) < 86, predictions=np.zeros(1000, bool))
    found = statistics.metrics()
    assert found["accuracy"].value == 0.914
    assert found["recall"].value == 0
    assert found["precision"].value is None
    assert found["f1"].value == found["f2"].value == found["f0_5"].value == 0
    assert found["cohen_kappa"].value == 0
    assert found["mcc"].value is None


cells = st.lists(st.integers(0, 40), min_size=4, max_size=4)


@given(cells, st.sampled_from([0.5, 1.0, 3.0]))
def test_f_beta_agrees_with_scikit_learn(counts: list[int], heavy: float) -> None:
    truth = np.repeat([0, 0, 1, 1], counts)
    said = np.repeat([0, 1, 0, 1], counts)
    weights = np.where(np.arange(len(truth)) % 3, 1.0, heavy)
    statistics = BinaryStatistics()
    statistics.update(truth == 1, predictions=said == 1, weights=weights)
    found = statistics.metrics()
    for name, beta in (("f2", 2.0), ("f0_5", 0.5), ("f1", 1.0)):
        if sum(counts[1:]) == 0:
            assert found[name].value is None
            continue
        wanted = reference.fbeta_score(truth, said, beta=beta, sample_weight=weights, zero_division=0)
        assert found[name].value == pytest.approx(wanted)
        assert 0 <= found[name].low <= found[name].value + 1e-12
        assert found[name].value <= found[name].high + 1e-12 <= 1 + 1e-9


@pytest.mark.parametrize("name", ["f2", "f0_5", "cohen_kappa"])
def test_intervals_hold_the_truth_in_95_of_100_samples(name: str) -> None:
    shares = [0.8, 0.05, 0.05, 0.1]
    truth = ConfusionMatrix(tuple(shares), tuple(shares)).metrics()[name].value
    held = 0
    for sample in np.random.default_rng(2).multinomial(400, shares, size=500).tolist():
        found = ConfusionMatrix.from_counts(*sample).metrics()[name]
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 500 <= 0.985


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 5), st.sampled_from([0.5, 1.0, 2.0])),
    min_size=1,
    max_size=40,
)
SHARES = np.array(
    [
        [0.4, 0.3, 0.2, 0.1],
        [0.1, 0.2, 0.3, 0.4],
        [0.3, 0.1, 0.4, 0.2],
        [0.2, 0.4, 0.1, 0.3],
        [0.15, 0.35, 0.05, 0.45],
        [0.05, 0.1, 0.6, 0.25],
    ]
)


@given(rows)
def test_several_classes_agree_with_scikit_learn(some: list[tuple[int, int, int, float]]) -> None:
    truth, said, which, weights = (np.array(column) for column in zip(*some, strict=True))
    statistics = MulticlassStatistics(("a", "b", "c", "d"))
    statistics.update(truth, said, probabilities=SHARES[which], weights=weights)
    found = statistics.metrics()
    with_labels = {"labels": [0, 1, 2, 3], "sample_weight": weights, "zero_division": 0}
    for kind, average in (("precision", "weighted"), ("recall", "weighted"), ("f1", "weighted")):
        function = getattr(reference, f"{kind}_score")
        ours = found[f"weighted_{kind}"].value
        if ours is not None:
            assert ours == pytest.approx(function(truth, said, average=average, **with_labels)), kind
    assert found["weighted_recall"] == found["accuracy"]
    micro = reference.f1_score(truth, said, average="micro", **with_labels)
    assert found["accuracy"].value == pytest.approx(micro)
    for k in (2, 3):
        wanted = reference.top_k_accuracy_score(
            truth, SHARES[which], k=k, labels=[0, 1, 2, 3], sample_weight=weights
        )
        assert found[f"top_{k}_accuracy"].value == pytest.approx(wanted)
    for at, name in enumerate("abcd"):
        others = (truth != at).astype(int)
        if others.any():
            wanted = reference.recall_score(others, said != at, sample_weight=weights, zero_division=0)
            assert found[f"specificity.{name}"].value == pytest.approx(wanted)


def test_weighted_precision_is_undefined_where_a_class_that_there_is_was_never_said() -> None:
    statistics = MulticlassStatistics(("a", "b"))
    statistics.update(np.array([0, 1]), np.array([0, 0]))
    found = statistics.metrics()
    assert found["weighted_precision"].value is None
    assert found["weighted_f1"].value == pytest.approx(1 / 3)
    assert found["top_2_accuracy"].value is None


def test_classes_that_tie_count_as_in_random_order() -> None:
    statistics = MulticlassStatistics(("a", "b", "c", "d"))
    statistics.update(np.array([3]), np.array([0]), probabilities=np.full((1, 4), 0.25))
    found = statistics.metrics()
    assert found["top_2_accuracy"].value == 0.5
    assert found["top_3_accuracy"].value == 0.75
    half = MulticlassStatistics(("a", "b", "c", "d"))
    half.update(np.array([3]), np.array([0]), probabilities=np.array([[0.4, 0.2, 0.2, 0.2]]))
    assert half.metrics()["top_2_accuracy"].value == pytest.approx(1 / 3)
