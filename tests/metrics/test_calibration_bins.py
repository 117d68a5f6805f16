"""Calibration bins and the error over them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.metrics import BinaryStatistics, CalibrationBin

rows = st.lists(
    st.tuples(
        st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 1.0]), st.sampled_from([0.5, 1.0, 2])
    ),
    min_size=1,
    max_size=60,
)


def counted(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> BinaryStatistics:
    statistics = BinaryStatistics()
    statistics.update(labels, scores=scores, weights=weights)
    return statistics


@given(rows, st.integers(1, 12))
def test_bins_hold_every_row_once_and_their_means(some: list[tuple[bool, float, float]], bins: int) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
    found = counted(labels, scores, weights).calibration(bins)
    assert len(found) <= bins
    assert sum(each.rows for each in found) == len(some)
    assert all(one.high < other.low for one, other in itertools.pairwise(found))
    for each in found:
        inside = (scores >= each.low) & (scores <= each.high)
        assert each.rows == inside.sum()
        assert each.mean_score == pytest.approx(np.average(scores[inside], weights=weights[inside]))
        assert each.positive.value == pytest.approx(np.average(labels[inside], weights=weights[inside]))
        assert each.low <= each.mean_score <= each.high
        assert CalibrationBin.from_json(each.to_json()) == each


@given(rows)
def test_error_is_the_mean_over_the_bins(some: list[tuple[bool, float, float]]) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*some, strict=True))
    statistics = counted(labels, scores, weights)
    wanted = 0.0
    for each in statistics.calibration():
        inside = (scores >= each.low) & (scores <= each.high)
        wanted += weights[inside].sum() * abs(each.mean_score - (each.positive.value or 0.0))
    found = statistics.metrics()["calibration_error"]
    assert found.value == pytest.approx(wanted / weights.sum(), abs=1e-12)
    assert found.low is None or found.low <= found.value <= found.high


def test_bins_have_equal_weight_where_scores_differ() -> None:
    scores = np.linspace(0, 1, 1000)
    found = counted(scores > 0.5, scores).calibration()
    assert [each.rows for each in found] == [100] * 10


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.25])
def test_intervals_hold_the_truth_in_95_of_100_samples(shift: float) -> None:
    """The truth is the error of endless rows; of calibrated scores it is 0."""
    random = np.random.default_rng(8)

    def sample(size: int) -> BinaryStatistics:
        scores = random.random(size)
        return counted(random.random(size) < scores * (1 - shift), scores)

    truth = shift / 2
    held = 0
    for _ in range(300):
        found = sample(800).metrics()["calibration_error"]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held / 300 >= 0.92


def test_few_rows_have_no_interval_and_what_is_no_probability_no_error() -> None:
    few = counted(np.array([True, False]), np.array([0.9, 0.2])).metrics()["calibration_error"]
    assert few.value == pytest.approx(0.15)
    assert few.low is None
    strange = counted(np.array([True, False]), np.array([3.0, -1.0]))
    assert strange.metrics()["calibration_error"].value is None
    assert strange.calibration() == []
    weightless = counted(np.array([True]), np.array([0.5]), np.array([0.0]))
    assert weightless.metrics()["calibration_error"].value is None
    assert weightless.calibration() == []
    assert BinaryStatistics().calibration() == []


def test_rows_without_scores_have_no_bins_and_no_thresholds() -> None:
    statistics = counted(np.array([True, False]), np.array([0.9, 0.2]))
    statistics.update(np.array([True]), predictions=np.array([True]))
    assert statistics.calibration() == []
    assert statistics.thresholds() == []
