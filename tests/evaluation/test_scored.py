"""Rows with labels and answers as one value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tilth.errors import DataError, UsageError
from tilth.evaluation import Scored


def test_rows_of_two_classes_by_score() -> None:
    data = {"y": ["no", None, "yes", "yes"], "p": [0.2, 0.9, 0.4, 0.8], "w": [1, 1, 2, 3], "x": [1, 2, 3, 4]}
    rows = Scored.of(data, label="y", score="p", weight="w").rows()
    assert len(rows) == 3
    assert rows.table.to_arrow()["x"].to_pylist() == [1, 3, 4]
    assert rows.answered.truth.tolist() == [0, 1, 1]
    assert rows.wrong.tolist() == [False, True, False]
    assert rows.losses == pytest.approx([-math.log(0.8), -math.log(0.4), -math.log(0.8)])
    assert rows.weights is not None
    assert rows.weights.tolist() == [1, 2, 3]
    taken = rows.take(rows.wrong)
    assert (len(taken), taken.table.to_arrow()["x"].to_pylist()) == (1, [3])
    assert taken.weights is not None
    assert taken.weights.tolist() == [2]


def test_numbers_are_wrong_where_the_error_is_among_the_greatest_tenth() -> None:
    truth = np.arange(20.0)
    rows = Scored.of({"y": truth, "p": truth + np.arange(20) / 10}, label="y", prediction="p").rows()
    assert rows.losses.tolist() == pytest.approx((np.arange(20) / 10).tolist())
    assert np.flatnonzero(rows.wrong).tolist() == [18, 19]


def test_several_labels_are_wrong_unless_exactly_right() -> None:
    data = {"y": [["a"], ["a", "b"], []], "p": [["a"], ["a"], ["b"]]}
    rows = Scored.of(data, label="y", prediction="p").rows()
    assert rows.wrong.tolist() == [False, True, True]
    assert rows.losses.tolist() == [0, 0.5, 0.5]


def test_a_ranking_has_no_wrong_rows() -> None:
    data = {"y": [1, 0, 1, 0], "p": [0.5, 0.1, 0.2, 0.3], "q": ["a", "a", "b", "b"]}
    rows = Scored.of(data, label="y", prediction="p", group="q").rows()
    with pytest.raises(UsageError, match="no wrong rows"):
        _ = rows.wrong
    with pytest.raises(UsageError, match="take no weights"):
        Scored.of(data, label="y", prediction="p", group="q", weight="p")


def test_a_weight_that_is_missing_is_refused() -> None:
    data = {"y": [1, 0], "p": [0.5, 0.1], "w": [1, None]}
    with pytest.raises(DataError, match="nothing in 'w'"):
        Scored.of(data, label="y", score="p", weight="w").rows()


@pytest.mark.parametrize("weight", [-1.0, math.inf])
def test_a_weight_that_cannot_be_used_is_shown_with_its_column(weight: float) -> None:
    scored = Scored.of(
        {"y": ["a", "b"], "said": ["a", "b"], "w": [1.0, weight]}, label="y", prediction="said", weight="w"
    )
    with pytest.raises(DataError, match=rf"the weight of a row is {weight:g}\n.*column 'w'"):
        scored.rows()


def test_an_infinite_prediction_is_not_called_a_label() -> None:
    scored = Scored.of({"y": [1.5, 2.5], "said": [1.0, math.inf]}, label="y", prediction="said")
    with pytest.raises(DataError, match=r"a prediction is infinite\n.*column 'said'"):
        scored.rows()


def test_a_text_among_numbers_is_shown() -> None:
    data = {"y": ["a", "b"], "p": ["0.25", "high"], "w": ["1", "heavy"]}
    with pytest.raises(DataError, match="the score 'p' is string, such as 'high'"):
        Scored.of(data, label="y", score="p").rows()
    numbers = {"y": [1.5, 2.5], "said": ["1e3", "abc"]}
    with pytest.raises(DataError, match="the prediction 'said' is string, such as 'abc'"):
        Scored.of(numbers, label="y", prediction="said", task="regression").rows()
