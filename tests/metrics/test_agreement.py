"""Kappa and Matthews' coefficient for any number of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.metrics import ConfusionMatrix, MulticlassStatistics
from tilth.metrics.agreement import cohen_kappa, matthews

rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=40
)


@given(rows)
def test_agrees_with_scikit_learn(some: list[tuple[int, int, float]]) -> None:
    truth, said, weights = (np.array(column) for column in zip(*some, strict=True))
    statistics = MulticlassStatistics(("a", "b", "c"))
    statistics.update(truth, said, weights=weights)
    found = statistics.metrics()
    if len(set(truth) | set(said)) == 1:
        assert found["cohen_kappa"].value is None
    else:
        wanted = reference.cohen_kappa_score(truth, said, sample_weight=weights)
        assert found["cohen_kappa"].value == pytest.approx(wanted, abs=1e-12)
    if min(len(set(truth)), len(set(said))) == 1:
        assert found["mcc"].value is None
    else:
        wanted = reference.matthews_corrcoef(truth, said, sample_weight=weights)
        assert found["mcc"].value == pytest.approx(wanted, abs=1e-12)


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
def test_of_two_classes_both_ways_of_computing_are_the_same(cells: list[int]) -> None:
    tn, fp, fn, tp = cells
    matrix = np.array([[tn, fp], [fn, tp]], float)
    two = ConfusionMatrix.from_counts(tn, fp, fn, tp).metrics()
    for name, function in (("cohen_kappa", cohen_kappa), ("mcc", matthews)):
        several = function(matrix, matrix)
        for end in ("value", "low", "high"):
            wanted = getattr(two[name], end)
            assert getattr(several, end) == (
                wanted if wanted is None else pytest.approx(wanted, rel=1e-9, abs=1e-9)
            ), (name, end)


@pytest.mark.parametrize("function", [cohen_kappa, matthews])
def test_intervals_hold_the_truth_in_95_of_100_samples(function: object) -> None:
    shares = np.array([[0.3, 0.05, 0.02], [0.05, 0.25, 0.05], [0.03, 0.05, 0.2]])
    truth = function(shares, shares).value  # type: ignore[operator]
    held = 0
    for sample in np.random.default_rng(1).multinomial(200, shares.ravel(), size=500):
        counts = sample.reshape(3, 3).astype(float)
        found = function(counts, counts)  # type: ignore[operator]
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 500 <= 0.98


def test_perfect_agreement_has_no_interval_and_no_rows_no_value() -> None:
    perfect = np.diag([3.0, 4.0])
    for function in (cohen_kappa, matthews):
        assert function(perfect, perfect).value == 1
        assert function(perfect, perfect).low is None
        assert function(np.zeros((2, 2)), np.zeros((2, 2))).value is None
