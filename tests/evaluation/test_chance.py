"""How likely a slice looks so bad by chance: against SciPy, and against errors dealt at random."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, hypergeom

from tilth.evaluation.chance import log_bound_of_counts, log_bound_of_means, log_tail, mcnemar


@given(
    st.integers(1, 200).flatmap(
        lambda total: st.tuples(st.just(total), st.integers(0, total), st.integers(1, total))
    ),
    st.data(),
)
def test_the_tail_of_one_stratum_is_hypergeometric(sizes: tuple[int, int, int], data: st.DataObject) -> None:
    total, wrong, drawn = sizes
    observed = data.draw(st.integers(0, min(wrong, drawn)))
    found = log_tail(observed, *(np.array([each]) for each in (drawn, wrong, total)))
    expected = hypergeom.logsf(observed - 1, total, wrong, drawn)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
    bound = log_bound_of_counts(*(np.array([float(n)]) for n in (observed, drawn * wrong / total, drawn)))
    assert bound[0] >= found - 1e-9


def test_strata_are_convolved() -> None:
    random = np.random.default_rng(0)
    drawn, wrong, total = np.array([6, 8]), np.array([5, 12]), np.array([20, 30])
    dealt = random.hypergeometric(5, 15, 6, 200_000) + random.hypergeometric(12, 18, 8, 200_000)
    for observed in (4, 6, 8):
        share = float((dealt >= observed).mean())
        assert math.exp(log_tail(observed, drawn, wrong, total)) == pytest.approx(share, rel=0.05)


def test_of_many_rows_the_bound_is_given_and_it_is_one() -> None:
    found = log_tail(1300, np.array([6000]), np.array([20_000]), np.array([100_000]))
    assert hypergeom.logsf(1299, 100_000, 20_000, 6000) <= found <= -math.log(100)


def test_the_bound_of_means_holds_for_losses_dealt_at_random() -> None:
    random = np.random.default_rng(1)
    losses = np.minimum(random.exponential(0.2, 5000), 1.0)
    sums = np.array([random.permutation(losses)[:40].sum() for _ in range(4000)])
    rows, expected = np.array([40.0]), np.array([40 * losses.mean()])
    for observed in np.quantile(sums, [0.9, 0.99, 0.999]):
        bound = log_bound_of_means(
            np.array([observed]), expected, 40 * np.array([losses.var()]), rows, 1 - float(losses.mean())
        )
        assert math.exp(bound[0]) >= (sums >= observed).mean()


def test_a_sum_below_what_is_expected_tells_nothing() -> None:
    one = (np.array([each]) for each in (3.0, 5.0, 0.5, 10.0))
    assert log_bound_of_means(*one, room=0.5)[0] == 0
    assert log_bound_of_counts(*(np.array([each]) for each in (3.0, 5.0, 10.0)))[0] == 0


@pytest.mark.parametrize(("one", "other"), [(0, 1), (3, 11), (40, 41), (900, 1100), (7, 0)])
def test_mcnemar_is_the_binomial_test(one: int, other: int) -> None:
    assert mcnemar(one, other) == pytest.approx(binomtest(one, one + other).pvalue)


def test_without_flips_there_is_nothing_to_test() -> None:
    assert mcnemar(0, 0) is None
