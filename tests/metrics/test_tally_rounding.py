"""A tally of more keys than it may hold: rounded alike whatever came first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from tilth.metrics import BinaryStatistics, tally
from tilth.metrics.tally import MOST_KEYS, Tally

scores = st.lists(
    st.one_of(st.floats(0, 1), st.floats(-5, 5), st.sampled_from([0.0, 0.25, 0.5, 1.0, 1 - 2**-53, 5e-324])),
    max_size=60,
)


def test_metrics_of_many_scores_are_right_to_five_digits() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(300_000) < 0.2
    given_ = np.clip(rng.beta(0.3, 0.3, 300_000) * 0.7 + 0.3 * labels, 1e-9, 1 - 1e-9)
    found = BinaryStatistics()
    for part in np.array_split(np.arange(300_000), 7):
        found.update(labels[part], scores=given_[part])
    assert len(found._scores.keys) <= MOST_KEYS
    metrics = found.metrics()
    assert metrics["auroc"].value == pytest.approx(roc_auc_score(labels, given_), abs=1e-6)
    assert metrics["log_loss"].value == pytest.approx(log_loss(labels, given_), rel=1e-5)
    assert metrics["brier"].value == pytest.approx(brier_score_loss(labels, given_), rel=1e-5)


def test_whole_weights_are_not_touched_while_scores_can_give_way() -> None:
    rng = np.random.default_rng(1)
    labels, weights = rng.random(200_000) < 0.5, rng.integers(1, 4, 200_000).astype(float)
    found = BinaryStatistics()
    found.update(labels, scores=rng.random(200_000), weights=weights)
    assert set(found._scores.keys[:, 1].tolist()) == {1.0, 2.0, 3.0}
    assert found.metrics()["prevalence"].value == pytest.approx(
        weights[labels].sum() / weights.sum(), rel=1e-12
    )


FEW = 8


@contextmanager
def few_keys() -> Iterator[None]:
    """Rounding begins beyond so few keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tally, "MOST_KEYS", FEW)
        patch.setattr(tally, "_LEAST_PENDING", 4)
        yield


def tallied(batches: list[list[float]]) -> Tally:
    found = Tally(2, 2, rounded=(0, 1))
    for batch in batches:
        keys = (
            np.column_stack((batch, 1 + np.abs(np.array(batch, float)) % 0.7)) if batch else np.empty((0, 2))
        )
        found.add(keys, np.arange(len(batch)) % 1)
    return found


@given(scores, st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=300)
def test_order_batches_and_merges_do_not_matter(values: list[float], random: object, parts: int) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    with few_keys():
        whole = tallied([values])
        batched = tallied([shuffled[at::parts] for at in range(parts)])
        merged = tallied([])
        for at in reversed(range(parts)):
            merged.merge(tallied([shuffled[at::parts]]))
        assert whole == batched == merged
        assert whole.keys.tobytes() == batched.keys.tobytes() == merged.keys.tobytes()


@given(scores)
def test_counts_stay_and_keys_stay_in_order(values: list[float]) -> None:
    with few_keys():
        found = tallied([values])
        assert found.counts.sum() == len(values)
    assert found.keys.tolist() == sorted(found.keys.tolist())
    if len(set(values)) <= FEW:
        assert set(found.keys[:, 0].tolist()) == {value + 0.0 for value in values}
