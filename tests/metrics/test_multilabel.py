"""Metrics of several labels: as scikit-learn has them, mergeable, undefined where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    hamming_loss,
    label_ranking_average_precision_score,
    log_loss,
    precision_recall_fscore_support,
    recall_score,
    roc_auc_score,
)

from tilth.errors import UsageError
from tilth.metrics import MultilabelStatistics

_NAMES = ("sea", "sky", "sun", "tree")


def _example(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = (random.random((rows, 4)) < [0.5, 0.3, 0.1, 0.4]).astype(int)
    scores = np.round(np.clip(0.5 * truth + random.normal(0.25, 0.25, truth.shape), 0.01, 0.99), 2)
    return truth, (scores > 0.5).astype(int), scores


def _counted(truth: np.ndarray, said: np.ndarray, scores: np.ndarray | None) -> MultilabelStatistics:
    statistics = MultilabelStatistics(_NAMES)
    statistics.update(truth, said, probabilities=scores)
    return statistics


def test_all_metrics_are_those_of_scikit_learn() -> None:
    truth, said, scores = _example()
    found = _counted(truth, said, scores).metrics()
    wanted = {
        "subset_accuracy": accuracy_score(truth, said),
        "hamming_loss": hamming_loss(truth, said),
        "ranking_average_precision": label_ranking_average_precision_score(truth, scores),
        "log_loss": np.mean([log_loss(truth[:, at], scores[:, at]) for at in range(4)]),
        "macro_auroc": roc_auc_score(truth, scores, average="macro"),
    }
    for kind in ("micro", "macro", "weighted"):
        three = precision_recall_fscore_support(truth, said, average=kind)[:3]
        wanted |= dict(zip((f"{kind}_precision", f"{kind}_recall", f"{kind}_f1"), three, strict=True))
    each = precision_recall_fscore_support(truth, said)
    for at, name in enumerate(_NAMES):
        wanted |= {f"precision.{name}": each[0][at], f"recall.{name}": each[1][at], f"f1.{name}": each[2][at]}
        wanted[f"auroc.{name}"] = roc_auc_score(truth[:, at], scores[:, at])
        wanted[f"average_precision.{name}"] = average_precision_score(truth[:, at], scores[:, at])
        wanted[f"specificity.{name}"] = recall_score(1 - truth[:, at], 1 - said[:, at])
        wanted[f"prevalence.{name}"] = truth[:, at].mean()
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_intervals_hold_their_values_and_stay_inside() -> None:
    for name, estimate in _counted(*_example()).metrics().items():
        assert estimate.low is not None, name
        assert estimate.low <= estimate.value <= estimate.high, name
        assert estimate.low >= 0, name
        assert name == "log_loss" or estimate.high <= 1, name


def test_the_interval_of_micro_f1_is_about_that_of_the_bootstrap() -> None:
    truth, said, scores = _example(400, seed=3)
    found = _counted(truth, said, scores).metrics()["micro_f1"]
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 400, 400) for _ in range(400)]
    values = [precision_recall_fscore_support(truth[rows], said[rows], average="micro")[2] for rows in drawn]
    low, high = np.quantile(values, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.006)
    assert found.high == pytest.approx(high, abs=0.006)


def test_parts_merge_in_any_order_to_the_same_bits() -> None:
    truth, said, scores = _example()
    whole = _counted(truth, said, scores)
    order = np.random.default_rng(1).permutation(len(truth))
    parts = [_counted(truth[rows], said[rows], scores[rows]) for rows in np.array_split(order, 3)]
    merged = MultilabelStatistics(_NAMES)
    for part in parts[::-1]:
        merged.merge(part)
    assert merged == whole
    assert merged.metrics() == whole.metrics()


def test_weights_count_as_copies() -> None:
    truth, said, scores = _example(60)
    weights = np.random.default_rng(2).integers(1, 4, 60)
    weighed = MultilabelStatistics(_NAMES)
    weighed.update(truth, said, probabilities=scores, weights=weights.astype(float))
    copied = _counted(*(np.repeat(each, weights, axis=0) for each in (truth, said, scores)))
    for name, estimate in copied.metrics().items():
        assert weighed.metrics()[name].value == pytest.approx(estimate.value), name


def test_what_is_not_there_is_undefined() -> None:
    empty = MultilabelStatistics(_NAMES).metrics()
    assert {estimate.value for estimate in empty.values()} == {None}
    none = np.zeros((3, 4), int)
    silent = _counted(none, none, None).metrics()
    assert silent["subset_accuracy"].value == 1
    assert silent["hamming_loss"].value == 0
    assert silent["micro_f1"].value is None  # neither said nor true anywhere
    assert silent["macro_f1"].value is None
    assert silent["log_loss"].value is None  # without probabilities
    missed = _counted(np.eye(4, dtype=int), np.zeros((4, 4), int), np.full((4, 4), 0.4)).metrics()
    assert missed["micro_f1"].value == 0
    assert missed["micro_precision"].value is None
    assert missed["macro_precision"].value is None
    assert missed["macro_f1"].value == 0


def test_scores_that_are_no_probabilities_have_a_ranking_but_no_loss() -> None:
    truth, said, scores = _example(50)
    found = _counted(truth, said, scores * 10).metrics()
    assert found["log_loss"].value is None
    assert found["ranking_average_precision"].value == pytest.approx(
        label_ranking_average_precision_score(truth, scores)
    )


def test_other_labels_do_not_merge() -> None:
    with pytest.raises(UsageError, match="different labels"):
        MultilabelStatistics(["a"]).merge(MultilabelStatistics(["b"]))
