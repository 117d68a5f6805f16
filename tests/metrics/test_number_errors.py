"""Quantiles of errors, correlation and explained variance of predicted numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from tilth.metrics import Estimate, RegressionStatistics


def counted(labels: np.ndarray, said: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Estimate]:
    statistics = RegressionStatistics()
    statistics.update(labels, said, weights=weights)
    return statistics.metrics()


def test_agrees_with_numpy_and_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels = random.normal(size=400)
    said = 0.5 * labels + random.normal(size=400) + 3
    weights = random.integers(1, 4, 400).astype(float)
    found = counted(labels, said, weights)
    repeated = np.repeat(np.abs(said - labels), weights.astype(int))
    assert found["median_absolute_error"].value == pytest.approx(np.median(repeated))
    ninth = np.quantile(repeated, 0.9, method="averaged_inverted_cdf")
    assert found["p90_absolute_error"].value == pytest.approx(ninth)
    wanted = reference.explained_variance_score(labels, said, sample_weight=weights)
    assert found["explained_variance"].value == pytest.approx(wanted)
    wide, narrow = (np.repeat(each, weights.astype(int)) for each in (labels, said))
    correlation = np.corrcoef(wide, narrow)[0, 1]
    assert found["pearson"].value == pytest.approx(correlation)
    assert found["pearson_squared"].value == pytest.approx(correlation**2)
    for name in ("median_absolute_error", "p90_absolute_error", "explained_variance", "pearson_squared"):
        assert found[name].low < found[name].value < found[name].high


def test_a_bias_lowers_r2_and_not_the_explained_variance() -> None:
    labels = np.arange(50.0)
    found = counted(labels, labels + 100 + np.tile([1.0, -1.0], 25))
    assert found["r2"].value < 0
    assert found["explained_variance"].value == pytest.approx(1 - 1 / np.var(labels))


@pytest.mark.parametrize(
    ("name", "truth"),
    [("median_absolute_error", 0.6744898), ("p90_absolute_error", 1.6448536), ("pearson", 0.7071068)],
)
def test_intervals_hold_the_truth_in_95_of_100_samples(name: str, truth: float) -> None:
    random = np.random.default_rng(6)
    held = 0
    for _ in range(400):
        labels = random.normal(size=150)
        found = counted(labels, labels + random.normal(size=150))[name]
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.985


def test_what_is_constant_has_no_correlation() -> None:
    labels = np.array([1.0, 2.0, 3.0])
    for one, other in ((labels, np.ones(3)), (np.ones(3), labels)):
        assert counted(one, other)["pearson"].value is None
        assert counted(one, other)["pearson_squared"].value is None
    assert counted(labels, -2 * labels)["pearson"].value == pytest.approx(-1)
    assert counted(labels, -2 * labels)["pearson"].low is None


def test_large_offsets_and_magnitudes_do_not_spoil_the_correlation() -> None:
    random = np.random.default_rng(1)
    labels = random.normal(size=200)
    said = labels + random.normal(size=200)
    wanted = np.corrcoef(labels, said)[0, 1]
    assert counted(1e9 + labels, said)["pearson"].value == pytest.approx(wanted, abs=1e-6)
    assert counted(1e200 * labels, said)["pearson"].value == pytest.approx(wanted)
    assert counted(1e-200 * labels, 1e250 * said)["pearson"].value == pytest.approx(wanted)


def test_few_rows_have_quantiles_without_intervals() -> None:
    found = counted(np.zeros(4), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found["median_absolute_error"].value == 2.5
    assert found["p90_absolute_error"].value == 4
    assert found["p90_absolute_error"].low is None
