"""The difference between a slice and all rows: its interval knows that the slice is part of the whole."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tilth.evaluation import Evaluation, SliceResult, evaluate
from tilth.evaluation.differences import against_whole, difference_to_whole
from tilth.metrics import UNDEFINED, Estimate
from tilth.metrics.intervals import difference_of_apart, wilson


def test_of_rows_that_spread_alike_the_interval_is_the_slices_own_times_the_root_of_what_is_outside() -> None:
    part, whole = Estimate(0.5, 0.4, 0.6), Estimate(0.5, 0.45, 0.55)  # a quarter of the rows, half the width
    found = difference_to_whole(part, whole, 0.25)
    assert found.high == pytest.approx(0.1 * 0.75**0.5)
    assert found.low == pytest.approx(-0.1 * 0.75**0.5)


def test_what_is_undefined_has_no_difference_and_what_has_no_interval_has_none_there() -> None:
    assert difference_to_whole(UNDEFINED, Estimate(0.5, 0.4, 0.6), 0.5) == UNDEFINED
    assert difference_to_whole(Estimate(0.75), Estimate(0.5, 0.4, 0.6), 0.5) == Estimate(0.25)
    assert difference_of_apart(Estimate(0.5), UNDEFINED) == UNDEFINED
    assert difference_of_apart(Estimate(0.5), Estimate(0.25, 0.2, 0.3)) == Estimate(0.25)


def test_newcombes_example_of_two_shares() -> None:
    # Newcombe 1998, table II, case (a), method 10: 56/70 and 48/80.
    found = difference_of_apart(wilson(56 / 70, 70), wilson(48 / 80, 80))
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def _evaluated(seed: int) -> Evaluation:
    """Two kinds of rows with unlike shares of positives and of mistakes; the rarer is 30 %."""
    random = np.random.default_rng(seed)
    rare = random.random(1500) < 0.3
    truth = random.random(1500) < np.where(rare, 0.11, 0.3)
    right = random.random(1500) < np.where(rare, np.where(truth, 0.55, 0.97), np.where(truth, 0.7, 0.85))
    data = {"y": truth, "said": truth == right, "rare": rare}
    return evaluate(data, label="y", prediction="said", slices=[["rare"]])


def test_the_interval_holds_the_true_difference_as_often_as_it_should() -> None:
    accuracy = 0.3 * (0.11 * 0.55 + 0.89 * 0.97) + 0.7 * (0.3 * 0.7 + 0.7 * 0.85)
    recall = (0.3 * 0.11 * 0.55 + 0.7 * 0.3 * 0.7) / (0.3 * 0.11 + 0.7 * 0.3)
    true = {
        ("true", "accuracy"): 0.11 * 0.55 + 0.89 * 0.97 - accuracy,
        ("false", "accuracy"): 0.3 * 0.7 + 0.7 * 0.85 - accuracy,
        ("true", "recall"): 0.55 - recall,
        ("false", "recall"): 0.7 - recall,
    }
    held: Counter[tuple[str, str]] = Counter()
    for seed in range(120):
        found = _evaluated(seed)
        for (kind, metric), value in true.items():
            result = found.find({"rare": kind})
            assert result is not None
            difference = result.difference[metric]
            assert difference.low is not None
            assert difference.high is not None
            held[kind, metric] += difference.low <= value <= difference.high
    assert all(105 <= held[key] <= 120 for key in true), held


def test_small_slices_are_marked_in_the_report_and_the_json() -> None:
    data = {"y": [0, 1] * 50, "said": [0, 1, 1, 1] * 25, "s": ["few"] * 20 + ["many"] * 80}
    found = evaluate(data, label="y", prediction="said", slices=[["s"]])
    assert [result.small for result in found.slices] == [False, True, False]
    assert found.to_json()["slices"][1]["small"] is True  # type: ignore[index,call-overload]
    assert "s=few (small)" in found.report()
    assert "s=many (small)" not in found.report()
    assert [result.small for result in found.marked(10).slices] == [False, False, False]
    again = evaluate(data, label="y", prediction="said", slices=[["s"]], minimum_rows=81)
    assert [result.small for result in again.slices] == [False, True, True]


def test_the_differences_are_in_the_report_and_survive_json() -> None:
    data = {"y": [0, 1] * 50, "said": [0, 1, 1, 1] * 25, "s": ["a"] * 40 + ["b"] * 60}
    found = evaluate(data, label="y", prediction="said", slices=[["s"]])
    first = found.slices[1]
    assert first.difference["accuracy"].value == pytest.approx(0.0)
    assert not found.slices[0].difference
    assert Evaluation.from_json(found.to_json()) == found
    assert "accuracy less all rows'" in found.report()


def test_a_slice_of_all_rows_differs_in_nothing() -> None:
    whole = SliceResult({}, 50, {"accuracy": Estimate(0.5, 0.4, 0.6)}, [[20, 5], [5, 20]])
    _, same = against_whole([whole, SliceResult({"s": "a"}, 50, whole.metrics, whole.confusion)])
    assert same.difference["accuracy"] == Estimate(0.0, 0.0, 0.0)


def test_documents_of_before_are_read_without_differences() -> None:
    old = {"slice": {"s": "a"}, "rows": 3, "metrics": {}, "confusion": None}
    found = SliceResult.from_json(old)  # type: ignore[arg-type]
    assert (found.small, found.difference) == (False, {})
