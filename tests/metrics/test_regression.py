"""Statistics of predicted numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.metrics import RegressionStatistics

numbers = st.floats(-1e6, 1e6)
rows = st.lists(st.tuples(numbers, numbers, st.sampled_from([0.5, 1.0, 3.0])), max_size=30)


def counted(some: list[tuple[float, float, float]]) -> RegressionStatistics:
    """The statistics of rows of label, prediction and weight."""
    statistics = RegressionStatistics()
    if some:
        labels, predictions, weights = (np.array(column) for column in zip(*some, strict=True))
        statistics.update(labels, predictions, weights=weights)
    return statistics


@given(rows, rows, st.randoms(use_true_random=False))
def test_merge_is_the_statistics_of_all_rows_in_any_order(
    a: list[tuple[float, float, float]], b: list[tuple[float, float, float]], random: Any
) -> None:
    shuffled = [*a, *b]
    random.shuffle(shuffled)
    whole, merged = counted(shuffled), counted(b)
    merged.merge(counted(a))
    assert merged == whole
    assert merged.metrics() == whole.metrics()


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(4)
    labels = random.gamma(2, 2, 500) + 0.1
    predictions = labels + random.normal(size=500) * 0.3
    predictions = np.maximum(predictions, 0)
    weights = random.random(500)
    statistics = RegressionStatistics()
    statistics.update(labels, predictions, weights=weights)
    found = statistics.metrics()
    wanted = {
        "mae": reference.mean_absolute_error,
        "mse": reference.mean_squared_error,
        "rmse": reference.root_mean_squared_error,
        "r2": reference.r2_score,
        "msle": reference.mean_squared_log_error,
    }
    for name, function in wanted.items():
        value = function(labels, predictions, sample_weight=weights)
        assert found[name].value == pytest.approx(value, rel=1e-12)
    share = reference.mean_absolute_percentage_error(labels, predictions, sample_weight=weights)
    assert found["mape_percent"].value == pytest.approx(100 * share, rel=1e-12)


def test_weighted_errors_case(shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    case = shared_case("evaluation", "ev-13")
    statistics = RegressionStatistics()
    statistics.update(
        *(np.array(case["input"][name], float) for name in ("labels", "predictions")),
        weights=np.array(case["input"]["weights"], float),
    )
    found = statistics.metrics()
    for name, value in case["expected"].items():
        assert found[name].value == pytest.approx(value, abs=case["tolerance"]), name


def test_large_offsets_do_not_spoil_r2() -> None:
    labels = 1e9 + np.arange(100.0)
    statistics = RegressionStatistics()
    statistics.update(labels, labels + np.tile([1.0, -1.0], 50))
    assert statistics.metrics()["r2"].value == pytest.approx(1 - 1 / np.var(np.arange(100.0)), rel=1e-9)


def test_undefined_stays_undefined() -> None:
    statistics = RegressionStatistics()
    statistics.update(np.array([0.0, 0.0]), np.array([1.0, -2.0]))
    found = statistics.metrics()
    for name in ("mape_percent", "msle", "r2"):
        assert found[name].value is None
    assert found["mae"].value == 1.5
    assert found["mean_error"].value == -0.5
    nothing = RegressionStatistics().metrics()
    assert set(nothing) == set(found)
    assert {estimate.value for estimate in nothing.values()} == {None}


def test_what_overflows_is_undefined() -> None:
    statistics = RegressionStatistics()
    statistics.update(np.array([1e200, -1e200]), np.array([-1e200, 1e200]))
    found = statistics.metrics()
    assert found["mse"].value is None
    assert found["mae"].value == pytest.approx(2e200)


@pytest.mark.parametrize("name", ["mae", "mse", "rmse", "mean_error", "r2"])
def test_intervals_hold_the_truth_in_95_of_100_samples(name: str) -> None:
    random = np.random.default_rng(9)

    def sample(size: int) -> RegressionStatistics:
        labels = random.normal(size=size)
        statistics = RegressionStatistics()
        statistics.update(labels, 0.8 * labels + random.normal(size=size) * 0.5 + 0.1)
        return statistics

    truth = sample(500_000).metrics()[name].value
    assert truth is not None
    held = 0
    for _ in range(400):
        found = sample(200).metrics()[name]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 0.915 <= held / 400 <= 0.98
